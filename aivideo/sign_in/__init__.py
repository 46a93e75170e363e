"""Flask-Security: how people register, confirm their address, sign in and out, and change or recover a password."""

import hashlib
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask_security import Security, password_reset

from aivideo.config import Settings
from aivideo.extensions import db
from aivideo.models import Role, User
from aivideo.sign_in import next_page, sessions
from aivideo.sign_in.datastore import Datastore
from aivideo.sign_in.forms import ForgottenPasswordForm, RegistrationForm, SignInForm
from aivideo.sign_in.mail import QueuedMail
from aivideo.sign_in.passwords import OffloadedHashing, Passwords
from aivideo.sign_in.words import WORDS

REMEMBERED = timedelta(days=30)
FRESH = timedelta(minutes=15)


def init_app(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    mail = bool(settings.mail_url)
    app.config.update(_cookies(settings, app.config["SECRET_KEY"]))
    app.config.update(
        SECURITY_REGISTERABLE=True,
        SECURITY_RECOVERABLE=True,
        SECURITY_CHANGEABLE=True,
        SECURITY_CONFIRMABLE=mail,
        SECURITY_SEND_REGISTER_EMAIL=mail,
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_USER_IDENTITY_ATTRIBUTES=[{"email": {"mapper": _address, "case_insensitive": False}}],
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106
        # OWASP's choice: 20 ms and 19 MB. Not peppered, so that a new SECRET_KEY does not lock everybody out.
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            "argon2__memory_cost": 19456,
            "argon2__time_cost": 2,
            "argon2__parallelism": 1,
        },
        SECURITY_PASSWORD_SINGLE_HASH={"argon2"},
        SECURITY_PASSWORD_CONFIRM_REQUIRED=False,
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_LOGOUT_METHODS=["GET", "POST"],
        SECURITY_POST_LOGOUT_VIEW="security.login",
        SECURITY_POST_REGISTER_VIEW="security.login" if mail else "/",
        SECURITY_POST_CHANGE_VIEW="/account",
        SECURITY_FRESHNESS=FRESH,
        SECURITY_DATETIME_FACTORY=lambda: datetime.now(UTC),
        SECURITY_EMAIL_HTML=False,
        **WORDS,
    )
    security = Security(
        app,
        Datastore(db, User, Role),
        login_form=SignInForm,
        register_form=RegistrationForm,
        forgot_password_form=ForgottenPasswordForm,
        mail_util_cls=QueuedMail,
        password_util_cls=Passwords,
    )
    security.pwd_context = OffloadedHashing(**security.pwd_context.to_dict())
    next_page.init_app(app)
    sessions.init_app(app)
    if mail:
        password_reset.connect(_confirm, app)
    security.login_manager.request_loader(lambda _request: None)  # API tokens are ours: web/access.py


def _confirm(_app: Flask, user: User, **_: object) -> None:
    """Whoever followed a link we mailed has the address; committed with the new password."""
    user.confirmed_at = user.confirmed_at or datetime.now(UTC)


def _cookies(settings: Settings, secret_key: str) -> dict[str, object]:
    """Cookie settings; the names differ between installations, for browsers keep one jar for all ports of a host."""
    installation = hashlib.sha256(secret_key.encode()).hexdigest()[:8]
    return {
        "SESSION_COOKIE_NAME": f"aivideo_{installation}",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.force_https,
        "REMEMBER_COOKIE_NAME": f"aivideo_{installation}_remember",
        "REMEMBER_COOKIE_DURATION": REMEMBERED,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": settings.force_https,
    }


def _address(identity: object) -> str | None:
    """The e-mail address that an identity stands for, as it is stored; None where it is none."""
    from aivideo.core.errors import InvalidInput
    from aivideo.services.accounts import address

    try:
        return address(str(identity))
    except InvalidInput:
        return None
