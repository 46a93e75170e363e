"""How long a video is likely to take, from the last runs of its model and from its own progress."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select

from aivideo.core import estimates
from aivideo.core.video import Status
from aivideo.extensions import db
from aivideo.models import Video

RUNS = 20
_LAST_RUNS = (
    select(Video.seconds, Video.accepted_at, Video.completed_at)
    .where(
        Video.model == bindparam("model"),
        Video.status == Status.COMPLETED,
        Video.accepted_at.is_not(None),
        Video.late.is_(False),
    )
    .order_by(Video.completed_at.desc())
    .limit(RUNS)
)


def expected_wait(model_id: str, seconds: int) -> float | None:
    """Seconds from the provider's yes to the player, for a clip of `seconds`; None where there were no runs yet."""
    rows = db.session.execute(_LAST_RUNS, {"model": model_id})
    runs = [(length, (end - start).total_seconds()) for length, start, end in rows if start and end]
    return estimates.typical(runs, seconds)


def first(model_id: str, seconds: int, now: datetime) -> datetime | None:
    """When a video that was accepted now will be finished."""
    wait = expected_wait(model_id, seconds)
    return None if wait is None else now + timedelta(seconds=wait)


def refine(video: Video, accepted_at: datetime, now: datetime) -> None:
    """Correct a video's `expected_at` by how far it has come."""
    before = (video.expected_at - accepted_at).total_seconds() if video.expected_at else None
    whole = estimates.refined(before, (now - accepted_at).total_seconds(), video.progress)
    video.expected_at = None if whole is None else accepted_at + timedelta(seconds=whole)
