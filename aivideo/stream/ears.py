"""Waiting for any of a few sockets to be readable, cheaply also under gevent.

gevent's own selector makes watchers, an event and a timer for each wait, which costs more than to hand a message on.
"""

import selectors
import socket
from typing import Any

from aivideo.stream.socket_loop import is_gevent

READABLE = 1
"""As libev calls it."""
TICKS = 10
"""To the longest wait: to set a timer anew for each would cost more than these."""


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
    """The same with watchers of gevent's loop that are started once, and switch to who waits without a detour."""

    def __init__(self, seconds: float, *sockets: socket.socket) -> None:
        from gevent import get_hub, getcurrent

        self._hub, self._current = get_hub(), getcurrent
        self._waiting: Any = None
        self._ticks = 0
        self._stopped = [(self._hub.loop.io(one.fileno(), READABLE), {one}) for one in sockets]
        self._watchers = [watcher for watcher, _ in self._stopped]
        self._timer = self._hub.loop.timer(seconds / TICKS, seconds / TICKS)
        self._timer.start(self._tick)

    def wait(self) -> set[Any]:
        while self._stopped:
            watcher, ready = self._stopped.pop()
            watcher.start(self._hear, watcher, ready)
        self._ticks = 0
        self._waiting = self._current()
        try:
            heard: set[Any] = self._hub.switch()
        finally:
            self._waiting = None
        return heard

    def _hear(self, watcher: Any, ready: set[Any]) -> None:
        if self._waiting is not None:
            self._waiting.switch(ready)
        else:  # still at work on what came before: it would be told over and over
            watcher.stop()
            self._stopped.append((watcher, ready))

    def _tick(self) -> None:
        self._ticks += 1
        if self._ticks >= TICKS and self._waiting is not None:
            self._waiting.switch(set())

    def close(self) -> None:
        for watcher in (self._timer, *self._watchers):
            watcher.close()


def listen_to(seconds: float, *sockets: socket.socket) -> Ears:
    return GeventEars(seconds, *sockets) if is_gevent() else Ears(seconds, *sockets)
