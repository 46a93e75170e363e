"""Credits: who has how many, and the entry for every movement."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from aivideo.core.errors import InsufficientCredits, InvalidInput, NotFound
from aivideo.core.ledger import Kind, signed
from aivideo.core.video import user_channel
from aivideo.doorbell import DoorbellAway, doorbell
from aivideo.extensions import db
from aivideo.models import LedgerEntry, User
from aivideo.services.audit import check, size
from aivideo.transaction import after_commit, transaction

__all__ = ["book", "check", "grant", "history", "size"]

LARGEST_BALANCE = 2**31 - 1


def book(
    session: Session, user_id: int, kind: Kind, credits: int, *, video_id: int | None = None, note: str = ""
) -> int:
    """Move credits inside the open transaction and write the entry; returns the new balance.

    The database itself guards the balance: the update finds no row where it would go below zero. One entry of a kind
    per video is a unique constraint.

    Raises:
        InsufficientCredits: nothing was moved.
    """
    amount = signed(kind, credits)
    balance = session.scalar(
        update(User)
        .where(User.id == user_id, User.credits + amount >= 0)
        .values(credits=User.credits + amount)
        .returning(User.credits)
        .execution_options(synchronize_session=False)
    )
    if balance is None:
        raise InsufficientCredits(credits, session.scalar(db.select(User.credits).where(User.id == user_id)) or 0)
    session.execute(
        insert(LedgerEntry).values(
            user_id=user_id, video_id=video_id, kind=kind, amount=amount, balance=balance, note=note
        )
    )
    return balance


def grant(user_id: int, credits: int, note: str = "") -> int:
    """Give credits; returns the new balance.

    Raises:
        NotFound: there is no such user.
        InvalidInput: `credits` is not a positive number, or more than a balance can hold.
    """
    if credits <= 0:
        raise InvalidInput({"credits": ["Give a positive whole number of credits."]})
    note = note.replace("\0", "")[:255]
    with transaction() as session:
        user = session.get(User, user_id, with_for_update=True, populate_existing=True)
        if user is None:
            raise NotFound("user")
        if user.credits + credits > LARGEST_BALANCE:
            raise InvalidInput({"credits": [f"A balance can hold {LARGEST_BALANCE:,} credits and no more."]})
        balance = book(session, user_id, Kind.GRANT, credits, note=note)
        after_commit(lambda: _publish(user_id, balance))
    return balance


def history(user_id: int, limit: int = 50) -> Sequence[LedgerEntry]:
    """A user's movements, newest first."""
    return db.session.scalars(LedgerEntry.of(user_id).limit(limit)).all()


def _publish(user_id: int, balance: int) -> None:
    import json

    message: dict[str, Any] = {"id": None, "seq": 0, "credits_left": balance}
    try:
        doorbell().call(lambda redis: redis.publish(user_channel(user_id), json.dumps(message)))
    except DoorbellAway:
        return  # the page reads the balance whenever it is drawn
