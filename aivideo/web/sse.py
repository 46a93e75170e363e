"""Server-Sent Events as bytes. Nothing here knows what they are about."""

import re
from random import randint

CONTENT_TYPE = "text/event-stream; charset=utf-8"
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
"""`no-transform` keeps proxies from compressing, which would hold bytes back; nginx does not buffer when told so."""
HEARTBEAT = b": hb\n"
DRAIN_MILLISECONDS = (500, 5000)
BUSY_MILLISECONDS = 15_000
LONGEST_ID = 15
"""Digits of the largest number that we could have sent."""
_LINE_ENDS = re.compile(r"\r\n|\r|\n")


def block(
    data: str | None = None,
    *,
    id: int | None = None,
    event: str | None = None,
    retry: int | None = None,
    comment: str | None = None,
) -> bytes:
    """One block with the fields given; a reader acts when it has all of it. `retry` is in milliseconds.

    Without `data` a browser's EventSource takes `id` and `retry` from it and dispatches nothing.
    """
    lines = []
    if comment is not None:
        lines.append(f": {comment}")
    if event is not None:
        lines.append(f"event: {event}")
    if retry is not None:
        lines.append(f"retry: {retry}")
    if id is not None:
        lines.append(f"id: {id}")
    if data is not None:
        lines += [f"data: {line}" for line in _LINE_ENDS.split(data)]
    return ("\n".join(lines) + "\n\n").encode()


def comment(words: str) -> bytes:
    """A line for whoever reads along. No empty line after it: to some clients that is an event, with the last id."""
    return f": {words}\n".encode()


def opening(position: int) -> bytes:
    """The first bytes: a comment at once, and the position that the replay starts from."""
    return block(comment="ok", id=position)


def drain() -> bytes:
    """Come back, in a moment of your own. `retry` counts for htmx only in a block that has an event."""
    return block(event="drain", retry=randint(*DRAIN_MILLISECONDS))  # noqa: S311


def busy() -> bytes:
    """Too many streams. A status of an error would end a browser's EventSource for good."""
    return block(comment="too many streams are open", event="busy", retry=BUSY_MILLISECONDS)


def position(*candidates: str | None) -> int:
    """The first of the values given, such as of Last-Event-ID; 0 where it is no number that we could have sent."""
    value = next((candidate for candidate in candidates if candidate), "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= LONGEST_ID else 0
