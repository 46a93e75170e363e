"""The one way a video changes its stage: compare-and-set, inside the open transaction."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate
from sqlalchemy.sql.operators import ColumnOperators

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
    return _update(session, video_id, before, where, {"stage": after, "status": status_of(after, ended_as), **values})


def change(session: Session, video_id: int, stage: Stage, *where: Any, **values: Any) -> Video | None:
    """Change a video that stays in its stage; None where it has left it."""
    return _update(session, video_id, stage, where, values)


def _update(
    session: Session, video_id: int, stage: Stage, where: tuple[Any, ...], values: dict[str, Any]
) -> Video | None:
    computed = {name: value for name, value in values.items() if isinstance(value, ColumnOperators)}
    statement = _statement(tuple(name for name in values if name not in computed))
    if computed:
        statement = statement.values(computed)
    if where:
        statement = statement.where(*where)
    bound = {f"new_{name}": value for name, value in values.items() if name not in computed}
    found: Video | None = session.scalars(statement, {"video": video_id, "in_stage": stage, **bound}).one_or_none()
    return found


@cache
def _statement(names: tuple[str, ...]) -> ReturningUpdate[Any]:
    """To build one costs more than to run it, and there are as many as there are callers."""
    columns = Video.__table__.columns
    return (
        update(Video)
        .where(Video.id == bindparam("video"), Video.stage == bindparam("in_stage"))
        .values({name: bindparam(f"new_{name}", type_=columns[name].type) for name in names})
        .returning(Video)
        .execution_options(populate_existing=True, synchronize_session=False)  # the row that comes back does that
    )


def ring(verb: str, video: Video) -> None:
    """After the commit, enqueue the job that takes this video on."""
    video_id, job_id = video.id, f"{verb}-{video.id}-{video.seq}"
    ring_after_commit(lambda pipeline: put(pipeline, verb, video_id, job_id=job_id))


def utc_now() -> datetime:
    return datetime.now(UTC)
