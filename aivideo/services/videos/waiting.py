"""Why a video has to wait for its turn, what wakes it, and the gates that keep paid calls back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from aivideo.adapters import catalogue, provider, settings
from aivideo.core.schedule import backoff
from aivideo.core.video import Stage
from aivideo.extensions import db, insert_on_conflict
from aivideo.models import Gate, Video
from aivideo.providers.base import ProviderError
from aivideo.services.videos import line
from aivideo.services.videos.moves import RING_AGAIN, change, ring, utc_now
from aivideo.transaction import after_commit, transaction

LOOK_AGAIN = timedelta(seconds=60)
"""A place that becomes free rings by itself; this is for a ring that got lost."""
PLACE_IN_LINE = 1
"""Names this kind of advisory lock in Postgres."""
FIRST_CLOSING_SECONDS = 10.0
LONGEST_CLOSING_SECONDS = 300.0
OPERATOR_KINDS = frozenset({"quota", "unauthorised"})


@dataclass(frozen=True)
class Wait:
    reason: str | None
    """None where it is a matter of moments, of which nobody needs to hear."""
    until: datetime
    for_a_place: bool = True
    """Whether a place that becomes free ends it."""


def one_at_a_time(session: Session, user_id: int) -> None:
    """Lock a user's place in line to the end of the transaction; SQLite has but one writer anyway.

    Not by the user's row: whoever refunds has locked the attempt, then the video, and takes that row last.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(PLACE_IN_LINE, user_id)))


def why(session: Session, video_id: int, user_id: int, plan_id: str, now: datetime) -> Wait | None:
    """The reason to wait that holds now, or None. The user's place must be locked: only so are the counts true."""
    shared = settings().sora_max_concurrent is not None
    gate = _gate(session, locked=shared)
    if gate is not None and gate.closed_until > now:
        return Wait(gate.reason, gate.closed_until, for_a_place=False)
    most = catalogue().plan(plan_id).under_way
    mine = line.standing(session, video_id, user_id, now)
    if mine.under_way + mine.before >= most:
        return Wait(f"Your plan makes {most} videos at once. This one is in line.", now + LOOK_AGAIN)
    if mine.sending + mine.before >= line.SENDS_AT_ONCE:
        return Wait(None, now + LOOK_AGAIN)
    if shared and video_id not in line.next_ones(session, user_id, now):
        return Wait("All places at the provider are taken. This one is in line.", now + LOOK_AGAIN)
    return None


def place_freed(user_id: int) -> None:
    """A video of this user leaves its place with the open transaction: after its commit, wake whose turn it is then."""
    after_commit(partial(wake, user_id))


def wake(user_id: int) -> None:
    """Ring for the videos whose turn it is and whom nobody rings soon, outside of any transaction.

    Whoever frees a place calls this after the commit, and so does whoever has just begun to wait for one: of two at the
    same moment the second sees what the first has done. Should the ring get lost, the ticker looks soon as well.
    """
    now = utc_now()
    soon = now + RING_AGAIN
    for video_id, due_at in line.next_ones(db.session(), user_id, now).items():
        if due_at is None or due_at <= soon:
            continue
        with transaction() as session:  # one row at a time: nobody who holds another is waited for
            video = change(session, video_id, Stage.QUEUED, Video.due_at > soon, due_at=soon)
            if video is not None:
                ring("submit", video)


def deadline(video: Video) -> datetime:
    """Until when a video may wait for its turn."""
    return video.created_at + timedelta(seconds=settings().sora_queue_seconds)


def close_gate(session: Session, error: ProviderError, now: datetime) -> Wait:
    """Keep calls to this account back until the provider wants them again, inside the open transaction."""
    gate = _gate(session, locked=True)
    assert gate is not None
    gate.closings += 1
    pause = error.retry_after or backoff(gate.closings, FIRST_CLOSING_SECONDS, LONGEST_CLOSING_SECONDS)
    gate.needs_operator = error.kind in OPERATOR_KINDS
    gate.code = error.code
    gate.reason = (
        "The provider does not accept our account right now. The operator has been told."
        if gate.needs_operator
        else "The provider is busy. Your video is sent as soon as it has room."
    )
    gate.closed_until = max(gate.closed_until, now + timedelta(seconds=pause))
    session.flush()
    return Wait(gate.reason, gate.closed_until)


def open_gate(session: Session) -> None:
    """The provider took a job: the next closing starts with a short pause again."""
    gate = _gate(session, locked=False)
    if gate is not None and gate.closings:
        gate.closings, gate.needs_operator = 0, False
        session.flush()


def _gate(session: Session, *, locked: bool) -> Gate | None:
    account = provider()
    identity = {"provider": account.name, "base_url": account.base_url, "account": account.account}
    if locked:
        row = {**identity, "closed_until": datetime.fromtimestamp(0, UTC), "reason": ""}
        session.execute(insert_on_conflict(Gate).values(**row).on_conflict_do_nothing())
    return session.scalar(_GATE.with_for_update() if locked else _GATE, identity)


_GATE = (
    select(Gate)
    .where(*(column == bindparam(column.key) for column in (Gate.provider, Gate.base_url, Gate.account)))
    .execution_options(populate_existing=True)
)
