"""Waiting for any of a few sockets to be readable, cheaply also under gevent.

gevent's own selector makes watchers, an event and a timer for each wait: 50 µs, a third of what a message costs.
"""

import selectors
import socket
from typing import Any

from aivideo.stream.socket_loop import is_gevent

READABLE = 1
"""As libev calls it."""


class Ears:
    """Waits for `sockets`, all of which stay open meanwhile, and no longer than `seconds`."""

    def __init__(self, seconds: float, *sockets: socket.socket) -> None:
        self._seconds = seconds
        self._selector = selectors.DefaultSelector()
        for one in sockets:
            self._selector.register(one, selectors.EVENT_READ)

    def wait(self) -> set[Any]:
        """Those that can be read, or some of them; none when time is up."""
        return {key.fileobj for key, _ in self._selector.select(self._seconds)}

    def close(self) -> None:
        self._selector.close()


class GeventEars(Ears):
    """The same with watchers of gevent's loop that are made once."""

    def __init__(self, seconds: float, *sockets: socket.socket) -> None:
        from gevent import get_hub
        from gevent.hub import Waiter

        loop = get_hub().loop
        self._waiter = Waiter()
        self._watchers = [(loop.io(one.fileno(), READABLE), {one}) for one in sockets]
        self._timer = loop.timer(seconds, seconds)

    def wait(self) -> set[Any]:
        self._waiter.clear()
        self._timer.again(self._waiter.switch, set())  # `start` would go on with what was left of the time before
        for watcher, ready in self._watchers:
            watcher.start(self._waiter.switch, ready)
        try:
            heard: set[Any] = self._waiter.get()
        finally:
            self._timer.stop()
            for watcher, _ in self._watchers:
                watcher.stop()
        return heard

    def close(self) -> None:
        self._timer.close()
        for watcher, _ in self._watchers:
            watcher.close()


def listen_to(seconds: float, *sockets: socket.socket) -> Ears:
    return GeventEars(seconds, *sockets) if is_gevent() else Ears(seconds, *sockets)
