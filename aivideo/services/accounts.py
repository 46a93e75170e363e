"""Accounts and API tokens."""

import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from flask import current_app
from flask_security.utils import hash_password, verify_password
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from aivideo.adapters import catalogue, settings
from aivideo.config import DEMO_EMAIL
from aivideo.core.errors import EmailTaken, InvalidInput, NotFound
from aivideo.core.ledger import Kind
from aivideo.events import access_changed
from aivideo.extensions import db
from aivideo.models import ApiToken, Role, User
from aivideo.services import credits as books
from aivideo.services import sign_ins
from aivideo.transaction import transaction

log = logging.getLogger(__name__)
TOKEN_PREFIX = "av_"  # noqa: S105  (not a secret: what every token starts with)
HINT_LENGTH = 8
USED_EVERY = timedelta(minutes=1)
# Built once: putting a statement together costs more than running it, and every call of the API runs this one.
_BY_TOKEN = (
    select(ApiToken.id, ApiToken.last_used_at, User)
    .join(User, User.id == ApiToken.user_id)
    .where(ApiToken.token_hash == bindparam("hash"), ApiToken.revoked_at.is_(None), User.active.is_(True))
)


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
        InvalidInput: the address is none, or there is no such plan.
        EmailTaken: there is one already.
    """
    hashed = _hashed(password) if password else None  # slow on purpose, so before the transaction
    return add(address(email), hashed, plan=plan, credits=credits, admin=admin, confirmed=confirmed, note=note)


def register(email: str, password_hash: str) -> User:
    """Make the account of somebody who registered; that the address is theirs is not proven.

    Raises:
        EmailTaken: there is one already.
    """
    return add(address(email), password_hash, confirmed=False)


def add(
    email: str,
    password_hash: str | None,
    *,
    plan: str | None = None,
    credits: int | None = None,
    admin: bool = False,
    confirmed: bool,
    google_sub: str | None = None,
    note: str = "Welcome",
) -> User:
    """Make an account from an address and a hash that were checked; the same for every way an account is made.

    Raises:
        InvalidInput: there is no such plan.
        EmailTaken: the address, or the Google identity, has an account already.
    """
    plan = plan or settings().signup_plan
    if plan not in catalogue().plans:
        raise InvalidInput({"plan": [f"There is no plan “{plan}”. Allowed: {', '.join(catalogue().plans)}."]})
    given = settings().signup_credits if credits is None else credits
    try:
        with transaction() as session:
            user = User(
                email=email,
                password=password_hash,
                fs_uniquifier=secrets.token_hex(16),
                plan=plan,
                confirmed_at=datetime.now(UTC) if confirmed else None,
                google_sub=google_sub,
            )
            session.add(user)
            if admin:
                user.roles.append(_role("admin"))
            session.flush()
            if given:
                user.credits = books.book(session, user.id, Kind.GRANT, given, note=note)
    except IntegrityError:
        if find(email) is None and google_sub is None:
            raise
        raise EmailTaken(email) from None
    return user


def demo(password: str) -> User:
    """The demo account of `make run`, made if need be, with this password."""
    user = find(DEMO_EMAIL)
    if user is None:
        return create(DEMO_EMAIL, password)
    if not user.password or not verify_password(password, user.password):
        hashed = _hashed(password)
        with transaction():
            user.password = hashed
    return user


def sign_out_everywhere(user_id: int) -> None:
    """End every session of a user, this one included, and the streams opened with one. API tokens stay."""
    with transaction() as session:
        session.execute(update(User).where(User.id == user_id).values(fs_uniquifier=secrets.token_hex(16)))
        sign_ins.end_all(session, user_id)


def find(email: str) -> User | None:
    return db.session.scalar(select(User).where(User.email == email.strip().lower()))


def everybody() -> Sequence[User]:
    return db.session.scalars(select(User).order_by(User.id)).all()


def address(email: str) -> str:
    """An e-mail address as it is stored and looked up: in lower case.

    Raises:
        InvalidInput: on the field `email`.
    """
    import email_validator

    # An installation of one's own may well live in `.local` or `.test`.
    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()
    try:
        known = email_validator.validate_email(email, check_deliverability=False)
    except email_validator.EmailNotValidError:
        raise InvalidInput(
            {"email": [f"“{email}” is not an e-mail address. It looks like name@example.com."]}
        ) from None
    return known.normalized.lower()


def issue_token(user_id: int, name: str = "") -> str:
    """Make an API token and return it, the only time that it can be seen."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    with transaction() as session:
        name = name.replace("\0", "").strip()[:80]
        session.add(ApiToken(user_id=user_id, name=name, hint=token[:HINT_LENGTH], token_hash=_hash(token)))
    return token


def tokens(user_id: int) -> Sequence[ApiToken]:
    return db.session.scalars(ApiToken.owned_by(user_id)).all()


def revoke_token(user_id: int, token_id: int) -> None:
    """Make a token useless at once, and end the streams opened with it.

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
        access_changed(user_id)
    if revoked is None:
        raise NotFound("token")


def by_token(token: str) -> tuple[int, User] | None:
    """A token's id and the active user it stands for, by one statement; notes when it was last used, to the minute."""
    found = db.session.execute(_BY_TOKEN, {"hash": _hash(token)}).one_or_none()
    if found is None:
        return None
    token_id, last_used_at, user = found
    now = datetime.now(UTC)
    if last_used_at is None or now - last_used_at > USED_EVERY:
        _note_use(token_id, now)
    return token_id, user


def _note_use(token_id: int, now: datetime) -> None:
    stale = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at < now - USED_EVERY)
    try:
        with transaction() as session:
            session.execute(
                update(ApiToken)
                .where(ApiToken.id == token_id, stale)
                .values(last_used_at=now)
                .execution_options(synchronize_session=False)
            )
    except OperationalError:  # nobody is turned away because this could not be noted
        log.warning("the use of token %s could not be noted", token_id, exc_info=True)


def _role(name: str) -> Role:
    role = db.session.scalar(select(Role).where(Role.name == name))
    if role is None:
        role = Role(name=name)
        db.session.add(role)
    return role


def _hashed(password: str) -> str:
    hashed: str = hash_password(current_app.extensions["security"].password_util.normalize(password))
    return hashed


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
