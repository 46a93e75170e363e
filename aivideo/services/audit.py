"""Whether the books add up. Every question is one statement, so it sees one moment, whatever goes on meanwhile."""

import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from aivideo.adapters import storage
from aivideo.core.failures import FAILURES
from aivideo.core.ledger import Kind
from aivideo.core.video import FILE_OF_A_VIDEO, Stage, Status
from aivideo.extensions import db
from aivideo.models import Attempt, LedgerEntry, User, Video
from aivideo.models.attempts import ACCEPTED
from aivideo.transaction import release

log = logging.getLogger(__name__)
T = TypeVar("T")
FILES_AT_ONCE = 500


def check() -> list[str]:
    """What does not add up, one sentence each, for the operator; nothing where all is well.

    Balances equal the sum of their entries, and each entry's running balance is right; every video was charged once and
    refunded exactly when the published rule says so; no provider job is held twice; a completed video has its file, and
    a file its video.
    """
    problems = [*_balances(), *_running(), *_charges(), *_refunds(), *_jobs()]
    release()
    return [*problems, *_files(), *_strays()]


def report() -> int:
    """Check, and log each problem as an error; returns how many there are."""
    problems = check()
    for problem in problems:
        log.error("the books do not add up: %s", problem)
    if not problems:
        log.info("the books add up: %d users, %d entries", *size())
    return len(problems)


def size() -> tuple[int, int]:
    """Number of users and of ledger entries."""
    users, entries = db.session.execute(
        select(
            select(func.count()).select_from(User).scalar_subquery(),
            select(func.count()).select_from(LedgerEntry).scalar_subquery(),
        )
    ).one()
    return users, entries


def _balances() -> Iterator[str]:
    total = func.coalesce(func.sum(LedgerEntry.amount), 0)
    question = (
        select(User.id, User.email, User.credits, total)
        .outerjoin(LedgerEntry, LedgerEntry.user_id == User.id)
        .group_by(User.id, User.email, User.credits)
        .having(User.credits != total)
        .order_by(User.id)
    )
    for user_id, email, balance, entries in db.session.execute(question):
        yield f"User {user_id} ({email}) has {balance} credits, but the entries sum up to {entries}."


def _running() -> Iterator[str]:
    running = func.sum(LedgerEntry.amount).over(partition_by=LedgerEntry.user_id, order_by=LedgerEntry.id)
    entries = select(LedgerEntry.id, LedgerEntry.user_id, LedgerEntry.balance, running.label("running")).subquery()
    question = select(entries).where(entries.c.balance != entries.c.running).order_by(entries.c.id)
    for entry_id, user_id, balance, right in db.session.execute(question):
        yield f"Entry {entry_id} of user {user_id} says that {balance} credits were left; it was {right}."


def _charges() -> Iterator[str]:
    charge = aliased(LedgerEntry)
    question = (
        select(Video.id, Video.credits, charge.id, charge.amount, Video.user_id, charge.user_id)
        .outerjoin(charge, and_(charge.video_id == Video.id, charge.kind == Kind.CHARGE))
        .where(or_(charge.id.is_(None), charge.amount != -Video.credits, charge.user_id != Video.user_id))
        .order_by(Video.id)
    )
    for video_id, price, entry_id, amount, owner, payer in db.session.execute(question):
        if entry_id is None:
            yield f"Video {video_id} was not charged; it costs {price} credits."
        elif payer != owner:
            yield f"Video {video_id} of user {owner} was charged to user {payer}."
        else:
            yield f"Video {video_id} was charged {-amount} credits; it costs {price}."


def _refunds() -> Iterator[str]:
    refund = aliased(LedgerEntry)
    due = _refund_due()
    question = (
        select(Video.id, Video.status, Video.error_code, Video.credits, refund.amount, due)
        .outerjoin(refund, and_(refund.video_id == Video.id, refund.kind == Kind.REFUND))
        .where(
            or_(
                and_(due == 1, refund.id.is_(None)),
                and_(due == 0, refund.id.is_not(None)),
                refund.amount != Video.credits,
                refund.user_id != Video.user_id,
            )
        )
        .order_by(Video.id)
    )
    for video_id, status, code, price, amount, owed in db.session.execute(question):
        ended = f"{status}, {code}" if code else status
        if amount is None:
            yield f"Video {video_id} ({ended}) was not refunded; its {price} credits are due."
        elif owed == 0:
            yield f"Video {video_id} ({ended}) was refunded {amount} credits that were not due."
        else:
            yield f"The refund of {amount} credits for video {video_id} is not what its owner paid: {price}."


def _refund_due() -> ColumnElement[Any]:
    """1 where the published rule gives the credits back, 0 where it does not, NULL where either is right."""
    refunded = [code for code, failure in FAILURES.items() if failure.refunded]
    attempt, later = aliased(Attempt), aliased(Attempt)
    paid = select(attempt.id).where(attempt.video_id == Video.id, attempt.outcome == ACCEPTED).correlate(Video)
    is_last = ~select(later.id).where(later.video_id == attempt.video_id, later.number > attempt.number).exists()
    paid_in_time = paid.where(attempt.answered_at <= Video.completed_at, is_last)
    return case(
        (Video.stage != Stage.ENDED, 0),
        # A late success had failed, and was refunded, before.
        (or_(Video.status == Status.FAILED, Video.late.is_(True)), case((Video.error_code.in_(refunded), 1), else_=0)),
        (Video.status == Status.COMPLETED, 0),
        (~paid.exists(), 1),
        (paid_in_time.exists(), 0),
        else_=None,  # cancelled, and the provider's word came when it was decided
    )


def _jobs() -> Iterator[str]:
    holder = (Attempt.provider, Attempt.base_url, Attempt.account, Attempt.provider_job_id)
    question = select(*holder, func.count()).where(Attempt.provider_job_id.is_not(None)).group_by(*holder)
    for provider, _base_url, _account, job_id, number in db.session.execute(question.having(func.count() > 1)):
        yield f"Job {job_id} of {provider} is held by {number} attempts."


def _files() -> Iterator[str]:
    after = 0
    while True:
        rows = db.session.execute(_shown().where(Video.id > after).order_by(Video.id).limit(FILES_AT_ONCE)).all()
        release()  # before a wait for the bucket
        for video_id, name in rows:
            if (name is None or not storage().exists(name)) and _still_shown(video_id):
                yield f"Video {video_id} is completed, but its file {name or ''} is not in storage.".replace("  ", " ")
        if len(rows) < FILES_AT_ONCE:
            return
        after = rows[-1].id


def _strays() -> Iterator[str]:
    """Files whose video ended without them, was deleted, or never was; one that is due may be at work on its own."""
    found = ((name, FILE_OF_A_VIDEO.fullmatch(name)) for name in storage().names())
    names = {name: (int(match[1]), int(match[2])) for name, match in found if match}
    at_work = or_(Video.stage != Stage.ENDED, Video.due_at.is_not(None))
    shown = and_(Video.status == Status.COMPLETED, Video.hidden_at.is_(None))
    for some in _portions(names.items()):
        wanted = Video.id.in_([video_id for _, (_, video_id) in some])
        rows = db.session.execute(select(Video.user_id, Video.id).where(wanted, or_(at_work, shown))).all()
        release()
        owned = {(row.user_id, row.id) for row in rows}
        for name, owner in some:
            if owner not in owned and storage().exists(name):  # it may have been deleted since
                yield f"{name} is in storage, but there is no video that it belongs to."


def _portions(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, FILES_AT_ONCE)):
        yield some


def _shown() -> Select[int, str | None]:
    return select(Video.id, Video.file_name).where(Video.status == Status.COMPLETED, Video.hidden_at.is_(None))


def _still_shown(video_id: int) -> bool:
    """Whether it was not deleted since the question was asked."""
    found = db.session.execute(_shown().where(Video.id == video_id)).one_or_none()
    release()
    return found is not None
