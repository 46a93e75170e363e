"""Credits: who has how many, and the entry for every movement."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from aivideo.core.errors import InsufficientCredits, InvalidInput, NotFound
from aivideo.core.ledger import Kind, signed
from aivideo.core.video import user_channel
from aivideo.extensions import db
from aivideo.models import LedgerEntry, User
from aivideo.models.accounts import MOVE_CREDITS
from aivideo.models.ledger import NEW_ENTRY
from aivideo.services.audit import check, size
from aivideo.transaction import ring_after_commit, transaction

__all__ = ["book", "check", "grant", "history", "size"]

LARGEST_BALANCE = 2**31 - 1


def book(
    session: Session, user_id: int, kind: Kind, credits: int, *, video_id: int | None = None, note: str = ""
) -> int:
    """Move credits inside the open transaction and write the entry; returns the new balance.

    Raises:
        InsufficientCredits: nothing was moved.
    """
    balance = move(session, user_id, kind, credits)
    enter(session, user_id, kind, credits, balance, video_id=video_id, note=note)
    return balance


def move(session: Session, user_id: int, kind: Kind, credits: int) -> int:
    """Change the balance, and lock the user's row until the commit; returns the new balance.

    The database itself guards it: the update finds no row where it would go below zero. `enter` must follow.

    Raises:
        InsufficientCredits: nothing was moved.
    """
    balance: int | None = (
        session.connection().execute(MOVE_CREDITS, {"who": user_id, "amount": signed(kind, credits)}).scalar()
    )
    if balance is None:
        raise InsufficientCredits(credits, session.scalar(db.select(User.credits).where(User.id == user_id)) or 0)
    return balance


def enter(
    session: Session,
    user_id: int,
    kind: Kind,
    credits: int,
    balance: int,
    *,
    video_id: int | None = None,
    note: str = "",
) -> None:
    """Write the entry of a movement just made. That a video has one of a kind is a unique constraint."""
    entry = {"user_id": user_id, "video_id": video_id, "kind": kind, "amount": signed(kind, credits)}
    session.connection().execute(NEW_ENTRY, {**entry, "balance": balance, "note": note})


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
        ring_after_commit(lambda pipeline: _publish(pipeline, user_id, balance))
    return balance


def history(user_id: int, limit: int = 50, before: int | None = None) -> Sequence[LedgerEntry]:
    """A user's movements, newest first; `before` is the id of one: what comes after it in this order."""
    wanted = LedgerEntry.of(user_id).limit(limit)
    return db.session.scalars(wanted if before is None else wanted.where(LedgerEntry.id < before)).all()


def _publish(redis: Any, user_id: int, balance: int) -> None:
    message = {"id": None, "seq": 0, "credits_left": balance}
    redis.publish(user_channel(user_id), json.dumps(message))
