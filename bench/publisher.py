"""Publishes messages of an exact length, each with its number in its channel and the moment it was sent."""

import json
import socket
import time
from contextlib import suppress
from typing import Any

AT_A_TIME = 500
TIMESTAMP = "2026-11-22T20:00:00.000Z"
SHORTEST = len(json.dumps({"id": 1, "step": 5, "message": f"t={0:020}", "timestamp": TIMESTAMP}))


def text(number: int, at: int, size: int) -> str:
    """The words of message `number`, so that the message as a whole has `size` bytes. `at` is in nanoseconds."""
    return f"t={at:020}" + "." * (size - SHORTEST + 1 - len(str(number)))


def message(number: int, at: int, size: int) -> str:
    """As aivideo/events.py publishes a line of a log."""
    event: dict[str, Any] = {"id": number, "step": 5, "message": text(number, at, size), "timestamp": TIMESTAMP}
    return json.dumps(event, ensure_ascii=False)


class Publisher:
    """One plain connection to Redis, to cost as little as can be; what it cannot send is lost."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, messages: list[tuple[str, str]]) -> None:
        """Publish (channel, payload) in one write, or in a few where there are very many."""
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
                self._socket.settimeout(None)  # with one, a look that is not to wait would wait
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for start in range(0, len(messages), AT_A_TIME):
                some = messages[start : start + AT_A_TIME]
                self._socket.sendall(b"".join(self._command(channel.encode(), data.encode()) for channel, data in some))
                self._drop_answers()
        except OSError:
            self.close()

    def _command(self, channel: bytes, data: bytes) -> bytes:
        return b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(channel), channel, len(data), data)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _drop_answers(self) -> None:
        assert self._socket is not None
        with suppress(BlockingIOError):
            while True:
                if not self._socket.recv(1 << 20, socket.MSG_DONTWAIT):
                    raise ConnectionResetError


class HttpPublisher(Publisher):
    """The same to a server that takes messages by POST: request after request without waiting for answers."""

    def _command(self, channel: bytes, data: bytes) -> bytes:
        head = b"POST /publish/%b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n"
        return head % (channel, len(data)) + data


def moment() -> int:
    """On the clock that the load generator reads."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)
