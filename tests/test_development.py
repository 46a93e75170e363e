"""`make run` as one really starts it: it says where it is, serves this machine only, and leaves no process behind."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
import requests
from processes import free_port
from servers import wait_until

from aivideo.config import ROOT

pytestmark = pytest.mark.timeout(300)  # several starts and ends in one test, perhaps on a busy machine
READY = "Ctrl-C stops it."
START_SECONDS = 60
STOP_SECONDS = 10


class Copy:
    """A copy of the system with a port and a folder of its own."""

    def __init__(self, folder: Path, command: tuple[str, ...], **settings: str) -> None:
        self.data_dir = folder / "data"
        self.log = folder / "log"
        self.mark = str(uuid4())
        self.family: list[psutil.Process] = []
        own = {"COPY": self.mark, "ENV_FILE": "", "DATA_DIR": str(self.data_dir), "PORT": str(free_port())}
        self.environment = {**os.environ, "WEB_CONCURRENCY": "1", **own, **settings}
        self.url = f"http://127.0.0.1:{self.environment['PORT']}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def until_ready(self) -> "Copy":
        def ready() -> bool:
            assert self.process.poll() is None, self.said
            return READY in self.said

        wait_until(ready, START_SECONDS, "the start")
        self.family = psutil.Process(self.process.pid).children(recursive=True)
        return self

    def processes(self) -> list[psutil.Process]:
        """Every process of this copy, whoever is its parent by now. Redis writes over its environment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.AccessDenied, psutil.NoSuchProcess):  # also: a zombie
                if process in self.family or process.environ().get("COPY") == self.mark:
                    found += [process] if process.status() != psutil.STATUS_ZOMBIE else []
        return found

    def named(self, word: str) -> psutil.Process:
        return next(process for process in self.processes() if word in " ".join(process.cmdline()))

    def end(self, how: int | None = signal.SIGTERM) -> int:
        """Send a signal and see that everything ends in time; returns the exit code."""
        if how is not None:
            self.process.send_signal(how)
        code = self.process.wait(STOP_SECONDS)
        wait_until(lambda: not self.processes(), STOP_SECONDS, f"the end of {self.processes()}")
        assert not [name for name in ("redis.url", "signup") if (self.data_dir / name).exists()]
        return code

    def flask(self, *command: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout


@pytest.fixture
def copies(tmp_path: Path) -> Iterator["Starter"]:
    starter = Starter(tmp_path)
    yield starter
    for copy in starter.copies:
        for process in copy.processes():
            process.kill()
        copy.process.wait()


class Starter:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copies: list[Copy] = []

    def start(self, name: str = "a", *, command: tuple[str, ...] = (), **settings: str) -> Copy:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        copy = Copy(folder, command or (sys.executable, "-m", "aivideo.development"), **settings)
        self.copies.append(copy)
        return copy

    def refused(self, name: str = "refused", **settings: str) -> str:
        """Start one that must not start; returns the line that it says."""
        copy = self.start(name, **settings)
        assert copy.process.wait(START_SECONDS) == 1
        assert copy.said.count("\n") == 1, copy.said
        assert copy.processes() == []
        return copy.said.strip()


def _sign_in(url: str, email: str, password: str) -> int:
    """Sign in as a browser does; the status of the page for signed-in users."""
    with requests.Session() as browser:
        form = browser.get(f"{url}/login", timeout=10).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)
        assert token is not None
        fields = {"email": email, "password": password, "csrf_token": token[1]}
        browser.post(f"{url}/login", data=fields, headers={"Referer": f"{url}/login"}, timeout=10)
        return browser.get(f"{url}/", allow_redirects=False, timeout=10).status_code


def test_a_copy_says_where_it_is_lets_the_demo_account_in_and_ends_on_sigterm(copies):
    copy = copies.start(WEB_CONCURRENCY="2").until_ready()
    assert f"\n  {copy.url}\n" in copy.said
    assert requests.get(f"{copy.url}/readyz", timeout=10).status_code == 200

    shown = re.search(r"Demo sign-in: (\S+), password (\S+)", copy.said)
    assert shown is not None
    assert _sign_in(copy.url, shown[1], shown[2]) == 200
    assert re.search(rf"{shown[1]} +creator +1000", copy.flask("users", "list"))
    made = copy.flask("users", "create", "ann@example.com", "--password", "p")
    assert made == "Made ann@example.com: plan creator, 1000 credits.\n", "as whoever registers on the page"

    listening = [
        connection.laddr.ip
        for process in copy.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}

    port = copy.environment["PORT"]
    assert copies.refused("same-port", PORT=port).startswith(f"aivideo: PORT is {port}: cannot listen")
    assert "another copy works in" in copies.refused("same-folder", DATA_DIR=str(copy.data_dir))
    assert requests.get(f"{copy.url}/readyz", timeout=10).status_code == 200

    assert copy.end(signal.SIGTERM) == 0
    assert "Traceback" not in copy.said

    again = copies.start().until_ready()
    assert f"Demo sign-in: {shown[1]}, password {shown[2]}" in again.said
    assert again.end(signal.SIGINT) == 0
    assert "Traceback" not in again.said


def test_a_second_copy_runs_beside_the_first_also_where_its_path_is_too_long_for_a_socket(copies):
    long_name = "a-folder-with-a-rather-long-name-" * 5
    first, second = copies.start(), copies.start(long_name)
    assert requests.get(f"{first.until_ready().url}/readyz", timeout=10).status_code == 200
    assert requests.get(f"{second.until_ready().url}/readyz", timeout=10).status_code == 200
    address = (second.data_dir / "redis.url").read_text()
    assert not address.startswith(f"unix://{second.data_dir}")
    assert second.end(signal.SIGINT) == 0
    assert requests.get(f"{first.url}/readyz", timeout=10).status_code == 200
    assert not Path(address.removeprefix("unix://")).parent.exists()
    assert first.end() == 0


@pytest.mark.parametrize("victim", ["worker.py", "gunicorn", "redis-server"])
def test_when_one_process_dies_all_end_and_it_says_which(copies, victim):
    copy = copies.start().until_ready()
    copy.named(victim).kill()
    assert copy.end(None) == 1
    assert re.search(r"aivideo: (web|worker|redis) ended by itself \(SIGKILL\); stopping everything", copy.said)


def test_when_it_is_killed_itself_its_guard_ends_the_others(copies):
    copy = copies.start("a-folder-with-a-rather-long-name-" * 5).until_ready()
    folder = Path((copy.data_dir / "redis.url").read_text().removeprefix("unix://")).parent
    assert copy.end(signal.SIGKILL) == -signal.SIGKILL
    assert not folder.exists()


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"PORT": "eighty"}, "aivideo: PORT is 'eighty': allowed is a port number from 1 to 65535"),
        ({"SIGNUP_PLAN": "gold"}, "aivideo: SIGNUP_PLAN is 'gold': allowed is one of free, creator, studio"),
        ({"DATA_DIR": "/dev/null/data"}, "aivideo: DATA_DIR is '/dev/null/data': allowed is a folder to write to"),
        ({"CATALOGUE_FILE": "pyproject.toml"}, "aivideo: pyproject.toml: models is missing"),
        ({"DATABASE_URL": "postgres://127.0.0.1:1/none"}, "aivideo: the database does not answer: "),
    ],
)
def test_a_bad_setting_is_one_line(copies, settings, line):
    assert copies.refused(**settings).startswith(line)


def test_with_redis_url_no_redis_is_started(copies, redis_url):
    copy = copies.start(REDIS_URL=redis_url).until_ready()
    assert not [process for process in copy.processes() if "redis-server" in process.name()]
    assert requests.get(f"{copy.url}/readyz", timeout=10).status_code == 200
    assert copy.end() == 0


TAKE_THE_TERMINAL = (
    "import fcntl, os, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp('make', ['make', 'run'])"
)


def test_ctrl_c_in_a_terminal_ends_make_run_without_a_complaint(copies, tmp_path):
    """The terminal sends SIGINT to make and to the system alike."""
    terminal, screen = os.openpty()
    environment = {**os.environ, "ENV_FILE": "", "DATA_DIR": str(tmp_path / "data"), "PORT": str(free_port())}
    make = subprocess.Popen(
        [sys.executable, "-c", TAKE_THE_TERMINAL],
        cwd=ROOT,
        env=environment,
        stdin=screen,
        stdout=screen,
        stderr=screen,
        start_new_session=True,
    )
    os.close(screen)
    said = ""
    with open(terminal, "rb", buffering=0) as output:
        while READY not in said:
            said += output.read(4096).decode()
        os.write(terminal, b"\x03")
        with pytest.raises(OSError):  # the terminal's other side is closed
            while True:
                said += output.read(4096).decode()
    assert make.wait(STOP_SECONDS) in (0, -signal.SIGINT)
    assert re.search(r"\033\[\d+mweb    \| \033\[0m", said)
    assert "Traceback" not in said
    assert "***" not in said
