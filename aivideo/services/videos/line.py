"""The line of those that wait: how many are before a video, and whose turn it is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, bindparam, func, or_, select
from sqlalchemy.orm import Session

from aivideo.adapters import catalogue, settings
from aivideo.core import turns
from aivideo.core.video import UNDER_WAY, UPSTREAM, Stage
from aivideo.extensions import UtcDateTime, db
from aivideo.models import User, Video

SENDS_AT_ONCE = 4
"""Of one user. Each holds a thread of a worker for as long as the call takes, and others' videos need threads too."""


@dataclass(frozen=True)
class Standing:
    """A user's videos, as one of them sees them that waits."""

    under_way: int
    sending: int
    before: int
    """Those that wait as well, could be sent now, and are older."""


def standing(session: Session, video_id: int, user_id: int, now: datetime) -> Standing:
    """Where a video stands among its user's. True for as long as the user's place in line is locked."""
    return Standing(*session.execute(_STANDING, {"video": video_id, "user": user_id, "now": now}).one())


def next_ones(session: Session, user_id: int, now: datetime) -> dict[int, datetime | None]:
    """The videos whose turn it is, and when each is rung for: this user's, or everybody's where places are shared.

    They are shared under SORA_MAX_CONCURRENT: then the next place goes to the user with the fewest.
    """
    most = settings().sora_max_concurrent
    waiting, busy = (_WAITING_OF_USER, _BUSY_OF_USER) if most is None else (_WAITING, _BUSY)
    rows = session.execute(waiting, {"user": user_id, "now": now}).all()
    if not rows:
        return {}
    have = {row.user_id: row for row in session.execute(busy, {"user": user_id})}
    room = {}
    for user, plan in {row.user_id: row.plan for row in rows}.items():
        under_way, sending = (have[user].under_way, have[user].sending) if user in have else (0, 0)
        room[user] = min(catalogue().plan(plan).under_way - under_way, SENDS_AT_ONCE - sending)
    upstream = {user: row.upstream for user, row in have.items()}
    in_order = turns.line(((row.id, row.user_id) for row in rows), upstream, room)
    free = len(rows) if most is None else most - sum(upstream.values())
    due = {row.id: row.due_at for row in rows}
    return {video_id: due[video_id] for _, video_id in zip(range(free), in_order, strict=False)}


def place(video: Video) -> int | None:
    """The place in line of a video that waits, 1 being the next: of its user's, or of all where places are shared."""
    if video.stage != Stage.QUEUED:
        return None
    waiting = select(Video.id, Video.user_id).where(Video.stage == Stage.QUEUED).order_by(Video.id)
    busy: dict[int, int] = {}
    if settings().sora_max_concurrent is None:
        waiting = waiting.where(Video.user_id == video.user_id)
    else:
        upstream = select(Video.user_id, func.count()).where(Video.stage.in_(UPSTREAM)).group_by(Video.user_id)
        busy = {row[0]: row[1] for row in db.session.execute(upstream)}
    in_order = turns.line(((row.id, row.user_id) for row in db.session.execute(waiting)), busy)
    return next((number for number, other in enumerate(in_order, 1) if other == video.id), None)


def may_be_sent(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Not while a video waits for its next try."""
    return or_(Video.send_after.is_(None), Video.send_after <= now)


def _count(condition: ColumnElement[bool]) -> Any:
    return func.count().filter(condition)


_USER: BindParameter[int] = bindparam("user")
_NOW = bindparam("now", type_=UtcDateTime())
_BEFORE = (Video.stage == Stage.QUEUED) & may_be_sent(_NOW) & (Video.id < bindparam("video"))
_STANDING = select(_count(Video.stage.in_(UNDER_WAY)), _count(Video.stage == Stage.SUBMITTING), _count(_BEFORE)).where(
    Video.user_id == _USER, Video.stage.in_((*UNDER_WAY, Stage.QUEUED))
)
_WAITING = (
    select(Video.id, Video.user_id, Video.due_at, User.plan)
    .join(User, User.id == Video.user_id)
    .where(Video.stage == Stage.QUEUED, may_be_sent(_NOW))
    .order_by(Video.id)
)
_WAITING_OF_USER = _WAITING.where(Video.user_id == _USER).limit(SENDS_AT_ONCE)
_BUSY = (
    select(
        Video.user_id,
        func.count().label("under_way"),
        _count(Video.stage == Stage.SUBMITTING).label("sending"),
        _count(Video.stage.in_(UPSTREAM)).label("upstream"),
    )
    .where(Video.stage.in_(UNDER_WAY))
    .group_by(Video.user_id)
)
_BUSY_OF_USER = _BUSY.where(Video.user_id == _USER)
"""Built once: to build a statement costs more than to run it, and every video asks these."""
