"""Where Flask-Security finds and makes users."""

from typing import Any

from flask_security import SQLAlchemyUserDatastore

from aivideo.models import User
from aivideo.services import accounts
from aivideo.sign_in import sessions


class Datastore(SQLAlchemyUserDatastore):
    """Flask-Security's own, except that a new account comes with its plan and credits, and is committed at once."""

    def set_uniquifier(self, user: Any, uniquifier: str | None = None) -> None:
        """Called with every new password: no session outlives the one it began with."""
        super().set_uniquifier(user, uniquifier)
        sessions.end_everywhere(user)

    def create_user(self, **values: Any) -> User:
        return accounts.register(values["email"], values["password"])
