"""The one way a video changes its stage: compare-and-set, inside the open transaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from aivideo.core.video import Stage, Status, may_move, status_of
from aivideo.models import Video
from aivideo.queue import put
from aivideo.transaction import ring_after_commit

RING_AGAIN = timedelta(seconds=15)
"""When the ticker rings for what was rung for already: the ring may have been lost."""


def move(
    session: Session,
    video_id: int,
    before: Stage,
    after: Stage,
    *where: Any,
    ended_as: Status | None = None,
    **values: Any,
) -> Video | None:
    """Take a video from one stage to the next; locks its row until the commit.

    Returns None where it is no longer in `before` (or `where` does not hold): somebody else was faster, an ordinary
    outcome.
    """
    if not may_move(before, after):
        raise ValueError(f"a video never goes from {before} to {after}")
    return session.scalars(
        update(Video)
        .where(Video.id == video_id, Video.stage == before, *where)
        .values(stage=after, status=status_of(after, ended_as), **values)
        .returning(Video),
        execution_options={"populate_existing": True},
    ).one_or_none()


def change(session: Session, video_id: int, stage: Stage, *where: Any, **values: Any) -> Video | None:
    """Change a video that stays in its stage; None where it has left it."""
    return session.scalars(
        update(Video).where(Video.id == video_id, Video.stage == stage, *where).values(**values).returning(Video),
        execution_options={"populate_existing": True},
    ).one_or_none()


def ring(verb: str, video: Video) -> None:
    """After the commit, enqueue the job that takes this video on."""
    video_id, job_id = video.id, f"{verb}-{video.id}-{video.seq}"
    ring_after_commit(lambda pipeline: put(pipeline, verb, video_id, job_id=job_id))


def utc_now() -> datetime:
    return datetime.now(UTC)
