"""Child processes that are shown with labelled lines, looked after, and ended together.

Whoever started them may even be killed: a guard, a small shell script that was told of each, then ends them.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

STOP_SECONDS = 8.0
"""How long a process may take to end by itself; with what follows, all have ended within ten."""
LOOK_SECONDS = 0.1
AGAIN_SECONDS = 1.0
"""Two signals within this are one: make passes on what the terminal or a process group was sent already."""
COLOURS = ("36", "33", "35", "32")

# Told a process group a line, "last" before one that the others need. Where the lines end without "done", whoever wrote
# them was killed.
GUARD = """
trap '' INT TERM HUP
while read -r group last; do
    case $group in
    done) exit ;;
    last) needed="$needed $last" ;;
    *) groups="$groups $group" ;;
    esac
done
for group in $groups; do kill -TERM -"$group"; done
tries=0
while [ $tries -lt 80 ]; do
    left=; for group in $groups; do kill -0 -"$group" && left=yes; done
    [ "$left" ] || break
    tries=$((tries + 1)); sleep 0.1
done
for group in $groups $needed; do kill -KILL -"$group"; done
rm -rf "$@"
"""

_writing = threading.Lock()


def show(line: str) -> None:
    """A line on standard output, whole and at once; nobody may be reading any more."""
    with _writing, contextlib.suppress(OSError, ValueError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Child:
    """A process with a process group of its own. What a quiet one says is shown only if it ends by itself."""

    def __init__(self, name: str, label: str, process: "subprocess.Popen[bytes]", *, quiet: bool, last: bool) -> None:
        self.name, self.label, self.process = name, label, process
        self.quiet, self.ends_last = quiet, last
        self.unsaid: deque[str] = deque(maxlen=20)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            line = self.label + raw.decode(errors="replace").rstrip()
            self.unsaid.append(line) if self.quiet else show(line)

    @property
    def ending(self) -> str:
        """How it ended, for people: `exit code 3`, `SIGKILL`."""
        code = self.process.returncode
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def show_unsaid(self) -> None:
        self.reader.join(1)
        while self.unsaid:
            show(self.unsaid.popleft())

    def ask_to_end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def kill(self) -> None:
        """Kill whatever is left of its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join(1)


class Crew:
    """Processes that work until a signal asks all of them to stop, or one of them ends by itself.

    Used as a context manager from the main thread; on leaving, all have ended. `keep_open` are files of the caller that
    the guard keeps open too, so that a lock outlives a killed caller until the guard is done; `rubbish` is what the
    guard removes then.
    """

    def __init__(self, *, keep_open: Sequence[int] = (), rubbish: Sequence[Path] = ()) -> None:
        self.children: list[Child] = []
        self._asked_at: float | None = None
        self._hurry = False
        self.crashed: Child | None = None
        # make does not pass everything on: where it is killed, its recipe is not told.
        self._parent = os.getppid() if "MAKELEVEL" in os.environ else None
        self._colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", GUARD, "guard", *map(str, rubbish)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=keep_open,
        )

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._end()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._asked_at is None:
            self._asked_at = time.monotonic()
        elif time.monotonic() - self._asked_at > AGAIN_SECONDS:
            self._hurry = True

    @property
    def ending(self) -> bool:
        return self.crashed is not None or self.asked_to_stop

    @property
    def asked_to_stop(self) -> bool:
        return self._asked_at is not None or (self._parent is not None and os.getppid() != self._parent)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        *,
        folder: Path,
        keep_open: Sequence[int] = (),
        quiet: bool = False,
        last: bool = False,
        brief: bool = False,
    ) -> Child:
        """Start `command` in a process group of its own; `last` is for one that the others need, so that it ends last.

        A `brief` one ends by itself, and soon: the guard need not know of it, and its lines need no label.
        """
        process = subprocess.Popen(
            [str(part) for part in command],
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=keep_open,
        )
        if not brief:
            self._tell_guard(f"last {process.pid}" if last else f"{process.pid}")
        label = "" if brief else f"{name:<6} | "
        if label and self._colours:
            label = f"\033[{COLOURS[len(self.children) % len(COLOURS)]}m{label}\033[0m"
        child = Child(name, label, process, quiet=quiet, last=last)
        self.children.append(child)
        return child

    def finish(self, child: Child) -> bool:
        """Wait for a child that is to end by itself; whether it ended well, and nobody asked to stop meanwhile."""
        while child.process.poll() is None and not self.asked_to_stop:
            time.sleep(LOOK_SECONDS)
        if child.process.poll() is None:
            return False
        child.kill()
        self.children.remove(child)
        return child.process.returncode == 0 and not self.asked_to_stop

    def watch(self) -> None:
        """Return when asked to stop, or when a child has ended by itself, which is then `crashed`."""
        while not self.asked_to_stop:
            self.crashed = next((child for child in self.children if child.process.poll() is not None), None)
            if self.crashed is not None:
                self.crashed.show_unsaid()
                return
            time.sleep(LOOK_SECONDS)

    def _end(self) -> None:
        for last, seconds in ((False, STOP_SECONDS), (True, 1.0)):
            group = [child for child in self.children if child.ends_last is last]
            limit = time.monotonic() + seconds
            for child in group:
                child.ask_to_end()
            while any(child.process.poll() is None for child in group):
                if time.monotonic() > limit or self._hurry:
                    break
                time.sleep(LOOK_SECONDS)
            for child in group:
                child.kill()
        self._tell_guard("done")
        self._guard.wait()

    def _tell_guard(self, line: str) -> None:
        assert self._guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.write(f"{line}\n".encode())
            self._guard.stdin.flush()
