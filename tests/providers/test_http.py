"""The door: deadlines, what proves that nothing left, redirects, the key."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from hostile_server import Request, Wire, answer

from aivideo.providers.base import ProviderError

KEY = "sk-secret-of-ours"
DEADLINE = 1.5  # a busy machine connects and sends its first bytes within it
LEFT_WITHIN = 30.0  # what does not end by itself would hold the call for minutes


def post(client: Any, **options: Any) -> Any:
    options = {"seconds": 10.0, "json": {"prompt": "a fox"}} | options
    return client.call("POST", "/videos", **options)


def failure(client: Any, **options: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        post(client, **options)
    return caught.value


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_an_answer_comes_back_with_status_headers_and_json(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: answer(201, {"id": "video_1"}, {"X-Request-Id": "req_7"}))
    got = post(door(f"{server.url}/v1/", KEY))
    assert (got.status, got.json(), got.headers["x-request-id"]) == (201, {"id": "video_1"}, "req_7")
    assert server.requests[0].target == "/v1/videos"
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("url", ["", "localhost:9000/v1", "ftp://host/v1", "/v1", "http://user:word@host/v1"])
def test_a_base_url_that_is_not_an_absolute_http_address_is_refused(url: str, door: Any) -> None:
    with pytest.raises(ValueError):
        door(url)


def test_without_a_key_no_authorization_is_sent(serve: Any, door: Any) -> None:
    server = serve()
    post(door(server.url, "  "))
    assert "authorization" not in server.requests[0].headers


def test_a_refused_connection_proves_that_nothing_left(door: Any) -> None:
    asked: list[str] = []
    error = failure(door(f"http://127.0.0.1:{unused_port()}"), before_send=lambda: asked.append("asked"))
    assert (error.kind, error.sent, error.ambiguous, asked) == ("connection", False, False, [])
    assert "refused the connection" in error.message


def test_a_name_that_does_not_resolve_proves_that_nothing_left(door: Any) -> None:
    error = failure(door("http://no-such-host.invalid/v1"))
    assert (error.kind, error.sent, error.ambiguous) == ("connection", False, False)
    assert "could not be resolved" in error.message


def test_a_network_that_cannot_be_reached_proves_that_nothing_left(door: Any) -> None:
    error = failure(door("http://[100::1]:80/v1", connect_seconds=0.5))  # the discard prefix leads nowhere
    assert (error.sent, error.ambiguous) == (False, False)


def test_a_connect_timeout_proves_that_nothing_left(door: Any) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        try:
            for _ in range(4):  # once its queue is full, the kernel leaves further connections unanswered
                sock = socket.socket()
                sock.setblocking(False)
                sock.connect_ex(address)
                waiting.append(sock)
            error = failure(door(f"http://127.0.0.1:{address[1]}", connect_seconds=0.2))
        finally:
            for sock in waiting:
                sock.close()
    assert (error.kind, error.sent, error.ambiguous) == ("timeout", False, False)


def test_an_untrusted_certificate_proves_that_nothing_left(serve: Any, door: Any, tls: Any) -> None:
    server = serve(tls=tls)
    error = failure(door(server.url))
    assert (error.kind, error.sent, error.ambiguous) == ("connection", False, False)
    assert server.requests == []


def test_a_tls_handshake_that_hangs_proves_that_nothing_left(serve: Any, door: Any) -> None:
    server = serve(before_reading=lambda wire: wire.hang())
    error = failure(door(server.url.replace("http:", "https:"), connect_seconds=0.2))
    assert (error.kind, error.sent, error.ambiguous) == ("timeout", False, False)


def test_a_server_without_tls_behind_https_proves_that_nothing_left(serve: Any, door: Any) -> None:
    server = serve(before_reading=lambda wire: wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    error = failure(door(server.url.replace("http:", "https:")))
    assert (error.kind, error.sent, error.ambiguous) == ("connection", False, False)


def test_over_tls_a_create_works_and_asks_before_the_first_byte(
    serve: Any, door: Any, tls: Any, certificate: Any
) -> None:
    server = serve(lambda request, wire: answer(200, {"id": "video_1"}), tls=tls)
    seen: list[tuple[int, int]] = []
    got = post(
        door(server.url, KEY, verify=str(certificate)),
        before_send=lambda: seen.append((server.connections, len(server.requests))),
    )
    assert got.json() == {"id": "video_1"}
    assert seen == [(1, 0)]


def test_what_before_send_raises_stops_the_call_unsent(serve: Any, door: Any) -> None:
    server = serve()

    def too_late() -> None:
        server.wait_for_connections(1)
        raise TimeoutError("the moment to send has passed")

    with pytest.raises(TimeoutError, match="the moment to send has passed"):
        post(door(server.url), before_send=too_late)
    server.stop()
    assert server.connections == 1
    assert server.requests == []


def test_before_send_is_asked_once_for_head_and_body(serve: Any, door: Any) -> None:
    asked: list[bool] = []
    post(door(serve().url), before_send=lambda: asked.append(True))
    assert asked == [True]


def drop_unread(wire: Wire) -> None:
    wire.sock.recv(1, socket.MSG_PEEK)
    wire.reset()


def read_then_drop(request: Request, wire: Wire) -> None:
    return None


def read_then_reset(request: Request, wire: Wire) -> None:
    wire.reset()


def half_a_body(request: Request, wire: Wire) -> None:
    wire.send(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": "video_1"')


def half_a_chunked_body(request: Request, wire: Wire) -> None:
    wire.send(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"id": "vi')


def not_http_at_all(request: Request, wire: Wire) -> None:
    wire.send(b"\x00\x01 SMTP ready\r\n\r\n")


@pytest.mark.parametrize(
    "handler",
    [read_then_drop, read_then_reset, half_a_body, half_a_chunked_body, not_http_at_all],
)
def test_a_create_whose_answer_breaks_off_is_in_doubt(handler: Any, serve: Any, door: Any) -> None:
    server = serve(handler)
    error = failure(door(server.url))
    assert (error.kind, error.sent, error.ambiguous, error.permanent) == ("connection", True, True, False)
    assert len(server.requests) == 1


def test_a_create_dropped_before_it_was_read_is_in_doubt_all_the_same(serve: Any, door: Any) -> None:
    server = serve(before_reading=drop_unread)
    error = failure(door(server.url), json={"prompt": "x" * 4_000_000})
    assert (error.kind, error.sent, error.ambiguous) == ("connection", True, True)
    assert server.connections == 1


def test_a_poll_that_breaks_off_is_never_in_doubt(serve: Any, door: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        door(serve(read_then_drop).url).call("GET", "/videos/1", seconds=5)
    assert (caught.value.kind, caught.value.ambiguous) == ("connection", False)


def test_a_silent_server_ends_in_a_read_timeout_in_doubt(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: wire.hang())
    error = failure(door(server.url), read_seconds=0.2)
    assert (error.kind, error.sent, error.ambiguous) == ("timeout", True, True)


def trickled_head(request: Request, wire: Wire) -> None:
    wire.trickle(b"HTTP/1.1 200 OK\r\nX-Padding: " + b"x" * 5000)


def trickled_body(request: Request, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    wire.trickle(b" " * 5000)


def trickled_chunks(request: Request, wire: Wire) -> None:
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n")
    wire.trickle(b" " * 5000)


@pytest.mark.parametrize("handler", [trickled_head, trickled_body, trickled_chunks])
@pytest.mark.parametrize("secure", [False, True])
def test_a_server_that_trickles_is_left_at_the_deadline(
    handler: Any, secure: bool, serve: Any, door: Any, tls: Any, certificate: Any
) -> None:
    server = serve(handler, tls=tls if secure else None)
    started = time.monotonic()
    error = failure(door(server.url, verify=str(certificate)), seconds=DEADLINE)
    assert time.monotonic() - started < LEFT_WITHIN
    assert (error.kind, error.sent, error.ambiguous) == ("deadline", True, True)


def test_a_server_that_does_not_read_is_left_at_the_deadline(serve: Any, door: Any) -> None:
    done = threading.Event()
    server = serve(before_reading=lambda wire: done.wait(LEFT_WITHIN * 2))
    started = time.monotonic()
    error = failure(door(server.url), seconds=DEADLINE, json=None, data=b"x" * 20_000_000)
    done.set()
    assert time.monotonic() - started < LEFT_WITHIN
    assert (error.kind, error.sent, error.ambiguous) == ("deadline", True, True)


def test_no_time_left_means_not_sent(serve: Any, door: Any) -> None:
    server = serve()
    error = failure(door(server.url), seconds=0.0)
    assert (error.kind, error.sent, error.ambiguous, server.connections) == ("deadline", False, False, 0)


def test_time_used_up_by_before_send_means_not_sent(serve: Any, door: Any) -> None:
    server = serve()
    error = failure(door(server.url), seconds=0.1, before_send=lambda: threading.Event().wait(0.2))
    server.stop()
    assert (error.kind, error.sent, error.ambiguous, server.requests) == ("deadline", False, False, [])


@pytest.mark.parametrize("secure", [False, True])
def test_an_upload_may_take_longer_than_a_connect(
    secure: bool, serve: Any, door: Any, tls: Any, certificate: Any
) -> None:
    body = b"x" * 8_000_000

    def slow_reader(wire: Wire) -> None:  # TLS comes in records of 16 KB, plain in pieces four times as large
        sock = tls.wrap_socket(wire.sock, server_side=True) if secure else wire.sock
        read = 0
        while read < len(body):
            read += len(sock.recv(1_000_000))
            wire.leaving.wait(0.004 if secure else 0.016)
        sock.sendall(answer(200, {"id": "video_1"}))
        sock.close()

    server = serve(before_reading=slow_reader)
    url = server.url.replace("http:", "https:") if secure else server.url
    client = door(url, connect_seconds=1.0, verify=str(certificate))
    assert post(client, json=None, data=body, seconds=30).json() == {"id": "video_1"}


def test_each_create_has_a_connection_of_its_own_and_polls_share_one(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: answer(200, {"id": "video_1"}))
    client = door(server.url)
    for _ in range(3):
        client.call("GET", "/videos/1", seconds=5)
    post(client)
    post(client)
    client.call("GET", "/videos/1", seconds=5)
    assert [request.connection for request in server.requests] == [1, 1, 1, 2, 3, 3]


def test_a_kept_connection_that_the_server_closed_puts_no_create_in_doubt(serve: Any, door: Any) -> None:
    def once_per_connection(request: Request, wire: Wire) -> None:
        wire.send(answer(200, {"id": "video_1"}))

    server = serve(once_per_connection)
    client = door(server.url)
    client.call("GET", "/videos/1", seconds=5)
    for _ in range(3):
        assert post(client).json() == {"id": "video_1"}


def test_sixty_four_threads_share_one_client(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: answer(200, {"path": request.path}))
    client = door(server.url, KEY)

    def look(number: int) -> bool:
        return bool(client.call("GET", f"/videos/{number}", seconds=20).json() == {"path": f"/videos/{number}"})

    with ThreadPoolExecutor(64) as pool:
        assert all(pool.map(look, range(512)))
    assert server.connections <= 64


def test_an_answer_longer_than_a_megabyte_is_unreadable(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: answer(200, b'"' + b"x" * 2_000_000 + b'"'))
    error = failure(door(server.url))
    assert (error.kind, error.sent, error.ambiguous) == ("unreadable", True, True)


def test_a_compressed_bomb_is_cut_off(serve: Any, door: Any) -> None:
    import gzip

    bomb = gzip.compress(b" " * 200_000_000, 1)
    server = serve(lambda request, wire: answer(200, bomb, {"Content-Encoding": "gzip"}))
    assert failure(door(server.url)).kind == "unreadable"


def test_of_a_refusal_that_breaks_off_the_status_counts(serve: Any, door: Any) -> None:
    def broken(request: Request, wire: Wire) -> None:
        wire.send(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 900\r\n\r\n{"error": ')

    got = post(door(serve(broken).url))
    assert (got.status, got.json()) == (400, None)


def test_a_post_is_never_redirected(serve: Any, door: Any) -> None:
    elsewhere = serve()
    server = serve(lambda request, wire: answer(307, b"", {"Location": f"{elsewhere.url}/videos"}))
    assert post(door(server.url, KEY)).status == 307
    assert elsewhere.connections == 0


def test_a_redirect_within_the_server_keeps_the_key(serve: Any, door: Any) -> None:
    def handler(request: Request, wire: Wire) -> bytes:
        if request.path == "/v1/videos/1":
            return answer(302, b"", {"Location": "/v1/other?x=1"})
        return answer(200, {"id": "1"})

    server = serve(handler)
    assert door(f"{server.url}/v1", KEY).call("GET", "/videos/1", seconds=5).json() == {"id": "1"}
    assert server.requests[1].target == "/v1/other?x=1"
    assert server.requests[1].headers["authorization"] == f"Bearer {KEY}"


def test_the_key_does_not_follow_to_another_port_nor_come_back(serve: Any, door: Any) -> None:
    def home(request: Request, wire: Wire) -> bytes:
        if request.path == "/v1/back":
            return answer(200, {"id": "1"})
        return answer(302, b"", {"Location": f"{away.url}/away"})

    away = serve(lambda request, wire: answer(302, b"", {"Location": f"{server.url}/v1/back"}))
    server = serve(home)
    got = door(f"{server.url}/v1", KEY).call("GET", "/videos/1", seconds=5, params={"after": "x"})
    assert (got.status, got.own) == (200, False)
    assert away.requests[0].target == "/away"
    assert KEY not in str(away.requests[0].headers)
    assert KEY not in str(server.requests[-1].headers)


def test_more_than_five_redirects_are_an_error(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: answer(302, b"", {"Location": request.target + "x"}))
    with pytest.raises(ProviderError) as caught:
        door(server.url).call("GET", "/videos/1", seconds=5)
    assert caught.value.kind == "unreadable"
    assert len(server.requests) == 6


def test_a_redirect_to_something_that_is_not_http_is_an_error(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: answer(302, b"", {"Location": "file:///etc/passwd"}))
    with pytest.raises(ProviderError) as caught:
        door(server.url).call("GET", "/videos/1", seconds=5)
    assert caught.value.kind == "connection"


def test_the_body_of_a_redirect_is_not_read(serve: Any, door: Any) -> None:
    def endless(request: Request, wire: Wire) -> bytes | None:
        if request.path == "/there":
            return answer(200, {"id": "1"})
        wire.send(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 99999999999\r\n\r\n")
        wire.hang()
        return None

    assert door(serve(endless).url).call("GET", "/videos/1", seconds=5).json() == {"id": "1"}


def test_proxies_and_netrc_of_the_environment_are_not_used(
    serve: Any, door: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    dead = f"http://127.0.0.1:{unused_port()}"
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, dead)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server = serve(lambda request, wire: answer(200, {"id": "1"}))
    assert post(door(server.url, KEY)).json() == {"id": "1"}
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_cookies_are_not_kept(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: answer(200, {}, {"Set-Cookie": "session=1"}))
    client = door(server.url)
    client.call("GET", "/a", seconds=5)
    client.call("GET", "/b", seconds=5)
    assert "cookie" not in server.requests[1].headers


def test_a_key_repeated_in_a_message_is_hidden(serve: Any, door: Any) -> None:
    server = serve(lambda request, wire: answer(401, {"detail": f"bad key {KEY}"}))
    assert post(door(server.url, KEY)).json() == {"detail": "bad key [key]"}


class InProcess(requests.adapters.BaseAdapter):
    """Answers inside the process, as the simulator does."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error, self.paths = error, []

    def send(self, request: Any, **_: Any) -> requests.Response:
        import io

        self.paths.append(request.path_url)
        if self.error is not None:
            raise self.error
        response = requests.Response()
        response.status_code, response.raw, response.request = 200, io.BytesIO(b'{"id": "video_1"}'), request
        return response

    def close(self) -> None:
        pass


def test_an_adapter_in_the_process_answers_for_the_base_url_only(serve: Any, door: Any) -> None:
    adapter, asked = InProcess(), []
    client = door("http://simulator.invalid/v1", adapter=adapter)
    assert post(client, before_send=lambda: asked.append(1)).json() == {"id": "video_1"}
    assert (adapter.paths, asked) == (["/v1/videos"], [1])
    server = serve(lambda request, wire: answer(200, {"id": "real"}))
    assert client.call("GET", f"{server.url}/file", seconds=5).json() == {"id": "real"}


@pytest.mark.parametrize(
    ("raised", "sent"),
    [
        (requests.ConnectTimeout(), False),
        (requests.ConnectionError(ConnectionRefusedError()), False),
        (requests.ConnectionError("dropped"), True),
        (requests.ReadTimeout(), True),
    ],
)
def test_an_adapter_in_the_process_may_fail_like_a_network(raised: Exception, sent: bool, door: Any) -> None:
    error = failure(door("http://simulator.invalid/v1", adapter=InProcess(raised)))
    assert (error.sent, error.ambiguous) == (sent, sent)
