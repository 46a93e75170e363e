"""Who is asking: a session on pages, a token in the API, either where a file or a stream is for both.

Each function returns the user, or ends the request with the answer that says what to do.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn
from urllib.parse import urlsplit

from flask import Flask, abort, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

from aivideo import logs
from aivideo.adapters import settings
from aivideo.core.errors import NotFound
from aivideo.models import User
from aivideo.services import accounts
from aivideo.sign_in import sessions
from aivideo.sign_in.next_page import own_page
from aivideo.stream.viewer import Credential
from aivideo.web import htmx, rates

SAFE = ("GET", "HEAD", "OPTIONS")
REALM = "aivideo"


def init_app(app: Flask) -> None:
    """Send whoever a page of Flask-Security turns away to our sign-in page as well."""
    security = app.extensions["security"]
    security.unauthn_handler(lambda *_, **__: _to_sign_in())
    # Asked of nobody but those who sign in with Google and want to set a password, after a while.
    security.reauthn_handler(lambda *_: redirect(url_for("accounts.sign_in_with_google", next=request.path)))


def require_user() -> User:
    """The signed-in user of a page; a stranger goes to the sign-in page and comes back from there."""
    return _by_session() or _turn_away()


def require_admin() -> User:
    """The signed-in admin; to everybody else the page does not exist."""
    user = require_user()
    if not user.is_admin:
        raise NotFound("page")
    return user


def api_user() -> User:
    """The user of an API call, by `Authorization: Bearer TOKEN`.

    A session does for reading only: what writes needs a token, which no foreign page can make a browser send.
    """
    return _by_token() or (_by_session() if request.method in SAFE else None) or _refuse()


def has_token() -> bool:
    """Whether the user of this request, as `api_user` found it, came with an API token."""
    return bool(g.get("token"))


def credential() -> Credential:
    """By what right that user is here: a stream ends when it does."""
    right: Credential = g.token[0] if has_token() else str(sessions.this_one())
    return right


def any_user() -> User:
    """The user of an address that works with session or token, such as a video's file."""
    return _by_token() or require_user()


def submit_limit(view: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a view that submits videos: SUBMIT_RATE per user, over pages and API together; beyond it 429."""

    @wraps(view)
    def limited(*arguments: Any, **named: Any) -> Any:
        api_user() if request.path.startswith("/api/") else require_user()
        rates.count("submit", f"user-{g.user.id}", settings().submit_rate)
        return view(*arguments, **named)

    return limited


def _by_session() -> User | None:
    return _is(current_user._get_current_object()) if current_user.is_authenticated else None


def _by_token() -> User | None:
    """The user of the token in the request, None where there is none; a token that is no good ends the request."""
    if "token" not in g:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        g.token = accounts.by_token(token.strip()) if scheme.lower() == "bearer" else None
        if g.token is None and scheme.lower() == "bearer":
            _refuse(error="invalid_token", detail="This API token does not exist or was revoked.")
    return _is(g.token[1]) if g.token else None


def _is(user: User) -> User:
    g.user = user
    logs.bind(user=user.id)
    return user


def _turn_away() -> NoReturn:
    abort(_to_sign_in())


def _to_sign_in() -> Response:
    """The way to the sign-in page; from a fragment the whole page goes there."""
    fragment = htmx.is_htmx(request)
    if request.method in SAFE and not fragment:
        wanted = request.full_path.rstrip("?")
    else:  # neither a fragment nor a form's address is a page to come back to, but the page it was on is
        wanted = urlsplit(request.referrer or "").path
    back = own_page(wanted)
    url = url_for("security.login", next=back if back != "/" else None)
    return htmx.redirect(url) if fragment else redirect(url)


def _refuse(error: str | None = None, detail: str | None = None) -> NoReturn:
    challenge = WWWAuthenticate("bearer", {"realm": REALM, **({"error": error} if error else {})})
    raise Unauthorized(detail, www_authenticate=challenge)
