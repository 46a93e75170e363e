"""A WSGI server for many clients that keep their connections open: HTTP/1.1, one thread a connection.

The servers that come with Python and Werkzeug close the connection after each answer, and none of them can do so
in the middle of one, as a simulator told to misbehave must.
"""

import io
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from aivideo.providers.simulator.errors import Dropped

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

DRAIN_LIMIT = 1024 * 1024
"""Bytes of an unread request body worth reading to keep the connection."""


class SimulatorServer(ThreadingMixIn, TCPServer):
    """Serves `app` on `host`:`port`; port 0 takes a free one, see `address`. Run with `serve_forever`."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 1024

    def __init__(self, app: "WSGIApplication", host: str, port: int) -> None:
        self.app = app
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), _Connection)

    @property
    def address(self) -> str:
        """`http://127.0.0.1:9000`"""
        host, port = self.server_address[:2]
        return f"http://[{host!s}]:{port}" if ":" in str(host) else f"http://{host!s}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    timeout = 600

    def handle_one_request(self) -> None:
        """Read a request and answer it; the connection stays open unless either side wants it closed."""
        try:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline:
                self.close_connection = True
                return
            if not self.parse_request():
                return
            body = _Body(self.rfile, self.headers)
            try:
                self._answer(body)
            except Dropped:
                self._cut()
                return
            self.wfile.flush()
            if not body.finish():
                self.close_connection = True
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _answer(self, body: "_Body") -> None:
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            head[:] = [status, headers]
            return lambda data: None

        pieces = self.server.app(self._environ(body), start_response)
        try:
            self._write(head[0], head[1], pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    def _write(self, status: str, headers: list[tuple[str, str]], pieces: Iterable[bytes]) -> None:
        number = int(status.split(" ", 1)[0])
        names = {name.lower() for name, _ in headers}
        bodiless = self.command == "HEAD" or number in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        chunked = "content-length" not in names and not bodiless
        lines = [f"HTTP/1.1 {status}", f"Date: {formatdate(usegmt=True)}", "Server: simulator"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += ["Transfer-Encoding: chunked"] if chunked else []
        lines += ["Connection: close"] if self.close_connection else []
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if bodiless:
            return
        for piece in pieces:
            if piece:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                if len(piece) < self.wbufsize:
                    self.wfile.flush()  # a pause may follow, and what has been said is to be heard
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _cut(self) -> None:
        # What was written so far goes out; then the other side sees the end at once, however much it still sends.
        self.close_connection = True
        with suppress(OSError):  # the other side may be gone already
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def _environ(self, body: "_Body") -> "WSGIEnvironment":
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BufferedReader(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of requests."""


class _Body(io.RawIOBase):
    """The body of one request, of announced length or chunked; ends where the next request begins."""

    def __init__(self, source: Any, headers: Any) -> None:
        self._source = source
        self._chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        length = headers.get("Content-Length", "0")
        self._left = int(length) if length.isdecimal() and not self._chunked else 0
        self._ended = not self._chunked

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left == 0 and not self._ended:
            self._next_chunk()
        data = self._source.read(min(len(buffer), self._left))
        if not data and self._left:
            raise ConnectionError("the client left in the middle of a request")
        buffer[: len(data)] = data
        self._left -= len(data)
        if self._chunked and not self._left and not self._ended:
            self._source.readline(8)
        return len(data)

    def finish(self) -> bool:
        """Read what nobody wanted; False where that is too much."""
        unread, room = 0, bytearray(64 * 1024)
        while self._left or not self._ended:
            unread += self.readinto(room)
            if unread > DRAIN_LIMIT:
                return False
        return True

    def _next_chunk(self) -> None:
        line = self._source.readline(1024)
        try:
            self._left = int(line.split(b";", 1)[0], 16)
        except ValueError:
            raise ConnectionError("a chunk without a length") from None
        if self._left == 0:
            self._ended = True
            while self._source.readline(1024) not in (b"\r\n", b"\n", b""):
                pass
