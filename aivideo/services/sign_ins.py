"""Signed-in browsers: one row for each, so that its user can see it and end it from elsewhere."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from aivideo.core.errors import NotFound
from aivideo.events import access_changed
from aivideo.extensions import db
from aivideo.models import SignIn, User
from aivideo.transaction import transaction

log = logging.getLogger(__name__)
KEPT = timedelta(days=30)
"""A browser that was away for longer has to sign in again."""
SEEN_EVERY = timedelta(minutes=5)
LONGEST_BROWSER, LONGEST_ADDRESS = 255, 64
_UNSYNCED = {"synchronize_session": False}
# Built once: every request of a page runs it, and putting a statement together costs more than running it.
_BY_TOKEN = (
    select(SignIn.id, SignIn.last_seen_at, User)
    .join(User, User.id == SignIn.user_id)
    .where(
        SignIn.token_hash == bindparam("hash"),
        SignIn.ended_at.is_(None),
        SignIn.last_seen_at > bindparam("after"),
        User.fs_uniquifier == bindparam("uniquifier"),
        User.active.is_(True),
    )
)


def begin(user_id: int, token: str, browser: str = "", address: str = "") -> int:
    """Note that a browser has just signed in; it keeps the token. Forgets those of this user that are over.

    Returns its id.
    """
    now = datetime.now(UTC)
    with transaction() as session:
        over = or_(SignIn.ended_at.is_not(None), SignIn.last_seen_at <= now - KEPT)
        session.execute(delete(SignIn).where(SignIn.user_id == user_id, over), execution_options=_UNSYNCED)
        row = SignIn(
            user_id=user_id,
            token_hash=_hash(token),
            browser=browser.replace("\0", "")[:LONGEST_BROWSER],
            address=address[:LONGEST_ADDRESS],
            created_at=now,
            last_seen_at=now,
        )
        session.add(row)
    return row.id


def user_of(uniquifier: str, token: str) -> tuple[int, User] | None:
    """The sign-in that a token stands for and its active user, by one statement; None where it has ended.

    Notes when the browser was last seen, to five minutes. `uniquifier` is the user's, which changes with the password.
    """
    now = datetime.now(UTC)
    known = {"hash": _hash(token), "uniquifier": uniquifier, "after": now - KEPT}
    found = db.session.execute(_BY_TOKEN, known).one_or_none()
    if found is None:
        return None
    sign_in_id, last_seen_at, user = found
    if now - last_seen_at > SEEN_EVERY:
        _note_use(sign_in_id, now)
    return sign_in_id, user


def of(user_id: int) -> Sequence[SignIn]:
    """The browsers in which this user is signed in, the last seen first."""
    alive = SignIn.last_seen_at > datetime.now(UTC) - KEPT
    return db.session.scalars(SignIn.of(user_id).where(alive).execution_options(populate_existing=True)).all()


def end(user_id: int, sign_in_id: int) -> None:
    """Sign one browser out at once, and end its streams.

    Raises:
        NotFound: there is none, it has ended, or it is somebody else's.
    """
    with transaction() as session:
        if session.scalar(_ending(SignIn.id == sign_in_id, SignIn.user_id == user_id).returning(SignIn.id)) is None:
            raise NotFound("session")
        access_changed(user_id)


def leave(sign_in_id: int) -> None:
    """A browser has signed itself out."""
    with transaction() as session:
        user_id = session.scalar(_ending(SignIn.id == sign_in_id).returning(SignIn.user_id))
        if user_id is not None:
            access_changed(user_id)


def end_everywhere(user_id: int) -> None:
    """Sign every browser of a user out."""
    with transaction() as session:
        end_all(session, user_id)


def end_all(session: Session, user_id: int) -> None:
    """The same, inside the open transaction."""
    session.execute(_ending(SignIn.user_id == user_id))
    access_changed(user_id)


def _ending(*where: Any) -> Any:
    """End those that have not ended yet."""
    return (
        update(SignIn)
        .where(SignIn.ended_at.is_(None), *where)
        .values(ended_at=datetime.now(UTC))
        .execution_options(**_UNSYNCED)
    )


def _note_use(sign_in_id: int, now: datetime) -> None:
    stale = SignIn.last_seen_at <= now - SEEN_EVERY  # of a page's many requests, one
    try:
        with transaction() as session:
            session.execute(
                update(SignIn).where(SignIn.id == sign_in_id, stale).values(last_seen_at=now),
                execution_options=_UNSYNCED,
            )
    except OperationalError:  # nobody is turned away because this could not be noted
        log.warning("the use of session %s could not be noted", sign_in_id, exc_info=True)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
