"""One request on the wire: its clock, the moment before its first byte, and whether that byte left.

requests and urllib3 know a timeout per wait, so a server that trickles a byte a minute holds them for ever,
and they do not tell a connection that was never made from one that broke. Here every wait of an exchange,
sending included, ends with the exchange's own clock, and `sent` turns true right before the first byte.
"""

import io
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

READ_BUFFER = 64 * 1024
HOSTS = 8
CONNECTIONS_PER_HOST = 64


class Vetoed(Exception):
    """`before_send` raised `error`; nothing was sent."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Exchange:
    """One request and its answer. `seconds` is the total time for both, connecting included."""

    def __init__(
        self,
        seconds: float,
        *,
        longest_wait: float = 30.0,
        fresh: bool = False,
        before_send: Callable[[], None] | None = None,
    ) -> None:
        self._ends = time.monotonic() + seconds
        self._before_send = before_send
        self.longest_wait = longest_wait
        """Seconds between two bytes of an answer."""
        self.fresh = fresh
        """Whether a new connection is made: a kept-alive one that died unnoticed would leave a doubt."""
        self.sent = False

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._ends - time.monotonic())

    def wait_at_most(self, longest: float | None = None) -> float:
        """How long the next wait may take.

        Raises:
            TimeoutError: no time is left.
        """
        remaining = self.remaining()
        if remaining <= 0:
            raise TimeoutError("the deadline has passed")
        return remaining if longest is None else min(longest, remaining)

    def about_to_send(self) -> None:
        """Called right before bytes go out; the first time, `before_send` may still stop the call."""
        if not self.sent and self._before_send is not None:
            try:
                self._before_send()
            except Exception as error:
                raise Vetoed(error) from error
        self.wait_at_most()
        self.sent = True


_exchange: ContextVar[Exchange] = ContextVar("exchange")


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: "_TimedSocket", raw: io.RawIOBase) -> None:
        self._sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.allow_wait()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedSocket:
    """A connected socket, plain or TLS, whose every wait ends with the exchange's clock."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._longest_wait: float | None = None
        self.exchange: Exchange | None = None

    def settimeout(self, seconds: float | None) -> None:
        self._longest_wait = seconds
        self._sock.settimeout(seconds)

    def allow_wait(self, *, sending: bool = False) -> None:
        if self.exchange is not None:
            # urllib3 sends under the connect timeout, too short for a picture on a slow line.
            self._sock.settimeout(self.exchange.wait_at_most(None if sending else self._longest_wait))

    def sendall(self, data: Any) -> None:
        self.allow_wait(sending=True)
        self._sock.sendall(data)

    def makefile(self, *_: Any, **__: Any) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self, self._sock.makefile("rb", buffering=0)), READ_BUFFER)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Timed:
    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = _TimedSocket(self.sock)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.sock.exchange = exchange = _exchange.get()
        exchange.about_to_send()
        super().send(data)  # type: ignore[misc]


class _Connection(_Timed, HTTPConnection):
    pass


class _TlsConnection(_Timed, HTTPSConnection):
    pass


class _Fresh:
    def _get_conn(self, timeout: float | None = None) -> Any:
        connection = super()._get_conn(timeout)  # type: ignore[misc]
        if _exchange.get().fresh:
            connection.close()  # it is opened again by whoever sends
        return connection


class _Pool(_Fresh, HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(_Fresh, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class WireAdapter(HTTPAdapter):
    """A requests adapter whose calls run as an `Exchange`: no retries, connections kept for polling."""

    def __init__(self) -> None:
        super().__init__(pool_connections=HOSTS, pool_maxsize=CONNECTIONS_PER_HOST, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def run(self, exchange: Exchange, request: Any, **options: Any) -> Any:
        """`send` under the clock of `exchange`; the answer's body is read under it too."""
        token = _exchange.set(exchange)
        try:
            return self.send(request, **options)
        finally:
            _exchange.reset(token)
