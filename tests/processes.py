"""A whole installation for the tests: web, worker and simulator as real processes on one folder, Redis and database."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from servers import RedisServer, wait_until

CHECKOUT = Path(__file__).parent.parent
SECRET = "s" * 32


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Installation:
    """Starts and kills its processes; `app` is the same installation, seen from inside the test process."""

    def __init__(self, folder: Path, redis_url: str, database_url: str, **settings: Any) -> None:
        self.redis: RedisServer | None = None
        self.folder = folder
        self.settings: dict[str, Any] = {
            "DATA_DIR": folder,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": SECRET,
            "MOCK_SORA_SECONDS": 1,
            "SORA_POLL_SECONDS": 0.3,
            "SIGNUP_PLAN": "creator",
            "SIGNUP_CREDITS": 1000,
            "WEB_CONCURRENCY": 1,
            "LOG_LEVEL": "INFO",
            **settings,
        }
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._app: Any = None

    @property
    def app(self) -> Any:
        if self._app is None:
            from aivideo.app import create_app

            self._app = create_app(self.settings)
        return self._app

    def start(self, *, workers: int = 1) -> "Installation":
        self.start_web()
        for number in range(workers):
            self.start_worker(f"worker{number or ''}")
        return self

    def start_web(self, *options: str) -> None:
        bind = ["--bind", f"127.0.0.1:{self.port}"]
        self._start("web", sys.executable, "-m", "gunicorn", "wsgi:app", *bind, *options)
        wait_until(self.is_ready, 30, f"the web process\n{self.log('web')}")

    def start_worker(self, name: str = "worker") -> None:
        self._start(name, sys.executable, "worker.py")
        wait_until(lambda: b"worker ready" in self._log(name).read_bytes(), 30, "the worker")

    def start_simulator(self, *options: str) -> str:
        """The simulator alone on a port; later starts of web and worker use it. Returns its base URL."""
        port = free_port()
        place = ["--port", str(port), "--folder", str(self.folder / "simulator-alone")]
        self._start("simulator", sys.executable, "-m", "aivideo.providers.simulator", *place, *options)
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(f"{url}/v1/videos"), 20, "the simulator")
        self.settings["SORA_BASE_URL"] = f"{url}/v1"
        return f"{url}/v1"

    def is_ready(self) -> bool:
        return _answers(f"{self.url}/readyz", 200)

    def user(self, email: str = "alice@example.com", password: str = "correct horse battery", **more: Any) -> str:
        """Make an account; returns an API token for it."""
        from aivideo.extensions import db
        from aivideo.services import accounts

        with self.app.app_context():
            token = accounts.issue_token(accounts.create(email, password, **more).id)
            db.session.remove()
        return token

    def api(self, token: str) -> "Api":
        return Api(self.url, token)

    def kill(self, name: str, how: int = signal.SIGKILL) -> None:
        """Send a signal to a process and its children, as an operating system does that runs out of memory."""
        process = self.running.pop(name)
        os.killpg(process.pid, how)
        process.wait(15)

    def stop(self) -> None:
        for process in self.running.values():
            process.send_signal(signal.SIGTERM)
        for name, process in self.running.items():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise AssertionError(f"{name} did not stop within 15 s of SIGTERM\n{self.log(name)}") from None
        self.running.clear()
        if self._app is not None:
            from aivideo.extensions import db

            with self._app.app_context():
                db.engine.dispose()
            self._app.extensions["doorbell"].client.close()

    def log(self, name: str) -> str:
        """What a process has written so far."""
        return self._log(name).read_text(errors="replace")

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _start(self, name: str, *command: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": "",
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONUNBUFFERED": "1",
            **{key: str(value) for key, value in self.settings.items()},
        }
        with self._log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


class Api:
    """The JSON API as a user's script calls it."""

    def __init__(self, url: str, token: str) -> None:
        self.url = f"{url}/api/v1"
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {token}"

    def generate(self, prompt: str = "A cat walks slowly through the rain", **fields: Any) -> requests.Response:
        headers = fields.pop("headers", None)
        body = {"prompt": prompt, **fields}
        return self.http.post(f"{self.url}/videos/generate", json=body, headers=headers, timeout=15)

    def video(self, video_id: int) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get(f"{self.url}/videos/{video_id}", timeout=15).json()
        return answer

    def until_ended(self, video_id: int, seconds: float = 40) -> dict[str, Any]:
        def ended() -> dict[str, Any] | None:
            video = self.video(video_id)
            return video if video["status"] in ("completed", "failed", "cancelled") else None

        found = wait_until(ended, seconds, f"the end of video {video_id}")
        assert isinstance(found, dict)
        return found

    def credits(self) -> int:
        left: int = self.http.get(f"{self.url}/account", timeout=15).json()["credits"]
        return left


@contextmanager
def served(folder: Path, sqlite_template: Path) -> Iterator[Installation]:
    """An installation with a web process, a database copied from the template and, as `redis`, a Redis of its own."""
    shutil.copy(sqlite_template, folder / "aivideo.sqlite3")
    redis = RedisServer().start()
    whole = Installation(folder, redis.url, f"sqlite:///{folder / 'aivideo.sqlite3'}")
    whole.redis = redis
    try:
        whole.start_web()
        yield whole
    finally:
        whole.stop()
        redis.stop()


def _answers(url: str, status: int | None = None) -> bool:
    try:
        answer = requests.get(url, timeout=2)
    except requests.RequestException:
        return False
    return status is None or answer.status_code == status
