"""A deploy: the web process is told to stop while streams are open."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from processes import CHECKOUT, Installation
from stream_servers import GTHREAD, SETTINGS
from streams import Listener, Writer
from talks import Talk

RESTART = 1012
GRACEFUL_SECONDS = 8
"""After so long gunicorn ends a worker that still holds connections."""


@pytest.fixture
def installation(database: str, redis_url: str, tmp_path: Path) -> Installation:
    return Installation(tmp_path, redis_url, database, **{**SETTINGS, "STREAM_MAX_PER_USER": 400})


@pytest.mark.parametrize(
    ("hold", "options", "streams_open"), [("detached", (), 300), ("generator", (), 300), ("auto", GTHREAD, 60)]
)
def test_streams_end_at_once_and_come_back_to_the_next_process_at_moments_of_their_own(
    installation: Installation, hold: str, options: tuple[str, ...], streams_open: int
) -> None:
    writer = Writer(installation.app)
    user, token = writer.user()
    video = writer.video(user, lines=3)
    address = f"{installation.url}/api/v1/videos/{video}/stream"
    try:
        installation.settings["STREAM_HOLD"] = hold
        installation.start_web(*options)
        with ExitStack() as stack:
            streams = [stack.enter_context(Listener(address, token)) for _ in range(streams_open)]
            for stream in streams:
                stream.until(lambda stream: len(stream.messages) == 3)
            talks = [stack.enter_context(Talk(f"{installation.url}/ws?video={video}", token)) for _ in range(9)]
            for talk in talks:
                talk.until(lambda talk: len(talk.news) == 3)
            page = stack.enter_context(requests.Session())
            assert page.get(f"{installation.url}/healthz", timeout=5).ok, "a browser keeps this connection open"
            began = time.monotonic()
            web = installation.running.pop("web")
            web.send_signal(signal.SIGTERM)
            for stream in streams:
                stream.until_end()
            for talk in talks:
                assert talk.until_closed().code == RESTART
            assert web.wait(60) == 0
            assert time.monotonic() - began < GRACEFUL_SECONDS, "they were ended, not waited for"
            pauses = [stream.blocks[-1].retry or 0 for stream in streams] + [talk.said[-1]["retry"] for talk in talks]
            assert {tuple(talk.about) for talk in talks} == {("cursor", "drain")}
            assert {tuple(stream.named) for stream in streams} == {("drain",)}
            assert min(pauses) >= 500
            assert max(pauses) <= 5000
            assert len(set(pauses)) > streams_open / 2
            assert {stream.parser.last_id for stream in streams} == {"3"}
        assert "Traceback" not in installation.log("web")
        assert "graceful timeout" not in installation.log("web")
    finally:
        installation.stop()


def test_a_process_of_the_procfile_refuses_to_start_without_a_secret_key_in_one_line(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "ENV_FILE": "", "DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", "127.0.0.1:0"]
    bad = {"SECRET_KEY": "s" * 32, "STREAM_MAX_SECONDS": "soon"}
    for settings, words in (({}, "SECRET_KEY"), (bad, "STREAM_MAX_SECONDS")):
        done = subprocess.run(
            command,
            env={**environment, **settings},
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode != 0
        (line,) = [line for line in done.stderr.splitlines() if "[INFO]" not in line]
        assert line.startswith(f"aivideo: {words} is ")
