"""A server on a raw socket that does what a test says, also what no sane server does, and remembers it all."""

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

STATUS_LINES = {200: "OK", 206: "Partial Content", 302: "Found", 307: "Temporary Redirect"}


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Which connection it came over, counted from 1."""

    @property
    def path(self) -> str:
        return self.target.split("?")[0]


class Wire:
    """The server's side of one connection."""

    def __init__(self, sock: socket.socket, leaving: threading.Event) -> None:
        self.sock, self.leaving = sock, leaving

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def trickle(self, data: bytes, pause: float = 0.02) -> None:
        """One byte at a time, until all is sent or the client has left."""
        for number in range(len(data)):
            if self.leaving.wait(pause):
                return
            self.send(data[number : number + 1])

    def hang(self) -> None:
        """Say nothing more until the client closes the connection."""
        while not self.leaving.is_set() and self.sock.recv(65536):
            pass

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


Handler = Callable[[Request, Wire], bytes | None]


def answer(status: int = 200, body: Any = b"", headers: dict[str, str] | None = None) -> bytes:
    """A whole HTTP answer; what is not bytes is sent as JSON."""
    headers = {name.title(): value for name, value in (headers or {}).items()}
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    headers.setdefault("Content-Length", str(len(body)))
    lines = [f"HTTP/1.1 {status} {STATUS_LINES.get(status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class HostileServer:
    """`handler` returns an answer, or speaks on the wire itself and returns None: the connection is then closed.

    before_reading: called with each new connection in place of reading a request from it.
    """

    handler: Handler = lambda request, wire: answer()
    before_reading: Callable[[Wire], None] | None = None
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._leaving = threading.Event()
        self._news = threading.Condition()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._news:
                self.connections += 1
                self._news.notify_all()
            self._open.append(sock)
            self._start(self._serve, sock, self.connections)

    def wait_for_connections(self, count: int) -> None:
        with self._news:
            assert self._news.wait_for(lambda: self.connections >= count, 10)

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            if self.before_reading is not None:
                self.before_reading(Wire(sock, self._leaving))
                return
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            wire = Wire(sock, self._leaving)
            with sock.makefile("rb") as stream:
                while (request := _read(stream, number)) is not None:
                    self.requests.append(request)
                    said = self.handler(request, wire)
                    if said is None:
                        return
                    wire.send(said)
        except OSError:
            pass  # the client left, which some tests are about
        finally:
            _close(sock)

    def stop(self) -> None:
        self._leaving.set()
        _close(self._listener)
        for sock in self._open:
            _close(sock)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()


def _close(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def _read(stream: Any, number: int) -> Request | None:
    first = stream.readline().decode("latin-1").split()
    if len(first) != 3:
        return None
    headers = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Request(first[0], first[1], headers, body, number)
