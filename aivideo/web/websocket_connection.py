"""One accepted WebSocket: simple-websocket's, with what it lacks for connections that live long.

Its thread (a greenlet under gevent) reads, and runs the commands; whoever opened it writes. flask-sock would upgrade
the connection before a view can refuse it, and without any of this.
"""

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import simple_websocket
from wsproto.utilities import ProtocolError

from aivideo.stream.sockets import shut

log = logging.getLogger(__name__)
SOCKETS = ("werkzeug.socket", "gunicorn.socket")
LONGEST_MESSAGE = 4096
"""Bytes; a command has a hundred or two."""
MOST_READS, WINDOW_SECONDS = 200, 10.0
"""Whoever sends more than so much in so long is not one of ours."""
CLOSING_SECONDS = 1.0
"""How long the other side has to answer a close; cut off sooner it might not read why."""
ANSWER_SECONDS = 1.0
NORMAL, INTERNAL_ERROR, POLICY, RESTART, TRY_LATER = 1000, 1011, 1008, 1012, 1013
NOT_UPGRADED = (ProtocolError, simple_websocket.ConnectionError)


class Upgraded(BrokenPipeError):
    """Ends a request whose connection was a WebSocket: to any server its client has left, which it takes calmly."""

    def __init__(self) -> None:
        super().__init__(errno.EPIPE, "the connection was a WebSocket")


def no_answer() -> Iterator[bytes]:
    """The body of an answer that must not be written any more."""
    raise Upgraded
    yield b""


class Connection(simple_websocket.Server):  # type: ignore[misc]  # it has no types
    """Upgrades the request on construction. The reader writes what `answer` makes of each message; `gone` is its end.

    Raises:
        NOT_UPGRADED: this is no handshake of a WebSocket.
    """

    def __init__(
        self, environ: Mapping[str, Any], answer: Callable[[str | bytes], bytes], gone: Callable[[], None]
    ) -> None:
        self._answer, self._gone = answer, gone
        self._answering = threading.Lock()
        self._reads, self._window = 0, time.monotonic()
        name = next(name for name in SOCKETS if name in environ)
        # Without compression: it would cost each viewer 300 KB, and the frames are shared.
        environ = {key: value for key, value in environ.items() if key != "HTTP_SEC_WEBSOCKET_EXTENSIONS"}
        environ[name] = self._wire = _Wire(environ[name])
        super().__init__(environ, max_message_size=LONGEST_MESSAGE, thread_class=_Reader)

    def write(self, frames: bytes) -> None:
        """Write whole frames.

        Raises:
            simple_websocket.ConnectionClosed, OSError: nobody is there any more.
        """
        if not self.connected:
            raise simple_websocket.ConnectionClosed(self.close_reason, self.close_message)
        self._wire.send(frames)

    def finish(self, reason: int) -> None:
        """Close, wait a moment for the other side to do the same, and end the reader in any case.

        A command may be what ended the stream: its answer is written first.
        """
        answered = self._answering.acquire(timeout=ANSWER_SECONDS)
        with suppress(simple_websocket.ConnectionClosed, ProtocolError, OSError):
            self.close(reason)
        if answered:
            self._answering.release()
        self.thread.join(CLOSING_SECONDS)
        shut(self._wire.connection, socket.SHUT_RDWR)
        self.thread.join(CLOSING_SECONDS)

    def _thread(self) -> None:
        try:
            super()._thread()
        finally:
            self._gone()

    def _handle_events(self) -> bool:
        going: bool = super()._handle_events()
        while self.input_buffer:
            self._reads += 1
            with self._answering:
                try:
                    self.write(self._answer(self.input_buffer.pop(0)))
                except simple_websocket.ConnectionClosed:
                    return False
        self._reads += 1
        if time.monotonic() - self._window > WINDOW_SECONDS:
            self._reads, self._window = 0, time.monotonic()
        if going and self._reads > MOST_READS:
            self.close(POLICY, "Too many messages")
            return False
        return going


class _Reader(threading.Thread):
    def __init__(self, target: Callable[[], None]) -> None:
        super().__init__(name="websocket-reader", target=target, daemon=True)


class _Wire:
    """A connection to which two may write, each whole frames: gevent's `send` may write a part only."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.recv = connection.recv
        self._writing = threading.Lock()

    def send(self, data: bytes) -> None:
        with self._writing:
            self.connection.sendall(data)

    def close(self) -> None:
        """The reader is done with it. It is the server's to close, with the request that still has it."""
