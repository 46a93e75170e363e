"""The thread that keeps time for all viewers: heartbeats, the end of old streams, channels nobody watches any more."""

import logging
import threading
import time
from typing import TYPE_CHECKING

from aivideo.stream.fanout import paced

if TYPE_CHECKING:
    from aivideo.stream.hub import Hub

log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
KEPT_SECONDS = 5.0
"""A channel keeps a message for once to twice as long: whoever is cut, or drained, is back by then."""


class Pulse(threading.Thread):
    """Never touches Redis or the database, so neither can make it late."""

    def __init__(self, hub: "Hub", heartbeat_seconds: float) -> None:
        super().__init__(name="stream-pulse", daemon=True)
        self._hub = hub
        self._every = heartbeat_seconds
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        tick = min(TICK_SECONDS, self._every / 2)
        forget_at = time.monotonic() + KEPT_SECONDS
        while not self._stopping.wait(tick):
            try:
                now = time.monotonic()
                quiet_since = now + tick - self._every
                for channel in paced(one for one in self._hub.channels() if one.told_at <= quiet_since):
                    channel.beat()
                if now >= forget_at:
                    forget_at = now + KEPT_SECONDS
                    for channel in self._hub.channels():
                        channel.forget()
                self._hub.tidy(now)
            except Exception:
                log.exception("the pulse of the streams missed a beat")
