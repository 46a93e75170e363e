"""Sessions: whichever way somebody signs in, this browser gets a row of its own, and each request asks for it.

What Flask-Login keeps in the session's cookie, and in the one that remembers a browser, is `UNIQUIFIER.TOKEN`: the
first changes with the password and ends all sessions of a user, the second is this browser's and ends with its row. A
cookie from before there were rows has no token, and leads to the sign-in page.
"""

import secrets

from flask import Flask, Response, g, request, session
from flask_login import user_logged_in, user_logged_out
from flask_security.utils import set_request_attr

from aivideo.models import User
from aivideo.services import sign_ins


def init_app(app: Flask) -> None:
    app.login_manager.user_loader(_load)  # type: ignore[attr-defined]
    user_logged_in.connect(_signed_in, app)
    user_logged_out.connect(_signed_out, app)
    app.after_request(_write)


def identity(user: User, token: str) -> str:
    """What a browser keeps."""
    return f"{user.fs_uniquifier}.{token}"


def this_one() -> int | None:
    """The id of the sign-in by which this request came."""
    known: int | None = g.get("sign_in_id")
    return known


def end_everywhere(user: User) -> None:
    """Every session of this user ends with this request; one that begins in it stays."""
    g.everywhere_of = user.id


def _load(kept: str) -> User | None:
    uniquifier, _, token = kept.partition(".")
    found = sign_ins.user_of(uniquifier, token) if token else None
    if found is None:
        return None
    g.sign_in_id, user = found
    set_request_attr("fs_authn_via", "session")  # as Flask-Security's own loader does
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return user


def _signed_in(app: Flask, user: User, **_: object) -> None:
    _signed_out(app)  # whoever was signed in here before
    g.begun = user.id, secrets.token_urlsafe(24)
    session["_user_id"] = identity(user, g.begun[1])  # before Flask-Login writes its cookies


def _signed_out(_app: Flask, **_: object) -> None:
    g.left = g.pop("sign_in_id", None)


def _write(response: Response) -> Response:
    """After the view: only then has Flask-Security committed what it had changed."""
    if everywhere_of := g.pop("everywhere_of", None):
        sign_ins.end_everywhere(everywhere_of)
    if left := g.pop("left", None):
        sign_ins.leave(left)
    if begun := g.pop("begun", None):
        user_id, token = begun
        sign_ins.begin(user_id, token, request.headers.get("User-Agent", ""), request.remote_addr or "")
    return response
