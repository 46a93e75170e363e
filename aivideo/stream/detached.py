"""The detached way to hold a viewer: one epoll for all of a process's sockets, and no greenlet for any of them.

The view sends what a viewer missed as any answer; then the viewer takes a duplicate of the connection, the server's
request ends, and the hub writes the shared bytes straight to the socket. Works under gunicorn's gevent worker on Linux.
All of it runs in greenlets of one thread, and no method of a viewer switches between them: so there are no locks.
"""

import errno
import logging
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

from aivideo.stream.viewer import MAX_QUEUED_BYTES, Audience, Viewer

if TYPE_CHECKING:
    from aivideo.stream.hub import Hub

log = logging.getLogger(__name__)
TESTED_SERVER = "gunicorn/27."
"""How a request ends is the server's affair: by default only versions are trusted that the tests ran with."""
KERNEL_BUFFER_BYTES = 64 * 1024
"""Of a socket, so that a viewer that does not read costs little; the kernel would let it grow to megabytes."""
LAST_CHUNK = b"0\r\n\r\n"


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
        and _epoll() is not None
    )


class DetachedViewer(Viewer):
    """A viewer that is a descriptor and, while its client is slow, the bytes that wait for it.

    Until `blocks` is asked for what follows the replay it keeps what it is sent.
    """

    __slots__ = ("_behind", "_connection", "_descriptor", "_ended", "_sockets", "chunked")

    def __init__(self, audience: Audience, user_id: int, environ: Mapping[str, Any], sockets: "Sockets") -> None:
        super().__init__(audience, user_id)
        self.chunked = environ.get("SERVER_PROTOCOL") != "HTTP/1.0"
        self._sockets = sockets
        self._connection: socket.socket | None = environ["gunicorn.socket"]
        self._descriptor = -1
        self._behind: bytearray | None = bytearray()
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
        if self._behind is None:
            rest = self._write(framed)
            if rest:
                self._behind = bytearray(rest)
                self._sockets.watch(self._descriptor, writable=True)
        elif len(self._behind) + len(framed) <= MAX_QUEUED_BYTES or not self._behind:
            self._behind += framed
        else:
            self.cut()  # it will ask again for what it did not read

    def end(self, last_words: bytes = b"") -> None:
        if self._ended:
            return
        self.send(self.frame(last_words) + (LAST_CHUNK if self.chunked else b""))
        self._ended = True
        if self._behind is None:
            self._close()

    def cut(self) -> None:
        """Close at once, whatever still waits."""
        self._ended = True
        self._behind = None
        self._close()

    def flush(self) -> None:
        """Write on, now that the client has read."""
        if self._behind is None:
            return
        rest = self._write(memoryview(self._behind))
        if rest is None:
            return
        if rest:
            self._behind = bytearray(rest)
            return
        self._behind = None
        if self._ended:
            self._close()
        else:
            self._sockets.watch(self._descriptor)

    def blocks(self) -> Iterator[bytes]:
        """Go on without the request: raises HandedOver in it."""
        connection, self._connection = self._connection, None
        assert connection is not None
        try:
            with suppress(OSError):  # a Unix socket may not take it
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
            self._descriptor = os.dup(connection.fileno())
            os.set_blocking(self._descriptor, False)
            self._sockets.add(self._descriptor, self)
        except OSError as error:
            log.warning("a stream could not be taken over: %s", error)
            self._sockets.bury(self)
            self.cut()
            raise HandedOver from None
        if self._ended and self._behind is None:
            self._close()  # it was cut while it was told what it had missed
        else:
            self.flush()
        raise HandedOver
        yield

    def _write(self, data: "bytes | memoryview") -> "bytes | memoryview | None":
        """Write what the kernel takes; returns the rest. None where the client is gone: then this is closed."""
        try:
            return memoryview(data)[os.write(self._descriptor, data) :]
        except BlockingIOError:
            return data
        except OSError:
            self.cut()
            return None

    def _close(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._sockets.remove(descriptor, self)


class Sockets(threading.Thread):
    """The loop: watches all descriptors, writes on where a client has read, notices who has left.

    Whoever closes a viewer may hold a channel's lock or be walking through its viewers, so the hub is told from here.
    """

    def __init__(self, hub: "Hub") -> None:
        super().__init__(name="stream-sockets", daemon=True)
        from gevent.socket import wait_read

        select = _epoll()
        assert select is not None
        self._hub = hub
        self._wait_read = wait_read
        self._select = select
        self._epoll = select.epoll()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._bell, select.EPOLLIN)
        self._viewers: dict[int, DetachedViewer] = {}
        self._gone: list[DetachedViewer] = []
        self._stopping = False

    def add(self, descriptor: int, viewer: DetachedViewer) -> None:
        """Watch a new one, that is to write something first."""
        self._epoll.register(descriptor, self._select.EPOLLRDHUP | self._select.EPOLLOUT)
        self._viewers[descriptor] = viewer

    def watch(self, descriptor: int, *, writable: bool = False) -> None:
        self._epoll.modify(descriptor, self._select.EPOLLRDHUP | (self._select.EPOLLOUT if writable else 0))

    def remove(self, descriptor: int, viewer: DetachedViewer) -> None:
        self._viewers.pop(descriptor, None)
        with suppress(OSError):  # said aloud: closing does it only once the server has closed its own descriptor
            self._epoll.unregister(descriptor)
        os.close(descriptor)
        self.bury(viewer)

    def bury(self, viewer: DetachedViewer) -> None:
        self._gone.append(viewer)
        os.eventfd_write(self._bell, 1)

    def stop(self) -> None:
        self._stopping = True
        os.eventfd_write(self._bell, 1)

    def run(self) -> None:
        while not self._stopping:
            self._wait_read(self._epoll.fileno())  # an epoll can itself be waited for
            try:
                self._serve()
            except Exception:
                log.exception("the socket loop stumbled")
        self._epoll.close()
        os.close(self._bell)

    def _serve(self) -> None:
        for descriptor, what in self._epoll.poll(0):
            viewer = self._viewers.get(descriptor)
            if descriptor == self._bell:
                os.eventfd_read(self._bell)
            elif viewer is None:
                continue  # closed by what came before it in this list
            elif what & ~self._select.EPOLLOUT:
                viewer.cut()
            else:
                viewer.flush()
        gone, self._gone = self._gone, []
        self._hub.leave(*gone)


@cache
def _epoll() -> Any:
    """The operating system's `select` module, which gevent replaces by one without epoll; None where there is none."""
    try:
        from gevent.monkey import get_original

        get_original("select", "epoll")
    except (ImportError, AttributeError):
        return None
    from types import SimpleNamespace

    names = ("epoll", "EPOLLIN", "EPOLLOUT", "EPOLLRDHUP")
    return SimpleNamespace(**{name: get_original("select", name) for name in names})
