"""The socket loop: one epoll for all the connections of a process that no request holds any more."""

import logging
import os
import socket
import threading
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aivideo.stream.detached import DetachedViewer
    from aivideo.stream.hub import Hub

log = logging.getLogger(__name__)


class Sockets(threading.Thread):
    """The loop: watches all sockets, writes on where a client has read, notices who has left.

    Whoever closes a viewer may hold a channel's lock or be walking through its viewers, so the hub is told from here.
    """

    def __init__(self, hub: "Hub") -> None:
        super().__init__(name="stream-sockets", daemon=True)
        from gevent.socket import wait_read

        select = real_select()
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

    def add(self, wire: socket.socket, viewer: "DetachedViewer") -> None:
        self._epoll.register(wire, self._select.EPOLLRDHUP)
        self._viewers[wire.fileno()] = viewer

    def watch(self, wire: socket.socket, *, writable: bool = False) -> None:
        self._epoll.modify(wire, self._select.EPOLLRDHUP | (self._select.EPOLLOUT if writable else 0))

    def remove(self, wire: socket.socket, viewer: "DetachedViewer") -> None:
        self._viewers.pop(wire.fileno(), None)
        with suppress(OSError):  # said aloud: closing does it only once the server has closed its own descriptor
            self._epoll.unregister(wire)
        wire.close()
        self.bury(viewer)

    def bury(self, viewer: "DetachedViewer") -> None:
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


def is_gevent() -> bool:
    """Whether the process runs on gevent, so that its threads are greenlets."""
    try:
        from gevent.monkey import is_module_patched
    except ImportError:
        return False
    return bool(is_module_patched("select"))


def duplicate(connection: socket.socket) -> socket.socket:
    """The same connection as a socket of the operating system that never waits, not even under gevent.

    Raises:
        OSError: there are too many files open, or the connection is closed.
    """
    from gevent.monkey import get_original

    kind: type[socket.socket] = get_original("socket", "socket")
    wire = kind(connection.family, connection.type, connection.proto, os.dup(connection.fileno()))
    wire.setblocking(False)
    return wire


@cache
def real_select() -> Any:
    """The operating system's `select` module, which gevent replaces by one without epoll; None where there is none."""
    try:
        from gevent.monkey import get_original

        get_original("select", "epoll")
    except (ImportError, AttributeError):
        return None
    from types import SimpleNamespace

    names = ("epoll", "EPOLLIN", "EPOLLOUT", "EPOLLRDHUP")
    return SimpleNamespace(**{name: get_original("select", name) for name in names})
