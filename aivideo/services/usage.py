"""What a user's credits went into: each movement with its video, and the use of each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import aliased

from aivideo.core.ledger import Kind
from aivideo.extensions import db
from aivideo.models import LedgerEntry, Video
from aivideo.services import credits


@dataclass(frozen=True)
class Movements:
    """Entries, newest first; the names of their videos by id, where not deleted; the cursor of what was before them."""

    entries: Sequence[LedgerEntry]
    names: dict[int, str]
    next: int | None


@dataclass(frozen=True)
class Day:
    """Credits that were not given back, by the day of the order (UTC), and the videos they were for."""

    date: date
    credits: int
    videos: int


@dataclass(frozen=True)
class Use:
    """Days without a gap, the oldest first."""

    days: list[Day]

    @property
    def credits(self) -> int:
        return sum(day.credits for day in self.days)

    @property
    def videos(self) -> int:
        return sum(day.videos for day in self.days)

    @property
    def top(self) -> int:
        """The next round number above the busiest day: 10, 20, 50, 100 …"""
        most, unit = max(day.credits for day in self.days), 10
        while most > 5 * unit:
            unit *= 10
        return next(unit * times for times in (1, 2, 5) if most <= unit * times)


def movements(user_id: int, limit: int, before: int | None = None) -> Movements:
    """One page of a user's movements."""
    found = credits.history(user_id, limit + 1, before)
    shown = found[:limit]
    ids = {entry.video_id for entry in shown if entry.video_id is not None}
    videos = db.session.execute(
        select(Video.id, Video.title, Video.prompt).where(Video.id.in_(ids), Video.hidden_at.is_(None))
    )
    names = {video_id: title or prompt for video_id, title, prompt in videos}
    return Movements(shown, names, shown[-1].id if len(found) > limit else None)


def by_day(user_id: int, days: int = 30) -> Use:
    """The use of each of the last days, today included. A refund is taken off the day of its charge."""
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    charge, refund = aliased(LedgerEntry), aliased(LedgerEntry)
    day = _day_of(charge.created_at)
    back = func.coalesce(refund.amount, 0)
    rows = db.session.execute(
        select(day, func.sum(-charge.amount - back), func.sum(refund.id.is_(None).cast(db.Integer)))
        .select_from(charge)
        .outerjoin(refund, (refund.video_id == charge.video_id) & (refund.kind == Kind.REFUND))
        .where(charge.user_id == user_id, charge.kind == Kind.CHARGE)
        .where(charge.created_at >= datetime.combine(first, time(), UTC))
        .group_by(day)
    )
    used = {str(of): (int(spent), int(made)) for of, spent, made in rows}
    dates = [first + timedelta(days=number) for number in range(days)]
    return Use([Day(each, *used.get(each.isoformat(), (0, 0))) for each in dates])


def _day_of(moment: Any) -> Any:
    """The day (UTC) of a moment in the database, which may live in a time zone of its own."""
    if db.engine.dialect.name == "postgresql":
        return cast(func.timezone("UTC", moment), Date)
    return func.date(moment)
