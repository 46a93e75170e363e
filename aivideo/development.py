"""What `make run` starts: an embedded Redis, and the web server and the worker as in production."""

import fcntl
import http.client
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from aivideo import config
from aivideo.config import DEMO_EMAIL, ROOT, SIGNUP_NOTE, ConfigError, Settings
from aivideo.core import catalogue
from aivideo.core.catalogue import CatalogueError
from aivideo.embedded_redis import EmbeddedRedis, NoRedis
from aivideo.processes import Crew, show

DEMO_PLAN = "creator"
DEMO_CREDITS = 1000
SLOW_START_SECONDS = 30


class StartError(Exception):
    """The system cannot start; the message is one line for the developer."""


def main() -> int:
    """Run until Ctrl-C, SIGTERM or the end of a child. Exit code 0 if it was asked to stop, else 1."""
    try:
        settings = config.load()
        signup = _signup(settings)
        with ExitStack() as stack:
            lock = stack.enter_context(_locked(settings.data_dir))
            listener = stack.enter_context(_listening(settings.port))
            note = stack.enter_context(_noted(settings.data_dir, signup))
            redis = None if settings.redis_url else stack.enter_context(EmbeddedRedis(settings.data_dir))
            crew = stack.enter_context(Crew(keep_open=[lock], rubbish=[note, *(redis.traces if redis else [])]))
            return _run(crew, settings, {**_environment(settings), **signup}, listener, redis)
    except (ConfigError, CatalogueError, NoRedis, StartError) as error:
        print(f"aivideo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the crew hears of signals
        return 1


def _run(
    crew: Crew,
    settings: Settings,
    environment: dict[str, str],
    listener: socket.socket,
    redis: EmbeddedRedis | None,
) -> int:
    if redis is not None:
        environment["REDIS_URL"] = redis.url
        crew.start("redis", redis.command, environment, folder=settings.data_dir, quiet=True, last=True)
    if not _prepared(settings):
        prepare = [sys.executable, "-m", "aivideo.development", "prepare"]
        if not crew.finish(crew.start("setup", prepare, environment, folder=ROOT, brief=True)):
            return 0 if crew.asked_to_stop else 1
        (settings.data_dir / "prepared").write_text(_state_of(settings))
    web = [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "wsgi:app"]
    crew.start("web", web, environment, folder=ROOT, keep_open=[listener.fileno()])
    listener.close()
    crew.start("worker", [sys.executable, "worker.py"], environment, folder=ROOT)
    threading.Thread(target=_announce, args=(settings.port, environment["DEMO_PASSWORD"], crew), daemon=True).start()
    crew.watch()
    if crew.crashed is None:
        show("aivideo: stopping")
        return 0
    show(f"aivideo: {crew.crashed.name} ended by itself ({crew.crashed.ending}); stopping everything")
    return 1


def prepare() -> int:
    """Bring the database up to date and make the demo account, in a process of its own."""
    from sqlalchemy.exc import OperationalError

    from aivideo.app import create_app
    from aivideo.extensions import upgrade_database
    from aivideo.services import accounts

    try:
        app = create_app()
        upgrade_database(app)
        with app.app_context():
            accounts.demo(app.config["SETTINGS"].demo_password)
    except (ConfigError, CatalogueError) as error:
        sys.exit(f"aivideo: {error}")
    except OperationalError as error:
        sys.exit(f"aivideo: the database does not answer: {str(error.orig).splitlines()[0]}")
    return 0


def _prepared(settings: Settings) -> bool:
    """Whether `prepare` was done with just this; it takes a second of a start that should take few."""
    note = settings.data_dir / "prepared"
    return note.exists() and note.read_text() == _state_of(settings)


def _state_of(settings: Settings) -> str:
    """The database's file and the migrations there are; a database elsewhere is always looked at."""
    file = settings.data_dir / "aivideo.sqlite3"
    here = f"{file.stat().st_ino}" if not settings.database_url and file.exists() else str(time.time())
    return "\n".join([here, *sorted(path.name for path in (ROOT / "migrations/versions").glob("*.py"))])


def _signup(settings: Settings) -> dict[str, str]:
    """What a new account gets where nobody has said anything else: enough to make videos at once."""
    plan, plans = settings.signup_plan, catalogue.load(settings.catalogue_file).plans
    if "signup_plan" not in settings.model_fields_set:
        able = [name for name in plans if plans[name].can_generate]
        plan = DEMO_PLAN if DEMO_PLAN in able or not able else able[0]
    config.require_plan(plan, plans)
    given = settings.signup_credits if "signup_credits" in settings.model_fields_set else DEMO_CREDITS
    return {"SIGNUP_PLAN": plan, "SIGNUP_CREDITS": str(given)}


def _environment(settings: Settings) -> dict[str, str]:
    """The caller's environment, and what every process of this copy must agree on."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "DATA_DIR": str(settings.data_dir),
        "SECRET_KEY": config.secret_key(settings),
        "DEMO_PASSWORD": settings.demo_password or _demo_password(settings.data_dir),
    }


def _demo_password(folder: Path) -> str:
    """Made once; as DATA_DIR is locked, nobody else makes one meanwhile."""
    path = folder / "demo_password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(9))
    return path.read_text().strip()


@contextmanager
def _noted(folder: Path, signup: dict[str, str]) -> Iterator[Path]:
    """Say what a new account gets here, for the operator's commands: they hear nothing of what the others are told."""
    note = folder / SIGNUP_NOTE
    note.write_text(f"{signup['SIGNUP_PLAN']} {signup['SIGNUP_CREDITS']}")
    try:
        yield note
    finally:
        note.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """The file that says that somebody is at work in DATA_DIR."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "development.lock").open("w")
    except OSError as error:
        raise StartError(f"DATA_DIR is {str(folder)!r}: allowed is a folder to write to ({error.strerror})") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StartError(f"another copy works in {folder}: stop it, or set another DATA_DIR and PORT") from None
        yield file.fileno()


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """The web server's socket, taken before anything starts, so that nobody else takes it meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(128)
        except OSError as error:
            raise StartError(f"PORT is {port}: cannot listen there ({error.strerror}); set another") from None
        yield listener


def _announce(port: int, password: str, crew: Crew) -> None:
    """Say where the page is, once it answers."""
    limit = time.monotonic() + SLOW_START_SECONDS
    while (problem := _problem(port)) and time.monotonic() < limit and not crew.ending:
        time.sleep(0.1)
    if crew.ending:
        return
    show(f"\n  aivideo does not answer as it should: {problem}" if problem else "\n  aivideo is ready")
    show(f"  http://127.0.0.1:{port}")
    show(f"  Demo sign-in: {DEMO_EMAIL}, password {password}")
    show("  Ctrl-C stops it.\n")


def _problem(port: int) -> str:
    """What /readyz complains of; empty where it does not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.read(200).decode(errors="replace").strip() if answer.status >= 400 else ""
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(prepare() if sys.argv[1:] == ["prepare"] else main())
