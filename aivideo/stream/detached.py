"""The detached way to hold a viewer: a socket, and no greenlet, generator or lock.

The view sends what a viewer missed as any answer; then the viewer takes a duplicate of the connection, the server's
request ends, and the hub writes the shared bytes straight to the socket. Works under gunicorn's gevent worker on Linux.
All of it runs in greenlets of one thread, and no method of a viewer switches between them: so there are no locks.
"""

import errno
import logging
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from aivideo.stream.socket_loop import Sockets, duplicate, real_select
from aivideo.stream.sockets import shut
from aivideo.stream.viewer import MAX_QUEUED_BYTES, Audience, Viewer

log = logging.getLogger(__name__)
TESTED_SERVER = "gunicorn/27."
"""How a request ends is the server's affair: by default only versions are trusted that the tests ran with."""
LAST_CHUNK = b"0\r\n\r\n"
BLOCKS_AT_ONCE = 64


class HandedOver(OSError):
    """Ends a request whose connection goes on without it: to gunicorn its client has left, which it takes calmly."""

    def __init__(self) -> None:
        super().__init__(errno.ENOTCONN, "the connection was handed over to the hub")


def can_detach(environ: Mapping[str, Any], *, any_version: bool = False) -> bool:
    """Whether this request's connection can be taken over: plain, HTTP/1, of gunicorn's gevent worker, on Linux."""
    connection = environ.get("gunicorn.socket")
    return (
        type(connection).__module__.startswith("gevent._socket")
        and environ.get("HTTP_VERSION") != "2"
        and (any_version or environ.get("SERVER_SOFTWARE", "").startswith(TESTED_SERVER))
        and real_select() is not None
    )


class Waiting:
    """Bytes that wait for one client: references to the blocks that all share, and how much they are together."""

    __slots__ = ("blocks", "size")

    def __init__(self, *blocks: "bytes | memoryview") -> None:
        self.blocks: list[bytes | memoryview] = list(blocks)
        self.size = sum(map(len, blocks))

    def add(self, block: bytes) -> None:
        self.blocks.append(block)
        self.size += len(block)

    def write_to(self, wire: socket.socket) -> None:
        """Write until nothing waits.

        Raises:
            BlockingIOError: the kernel takes no more now. Other OSErrors: the client is gone.
        """
        while self.blocks:
            written = wire.sendmsg(self.blocks[:BLOCKS_AT_ONCE])
            self.size -= written
            done = 0
            while done < len(self.blocks) and written >= len(self.blocks[done]):
                written -= len(self.blocks[done])
                done += 1
            del self.blocks[:done]
            if written:
                self.blocks[0] = memoryview(self.blocks[0])[written:]


class DetachedViewer(Viewer):
    """A viewer that is a socket of the operating system and, while its client is slow, the blocks that wait for it.

    Until `blocks` is asked for what follows the replay it keeps what it is sent.
    """

    __slots__ = ("_connection", "_ended", "_sockets", "_waiting", "_wire", "chunked")

    def __init__(self, audience: Audience, user_id: int, environ: Mapping[str, Any], sockets: Sockets) -> None:
        super().__init__(audience, user_id)
        self.chunked = environ.get("SERVER_PROTOCOL") != "HTTP/1.0"
        self._sockets = sockets
        self._connection: socket.socket | None = environ["gunicorn.socket"]
        self._wire: socket.socket | None = None
        self._waiting: Waiting | None = Waiting()
        self._ended = False

    @property
    def closed(self) -> bool:
        return self._ended

    @property
    def detached(self) -> bool:
        return self._connection is None

    def frame(self, block: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(block), block) if self.chunked and block else block

    def send(self, framed: bytes) -> None:
        if self._ended:
            return
        wire, waiting = self._wire, self._waiting
        if waiting is None:
            assert wire is not None, "one for whom nothing waits was handed over, and has not ended"
            try:
                written = wire.send(framed)
            except BlockingIOError:
                written = 0
            except OSError:
                self.cut()
                return
            if written < len(framed):
                self._waiting = Waiting(memoryview(framed)[written:])
                self._sockets.watch(wire, writable=True)
        elif waiting.size + len(framed) <= MAX_QUEUED_BYTES or not waiting.size:
            waiting.add(framed)
        else:
            self.cut()  # it will ask again for what it did not read

    def end(self, last_words: bytes = b"") -> None:
        if self._ended:
            return
        self.send(self.frame(last_words) + (LAST_CHUNK if self.chunked else b""))
        self._ended = True
        if self._waiting is None:
            self._close()

    def cut(self) -> None:
        """Close at once, whatever still waits."""
        self._ended = True
        self._waiting = None
        shut(self._connection, socket.SHUT_RDWR)  # the request may hang in writing what was missed
        self._close()

    def flush(self) -> None:
        """Write what waits, as far as the kernel takes it."""
        if self._waiting is None or self._wire is None:
            return
        try:
            self._waiting.write_to(self._wire)
        except BlockingIOError:
            self._sockets.watch(self._wire, writable=True)
        except OSError:
            self.cut()
        else:
            self._waiting = None
            if self._ended:
                self._close()
            else:
                self._sockets.watch(self._wire)

    def blocks(self) -> Iterator[bytes]:
        """Go on without the request: raises HandedOver in it."""
        connection, self._connection = self._connection, None
        assert connection is not None
        try:
            self._wire = duplicate(connection)
            self._sockets.add(self._wire, self)
        except OSError as error:
            log.warning("a stream could not be taken over: %s", error)
            self._sockets.bury(self)
            self.cut()
            raise HandedOver from None
        if self._waiting is None:  # it was cut while it was told what it had missed
            self._close()
        else:
            self.flush()
        raise HandedOver
        yield

    def _close(self) -> None:
        if self._wire is not None:
            wire, self._wire = self._wire, None
            self._sockets.remove(wire, self)
