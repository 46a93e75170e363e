"""Accounts and API tokens."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask_security.utils import hash_password
from sqlalchemy import func, select, update

from aivideo.adapters import settings
from aivideo.core.errors import EmailTaken, NotFound
from aivideo.core.ledger import Kind
from aivideo.extensions import db
from aivideo.models import ApiToken, Role, User
from aivideo.services import credits as books
from aivideo.transaction import transaction

TOKEN_PREFIX = "av_"  # noqa: S105  (not a secret: what every token starts with)
USED_EVERY = timedelta(minutes=1)


def create(
    email: str,
    password: str | None,
    *,
    plan: str | None = None,
    credits: int | None = None,
    admin: bool = False,
    confirmed: bool = True,
    note: str = "Welcome",
) -> User:
    """Make an account; plan and credits default to SIGNUP_PLAN and SIGNUP_CREDITS.

    Raises:
        EmailTaken: there is one already.
    """
    email = email.strip().lower()
    hashed = hash_password(password) if password else None  # slow on purpose, so before the transaction
    given = settings().signup_credits if credits is None else credits
    with transaction() as session:
        if find(email):
            raise EmailTaken(email)
        user = User(
            email=email,
            password=hashed,
            fs_uniquifier=secrets.token_hex(16),
            plan=plan or settings().signup_plan,
            confirmed_at=datetime.now(UTC) if confirmed else None,
        )
        session.add(user)
        if admin:
            user.roles.append(_role("admin"))
        session.flush()
        if given:
            user.credits = books.book(session, user.id, Kind.GRANT, given, note=note)
    return user


def find(email: str) -> User | None:
    return db.session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))


def everybody() -> Sequence[User]:
    return db.session.scalars(select(User).order_by(User.id)).all()


def issue_token(user_id: int, name: str = "") -> str:
    """Make an API token and return it, the only time that it can be seen."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction() as session:
        session.add(ApiToken(user_id=user_id, name=name[:80], hint=token[:8], token_hash=_hash(token)))
    return token


def tokens(user_id: int) -> Sequence[ApiToken]:
    return db.session.scalars(ApiToken.owned_by(user_id)).all()


def revoke_token(user_id: int, token_id: int) -> None:
    """Make a token useless at once.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    with transaction() as session:
        revoked = session.scalar(
            update(ApiToken)
            .where(ApiToken.id == token_id, ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=datetime.now(UTC))
            .returning(ApiToken.id)
        )
    if revoked is None:
        raise NotFound("token")


def by_token(token: str) -> User | None:
    """The active user a token stands for; notes when it was last used, to the minute."""
    found = db.session.execute(
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.token_hash == _hash(token), ApiToken.revoked_at.is_(None), User.active.is_(True))
    ).first()
    if found is None:
        return None
    row, user = found
    now = datetime.now(UTC)
    if row.last_used_at is None or now - row.last_used_at > USED_EVERY:
        with transaction() as session:
            session.execute(update(ApiToken).where(ApiToken.id == row.id).values(last_used_at=now))
    return user


def _role(name: str) -> Role:
    role = db.session.scalar(select(Role).where(Role.name == name))
    if role is None:
        role = Role(name=name)
        db.session.add(role)
    return role


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
