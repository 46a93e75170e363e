"""Google's side of the sign-in: OpenID Connect with state, nonce and PKCE. Authlib is imported on first use."""

import logging
from dataclasses import dataclass
from threading import Lock
from typing import Any

from flask import current_app, request
from werkzeug.wrappers import Response

from aivideo.adapters import settings

log = logging.getLogger(__name__)
SECONDS = 10
_building = Lock()


class GoogleFailed(Exception):
    """The sign-in did not work; the message is for the person. `status` is the answer's."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Identity:
    sub: str
    email: str
    verified: bool


def to_google(callback: str) -> Response:
    """Send the browser to Google; it comes back to the address `callback`.

    Raises:
        GoogleFailed: Google does not answer.
    """
    import requests

    try:
        sent: Response = _client().authorize_redirect(callback)
    except (requests.RequestException, RuntimeError, ValueError) as error:
        raise _away(error) from error
    return sent


def identity() -> Identity:
    """Who Google says has come back in this request.

    Raises:
        GoogleFailed: refused by the person, not the sign-in that was begun here, or not to be believed.
    """
    import requests
    from authlib.common.errors import AuthlibBaseError
    from authlib.integrations.base_client.errors import MismatchingStateError
    from joserfc.errors import JoseError

    if request.args.get("error") == "access_denied":
        raise GoogleFailed("You did not let Google sign you in. Nothing was changed.", 403)
    try:
        claims = _client().authorize_access_token()["userinfo"]
        return Identity(claims["sub"], claims["email"], claims.get("email_verified") is True)
    except MismatchingStateError:
        raise GoogleFailed("This sign-in was not begun in this browser, or was begun too long ago.", 400) from None
    except requests.RequestException as error:
        raise _away(error) from error
    except (AuthlibBaseError, JoseError, KeyError, ValueError) as error:
        log.warning("Google's answer was refused: %s", error)
        raise GoogleFailed("Google's answer could not be used to sign you in.", 502) from error


def _away(error: Exception) -> GoogleFailed:
    log.warning("Google does not answer: %s", error)
    return GoogleFailed("Google does not answer right now. Try again in a moment, or sign in with your password.", 502)


def _client() -> Any:
    extensions = current_app.extensions
    with _building:
        if "google" not in extensions:
            from authlib.integrations.flask_client import OAuth

            ours = settings()
            extensions["google"] = OAuth(current_app).register(
                "google",
                client_id=ours.google_client_id,
                client_secret=ours.google_client_secret,
                server_metadata_url=ours.google_discovery_url,
                client_kwargs={
                    "scope": "openid email",
                    "code_challenge_method": "S256",
                    "default_timeout": SECONDS,
                },
            )
    return extensions["google"]
