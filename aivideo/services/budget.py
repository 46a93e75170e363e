"""MONTHLY_BUDGET_USD: what this installation may spend at the provider in a calendar month (UTC)."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from aivideo.adapters import settings
from aivideo.core.errors import BudgetSpent
from aivideo.core.video import Stage
from aivideo.extensions import db, insert_on_conflict
from aivideo.models import Attempt, Lease, Video
from aivideo.models.attempts import ACCEPTED, UNKNOWN

log = logging.getLogger(__name__)
WARN_AT = 0.8
_LOCK = "budget"


@dataclass(frozen=True)
class Budget:
    """US dollars of this month: what was spent or is committed, and the limit."""

    spent: float
    limit: float

    @property
    def warns(self) -> bool:
        return self.spent >= self.limit * WARN_AT


def check(session: Session, usd: float) -> None:
    """Refuse what would exceed the budget, inside the open transaction and before anything is charged.

    Raises:
        BudgetSpent.
    """
    limit = settings().monthly_budget_usd
    if limit is None:
        return
    _one_at_a_time(session)
    spent = _spent(session)
    if spent + usd > limit:
        log.error("the monthly budget of %.2f USD is used up (%.2f spent or committed)", limit, spent)
        raise BudgetSpent
    if spent < limit * WARN_AT <= spent + usd:
        log.warning("80 %% of the monthly budget of %.2f USD are spent or committed", limit)


def current() -> Budget | None:
    """This month's budget, or None where none is set."""
    limit = settings().monthly_budget_usd
    return None if limit is None else Budget(_spent(db.session()), limit)


def _spent(session: Session) -> float:
    """What is under way, and what was bought or may have been: the provider's price of each."""
    month = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    bought = select(Attempt.id).where(Attempt.video_id == Video.id, Attempt.outcome.in_((ACCEPTED, UNKNOWN)))
    counted = or_(Video.stage != Stage.ENDED, bought.exists())
    return float(session.scalar(select(func.sum(Video.usd)).where(Video.created_at >= month, counted)) or 0.0)


def _one_at_a_time(session: Session) -> None:
    """Two requests must not both find the last dollar: hold a row until the commit."""
    row = {"name": _LOCK, "holder": "", "until": datetime.fromtimestamp(0, UTC)}
    session.execute(insert_on_conflict(Lease).values(**row).on_conflict_do_nothing())
    session.get(Lease, _LOCK, with_for_update=True)
