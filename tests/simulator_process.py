"""The simulator alone on a port, as a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import requests


class SimulatorProcess:
    """`python -m aivideo.providers.simulator`, ready when made. `url` is its address without /v1."""

    def __init__(self, folder: Path, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            "aivideo.providers.simulator",
            "--folder",
            str(folder),
            "--port",
            "0",
            *options,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout
        assert self._process.stderr
        line = self._process.stdout.readline()
        assert line.startswith("Simulator ready at http://"), line + self._process.stderr.read()
        self.url = line.split()[-1].removesuffix("/v1")
        self._said: list[str] = []
        self._listener = Thread(target=self._said.extend, args=(self._process.stderr,), daemon=True)
        self._listener.start()

    def tell(self, kind: str, **options: Any) -> int:
        """Put a fault in force."""
        answer = requests.post(f"{self.url}/faults", json={"kind": kind, **options}, timeout=10)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["id"])

    def behave(self) -> None:
        requests.delete(f"{self.url}/faults", timeout=10)

    def purchases(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = requests.get(f"{self.url}/purchases", timeout=10).json()["data"]
        return found

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Send a signal; returns the exit code. Nothing if it is over already."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        code = self._process.wait(10)
        self._listener.join(10)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
        return code

    def said(self) -> str:
        """What it wrote to stderr so far; all of it once stopped."""
        return "".join(self._said)
