"""Slow work runs beside the event loop under gevent, and simply runs everywhere else."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from aivideo.offload import off_the_event_loop

CHECKOUT = Path(__file__).parent.parent
UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import threading, time
import gevent
from aivideo.offload import off_the_event_loop

gaps, last = [], time.perf_counter()

def tick():
    global last
    while True:
        gevent.sleep(0.001)
        now = time.perf_counter()
        gaps.append(now - last)
        last = now

ticker = gevent.spawn(tick)
gevent.sleep(0.05)
"""
HASHING = """
from aivideo.app import create_app
from flask_security.utils import hash_password, verify_password

app = create_app({"DATA_DIR": DATA_DIR})
with app.app_context():
    hashed = hash_password("correct horse battery")
    gevent.sleep(0.05)
    gaps.clear()
    for _ in range(20):
        assert verify_password("correct horse battery", hashed)
        assert not verify_password("not it", hashed)
        hash_password("another horse")
print(len(gaps))
"""
ERRORS = """
try:
    off_the_event_loop(int, "x")
except ValueError as error:
    print("ValueError", error)
print(off_the_event_loop(lambda: gevent.get_hub() is HUB))
"""


def run_under_gevent(code, **values):
    settings = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    done = subprocess.run(
        [sys.executable, "-c", f"{UNDER_GEVENT}\n{settings}\nHUB = gevent.get_hub()\n{code}"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_without_gevent_it_is_an_ordinary_call():
    assert off_the_event_loop(lambda *words: (words, threading.current_thread()), "a", "b") == (
        ("a", "b"),
        threading.current_thread(),
    )
    with pytest.raises(ZeroDivisionError):
        off_the_event_loop(lambda: 1 / 0)


def test_other_greenlets_go_on_while_passwords_are_hashed(tmp_path):
    (ticks,) = run_under_gevent(HASHING, DATA_DIR=str(tmp_path))
    assert int(ticks) > 60, "each of 60 hashes takes about 20 ms, in which a ticker of 1 ms turns many times"


def test_what_goes_wrong_there_is_raised_here_and_it_is_another_thread(tmp_path):
    error, same_hub = run_under_gevent(ERRORS)
    assert error.startswith("ValueError invalid literal")
    assert same_hub == "False"
