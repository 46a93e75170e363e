"""The API as gunicorn serves it: what only a real connection shows."""

import json
import socket
from contextlib import closing, suppress
from uuid import uuid4

import pytest
import requests
from processes import served

PROMPT = "A cat walks slowly through the rain"
FLOOD = 24 * 1024 * 1024


@pytest.fixture(scope="module")
def house(sqlite_template, tmp_path_factory):
    with served(tmp_path_factory.mktemp("served"), sqlite_template) as whole:
        yield whole


@pytest.fixture
def token(house):
    return house.user(f"{uuid4()}@example.com")


def speak(house, text: bytes) -> bytes:
    """Send bytes over a plain connection and return the answer until it is closed."""
    with closing(socket.create_connection(("127.0.0.1", house.port), timeout=20)) as connection:
        answer = b""
        with suppress(ConnectionError):  # it may be answered and closed before all was sent
            connection.sendall(text)
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                answer += part
        return answer


def request(token: str, *headers: str, body: bytes = b"", path: str = "/api/v1/videos/generate") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", "Connection: close", f"Authorization: Bearer {token}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_every_answer_has_a_request_id_and_one_of_a_proxy_is_kept(house):
    made = requests.get(f"{house.url}/healthz", timeout=15).headers["X-Request-Id"]
    kept = requests.get(f"{house.url}/api/v1/nope", headers={"X-Request-Id": "edge-7"}, timeout=15)
    assert len(made) == 16
    assert (kept.status_code, kept.headers["X-Request-Id"]) == (404, "edge-7")


FORM = "Content-Type: multipart/form-data; boundary=x"
JSON = "Content-Type: application/json"
FILE = b'--x\r\nContent-Disposition: form-data; name="input_reference"; filename="cat.png"\r\n\r\n'


@pytest.mark.parametrize("kind", [FORM, JSON])
@pytest.mark.parametrize("length_is_told", [True, False])
def test_a_flood_is_refused_whether_it_says_its_length_or_not(house, token, kind, length_is_told):
    flood = (FILE if kind is FORM else b"") + b"-" * FLOOD
    if length_is_told:
        answer = speak(house, request(token, kind, f"Content-Length: {len(flood)}", body=flood))
    else:
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(flood), flood)
        answer = speak(house, request(token, kind, "Transfer-Encoding: chunked", body=chunk))
    assert answer.startswith(b"HTTP/1.1 413"), answer[:200]
    assert b"application/problem+json" in answer
    assert house.api(token).credits() == 1000


def test_a_chunked_body_is_read(house, token):
    body = json.dumps({"prompt": PROMPT}).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:10], body[10:])) + b"0\r\n\r\n"
    answer = speak(house, request(token, "Content-Type: application/json", "Transfer-Encoding: chunked", body=chunks))
    assert answer.startswith(b"HTTP/1.1 202"), answer


def test_an_empty_key_is_an_error_and_not_no_key(house, token):
    answer = house.api(token).generate(headers={"Idempotency-Key": ""})
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["errors"]


def test_errors_leave_the_connection_usable(house, token):
    api = house.api(token)
    statuses = [api.generate(prompt).status_code for prompt in ("short", PROMPT, "x" * 300_000, PROMPT)]
    assert statuses == [422, 202, 413, 202]
