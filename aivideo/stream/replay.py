"""What a viewer is sent, from the first byte to the last: what it missed, then what happens.

Generators of encoded blocks. They hold no database connection while they wait, neither for the client nor for news.
"""

from collections.abc import Generator, Iterable
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from aivideo.stream import reads
from aivideo.stream.channels import Entry
from aivideo.stream.hub import Hub
from aivideo.stream.viewer import Audience, Viewer

Blocks = Generator[bytes, None, None]


def milliseconds(moment: datetime) -> int:
    """A moment as the number that a state stream's viewer gets for its cursor."""
    return round(moment.timestamp() * 1000)


def ended_log(app: Flask, audience: Audience, opening: bytes, video_id: int, after: int) -> Blocks:
    """A log to which nothing is added any more: needs no hub."""
    yield opening
    while page := reads.log_page(app, video_id, after):
        yield _encode(audience, video_id, page)
        after = page[-1]["id"]
    yield audience.over()


def log(hub: Hub, viewer: Viewer, opening: bytes, video_id: int, last: int, after: int) -> Blocks:
    """A video's log after number `after`, then live. `last` is a number that its log had reached a moment ago."""
    channel = hub.watch_log(viewer, video_id, last)
    yield opening + _absence(hub, viewer)
    missing = channel.join(viewer, after)
    while missing is None and not viewer.closed:
        with channel.replaying:
            missing = channel.join(viewer, after)  # what another viewer's replay read may be all we need
            page = []
            if missing is None:
                page = reads.log_page(hub.app, video_id, min(after, channel.last))
                if channel.offer(page):
                    hub.looker.want([channel])
                missing = channel.join(viewer, after)
        if missing is None:
            own = [message for message in page if message["id"] > after]
            if own:
                yield _encode(viewer.audience, video_id, own)
                after = own[-1]["id"]
            elif not page:  # lines this viewer counts on are gone: it has to ask anew
                viewer.end(viewer.audience.drain())
    if missing:
        yield missing
    yield from viewer.blocks()


def states(hub: Hub, viewer: Viewer, opening: bytes, since: datetime | None) -> Blocks:
    """A user's videos under way, and those that changed after `since`; then live."""
    channel = hub.watch_states(viewer)
    yield opening + _absence(hub, viewer)
    told: dict[int, int] = {}
    missing = None
    while not viewer.closed and missing is None:
        count, now = channel.count, datetime.now(UTC)
        for messages in reads.states(hub.app, viewer.user_id, since):
            channel.offer(messages)
            fresh = [message for message in messages if message["seq"] > told.get(message["id"], -1)]
            told.update((message["id"], message["seq"]) for message in fresh if message["id"] is not None)
            if fresh:
                yield _encode(viewer.audience, viewer.user_id, fresh)
        yield viewer.audience.position(milliseconds(now))
        since = now
        missing = channel.join(viewer, count, told)
    if missing:
        yield missing
    yield from viewer.blocks()


def _absence(hub: Hub, viewer: Viewer) -> bytes:
    return viewer.audience.note("reconnecting") if hub.noted else b""


def _encode(audience: Audience, key: int, messages: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(Entry(key, message["id"] or 0, message).block(audience) for message in messages)
