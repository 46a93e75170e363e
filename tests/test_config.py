"""A setting that is not allowed stops the start with one line; everything else is taken as people write it."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aivideo import config
from aivideo.app import create_app
from aivideo.config import ConfigError, Settings

CHECKOUT = Path(__file__).parent.parent

BAD_VALUES = {
    "PORT": ["eighty", "0", "70000", "80.5"],
    "DATABASE_URL": ["mysql://somewhere/db", "postgres", "sqlite"],
    "REDIS_URL": ["localhost:6379", "http://localhost:6379"],
    "SECRET_KEY": ["x" * 31],
    "SORA_BASE_URL": ["api.example.com/v1", "ftp://api.example.com"],
    "USE_MOCK_SORA": ["perhaps"],
    "MOCK_SORA_SECONDS": ["fast", "-1", "3601", "nan"],
    "SORA_POLL_SECONDS": ["0", "601", "inf"],
    "SORA_TIMEOUT_SECONDS": ["0", "86401"],
    "SORA_MAX_CONCURRENT": ["0", "1.5"],
    "SORA_QUEUE_SECONDS": ["0", "inf", "1e300"],
    "GENERATION_RETRIES": ["-1", "21", "once"],
    "GENERATION_RETRY_SECONDS": ["-1", "inf"],
    "RECONCILE_SECONDS": ["-1", "inf"],
    "MONTHLY_BUDGET_USD": ["-1", "a lot", "nan", "inf"],
    "STREAM_HEARTBEAT_SECONDS": ["0", "56"],
    "STREAM_MAX_SECONDS": ["0", "inf"],
    "STREAM_HOLD": ["thread"],
    "STREAM_MAX_PER_USER": ["0"],
    "STREAM_MAX_PER_PROCESS": ["0"],
    "SIGNUP_CREDITS": ["-1", "12.5"],
    "CATALOGUE_FILE": ["/nowhere/catalogue.toml"],
    "SUBMIT_RATE": ["often", "120"],
    "S3_ENDPOINT_URL": ["s3.example.com"],
    "FORCE_HTTPS": ["sometimes"],
    "TRUSTED_PROXIES": ["-1", "11"],
    "GOOGLE_DISCOVERY_URL": ["accounts.example.com"],
    "MAIL_URL": ["mail.example.com:25"],
    "WEB_CONCURRENCY": ["0", "65"],
    "WORKER_CONCURRENCY": ["0", "257"],
    "LOG_LEVEL": ["LOUD"],
}
ANY_TEXT = {
    "TRUSTED_HOSTS",
    "DATA_DIR",
    "OPENAI_API_KEY",
    "SIGNUP_PLAN",  # checked against the catalogue, below
    "S3_BUCKET",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "DEMO_PASSWORD",
}
SECRETS = ("SECRET_KEY", "OPENAI_API_KEY", "GOOGLE_CLIENT_SECRET", "MAIL_URL")


def test_every_setting_is_covered_here():
    assert BAD_VALUES.keys() | ANY_TEXT == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_VALUES.items() for value in values])
def test_a_bad_value_is_one_line_with_name_value_and_what_is_allowed(name, value):
    with pytest.raises(ConfigError) as caught:
        config.load({name: value})
    line = str(caught.value)
    shown = "(hidden)" if name in SECRETS else repr(value)
    assert line.startswith(f"{name} is {shown}: allowed is ")
    assert "\n" not in line


def test_a_line_about_a_bad_address_does_not_tell_its_password():
    with pytest.raises(ConfigError) as caught:
        config.load({"DATABASE_URL": "mysql://user:hunter2@somewhere/db"})
    assert "hunter2" not in str(caught.value)
    assert "mysql://user:***@somewhere/db" in str(caught.value)


def test_a_signup_plan_that_is_not_in_the_catalogue_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"^SIGNUP_PLAN is 'gold': allowed is one of free, creator, studio$"):
        create_app({"SIGNUP_PLAN": "gold", "DATA_DIR": tmp_path})


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgres://u:p@host/db", "postgresql+psycopg://u:p@host/db"),
        ("postgresql://u:p@host/db?sslmode=require", "postgresql+psycopg://u:p@host/db?sslmode=require"),
        ("postgresql+psycopg://host/db", "postgresql+psycopg://host/db"),
        ("sqlite:////data/a.sqlite3", "sqlite:////data/a.sqlite3"),
    ],
)
def test_a_database_url_is_taken_as_platforms_hand_it_out(given, taken):
    assert config.load({"DATABASE_URL": given}).sqlalchemy_url == taken


def test_without_a_database_url_there_is_a_file_in_data_dir(tmp_path):
    assert config.load({"DATA_DIR": tmp_path}).sqlalchemy_url == f"sqlite:///{tmp_path}/aivideo.sqlite3"


def test_a_relative_data_dir_lies_in_the_checkout():
    assert config.load({"DATA_DIR": "elsewhere"}).data_dir == CHECKOUT / "elsewhere"


def test_the_embedded_redis_is_found_by_its_note(tmp_path):
    (tmp_path / "redis.url").write_text("unix:///somewhere/short/s\n")
    assert config.load({"DATA_DIR": tmp_path}).redis_address == "unix:///somewhere/short/s"
    assert config.load({"DATA_DIR": tmp_path, "REDIS_URL": "redis://host"}).redis_address == "redis://host"


@pytest.mark.parametrize(
    ("settings", "simulated", "url"),
    [
        ({}, True, "https://api.openai.com/v1"),
        ({"OPENAI_API_KEY": "k"}, True, "https://api.openai.com/v1"),
        ({"SORA_BASE_URL": "https://videos.example.com/v1/"}, False, "https://videos.example.com/v1"),
        ({"SORA_BASE_URL": "https://videos.example.com/v1", "USE_MOCK_SORA": "true"}, True, None),
        ({"USE_MOCK_SORA": "false"}, False, "https://api.openai.com/v1"),
    ],
)
def test_a_key_alone_never_spends_money(settings, simulated, url):
    loaded = config.load(settings)
    assert loaded.simulated is simulated
    if url is not None:
        assert loaded.videos_api_url == url
    assert loaded.poll_seconds == (2 if simulated else 10)


def _in_a_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SHOW = "from aivideo import config; s = config.load(); print(s.port, s.signup_plan, s.generation_retries)"


def test_the_environment_goes_before_the_file(tmp_path):
    file = tmp_path / "settings"
    file.write_text("# a comment\nPORT=9001\nSIGNUP_PLAN='studio'\nGENERATION_RETRIES=\nUNKNOWN=1\n")
    assert _in_a_process(SHOW, ENV_FILE=str(file), PORT="9002").stdout == "9002 studio 3\n"


def test_an_empty_env_file_means_that_none_is_read(tmp_path):
    assert _in_a_process(SHOW, ENV_FILE="").stdout == "8000 free 3\n"


@pytest.mark.parametrize("content", [None, b"PORT=\xff"])
def test_an_env_file_that_cannot_be_read_is_one_line(tmp_path, content):
    file = tmp_path / "settings"
    if content is not None:
        file.write_bytes(content)
    done = _in_a_process("import wsgi", ENV_FILE=str(file))
    assert done.returncode == 1
    assert done.stderr.startswith("aivideo: ")
    assert str(file) in done.stderr
    assert done.stderr.count("\n") == 1


def test_given_settings_shut_out_the_environment():
    code = "from aivideo import config; print(config.load({'SIGNUP_CREDITS': 5}).port)"
    assert _in_a_process(code, ENV_FILE="", PORT="9003").stdout == "8000\n"


def test_a_bad_value_in_the_environment_ends_the_program_with_the_line_alone():
    done = _in_a_process("import wsgi", ENV_FILE="", PORT="http")
    assert done.returncode == 1
    assert done.stderr == "aivideo: PORT is 'http': allowed is a port number from 1 to 65535\n"


def test_a_data_dir_that_cannot_be_made_is_one_line():
    done = _in_a_process("import wsgi", ENV_FILE="", DATA_DIR="/dev/null/data")
    assert done.returncode == 1
    assert done.stderr == ("aivideo: DATA_DIR is '/dev/null/data': allowed is a folder to write to (Not a directory)\n")


def test_processes_that_start_together_agree_on_one_secret_key(tmp_path):
    settings = config.load({"DATA_DIR": tmp_path})
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: config.secret_key(settings), range(200)))
    assert len(keys) == 1
    assert len(keys.pop()) >= config.SECRET_KEY_LENGTH
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_a_given_secret_key_is_used_and_none_is_made(tmp_path):
    assert config.secret_key(config.load({"DATA_DIR": tmp_path, "SECRET_KEY": "k" * 32})) == "k" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_deployment_needs_a_secret_key():
    with pytest.raises(ConfigError, match=r"^SECRET_KEY is not set: allowed is at least 32 random characters$"):
        config.require_deployable(config.load({"SORA_BASE_URL": "https://videos.example.com/v1"}))


def test_a_deployment_on_one_disk_is_warned_and_a_full_one_is_not():
    bare = config.require_deployable(config.load({"SECRET_KEY": "k" * 32}))
    assert [line.split()[0] for line in bare] == ["DATABASE_URL", "S3_BUCKET", "FORCE_HTTPS", "REDIS_URL"]
    whole = {
        "SECRET_KEY": "k" * 32,
        "DATABASE_URL": "postgres://host/db",
        "S3_BUCKET": "videos",
        "FORCE_HTTPS": "true",
        "REDIS_URL": "rediss://host",
    }
    assert config.require_deployable(config.load(whole)) == []


def test_make_run_is_not_a_deployment_to_warn_of():
    assert config.require_deployable(config.load({"SECRET_KEY": "k" * 32, "DEMO_PASSWORD": "p"})) == []
