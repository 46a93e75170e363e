"""What every test may ask for. Each test process has its own Redis and its own databases.

`database` chooses SQLite; a test that must hold on both is marked `@on_both_databases` (from `tests/marks.py`).
"""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent.parent))
sys.path.insert(0, str(Path(__file__).parent))

import compiled
from servers import PostgresServer, RedisServer

hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")
Flask.url_rule_class = compiled.SharedRule
ROOT = "AIVIDEO_TEST_ROOT"
KEPT = {"PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", ROOT}
PASSWORD = "correct horse battery"


def pytest_configure(config: pytest.Config) -> None:
    """One folder for the whole run, and none of the caller's settings or keys."""
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(("PYTEST_", "COV_")):
            del os.environ[name]
    os.environ["ENV_FILE"] = ""
    if not hasattr(config, "workerinput"):
        os.environ[ROOT] = tempfile.mkdtemp(prefix="aivideo-tests-")
        os.chmod(os.environ[ROOT], 0o755)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`: more than there are cores, for many tests wait for other processes most of their time."""
    return (os.cpu_count() or 1) * 3 // 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each process begins with its share of the longest, which have a `timeout` of their own, whatever the order else.

    Otherwise one would be left alone with them at the end. `--dist worksteal` deals the list out in equal parts.
    """
    parts = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    longest = [item for item in items if item.get_closest_marker("timeout")]
    rest = [item for item in items if not item.get_closest_marker("timeout")]
    dealt: list[pytest.Item] = []
    for number in range(parts):
        share = longest[number::parts]
        size = (len(items) - len(dealt)) // (parts - number)
        dealt += share + [rest.pop() for _ in range(min(len(rest), size - len(share)))]
    items[:] = dealt + rest


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        root = Path(os.environ[ROOT])
        if (root / "postgres" / "ready").exists():
            PostgresServer(root / "postgres").stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(autouse=True)
def log_level() -> None:
    """The same for every test: an application sets the level of its whole process, and earlier tests made some."""
    from aivideo import logs

    logs.configure("WARNING")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A running Redis of this test process. A test that kills it must start it again."""
    server = RedisServer().start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """Address of an empty Redis."""
    import redis

    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    folder = tmp_path_factory.mktemp("sqlite")
    _migrate({"DATA_DIR": folder})
    return folder / "aivideo.sqlite3"


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """The Postgres shared by all test processes; whoever needs it first starts it."""
    folder = Path(os.environ[ROOT]) / "postgres"
    server = PostgresServer(folder)
    with (folder.parent / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "ready").exists():
            server.start()
            (folder / "ready").touch()
    return server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """Name of a migrated, empty database of this test process, to copy."""
    name = f"template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    _postgres(postgres_server, f"CREATE DATABASE {name}")
    with tempfile.TemporaryDirectory() as folder:
        _migrate({"DATA_DIR": folder, "DATABASE_URL": postgres_server.url(name)})
    return name


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """DATABASE_URL of an empty, migrated database: SQLite, or Postgres where the test is parametrised so."""
    if getattr(request, "param", "sqlite") == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "aivideo.sqlite3")
        yield f"sqlite:///{tmp_path / 'aivideo.sqlite3'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    template_name: str = request.getfixturevalue("postgres_template")
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    _postgres(
        server,
        f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
        f"CREATE DATABASE {name} TEMPLATE {template_name}",
    )
    yield server.url(name)
    _postgres(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def overrides(database: str, redis_url: str, tmp_path: Path) -> dict[str, Any]:
    """Settings of the app under test; a test changes them before it asks for `app`."""
    return {
        "DATA_DIR": tmp_path,
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "x" * 32,
        "MOCK_SORA_SECONDS": 0,
        "SORA_POLL_SECONDS": 0.1,
        "SIGNUP_PLAN": "creator",
        "SIGNUP_CREDITS": 1000,
        "LOG_LEVEL": "WARNING",
    }


@pytest.fixture
def app(overrides: dict[str, Any]) -> Iterator[Flask]:
    """The application, with an application context open. Its passwords are hashed at the least cost."""
    from aivideo.app import create_app

    app = create_app(overrides)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = Client
    app.jinja_env.bytecode_cache = compiled.TEMPLATES
    app.extensions["security"].pwd_context.update(argon2__memory_cost=8, argon2__time_cost=1)
    with app.app_context():
        yield app
        _close(app)


class Client(FlaskClient):
    """Gives every request an application context of its own, as a server does, although the test has one open."""

    def open(self, *arguments: Any, **named: Any) -> Any:
        with self.application.app_context():
            return super().open(*arguments, **named)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser; make another with `app.test_client()`."""
    return app.test_client()


@pytest.fixture
def alice(app: Flask) -> Any:
    """Alice owns things: plan creator, 1000 credits."""
    return _user("alice@example.com")


@pytest.fixture
def bob(app: Flask) -> Any:
    """Bob is a stranger to Alice's things."""
    return _user("bob@example.com")


@pytest.fixture
def admin(app: Flask) -> Any:
    return _user("admin@example.com", admin=True)


def _user(email: str, **more: Any) -> Any:
    from aivideo.services import accounts

    return accounts.create(email, PASSWORD, **more)


def _migrate(overrides: dict[str, Any]) -> None:
    from aivideo.app import create_app
    from aivideo.extensions import upgrade_database

    app = create_app({"LOG_LEVEL": "WARNING", **overrides})
    upgrade_database(app)
    with app.app_context():
        _close(app)


def _close(app: Flask) -> None:
    from aivideo import stream
    from aivideo.extensions import db

    stream.close(app)
    db.session.remove()
    db.engine.dispose()
    app.extensions["doorbell"].client.close()


def _postgres(server: PostgresServer, *statements: str) -> None:
    import psycopg

    with psycopg.connect(server.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def installation(database: str, redis_url: str, tmp_path: Path) -> Iterator[Any]:
    """A whole installation; a test changes `.settings` before it starts processes."""
    from processes import Installation

    whole = Installation(tmp_path, redis_url, database)
    yield whole
    whole.stop()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Address of a server that speaks S3."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small whole clip, for simulators that serve the same one for every job."""
    from aivideo.providers.simulator import drawing

    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    drawing.draw(path, "A ready-made clip", size="320x180", seconds=1)
    return path


@pytest.fixture
def simulator(app: Flask, tmp_path: Path, clip: Path) -> Any:
    """The simulator that renders for `app`, inside this process."""
    from provider_inside import plug_in

    return plug_in(app, tmp_path, clip)
