"""Every setting: its type, its default, what is allowed. The only module that reads the environment.

A value that is not allowed stops the start with one line that names the variable, the value and what is allowed.
"""

import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
OPENAI_BASE_URL = "https://api.openai.com/v1"
SECRET_KEY_LENGTH = 32
DEMO_EMAIL = "demo@aivideo.local"
SIGNUP_NOTE = "signup"  # in DATA_DIR while `make run` works there: plan and credits of a new account


class ConfigError(Exception):
    """A setting has a value that is not allowed; the message is one line for the operator."""


def _setting(default: Any, allowed: str, **limits: Any) -> Any:
    return Field(default, description=allowed, **limits)


def _database_url(value: str) -> str:
    """Take the URL as PaaSes hand it out; Postgres is only ever spoken to through psycopg 3."""
    scheme, separator, rest = value.partition("://")
    if scheme in ("postgres", "postgresql", "postgresql+psycopg") and rest:
        return f"postgresql+psycopg{separator}{rest}"
    if scheme == "sqlite" and separator:
        return value
    raise ValueError


def _starts_with(*schemes: str) -> Any:
    def check(value: str) -> str:
        if not value.startswith(schemes):
            raise ValueError
        return value

    return AfterValidator(check)


def _rate(value: str) -> str:
    from limits import parse_many

    parse_many(value)
    return value


def _data_dir(value: Any) -> Path:
    return (ROOT / Path(str(value)).expanduser()).resolve()


Url = Annotated[str, _starts_with("http://", "https://"), AfterValidator(lambda v: v.rstrip("/"))]
Seconds = "a number of seconds"
YEAR = 365 * 86400


class Settings(BaseSettings):
    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, validate_default=False)

    port: int = _setting(8000, "a port number from 1 to 65535", ge=1, le=65535)
    data_dir: Annotated[Path, BeforeValidator(_data_dir)] = _setting(ROOT / "var", "a folder")
    database_url: Annotated[str, AfterValidator(_database_url)] = _setting(
        "", "postgres://… or sqlite:///… (empty: SQLite in DATA_DIR)"
    )
    redis_url: Annotated[str, _starts_with("redis://", "rediss://", "unix://")] = _setting(
        "", "redis://…, rediss://… or unix://… (empty: embedded)"
    )
    secret_key: str = _setting("", "at least 32 random characters", min_length=SECRET_KEY_LENGTH)

    sora_base_url: Url = _setting("", "an http:// or https:// address, with its /v1")
    openai_api_key: str = _setting("", "the key of the Videos API server")
    use_mock_sora: bool | None = _setting(None, "true or false")
    mock_sora_seconds: float = _setting(8, f"{Seconds}, 0 to 3600", ge=0, le=3600)
    sora_poll_seconds: float | None = _setting(None, f"{Seconds}, 0.1 to 600", ge=0.1, le=600)
    sora_timeout_seconds: float = _setting(1200, f"{Seconds}, 1 to 86400", ge=1, le=86400)
    sora_max_concurrent: int | None = _setting(None, "a number of jobs, 1 or more (empty: no limit)", ge=1)
    sora_queue_seconds: float = _setting(3600, f"{Seconds}, 1 to {YEAR}", ge=1, le=YEAR)
    generation_retries: int = _setting(3, "a number of tries, 0 to 20", ge=0, le=20)
    generation_retry_seconds: float = _setting(60, f"{Seconds}, 0 to 86400", ge=0, le=86400)
    reconcile_seconds: float = _setting(60, f"{Seconds}, 0 to 86400", ge=0, le=86400)
    monthly_budget_usd: float | None = _setting(
        None, "an amount in USD, 0 or more (empty: no budget)", ge=0, allow_inf_nan=False
    )

    stream_hold: Literal["auto", "generator", "detached"] = _setting("auto", "auto, generator or detached")
    stream_heartbeat_seconds: float = _setting(15, f"{Seconds}, 0.1 to 55", ge=0.1, le=55)
    stream_max_seconds: float = _setting(1800, f"{Seconds}, 1 to {YEAR}", ge=1, le=YEAR)
    stream_max_per_user: int = _setting(200, "a number of streams, 1 or more", ge=1)
    stream_max_per_process: int = _setting(10000, "a number of streams, 1 or more", ge=1)

    signup_plan: str = _setting("free", "the name of a plan in the catalogue")
    signup_credits: int = _setting(0, "a number of credits, 0 or more", ge=0)
    catalogue_file: Path | None = _setting(None, "a TOML file that can be read")
    submit_rate: Annotated[str, AfterValidator(_rate)] = _setting("120 per minute", "a rate like `120 per minute`")

    s3_bucket: str = _setting("", "the name of a bucket")
    s3_endpoint_url: Url = _setting("", "an http:// or https:// address")

    force_https: bool = _setting(False, "true or false")
    trusted_hosts: str = _setting("", "names of this site, parted by commas, such as studio.example.com (empty: any)")
    trusted_proxies: int = _setting(0, "a number of proxies, 0 to 10", ge=0, le=10)
    google_client_id: str = _setting("", "the client id of the Google sign-in")
    google_client_secret: str = _setting("", "the client secret of the Google sign-in")
    google_discovery_url: Url = _setting(
        "https://accounts.google.com/.well-known/openid-configuration", "an http:// or https:// address"
    )
    mail_url: Annotated[str, _starts_with("smtp://", "smtps://")] = _setting("", "smtp://user:password@host:port")
    web_concurrency: int = _setting(2, "a number of processes, 1 to 64", ge=1, le=64)
    worker_concurrency: int = _setting(16, "a number of threads, 1 to 256", ge=1, le=256)
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    demo_password: str = _setting("", "set by `make run` only: the sign-in page then offers the demo account")

    @property
    def simulated(self) -> bool:
        """Whether the simulator renders: by default wherever no server is named, so a key alone never spends."""
        return not self.sora_base_url if self.use_mock_sora is None else self.use_mock_sora

    @property
    def videos_api_url(self) -> str:
        return self.sora_base_url or OPENAI_BASE_URL

    @property
    def poll_seconds(self) -> float:
        return self.sora_poll_seconds or (2.0 if self.simulated else 10.0)

    @property
    def sqlalchemy_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'aivideo.sqlite3'}"

    @property
    def redis_address(self) -> str:
        """REDIS_URL, or where the Redis embedded by `make run` said that it listens."""
        if self.redis_url:
            return self.redis_url
        note = self.data_dir / "redis.url"
        return note.read_text().strip() if note.exists() else f"unix://{self.data_dir / 'redis.sock'}"


class _Isolated(Settings):
    model_config = SettingsConfigDict(defer_build=True)

    @classmethod
    def settings_customise_sources(cls, settings_cls: Any, init_settings: Any, **_: Any) -> Any:  # type: ignore[override]
        return (init_settings,)


def load(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from `overrides` alone, or, where there are none, from the environment and the `.env` file.

    ENV_FILE names another file than `.env`; empty, none is read.

    Raises:
        ConfigError: one line per call, naming the variable, the value and what is allowed.
    """
    try:
        if overrides is not None:
            settings: Settings = _Isolated(**{key.lower(): value for key, value in overrides.items()})
        else:
            settings = Settings(_env_file=_env_file())  # type: ignore[call-arg]
    except ValidationError as error:
        raise ConfigError(_one_line(error)) from None
    if settings.catalogue_file is not None and not os.access(settings.catalogue_file, os.R_OK):
        raise ConfigError(
            f"CATALOGUE_FILE is {str(settings.catalogue_file)!r}: allowed is a TOML file that can be read"
        )
    return settings


def _env_file() -> Path | None:
    name = os.environ.get("ENV_FILE", ".env")
    file = ROOT / name
    try:
        return file if name and file.read_text("utf-8") else None
    except FileNotFoundError:
        if "ENV_FILE" not in os.environ:
            return None
        raise ConfigError(f"ENV_FILE is {name!r}: allowed is a file that can be read (empty: none)") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read ({error})") from None


def _one_line(error: ValidationError) -> str:
    problem = error.errors()[0]
    name = str(problem["loc"][0])
    allowed = Settings.model_fields[name].description
    hidden = name in ("secret_key", "openai_api_key", "google_client_secret", "mail_url")
    shown = "(hidden)" if hidden else re.sub(r"(://[^/@]*:)[^/@]*@", r"\1***@", repr(problem["input"]))
    return f"{name.upper()} is {shown}: allowed is {allowed}"


def secret_key(settings: Settings) -> str:
    """SECRET_KEY, or one made once and kept in DATA_DIR, where every process of this installation finds it."""
    if settings.secret_key:
        return settings.secret_key
    path = settings.data_dir / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    candidate = path.with_name(f"secret_key.{os.getpid()}.{secrets.token_hex(4)}")
    candidate.touch(mode=0o600)
    candidate.write_text(secrets.token_urlsafe(48))
    try:
        os.link(candidate, path)  # fails where another process was first: then its key counts
    except FileExistsError:
        pass
    finally:
        candidate.unlink()
    return path.read_text().strip()


def require_plan(name: str, plans: Iterable[str]) -> None:
    """
    Raises:
        ConfigError: SIGNUP_PLAN is not among the plans of the catalogue.
    """
    if name not in plans:
        raise ConfigError(f"SIGNUP_PLAN is {name!r}: allowed is one of {', '.join(plans)}")


def require_deployable(settings: Settings) -> list[str]:
    """What a process started by the Procfile demands: refuse without a secret key, return the warnings otherwise.

    Raises:
        ConfigError: SECRET_KEY is missing.
    """
    if not settings.secret_key:
        raise ConfigError("SECRET_KEY is not set: allowed is at least 32 random characters")
    if settings.demo_password:
        return []  # `make run`
    warnings = []
    if settings.sqlalchemy_url.startswith("sqlite"):
        warnings.append("DATABASE_URL is SQLite: web and workers must share one disk")
    if not settings.s3_bucket:
        warnings.append("S3_BUCKET is not set: videos are kept on the local disk, in DATA_DIR")
    if not settings.force_https:
        warnings.append("FORCE_HTTPS is off: pages are served over plain http unless a proxy redirects")
    if not settings.redis_url:
        warnings.append("REDIS_URL is not set: expecting the embedded Redis of `make run`")
    return warnings
