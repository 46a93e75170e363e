"""Where Flask-Security finds and makes users."""

from typing import Any

from flask_security import SQLAlchemyUserDatastore

from aivideo.models import User
from aivideo.services import accounts


class Datastore(SQLAlchemyUserDatastore):
    """Flask-Security's own, except that a new account comes with its plan and credits, and is committed at once."""

    def create_user(self, **values: Any) -> User:
        return accounts.register(values["email"], values["password"])
