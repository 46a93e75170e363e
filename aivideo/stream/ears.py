"""Waiting for any of a few sockets to be readable, cheaply also under gevent.

gevent's own selector makes watchers, an event and a timer for each wait: 50 µs, a third of what a message costs.
"""

import selectors
import socket
from typing import Any

from aivideo.stream.socket_loop import is_gevent, real_select


class Ears:
    """Waits for `sockets`, all of which stay open meanwhile."""

    def __init__(self, *sockets: socket.socket) -> None:
        self._selector = selectors.DefaultSelector()
        for one in sockets:
            self._selector.register(one, selectors.EVENT_READ)

    def wait(self, seconds: float) -> set[Any]:
        """Those that can be read; after `seconds` none."""
        return {key.fileobj for key, _ in self._selector.select(seconds)}

    def close(self) -> None:
        self._selector.close()


class GeventEars(Ears):
    """The same with an epoll, which can itself be waited for."""

    def __init__(self, *sockets: socket.socket) -> None:
        select = real_select()
        assert select is not None, "gevent's own module knows the original"
        self._sockets = {one.fileno(): one for one in sockets}
        self._epoll = select.epoll()
        for descriptor in self._sockets:
            self._epoll.register(descriptor, select.EPOLLIN)

    def wait(self, seconds: float) -> set[Any]:
        from gevent.socket import wait_read

        try:
            wait_read(self._epoll.fileno(), seconds, TimeoutError())
        except TimeoutError:
            return set()
        return {self._sockets[descriptor] for descriptor, _ in self._epoll.poll(0)}

    def close(self) -> None:
        self._epoll.close()


def listen_to(*sockets: socket.socket) -> Ears:
    return GeventEars(*sockets) if is_gevent() else Ears(*sockets)
