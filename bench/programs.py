"""The programs of the bench in C: compiled at the start, and driven over their standard input."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FLAGS = ("-std=c17", "-O2", "-Wall", "-Wextra", "-Werror")


def compiled(folder: Path) -> Path:
    """`load` and `floor` in `folder`; ends the bench with one line where there is no gcc."""
    gcc = shutil.which("gcc")
    if gcc is None:
        raise SystemExit("The benchmark of the stream needs gcc, and there is none on PATH: install gcc and try again.")
    for name in ("load", "floor"):
        subprocess.run([gcc, *FLAGS, str(HERE / f"{name}.c"), "-o", str(folder / name)], check=True)
    return folder


class Viewers:
    """The load generator; load.c says what its commands do."""

    def __init__(self, programs: Path, port: int) -> None:
        self._load = subprocess.Popen(
            [str(programs / "load"), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def stop(self) -> None:
        self._load.kill()
        self._load.communicate()

    def channels(self, paths: list[str], header: str = "") -> None:
        for path in paths:
            self._tell(f"channel {path} {header}".strip())

    def open(self, count: int, each: int, *, check: bool) -> dict[str, Any]:
        found = self.ask(f"open {count} {each} {check:d}")
        assert found["failed"] == 0, f"{found['failed']} of {count} viewers were not let in"
        return found

    def expect(self, first: int, last: int) -> None:
        self.ask(f"mark {first} {last}")

    def wait(self, seconds: float, quiet: float) -> dict[str, Any]:
        """Until all that is expected has come: how many, lost and doubled, and how long they took."""
        return self.ask(f"wait {seconds} {quiet}")

    def ask(self, command: str) -> dict[str, Any]:
        self._tell(command)
        assert self._load.stdout is not None
        line = self._load.stdout.readline()
        assert line, f"the load generator ended at {command!r}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _tell(self, command: str) -> None:
        assert self._load.stdin is not None
        self._load.stdin.write(command + "\n")
