"""Who calls: by session as on a page, or by token as a script does."""

import secrets
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from aivideo.services import accounts, sign_ins
from aivideo.sign_in.sessions import identity


def bearer(user: Any) -> dict[str, str]:
    """Headers of a call with a fresh API token of this user."""
    return {"Authorization": f"Bearer {accounts.issue_token(user.id)}"}


def signed_in(app: Flask, user: Any, **where: str) -> FlaskClient:
    """A client in which this user has just signed in; `base_url` where the site has another name."""
    client = app.test_client()
    token = secrets.token_hex()
    sign_ins.begin(user.id, token)
    with client.session_transaction(**where) as session:
        session["_user_id"], session["_fresh"] = identity(user, token), True
    return client
