"""What Redis says on a subscription, as it comes off the wire (RESP 2). Nothing here waits or knows a socket.

The client library takes thirty microseconds to read a message; at thousands of messages a second that is most of what a
hub would do.
"""

from typing import Any

_ARRAY, _BULK, _NUMBER, _ERROR = b"*$:-"
END = b"\r\n"


class RespError(ConnectionError):
    """Redis refused a command."""


class Reader:
    """Takes pieces of any size, gives whole answers: lists, bytes, whole numbers, None."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> list[Any]:
        """Every answer that is complete now.

        Raises:
            RespError: one of them is an error.
        """
        data = self._rest + piece if self._rest else piece
        answers, at = [], 0
        try:
            while at < len(data):
                answer, at = _parse(data, at)
                answers.append(answer)
        except _Incomplete:
            pass
        self._rest = data[at:]
        return answers


class _Incomplete(Exception):
    """The rest has yet to come."""


def _parse(data: bytes, at: int) -> tuple[Any, int]:
    """The answer that begins there, and where the next one does."""
    end = data.find(END, at)
    if end < 0:
        raise _Incomplete
    kind, start = data[at], end + 2
    if kind == _BULK:
        size = int(data[at + 1 : end])
        if size < 0:
            return None, start
        if len(data) < start + size + 2:
            raise _Incomplete
        return data[start : start + size], start + size + 2
    if kind == _ARRAY:
        items = []
        for _ in range(int(data[at + 1 : end])):
            item, start = _parse(data, start)
            items.append(item)
        return items, start
    said = data[at + 1 : end]
    if kind == _ERROR:
        raise RespError(said.decode(errors="replace"))
    return int(said) if kind == _NUMBER else said, start
