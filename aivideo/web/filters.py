"""Words, numbers and addresses as the pages show them. Plain functions: fragments of the streams use them as well."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from flask import Flask

from aivideo.config import ROOT
from aivideo.core import browsers
from aivideo.core.video import ENDED, Stage, Status

STATUS_WORDS = {
    Status.PENDING: "Waiting",
    Status.PROCESSING: "Processing",
    Status.COMPLETED: "Completed",
    Status.FAILED: "Failed",
    Status.CANCELLED: "Cancelled",
}
STAGE_WORDS = {
    Stage.QUEUED: "Waiting for its turn",
    Stage.SUBMITTING: "Sending to the provider",
    Stage.RECONCILING: "Looking up what the provider did",
    Stage.RENDERING: "Rendering",
    Stage.SAVING: "Saving your video",
}
FAILURE_WORDS = {
    "invalid_input": "Not accepted",
    "moderation_blocked": "Refused by moderation",
    "provider_error": "The provider failed",
    "timeout": "It took too long",
    "outcome_unknown": "The outcome is unknown",
    "provider_lost": "Lost by the provider",
    "expired": "Expired too early",
    "queue_timeout": "It waited too long",
    "internal": "Our own fault",
}
MINUTE, HOUR, DAY = 60, 3600, 86400


def init_app(app: Flask) -> None:
    """Make the functions below known to every template."""
    app.jinja_env.filters.update(
        ago=ago,
        clock=clock,
        count=count,
        dimensions=dimensions,
        elapsed=elapsed,
        exact=exact,
        left=left,
        megabytes=megabytes,
        time_left=time_left,
        shape=shape,
        words=words,
    )
    app.jinja_env.filters["browser"] = browsers.in_words
    app.jinja_env.globals.update(
        asset=_asset(app.debug),
        ended=lambda status: status in ENDED,
        status_word=lambda status: STATUS_WORDS[Status(status)],
        stage_word=lambda stage: STAGE_WORDS.get(Stage(stage), ""),
        failure_word=lambda code: FAILURE_WORDS.get(code, "It did not work"),
        can=lambda model, what: bool((known := app.extensions["catalogue"].model(model)) and known.can(what)),
        model_name=lambda model: getattr(app.extensions["catalogue"].model(model), "name", model),
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def moment(value: datetime | str) -> datetime:
    """A datetime, or the ISO 8601 text of a snapshot, as an aware datetime."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def elapsed(start: datetime | str, end: datetime | str | None = None) -> str:
    """Time between two moments, the second being now by default: `1:12`, `1:02:03`."""
    until = moment(end) if end else datetime.now(UTC)
    return duration(max(0, int((until - moment(start)).total_seconds())))


def duration(seconds: int) -> str:
    hours, rest = divmod(seconds, HOUR)
    minutes, seconds = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def left(expected: datetime | str, now: datetime | None = None) -> int:
    """Seconds until then; 0 where that has passed."""
    return max(0, round((moment(expected) - (now or datetime.now(UTC))).total_seconds()))


def time_left(seconds: int) -> str:
    """`about 1:12 left`, and an honest word where an estimate was wrong. `page.js` says the same while it counts."""
    return f"about {duration(seconds)} left" if seconds else "a moment longer"


def ago(value: datetime | str, now: datetime | None = None) -> str:
    """Relative within a day, a date beyond: `just now`, `5 min ago`, `3 h ago`, `22 Nov`, `22 Nov 2025`."""
    then, now = moment(value), now or datetime.now(UTC)
    seconds = (now - then).total_seconds()
    if seconds < MINUTE:
        return "just now"
    if seconds < HOUR:
        return f"{int(seconds / MINUTE)} min ago"
    if seconds < DAY:
        return f"{int(seconds / HOUR)} h ago"
    return f"{then:%-d %b}" if then.year == now.year else f"{then:%-d %b %Y}"


def exact(value: datetime | str) -> str:
    return f"{moment(value).astimezone(UTC):%-d %B %Y, %H:%M:%S} UTC"


def clock(value: datetime | str) -> str:
    return f"{moment(value).astimezone(UTC):%H:%M:%S}"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 credit`, `1,200 credits`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def megabytes(size: int) -> str:
    """Bytes as people count them: `3.2 MB`."""
    return f"{size / 1_000_000:.1f} MB"


def dimensions(size: str) -> str:
    return size.replace("x", " × ")


def shape(size: str) -> str:
    """`landscape`, `portrait` or `square`, of `1280x720`."""
    width, height = (int(side) for side in size.split("x"))
    return "landscape" if width > height else "portrait" if height > width else "square"


def words(line: str) -> str:
    """A line of the log without the sign it begins with."""
    return line.lstrip("".join(sign for sign in line[:4] if not sign.isalnum()))


def _asset(fresh: bool) -> Callable[[str], str]:
    """A file's address with its hash, so that browsers may keep it for ever; `fresh` reads it anew each time."""

    def address(path: str) -> str:
        return f"/static/{path}?v={hashlib.sha256((ROOT / 'static' / path).read_bytes()).hexdigest()[:10]}"

    return address if fresh else cache(address)
