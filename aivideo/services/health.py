"""What an operator looks at: whether database and Redis answer, and how much of everything there is."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from aivideo import queue
from aivideo.doorbell import DoorbellAway, doorbell
from aivideo.extensions import db
from aivideo.models import Attempt, LedgerEntry, User, Video

ANSWER_SECONDS = 1.0


@dataclass(frozen=True)
class Figures:
    """Counts of one moment. `videos` by stage and status, `oldest_due` by stage, `ledger` sums by kind in credits,
    `attempts` by outcome; `queues` is None where Redis is away."""

    videos: dict[tuple[str, str], int]
    oldest_due: dict[str, datetime]
    ledger: dict[str, int]
    balances: int
    users: int
    attempts: dict[str, int]
    queues: dict[str, int] | None


def unanswered() -> dict[str, str]:
    """What does not answer within a second, by name, and why; empty where all is well."""
    engine, bell = db.engine, doorbell()

    def ask_database() -> None:
        with engine.connect() as connection:
            connection.execute(select(User.id).limit(1))

    asked = {"database": _ask(ask_database), "redis": _ask(lambda: bell.client.ping())}
    return {name: why for name, wait in asked.items() if (why := wait())}


def figures() -> Figures:
    """Counted now, from database and Redis, so that every process of the web says the same."""
    session = db.session()
    try:
        queues = queue.lengths()
    except DoorbellAway:
        queues = None
    by_place = select(Video.stage, Video.status, func.count()).group_by(Video.stage, Video.status)
    due = select(Video.stage, func.min(Video.due_at)).where(Video.due_at.is_not(None)).group_by(Video.stage)
    ledger = select(LedgerEntry.kind, func.sum(LedgerEntry.amount)).group_by(LedgerEntry.kind)
    attempts = select(Attempt.outcome, func.count()).group_by(Attempt.outcome)
    return Figures(
        videos={(stage, status): count for stage, status, count in session.execute(by_place)},
        oldest_due={stage: moment for stage, moment in session.execute(due) if moment is not None},
        ledger={kind: int(total) for kind, total in session.execute(ledger)},
        balances=int(session.scalar(select(func.sum(User.credits))) or 0),
        users=session.scalar(select(func.count()).select_from(User)) or 0,
        attempts={outcome: int(count) for outcome, count in session.execute(attempts)},
        queues=queues,
    )


def _ask(question: Callable[[], object]) -> Callable[[], str]:
    """Ask in a thread of its own, for drivers have longer timeouts than a prober; waiting gives what is wrong or ""."""
    failed: list[str] = ["no answer within a second"]

    def run() -> None:
        try:
            question()
            failed[0] = ""
        except Exception as error:  # noqa: BLE001  whatever a driver raises, it does not answer
            failed[0] = type(error).__name__

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait() -> str:
        thread.join(ANSWER_SECONDS)
        return failed[0]

    return wait
