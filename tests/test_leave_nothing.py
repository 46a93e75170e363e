"""`make test` ends with all that it started, in whatever way it ends."""

import signal
import subprocess
import sys

import psutil
from servers import wait_until

from aivideo.config import ROOT

LEAVE_NOTHING = [sys.executable, str(ROOT / "scripts/leave_nothing.py")]
GETS_AWAY = "import subprocess; print(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid, flush=True)"
CLEANS_UP = """
import signal
try:
    print("running", flush=True)
    signal.pause()
except KeyboardInterrupt:
    print("cleaned up", flush=True)
"""


def _start(code: str) -> "subprocess.Popen[str]":
    command = [*LEAVE_NOTHING, sys.executable, "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


if sys.platform == "linux":  # elsewhere what got away belongs to nobody

    def test_a_process_that_got_away_is_killed_and_is_a_failure():
        done = _start(GETS_AWAY)
        said, complained = done.communicate(timeout=60)
        assert done.returncode == 1
        assert complained == "left behind and killed:\n  sleep 1000\n"
        wait_until(lambda: not psutil.pid_exists(int(said)), what="the end of the process")


def test_the_exit_code_is_the_commands():
    for code in (0, 5):
        done = _start(f"raise SystemExit({code})")
        assert done.communicate(timeout=60) == ("", "")
        assert done.returncode == code


def test_sigterm_lets_the_command_clean_up():
    with _start(CLEANS_UP) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "cleaned up\n"
    assert process.returncode == 0
