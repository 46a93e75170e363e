"""A channel: who watches it, what they have been told, and the last messages for those who come back.

Every live viewer of a channel has been told the same. Messages may arrive in any order, more than once, from Redis and
from the database; `offer` tells the viewers what is new, in order, and says whether the database has to be asked.
"""

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from aivideo.core.video import ENDED, Line, channel, user_channel
from aivideo.stream.fanout import fan_out
from aivideo.stream.viewer import Audience, Viewer

log = logging.getLogger(__name__)
KEPT = 64
"""Messages a channel keeps, for some seconds, for viewers that come back."""
MOST_EARLY = 1000

Message = dict[str, Any]


class Entry:
    """A message and its encoded form per audience, made when the first viewer needs it."""

    __slots__ = ("_blocks", "data", "key", "number")

    def __init__(self, key: int, number: int, data: Message) -> None:
        self.key = key
        self.number = number
        self.data = data
        self._blocks: dict[str, bytes] = {}

    def block(self, audience: Audience) -> bytes:
        block = self._blocks.get(audience.name)
        if block is None:
            try:
                block = audience.message(self.key, self.data)
            except Exception:  # one message that cannot be drawn must not end everybody's stream
                log.exception("message %s of %s cannot be encoded for %s", self.number, self.key, audience.name)
                block = b""
            self._blocks[audience.name] = block
        return block


class Channel:
    """What log and state channels share. `users` and `idle_since` belong to the hub, under its lock."""

    # Where each user watches their own there are as many channels as viewers: so they are kept small.
    __slots__ = ("_aged", "idle_since", "kept", "key", "lock", "name", "told_at", "users", "viewers")

    def __init__(self, key: int, name: str) -> None:
        self.key = key
        self.name = name
        self.users = 0
        self.idle_since: float | None = None
        # Entered again by a thread that holds it: a stream that is collected as garbage leaves there and then.
        self.lock = threading.RLock()
        self.viewers: dict[Viewer, None] = {}
        """In the order in which they came: written to in that order, their sockets lie side by side in memory."""
        self.kept: list[Entry] = []
        self.told_at = time.monotonic()
        """When the viewers were last told anything."""
        self._aged = 0
        """The newest number when `forget` was called last."""

    def takes(self, message: Any) -> bool:
        """Whether this is a message of ours; anybody can publish anything."""
        raise NotImplementedError

    def offer(self, messages: Iterable[Message]) -> bool:
        """Take messages, however they came; True where the database should be asked what else there is."""
        raise NotImplementedError

    def drop(self, viewer: Viewer) -> None:
        with self.lock:
            self.viewers.pop(viewer, None)

    def beat(self) -> None:
        """Send a heartbeat."""
        with self.lock:
            self.told_at = time.monotonic()
            fan_out(tuple(self.viewers), lambda audience: audience.heartbeat)

    def forget(self) -> None:
        """Drop the messages that were kept already when this was called before."""
        if self.kept:
            with self.lock:
                aged, self._aged = self._aged, self.kept[-1].number
                self.kept = [entry for entry in self.kept if entry.number > aged]

    def _tell(self, entries: Sequence[Entry]) -> None:
        self.kept.extend(entries)
        del self.kept[:-KEPT]
        if entries and self.viewers:
            self.told_at = time.monotonic()
            fan_out(tuple(self.viewers), lambda audience: b"".join(entry.block(audience) for entry in entries))

    def _join(self, viewer: Viewer, entries: Iterable[Entry]) -> bytes:
        self.viewers[viewer] = None
        return b"".join(entry.block(viewer.audience) for entry in entries)


class LogChannel(Channel):
    """The log of one video. `last` is the number its live viewers have been told; nothing is left out before it."""

    __slots__ = ("_early", "last", "over", "replaying")

    def __init__(self, video_id: int, last: int) -> None:
        super().__init__(video_id, channel(video_id))
        self.replaying = threading.Lock()
        """Held while one viewer's replay is read, so that the next finds the messages kept."""
        self.last = last
        self.over = False
        self._early: dict[int, Message] = {}

    def takes(self, message: Any) -> bool:
        return isinstance(message, dict) and isinstance(message.get("id"), int)

    def offer(self, messages: Iterable[Message]) -> bool:
        with self.lock:
            older: list[Message] = []
            for message in messages:
                if message["id"] > self.last:
                    self._early[message["id"]] = message
                else:
                    older.append(message)
            fresh: list[Entry] = []
            while (message_or_none := self._early.pop(self.last + 1, None)) is not None:
                self.last += 1
                fresh.append(Entry(self.key, self.last, message_or_none))
            if older:
                self._keep_older(older, fresh)
            self._tell(fresh)
            if fresh:
                self.over = False
            if len(self._early) > MOST_EARLY:
                self._early.clear()  # the database has them all
            return bool(self._early) or any(_may_be_last(entry.data) for entry in fresh)

    def settle(self, last: int, over: bool) -> None:
        """The database says that `last` is the newest number and whether the video is over: then so is this."""
        with self.lock:
            self.over = over and self.last == last
            if self.over:
                for viewer in tuple(self.viewers):
                    viewer.end(viewer.audience.over())

    def join(self, viewer: Viewer, after: int) -> bytes | None:
        """Make a viewer live that has been told everything up to `after`; returns what it lacks, encoded.

        None where that is not at hand: then read the database, offer what it says, and try again.
        """
        with self.lock:
            first = self.kept[0].number if self.kept else self.last + 1
            if not first - 1 <= after <= self.last:
                return None
            missing = self._join(viewer, (entry for entry in self.kept if entry.number > after))
            if self.over:
                viewer.end(viewer.audience.over())
            return missing

    def _keep_older(self, older: list[Message], fresh: Sequence[Entry]) -> None:
        """Messages right before those kept are worth keeping too, as long as there is room."""
        first = self.kept[0].number if self.kept else (fresh[0].number if fresh else self.last + 1)
        for message in sorted(older, key=lambda message: -message["id"]):
            if message["id"] == first - 1 and len(self.kept) + len(fresh) < KEPT:
                first -= 1
                self.kept.insert(0, Entry(self.key, first, message))


def _may_be_last(message: Message) -> bool:
    """Whether there is reason to ask the database if a log is over; most lines are not its last."""
    return message.get("status") in ENDED or message.get("message") == Line.DELETED


class StateChannel(Channel):
    """The state of a user's videos. A message is a snapshot with its video's `seq`, or the balance (`id` None)."""

    __slots__ = ("count", "credits", "seen", "told_until")

    def __init__(self, user_id: int) -> None:
        super().__init__(user_id, user_channel(user_id))
        self.seen: dict[int, int] = {}
        self.credits: int | None = None
        self.count = 0
        self.told_until = datetime.now(UTC)
        """The database was asked for all that changed before this."""

    def takes(self, message: Any) -> bool:
        if not isinstance(message, dict):
            return False
        if message.get("id", 0) is None:
            return isinstance(message.get("credits_left"), int)
        return isinstance(message.get("id"), int) and isinstance(message.get("seq"), int) and "updated_at" in message

    def offer(self, messages: Iterable[Message]) -> bool:
        with self.lock:
            fresh = []
            for message in messages:
                if not self._is_new(message):
                    continue
                self.count += 1
                fresh.append(Entry(self.key, self.count, message))
            self._tell(fresh)
        return False

    def join(self, viewer: Viewer, count: int, told: dict[int, int]) -> bytes | None:
        """Make a viewer live that read the database when this channel had told `count` messages.

        `told` maps each video it was told of to that snapshot's seq. Returns what it lacks, encoded; None where too
        much has happened since: then read again.
        """
        with self.lock:
            if self.count - count > len(self.kept):
                return None
            since = [entry for entry in self.kept if entry.number > count]
            return self._join(
                viewer,
                (e for e in since if e.data["id"] is None or e.data["seq"] > told.get(e.data["id"], 0)),
            )

    def _is_new(self, message: Message) -> bool:
        if message["id"] is None:
            before, self.credits = self.credits, message["credits_left"]
            return before != self.credits
        if message["seq"] <= self.seen.get(message["id"], 0):
            return False
        self.seen[message["id"]] = message["seq"]
        return True
