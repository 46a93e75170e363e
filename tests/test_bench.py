"""The benchmark of the stream, as small as can be: that it runs, and counts right."""

import os
import shutil
import subprocess
import sys

from aivideo.config import ROOT

SMALL = ("stream", "--viewers", "40", "--only", "ours,floor", "--seconds", "0.2")


def _bench(path):
    return subprocess.run(
        [sys.executable, "-m", "bench", *SMALL],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_the_stream_is_measured_and_nothing_is_lost_or_it_says_what_it_needs():
    done = _bench(path=os.environ["PATH"])
    if shutil.which("gcc") is None or not sys.platform.startswith("linux"):
        assert done.returncode != 0
        assert "The benchmark of the stream needs" in done.stderr
        return
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {line[:42].strip(): line.split()[-1] for line in done.stdout.splitlines() if line.endswith("ok")}
    assert rows["lost, viewers cut and returning"] == "ok", done.stdout
    assert rows["lost, Redis restarted empty besides"] == "ok", done.stdout
    assert "bare epoll in C" in done.stdout


def test_without_gcc_the_bench_says_so_in_one_line(tmp_path):
    done = _bench(path=str(tmp_path))
    assert done.returncode != 0
    assert done.stderr.startswith("The benchmark of the stream needs")
    assert len(done.stderr.splitlines()) == 1
