"""Servers that hold streams open, as tests use them: started on a free port, with a hand that writes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from processes import Installation
from servers import RedisServer, wait_until
from streams import Listener, Writer

from aivideo.doorbell import DoorbellAway

HEARTBEAT_SECONDS = 0.5
MOST_PER_USER = 30
GTHREAD = ("--worker-class", "gthread", "--threads", "100", "--workers", "1")
SETTINGS: dict[str, Any] = {
    "SECRET_KEY": "s" * 32,
    "STREAM_HEARTBEAT_SECONDS": HEARTBEAT_SECONDS,
    "STREAM_MAX_PER_USER": MOST_PER_USER,
    "WEB_CONCURRENCY": 1,
    "LOG_LEVEL": "WARNING",
}


class House:
    """A running server, and a hand that writes into its database."""

    def __init__(self, url: str, app: Flask, redis: RedisServer, settings: dict[str, Any]) -> None:
        self.url = url
        self.redis = redis
        self.settings = settings
        self.writer = Writer(app)
        self.silent = Writer(silent(settings))
        """Writes the same, but its Redis is away: nothing is published."""

    def listen(self, path: str, token: str, **options: Any) -> Listener:
        return Listener(self.url + path, token, **options)

    def viewers(self) -> int:
        """Streams that this server holds open."""
        return self._gauge("aivideo_stream_viewers")

    def settle(self) -> None:
        """Wait until nobody watches, until publishing works and is heard, and until the server knows of Redis again."""

        def answers() -> bool:
            try:
                return bool(self.writer.app.extensions["doorbell"].call(lambda redis: redis.ping()))
            except DoorbellAway:
                return False

        wait_until(answers, what="the way to Redis")
        wait_until(lambda: self._gauge("aivideo_redis_up") == 1, what="the server's way to Redis")
        wait_until(lambda: self.viewers() == 0, what="the end of all streams")

    def _gauge(self, name: str) -> int:
        """What /metrics says, summed over all labels."""
        metrics = requests.get(f"{self.url}/metrics", timeout=60).text
        return sum(
            int(float(line.split()[-1])) for line in metrics.splitlines() if line.startswith((f"{name}{{", f"{name} "))
        )

    def redis_subscribers(self) -> int:
        """Connections to this server's Redis that listen to anything."""
        import redis

        with redis.Redis.from_url(self.redis.url) as client:
            return len(client.client_list(_type="pubsub"))

    def redis_channels(self) -> list[str]:
        """Channels that somebody's stream is about."""
        import redis

        with redis.Redis.from_url(self.redis.url) as client:
            return [name.decode() for name in client.pubsub_channels("*:*")]

    def close(self) -> None:
        dispose(self.silent.app)

    def publish(self, channel: str, *contents: str | bytes) -> None:
        import redis

        with redis.Redis.from_url(self.redis.url) as client:
            for content in contents:
                client.publish(channel, content)


def silent(settings: dict[str, Any]) -> Flask:
    from aivideo.app import create_app

    return create_app({**settings, "REDIS_URL": "unix:///nonexistent/redis.sock", "LOG_LEVEL": "ERROR"})


def dispose(*apps: Flask) -> None:
    from aivideo.extensions import db

    for app in apps:
        with app.app_context():
            db.engine.dispose()
        app.extensions["doorbell"].client.close()


@contextmanager
def threaded(redis: RedisServer, settings: dict[str, Any]) -> Iterator[House]:
    from werkzeug.serving import make_server

    from aivideo import stream
    from aivideo.app import create_app

    app = create_app(settings, threads=1)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    house = House(f"http://127.0.0.1:{server.port}", app, redis, settings)
    yield house
    house.close()
    stream.close(app)
    server.shutdown()
    thread.join()
    server.server_close()
    dispose(app)


@contextmanager
def gunicorn(folder: Path, redis: RedisServer, settings: dict[str, Any], *options: str) -> Iterator[House]:
    installation = Installation(folder, redis.url, settings["DATABASE_URL"], **settings)
    try:
        installation.start_web(*options)
        house = House(installation.url, installation.app, redis, settings)
        yield house
        house.close()
        assert "Traceback" not in installation.log("web"), installation.log("web")
    finally:
        installation.stop()
