"""Run a command and see to it that it leaves no process behind, whatever way it ends.

    python scripts/leave_nothing.py COMMAND…

On Linux all that the command started belongs to this process once its parent is gone, so nothing can get away. What is
still there after the command is killed; if nobody interrupted it, that is told, and is a failure.
"""

import ctypes
import os
import signal
import sys

import psutil

PR_SET_CHILD_SUBREAPER = 36
GRACE_SECONDS = 5


def main(command: list[str]) -> int:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    interrupted: list[int] = []
    signals = {signal.SIGINT, signal.SIGTERM}

    def interrupt(number: int, _frame: object) -> None:
        interrupted.append(number)
        if number == signal.SIGTERM:  # the terminal sends SIGINT to the command as well
            os.kill(running, signal.SIGINT)

    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # until there is somebody to pass them on to
    running = os.posix_spawnp(command[0], command, os.environ, setsigmask=[], setsigdef=signals)
    for number in signals:
        signal.signal(number, interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    ended = status = 0
    while ended != running:
        ended, status = os.waitpid(-1, 0)
    code = os.waitstatus_to_exitcode(status)
    left = _kill_what_is_left()
    if left and not interrupted:
        print("left behind and killed:", *left, sep="\n  ", file=sys.stderr)
        return code or 1
    return code if code >= 0 else 128 - code


def _kill_what_is_left() -> list[str]:
    """The command lines of those that had to be killed."""
    descendants = psutil.Process().children(recursive=True)
    _, alive = psutil.wait_procs(descendants, GRACE_SECONDS)
    killed = []
    for process in alive:
        try:
            killed.append(" ".join(process.cmdline()) or process.name())
            process.kill()
        except psutil.Error:  # it ended after all
            continue
    psutil.wait_procs(alive, GRACE_SECONDS)
    return killed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
