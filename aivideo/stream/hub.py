"""The hub of one web process: who watches what, over one Redis connection, whatever the way a viewer is held."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import uniform
from typing import Any

from flask import Flask

from aivideo.config import Settings
from aivideo.core import video as core
from aivideo.stream.access import AccessChannel
from aivideo.stream.channels import Channel, LogChannel, StateChannel
from aivideo.stream.fanout import fan_out, paced
from aivideo.stream.looker import Looker
from aivideo.stream.pulse import Pulse
from aivideo.stream.seats import Seats
from aivideo.stream.socket_loop import Sockets
from aivideo.stream.subscription import Subscription
from aivideo.stream.viewer import Viewer

log = logging.getLogger(__name__)
NOTE_AFTER_SECONDS = 1.0
"""A shorter absence of Redis is nobody's business."""
YOUNGEST = 0.8
"""Streams end at a random age between this part of STREAM_MAX_SECONDS and all of it, so they do not return in step."""


class Hub:
    """Viewers and channels, and the threads that serve them. Its methods may be called from any thread.

    `away` is True while Redis does not answer: then the database is looked into every few seconds. `lock` is never held
    while a channel's lock is taken or a thread of the hub is called.
    """

    linger_seconds = 5.0
    """How long a channel nobody watches stays subscribed, so that a reload finds it."""

    def __init__(self, app: Flask) -> None:
        settings: Settings = app.config["SETTINGS"]
        self.app = app
        self.away = False
        self.noted = False
        """Whether viewers were told that Redis is away."""
        self.draining = False
        self._settings = settings
        self._lock = threading.Lock()
        self._viewers: set[Viewer] = set()
        self._per_user: Counter[int] = Counter()
        self._channels: dict[str, Channel] = {core.ACCESS_CHANNEL: AccessChannel(self)}
        self._new: set[str] = set()
        self._gone: set[str] = set()
        self._away_since = 0.0
        self._next_expiry = float("inf")
        self.looker = Looker(self, settings.stream_heartbeat_seconds)
        self._subscription = Subscription(self, settings.redis_address)
        self._pulse = Pulse(self, settings.stream_heartbeat_seconds)
        self._seats = Seats(self, app.extensions["doorbell"], settings.stream_heartbeat_seconds)
        self._sockets: Sockets | None = None
        self._threads: list[Any] = [self.looker, self._subscription, self._pulse, self._seats]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop the threads and wait for them; viewers are drained before."""
        self.drain()
        for thread in self._threads:
            thread.stop()
        for thread in self._threads:
            thread.join()

    @property
    def sockets(self) -> Sockets:
        """The loop of detached viewers, started for the first of them."""
        with self._lock:
            if self._sockets is None:
                self._sockets = Sockets(self)
                self._sockets.start()
                self._threads.append(self._sockets)
            return self._sockets

    # Viewers

    def admit(self, viewer: Viewer) -> bool:
        """Take a viewer in, unless there are too many of all or of this user."""
        viewer.expires_at = time.monotonic() + self._settings.stream_max_seconds * uniform(YOUNGEST, 1)  # noqa: S311
        with self._lock:
            if (
                len(self._viewers) >= self._settings.stream_max_per_process
                or self._per_user[viewer.user_id] >= self._settings.stream_max_per_user
            ):
                return False
            self._viewers.add(viewer)
            self._per_user[viewer.user_id] += 1
            self._next_expiry = min(self._next_expiry, viewer.expires_at)
        if not self._seats.take(viewer, self._settings.stream_max_per_user):
            self.leave(viewer)
            return False
        if self.draining:
            viewer.end(viewer.audience.drain())
        return True

    def leave(self, *viewers: Viewer) -> None:
        """Forget viewers; may be called more than once."""
        with self._lock:
            known = [viewer for viewer in viewers if viewer in self._viewers]
            for viewer in known:
                self._viewers.discard(viewer)
                self._per_user[viewer.user_id] -= 1
                if not self._per_user[viewer.user_id]:
                    del self._per_user[viewer.user_id]
                if viewer.channel is not None:
                    viewer.channel.users -= 1
                    if viewer.channel.users == 0:
                        viewer.channel.idle_since = time.monotonic()
        for viewer in known:
            if viewer.channel is not None:
                viewer.channel.drop(viewer)
        if known:
            self._seats.leave(known)

    def watch_log(self, viewer: Viewer, video_id: int, last: int) -> LogChannel:
        """The channel of a video's log for this viewer; `last` is a number that is in the database."""
        channel = self._watch(viewer, core.channel(video_id), lambda: LogChannel(video_id, last))
        assert isinstance(channel, LogChannel)
        return channel

    def watch_states(self, viewer: Viewer) -> StateChannel:
        """The channel of all videos of the viewer's user."""
        user_id = viewer.user_id
        channel = self._watch(viewer, core.user_channel(user_id), lambda: StateChannel(user_id))
        assert isinstance(channel, StateChannel)
        return channel

    def viewers(self) -> list[Viewer]:
        with self._lock:
            return list(self._viewers)

    def channels(self) -> list[Channel]:
        with self._lock:
            return list(self._channels.values())

    def drain(self) -> None:
        """End every stream with a word that makes it come back, to another process."""
        self.draining = True
        self._end(self.viewers())

    # What Redis said (called by the subscription's thread)

    def take_wishes(self) -> tuple[set[str], set[str]]:
        """Names of channels to subscribe to, and of those to leave, since the last call."""
        with self._lock:
            new, gone = self._new, self._gone
            self._new, self._gone = set(), set()
        return new, gone

    def forget_subscriptions(self) -> None:
        """A new connection knows none: wish for all."""
        with self._lock:
            self._new, self._gone = set(self._channels), set()

    def confirmed(self, names: Iterable[str]) -> None:
        """From now on Redis brings what is published there; what was before is in the database."""
        with self._lock:
            channels = [self._channels[name] for name in names if name in self._channels]
        if channels:
            self.looker.want(channels)

    def arrived(self, messages: Mapping[str, list[Any]]) -> None:
        known = filter(None, map(self._channels.get, messages))
        unsure = [one for one in paced(known) if one.offer(filter(one.takes, messages[one.name]))]
        if unsure:
            self.looker.want(unsure)

    def lost(self, why: str) -> None:
        if not self.away:
            log.warning("Redis is away (%s): streams look into the database instead", why)
            self._away_since = time.monotonic()
            self.away = True
            self.looker.want_all()

    def found(self) -> None:
        if self.away:
            log.info("Redis is back: streams are live again")
            self.away = False
        if self.noted:
            self.noted = False
            fan_out(self.viewers(), lambda audience: audience.note("live"))

    # Time (called by the pulse)

    def tidy(self, now: float) -> None:
        """End streams that are old enough, leave channels that nobody watches, say that Redis is away."""
        if self._next_expiry <= now:
            with self._lock:
                old = [viewer for viewer in self._viewers if viewer.expires_at <= now]
                later = (viewer.expires_at for viewer in self._viewers if viewer.expires_at > now)
                self._next_expiry = min(later, default=float("inf"))
            self._end(viewer for viewer in old if not viewer.closed)
        with self._lock:
            idle = [
                name
                for name, channel in self._channels.items()
                if channel.idle_since is not None and now - channel.idle_since > self.linger_seconds
            ]
            for name in idle:
                del self._channels[name]
                self._new.discard(name)
                self._gone.add(name)
        if idle:
            self._subscription.wake()
        if self.away and not self.noted and now - self._away_since > NOTE_AFTER_SECONDS:
            self.noted = True
            fan_out(self.viewers(), lambda audience: audience.note("reconnecting"))

    def _watch(self, viewer: Viewer, name: str, make: Callable[[], Channel]) -> Channel:
        with self._lock:
            channel = self._channels.get(name)
            is_new = channel is None
            if channel is None:
                channel = self._channels[name] = make()
                self._new.add(name)
                self._gone.discard(name)
            channel.users += 1
            channel.idle_since = None
            viewer.channel = channel
        if is_new:
            self._subscription.wake()
        return channel

    def _end(self, viewers: Iterable[Viewer]) -> None:
        for viewer in viewers:
            viewer.end(viewer.audience.drain())
