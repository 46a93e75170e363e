"""Waiting for Redis, without gevent and with it: whoever hears something starts waiting anew."""

import subprocess
import sys

import pytest

PLAIN = "import socket, time"
GEVENT = f"from gevent import monkey; monkey.patch_all()\n{PLAIN}"
WAITS = """
from aivideo.stream.ears import listen_to

(one, first), (other, second) = socket.socketpair(), socket.socketpair()
ears = listen_to(0.5, one, other)
until = time.monotonic() + 1.2  # longer than any one wait
while time.monotonic() < until:
    first.send(b"!")
    assert ears.wait() == {one}
    one.recv(1)
    time.sleep(0.01)
for _ in range(2):
    began = time.monotonic()
    assert ears.wait() == set()
    assert time.monotonic() - began > 0.4
first.send(b"!")
second.send(b"!")
heard = set()
while heard != {one, other}:
    for ready in ears.wait():
        ready.recv(1)
        heard.add(ready)
ears.close()
print("heard")
"""


@pytest.mark.parametrize("begin", [PLAIN, GEVENT], ids=["threads", "gevent"])
def test_who_hears_something_waits_anew(begin: str) -> None:
    program = [sys.executable, "-c", begin + WAITS]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("heard\n", "")
