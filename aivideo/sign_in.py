"""Flask-Security: how people register, sign in and out, and change or recover their password."""

from flask import Flask
from flask_security import SQLAlchemyUserDatastore

from aivideo.extensions import db, security


def init_app(app: Flask) -> None:
    from aivideo.models import Role, User

    app.config.update(
        SECURITY_PASSWORD_SALT=app.config["SECRET_KEY"],
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False},
        SECURITY_REGISTERABLE=True,
        SECURITY_RECOVERABLE=True,
        SECURITY_CHANGEABLE=True,
    )
    security.init_app(app, SQLAlchemyUserDatastore(db, User, Role))
