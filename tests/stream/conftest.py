"""The servers that every promise of the stream is held on, each with its own Redis and database."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from servers import RedisServer
from stream_servers import GTHREAD, SETTINGS, House, gunicorn, threaded


@pytest.fixture(scope="session", params=["threads", "gevent", "detached", "gthread"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[House]:
    """Werkzeug's threaded server (what `flask run` is), gunicorn with gevent in both ways, gunicorn with threads."""
    folder = tmp_path_factory.mktemp(request.param)
    shutil.copy(sqlite_template, folder / "aivideo.sqlite3")
    redis = RedisServer()
    settings = {
        **SETTINGS,
        "DATA_DIR": folder,
        "DATABASE_URL": f"sqlite:///{folder / 'aivideo.sqlite3'}",
        "REDIS_URL": redis.url,
    }
    serve = {
        "threads": lambda: threaded(redis, settings),
        "gevent": lambda: gunicorn(folder, redis, {**settings, "STREAM_HOLD": "generator"}),
        "detached": lambda: gunicorn(folder, redis, {**settings, "STREAM_HOLD": "detached"}),
        "gthread": lambda: gunicorn(folder, redis, settings, *GTHREAD),
    }[request.param]
    try:
        redis.start()
        with serve() as found:
            yield found
    finally:
        redis.stop()


@pytest.fixture
def house(server: House) -> House:
    """A server that is free of what the test before did to it: its viewers, a Redis that was away."""
    server.settle()
    return server


@pytest.fixture
def serve(
    tmp_path: Path, sqlite_template: Path, redis_url: str, redis_server: RedisServer
) -> Iterator[Callable[..., House]]:
    """Start a server with these settings, in this process."""
    shutil.copy(sqlite_template, tmp_path / "aivideo.sqlite3")
    database = f"sqlite:///{tmp_path / 'aivideo.sqlite3'}"
    with ExitStack() as stack:

        def start(**settings: Any) -> House:
            given = {"DATA_DIR": tmp_path, "DATABASE_URL": database, "REDIS_URL": redis_url}
            return stack.enter_context(threaded(redis_server, {**SETTINGS, **given, **settings}))

        yield start
