"""The simulator alone on a port: many clients, kept connections, connections that break."""

import http.client
import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from servers import wait_until
from simulator_process import SimulatorProcess

BODY = {"prompt": "A fox", "size": "160x90", "seconds": "1"}


def connect(process: SimulatorProcess) -> http.client.HTTPConnection:
    parts = urlsplit(process.url)
    return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)


def finished(process: SimulatorProcess) -> str:
    job_id = requests.post(f"{process.url}/v1/videos", json=BODY, timeout=10).json()["id"]
    address = f"{process.url}/v1/videos/{job_id}"
    wait_until(lambda: requests.get(address, timeout=10).json()["status"] == "completed")
    return str(job_id)


def test_a_connection_serves_one_request_after_another(alone: SimulatorProcess) -> None:
    connection = connect(alone)
    try:
        connection.connect()
        port = connection.sock.getsockname()
        for method, path, body in (
            ("GET", "/v1/videos", None),
            ("POST", "/v1/videos", b"{"),
            ("GET", "/v1/nothing", None),
            ("PUT", "/v1/videos", b"x" * 100_000),
            ("HEAD", "/v1/videos", None),
            ("POST", "/v1/videos", json.dumps(BODY).encode()),
        ):
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        assert answer.status == 200
        assert connection.sock.getsockname() == port
    finally:
        connection.close()


def test_bodies_may_come_in_chunks(alone: SimulatorProcess) -> None:
    text = json.dumps(BODY).encode()
    pieces = iter([text[:10], text[10:11], text[11:]])
    headers = {"Content-Type": "application/json"}
    with requests.Session() as session:
        made = session.post(f"{alone.url}/v1/videos", data=pieces, headers=headers, timeout=10).json()
        assert made["prompt"] == "A fox"
        assert session.get(f"{alone.url}/v1/videos/{made['id']}", timeout=10).status_code == 200


def test_two_hundred_clients_poll_at_once(tmp_path: Path, catalogue_file: Path, ready_made: Path) -> None:
    options = ("--seconds", "0", "--clip", str(ready_made), "--catalogue", str(catalogue_file))
    process = SimulatorProcess(tmp_path, *options)
    together = Barrier(200)

    def visit(number: int) -> list[int]:
        with requests.Session() as session:
            together.wait(20)
            made = session.post(f"{process.url}/v1/videos", json={**BODY, "prompt": f"Fox {number}"}, timeout=20)
            address = f"{process.url}/v1/videos/{made.json()['id']}"
            seen = [made.status_code] + [session.get(address, timeout=20).status_code for _ in range(4)]
            return [*seen, session.get(f"{address}/content", timeout=20).status_code]

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(visit, range(200)))
    try:
        assert answers == [[200] * 6] * 200
        assert sorted(bought["prompt"] for bought in process.purchases()) == sorted(f"Fox {n}" for n in range(200))
    finally:
        assert process.stop() == 0
    assert process.said() == ""


def test_a_dropped_connection_is_closed_without_an_answer(alone: SimulatorProcess) -> None:
    for kind, bought in (("drop_before", 0), ("drop", 1)):
        before = len(alone.purchases())
        alone.tell(kind, operation="create", count=1)
        with socket.create_connection((urlsplit(alone.url).hostname, urlsplit(alone.url).port), timeout=10) as wire:
            body = json.dumps(BODY).encode()
            wire.sendall(b"POST /v1/videos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            wire.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            with suppress(ConnectionResetError):
                assert wire.recv(100) == b""
        assert len(alone.purchases()) == before + bought


def test_a_download_breaks_off_in_the_middle(alone: SimulatorProcess) -> None:
    job_id = finished(alone)
    alone.tell("break_off", operation="content", count=1)
    address = f"{alone.url}/v1/videos/{job_id}/content"
    half = b""
    with requests.get(address, stream=True, timeout=10) as answer:
        announced = int(answer.headers["Content-Length"])
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for piece in answer.iter_content(1000):
                half += piece
    rest = requests.get(address, headers={"Range": f"bytes={len(half)}-"}, timeout=10)
    assert rest.status_code == 206
    assert announced // 2 - 1000 < len(half) <= announced // 2
    assert half + rest.content == requests.get(address, timeout=10).content


def test_what_came_before_a_pause_is_heard_before_it(alone: SimulatorProcess) -> None:
    job_id = finished(alone)
    alone.tell("stall_body", operation="content", count=1, seconds=30)
    address = f"{alone.url}/v1/videos/{job_id}/content"
    heard = b""
    with requests.get(address, stream=True, timeout=(5, 0.5)) as answer, pytest.raises(requests.ConnectionError):
        for piece in answer.iter_content(500):
            heard += piece
    assert len(heard) >= int(answer.headers["Content-Length"]) // 2 - 500


def test_redirects_lead_to_another_name_of_the_host(alone: SimulatorProcess) -> None:
    job_id = finished(alone)
    alone.tell("redirect", operation="content")
    address = f"{alone.url}/v1/videos/{job_id}/content"
    answer = requests.get(address, headers={"Authorization": "Bearer sk-ours"}, timeout=10)
    assert urlsplit(answer.url).hostname == "localhost"
    assert answer.content[4:8] == b"ftyp"
    leaked = requests.get(address, headers={"api-key": "sk-ours"}, timeout=10)
    assert leaked.status_code == 400


def test_a_key_on_the_command_line_is_demanded(tmp_path: Path) -> None:
    process = SimulatorProcess(tmp_path, "--key", "sk-right")
    try:
        assert requests.get(f"{process.url}/v1/videos", timeout=10).status_code == 401
        headers = {"Authorization": "Bearer sk-right"}
        assert requests.get(f"{process.url}/v1/videos", headers=headers, timeout=10).status_code == 200
    finally:
        process.stop()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--clip", "/nowhere.mp4"), "/nowhere.mp4: no such file"),
        (("--catalogue", "/nowhere.toml"), "/nowhere.toml: cannot be read"),
        (("--port", "{taken}"), "cannot listen on 127.0.0.1:{taken}"),
    ],
)
def test_a_start_that_cannot_be_is_one_clear_line(alone: SimulatorProcess, options: Any, words: str) -> None:
    taken = str(urlsplit(alone.url).port)
    command = [sys.executable, "-m", "aivideo.providers.simulator", *(option.format(taken=taken) for option in options)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert words.format(taken=taken) in ended.stderr
