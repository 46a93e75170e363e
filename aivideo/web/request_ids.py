"""A request's id: taken from a proxy in front or made here, in every log line and in the answer."""

import re
import secrets

from flask import Flask, Response, g, request

from aivideo import logs

HEADER = "X-Request-Id"
_ACCEPTED = re.compile(r"[A-Za-z0-9._~:@=+/-]{1,128}")


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_answer)


def request_id() -> str:
    """The id of the current request; empty where it failed before it had one."""
    return str(g.get("request_id", ""))


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _ACCEPTED.fullmatch(given) else secrets.token_hex(8)
    logs.begin(request=g.request_id)


def _answer(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    return response
