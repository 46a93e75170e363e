"""Accounts of people who sign in with Google."""

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from aivideo.core.errors import EmailTaken, SignInRefused
from aivideo.extensions import db
from aivideo.models import User
from aivideo.services import accounts
from aivideo.transaction import transaction


def sign_in(sub: str, email: str, *, verified: bool) -> User:
    """The account of a Google identity: linked before, or linked now by its address, or made now.

    An account whose address nobody has confirmed may have been made by a stranger in wait for its owner, so it is never
    linked; nor is anything by an address that Google has not verified.

    Raises:
        SignInRefused: in words for the person.
    """
    user = _by_sub(sub)
    if user is None and not verified:
        raise SignInRefused("Google has not verified your e-mail address, so it cannot be used to sign in here.")
    if user is None:
        user = accounts.find(email)
        if user is None:
            user = _make(sub, email)
        elif user.active:
            _link(user, sub)
    if not user.active:
        raise SignInRefused("This account is closed. Ask the operator of this studio.")
    return user


def connect(user_id: int, sub: str) -> None:
    """Let a signed-in user sign in with this Google identity from now on.

    Raises:
        SignInRefused: it belongs to another account.
    """
    try:
        with transaction() as session:
            session.execute(update(User).where(User.id == user_id).values(google_sub=sub))
    except IntegrityError:
        raise SignInRefused("This Google account already signs in to another account here.") from None


def disconnect(user_id: int) -> None:
    """Forget the user's Google identity.

    Raises:
        SignInRefused: without it they could not sign in any more.
    """
    with transaction() as session:
        done = session.scalar(
            update(User)
            .where(User.id == user_id, User.password.is_not(None))
            .values(google_sub=None)
            .returning(User.id)
            .execution_options(synchronize_session=False)
        )
    if done is None:
        raise SignInRefused("Set a password first: without Google you could not sign in any more.")


def _by_sub(sub: str) -> User | None:
    return db.session.scalar(select(User).where(User.google_sub == sub))


def _make(sub: str, email: str) -> User:
    try:
        return accounts.add(accounts.address(email), None, confirmed=True, google_sub=sub)
    except EmailTaken:  # the same person, in the same moment, in another tab
        user = _by_sub(sub)
        if user is None:
            raise
        return user


def _link(user: User, sub: str) -> None:
    if user.confirmed_at is None:
        raise SignInRefused(
            f"There is an account for {user.email} whose address was never confirmed, so Google cannot open it. "
            "Sign in with its password and connect Google on the account page."
        )
    with transaction() as session:
        linked = session.scalar(
            update(User)
            .where(User.id == user.id, User.confirmed_at.is_not(None))
            .where(or_(User.google_sub.is_(None), User.google_sub == sub))  # the same person in another tab was faster
            .values(google_sub=sub)
            .returning(User.id)
            .execution_options(synchronize_session=False)
        )
    if linked is None:
        raise SignInRefused(f"The account for {user.email} is connected to another Google account.")
