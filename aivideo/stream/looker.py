"""The thread that looks into the database for all channels together: after gaps and subscriptions, and regularly."""

import logging
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aivideo.stream import reads
from aivideo.stream.access import AccessChannel
from aivideo.stream.channels import Channel, LogChannel, StateChannel

if TYPE_CHECKING:
    from aivideo.stream.hub import Hub

log = logging.getLogger(__name__)
AWAY_SECONDS = 2.0
"""Pause between two looks while Redis is away."""
AGAIN_SECONDS = 1.0
"""Pause after a look that failed."""


class Looker(threading.Thread):
    """Heals whatever Redis did not bring, by number. The only thing it waits for is the database."""

    def __init__(self, hub: "Hub", every_seconds: float) -> None:
        super().__init__(name="stream-looker", daemon=True)
        self._hub = hub
        self._every = every_seconds
        self._wish = threading.Condition()
        self._wanted: set[Channel] = set()
        self._due = time.monotonic() + every_seconds
        self._stopped = False

    def want(self, channels: Iterable[Channel]) -> None:
        """Look at these as soon as possible."""
        with self._wish:
            self._wanted.update(channels)
            self._wish.notify()

    def want_all(self) -> None:
        with self._wish:
            self._due = time.monotonic()
            self._wish.notify()

    def stop(self) -> None:
        with self._wish:
            self._stopped = True
            self._wish.notify()

    def run(self) -> None:
        while (channels := self._next()) is not None:
            try:
                self.look(channels)
            except Exception:
                log.exception("looking into the database failed; trying again")
                time.sleep(AGAIN_SECONDS)
                self.want(channels)

    def look(self, channels: Iterable[Channel]) -> None:
        """Ask for all of them with few queries, and tell the viewers what they lack."""
        logs = {channel.key: channel for channel in channels if isinstance(channel, LogChannel)}
        states = {channel.key: channel for channel in channels if isinstance(channel, StateChannel)}
        for channel in channels:
            if isinstance(channel, AccessChannel):
                channel.look()
        if logs:
            looks = reads.look_at_logs(self._hub.app, {key: channel.last for key, channel in logs.items()})
            for key, look in looks.items():
                logs[key].offer(look.messages)
                logs[key].settle(look.last, look.over)
        if states:
            before = datetime.now(UTC)
            watched = {key: reads.Watched(channel.told_until, dict(channel.seen)) for key, channel in states.items()}
            for key, messages in reads.look_at_states(self._hub.app, watched).items():
                states[key].offer(messages)
            for channel in states.values():
                channel.told_until = before

    def _next(self) -> list[Channel] | None:
        """Wait for what is to be looked at next; None at the end."""
        with self._wish:
            while not self._stopped:
                now = time.monotonic()
                pause = min(AWAY_SECONDS, self._every) if self._hub.away else self._every
                self._due = min(self._due, now + pause)
                if self._wanted or self._due <= now:
                    channels = list(self._hub.channels() if self._due <= now else self._wanted)
                    self._wanted.clear()
                    if self._due <= now:
                        self._due = now + pause
                    if channels:
                        return channels
                    continue
                self._wish.wait(self._due - now)
        return None
