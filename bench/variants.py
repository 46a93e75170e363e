"""What is measured: each server started, asked and published to in its own way, with everything else alike."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import requests
from processes import free_port
from servers import wait_until

from bench import publisher
from bench.machine import Redis, Server, server_core
from bench.publisher import HttpPublisher, Publisher
from bench.run import ROOT

PEERS = ROOT / "bench" / "peers"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
MOST_CONNECTIONS = "30000"


class Variant:
    """A server that sends what is published on `video:N`. Subclasses start one; no N is used twice."""

    name = ""
    page = "/page"
    header = ""
    answers_at_once = True
    """Whether the head of the answer comes before the first message."""
    subscribes_each = False
    """Whether each viewer listens to Redis by itself."""
    uses_redis = True
    patience = 3.0
    """Seconds without a message after which what has not come is lost."""
    is_floor = False
    """Only how fast it is counts: it keeps nothing, neither for those who come back nor for those who do not read."""

    def __init__(self, folder: Path, programs: Path, redis: Redis) -> None:
        self.folder = folder / self.__class__.__name__
        self.folder.mkdir(exist_ok=True)
        self.programs = programs
        self.redis = redis
        self.port = 0
        self.publisher = Publisher(redis.port)
        self._made = 0

    @classmethod
    def is_here(cls) -> bool:
        return True

    def start(self) -> Server:
        self.port = free_port()
        with server_core():
            process = self._run()
        wait_until(self._is_up, 60, f"{self.name} (its log: {self.folder / 'log'})")
        return Server(process)

    def channels(self, count: int) -> list[int]:
        """So many new channels."""
        self._made += count
        return list(range(self._made - count + 1, self._made + 1))

    def path(self, channel: int, after: int = 0) -> str:
        """`after` is the last message that a viewer needs not be sent, where the server keeps any."""
        return f"/stream/video:{channel}"

    def record(self, channels: list[int], numbers: list[int], size: int, at: int) -> None:
        """Make messages rows, where they are to be."""

    def publish(self, channels: list[int], numbers: list[int], size: int) -> None:
        """Publish message `numbers[i]` on `channels[i]`, all in one go."""
        at = publisher.moment()
        self.send([(f"video:{c}", publisher.message(n, at, size)) for c, n in zip(channels, numbers, strict=True)])

    def send(self, messages: list[tuple[str, str]]) -> None:
        self.publisher.send(messages)

    def close(self) -> None:
        self.publisher.close()

    def _run(self) -> "subprocess.Popen[bytes]":
        raise NotImplementedError

    def _is_up(self) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}{self.page}", timeout=5).ok
        except requests.RequestException:
            return False

    def _spawn(self, *command: str, cwd: Path = PEERS, **environment: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=cwd, env={"PATH": os.environ["PATH"], **environment}, stdout=log, stderr=log
            )


class Floor(Variant):
    name = "bare epoll in C"
    is_floor = True

    def _run(self) -> "subprocess.Popen[bytes]":
        return self._spawn(str(self.programs / "floor"), str(self.port), str(self.redis.port))


class _Peer(Variant):
    subscribes_each = True

    def _gunicorn(self, app: str) -> "subprocess.Popen[bytes]":
        place = ["--bind", f"127.0.0.1:{self.port}", "--worker-class", "gevent", "--graceful-timeout", "10"]
        connections = ["--worker-connections", MOST_CONNECTIONS]
        return self._spawn(
            str(peers_python()), "-m", "gunicorn", app, *place, *connections, REDIS_URL=self._redis_url()
        )

    def _redis_url(self) -> str:
        return f"{self.redis.url}/0?max_connections={MOST_CONNECTIONS}"  # a pool stops at 100 by default


class FlaskSse(_Peer):
    name = "flask-sse"
    answers_at_once = False

    def _run(self) -> "subprocess.Popen[bytes]":
        return self._gunicorn("with_flask_sse:app")

    def path(self, channel: int, after: int = 0) -> str:
        return f"/stream?channel=video:{channel}"

    def send(self, messages: list[tuple[str, str]]) -> None:
        super().send([(channel, json.dumps({"data": payload})) for channel, payload in messages])


class PlainGenerator(_Peer):
    name = "a connection each"

    def _run(self) -> "subprocess.Popen[bytes]":
        return self._gunicorn("plain_generator:app")


class SseStarlette(_Peer):
    name = "sse-starlette"

    def _run(self) -> "subprocess.Popen[bytes]":
        place = ["--port", str(self.port), "--log-level", "warning", "--no-access-log"]
        command = [str(peers_python()), "-m", "uvicorn", "with_sse_starlette:app", *place]
        return self._spawn(*command, REDIS_URL=self._redis_url())


class Nchan(Variant):
    """Published to over HTTP, as it is meant to be: its server takes the messages as well as it hands them out."""

    name = "nchan, memory"
    uses_redis = False
    store = ""

    @classmethod
    def is_here(cls) -> bool:
        return NCHAN.exists() and shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is not None

    def _run(self) -> "subprocess.Popen[bytes]":
        text = (PEERS / "nchan.conf").read_text()
        for name, value in {"FOLDER": self.folder, "PORT": self.port, "STORE": self.store}.items():
            text = text.replace(name, str(value))
        (self.folder / "nginx.conf").write_text(text.replace("REDIS_PORT", str(self.redis.port)))
        self.folder.chmod(0o755)
        nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        self.publisher = HttpPublisher(self.port)
        return self._spawn(str(nginx), "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder))

    def _is_up(self) -> bool:
        """Also that it has found its Redis, which it looks for in its own time."""
        return super()._is_up() and requests.post(f"http://127.0.0.1:{self.port}/publish/first", "?", timeout=5).ok


class NchanRedis(Nchan):
    name = "nchan, Redis"
    uses_redis = True
    store = "nchan_redis_url redis://127.0.0.1:REDIS_PORT; nchan_use_redis on;"


def peers_python() -> Path:
    """The Python of the peers' own environment, made when it is first needed or its pinned requirements changed."""
    folder, wanted = ROOT / ".venv-bench", ROOT / "bench" / "requirements.txt"
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if not installed.exists() or installed.read_text() != wanted.read_text():
        print("installing the peers into .venv-bench", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([str(python), "-m", "pip", "install", *quiet, "-r", str(wanted)], check=True)
        installed.write_text(wanted.read_text())
    return python


def known() -> dict[str, type[Variant]]:
    """All of them by the word that chooses them, in the order of the table."""
    from bench.ours import Detached, Generator

    return {
        "ours": Detached,
        "generator": Generator,
        "flask-sse": FlaskSse,
        "each": PlainGenerator,
        "sse-starlette": SseStarlette,
        "nchan": Nchan,
        "nchan-redis": NchanRedis,
        "floor": Floor,
    }
