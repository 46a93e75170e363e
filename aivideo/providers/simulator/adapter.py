"""Answers `requests` calls from a WSGI application in this process, as though it were a server."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from aivideo.providers.simulator.errors import Dropped, TimedOut
from aivideo.providers.simulator.misbehaviour import WAITS

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


class SimulatorAdapter(HTTPAdapter):
    """Mount it on a `requests.Session`: no socket, and answers stream as they would from one.

    A connection that the simulator was told to drop raises requests.ConnectionError; one told to stall for longer
    than the call's read timeout raises requests.ReadTimeout.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        super().__init__()
        self._app = app

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """The answer, its body unread. Raises as `requests` does where the connection fails."""
        answer = _Answer()
        try:
            body = self._app(_environ(request, timeout), answer.start)
        except TimedOut as error:
            raise requests.ReadTimeout(error, request=request) from error
        except Dropped as error:
            raise requests.ConnectionError(error, request=request) from error
        if request.method == "HEAD":
            body = ()
        raw = HTTPResponse(
            body=io.BufferedReader(_Body(body)),
            headers=HTTPHeaderDict(answer.headers),
            status=answer.status,
            reason=answer.reason,
            preload_content=False,
            request_method=request.method,
        )
        return self.build_response(request, raw)


class _Answer:
    """What the application says before the body."""

    status = 0
    reason = ""
    headers: list[tuple[str, str]]

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], object]:
        number, _, self.reason = status.partition(" ")
        self.status, self.headers = int(number), headers
        return lambda data: None


class _Body(io.RawIOBase):
    """The pieces of a body as a file."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._source, self._pieces, self._rest = pieces, iter(pieces), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return 0
            except TimedOut as error:
                raise TimeoutError(str(error)) from error
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        if not self.closed and hasattr(self._source, "close"):
            self._source.close()
        super().close()


class _Sent(io.RawIOBase):
    """A request body that comes in pieces, as a file."""

    def __init__(self, pieces: Iterator[bytes | str]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = piece.encode() if isinstance(piece, str) else piece
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _environ(request: requests.PreparedRequest, timeout: Any) -> "WSGIEnvironment":
    url = urlsplit(request.url or "")
    body: Any = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    if isinstance(body, bytes | bytearray):
        body = io.BytesIO(body)
    elif not hasattr(body, "read"):
        body = io.BufferedReader(_Sent(iter(body)))
    read_timeout = timeout[1] if isinstance(timeout, tuple) else timeout
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname or "",
        "SERVER_PORT": str(url.port or {"https": 443}.get(url.scheme, 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        WAITS: read_timeout if isinstance(read_timeout, int | float) else None,
    }
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    return environ
