"""What an error looks like: problem+json (RFC 9457) under /api/, a page or an htmx fragment elsewhere."""

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, jsonify, render_template, request
from flask_wtf.csrf import CSRFError
from markupsafe import escape
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException, TooManyRequests

from aivideo.core import errors as domain
from aivideo.core.errors import DomainError
from aivideo.extensions import db
from aivideo.storage import NO_ROOM, StorageError
from aivideo.web.htmx import is_htmx
from aivideo.web.request_ids import request_id

log = logging.getLogger(__name__)

STATUS: dict[type[DomainError], int] = {
    domain.InvalidInput: 422,
    domain.InsufficientCredits: 402,
    domain.PlanCannotGenerate: 403,
    domain.RequestKeyReused: 422,
    domain.BudgetSpent: 403,
    domain.NotFound: 404,
    domain.AlreadyEnded: 409,
    domain.NotReady: 404,
    domain.CannotRemix: 409,
    domain.CannotExtend: 409,
    domain.EmailTaken: 409,
    domain.SignInRefused: 403,
}
DETAIL: dict[int, str] = {
    400: "This request cannot be read.",
    401: "Sign in first. The API takes `Authorization: Bearer TOKEN`; your account page makes tokens.",
    403: "You are not allowed to do this.",
    404: "There is nothing at this address, or it is not yours.",
    405: "This address does not take that method.",
    408: "The request took too long to arrive.",
    413: "What you sent is too large. A picture may have up to 20 MB.",
    415: "This address does not take that kind of content.",
    416: "The file does not have that range of bytes.",
    429: "You are sending too many requests. Wait a moment, then try again. Nothing was charged.",
    503: "The database does not answer right now. Try again in a moment.",
}
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
RETRY_SECONDS = 5
NO_ROOM_RETRY_SECONDS = 60
_OWN_HEADERS = ("content-type", "content-length")


def init_app(app: Flask) -> None:
    app.register_error_handler(DomainError, _of_domain)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(CSRFError, _of_csrf)
    for kind in DATABASE_AWAY:
        app.register_error_handler(kind, _of_database)
    app.register_error_handler(StorageError, _of_storage)
    app.register_error_handler(OSError, _of_disk)
    app.register_error_handler(Exception, _of_surprise)


def answer(
    status: int,
    detail: str,
    *,
    title: str | None = None,
    kind: str = "about:blank",
    errors: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error in the form that its reader understands. `kind` is the URI of the problem's description."""
    title = title or phrase(status)
    if request.path.startswith("/api/") or request.path == "/ws":
        problem: dict[str, Any] = {"type": kind, "title": title, "status": status, "detail": detail}
        if errors is not None:
            problem["errors"] = errors
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            problem["request_id"] = request_id()
        response = jsonify(problem)
        response.content_type = "application/problem+json"
    else:
        response = Response(_page(status, title, detail, errors or {}), mimetype="text/html")
    response.status_code = status
    response.headers.update(headers or {})
    return response


def name(kind: type[DomainError]) -> str:
    """A domain error's name in words: `Insufficient credits`."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).capitalize()


def uri(kind: type[DomainError]) -> str:
    """Where the API's page describes a domain error."""
    return f"/api/docs#{name(kind).lower().replace(' ', '-')}"


def _of_domain(error: DomainError) -> Response:
    kind = type(error)
    errors = error.errors if isinstance(error, domain.InvalidInput) else None
    return answer(STATUS[kind], str(error), title=name(kind), kind=uri(kind), errors=errors)


def _of_http(error: HTTPException) -> Any:
    if error.response is not None or error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error
    # A text given to abort() is meant for the reader; werkzeug's own are written for developers.
    said = error.description if error.description != type(error).description else None
    headers = {key: value for key, value in error.get_headers() if key.lower() not in _OWN_HEADERS}
    if error.code == HTTPStatus.UNAUTHORIZED and request.path.startswith("/api/"):
        headers.setdefault("WWW-Authenticate", "Bearer")
    detail = said or DETAIL.get(error.code) or phrase(error.code)
    if isinstance(error, TooManyRequests) and isinstance(error.retry_after, int):
        detail = detail.replace("a moment", f"{error.retry_after} s")
    return answer(error.code, detail, headers=headers)


def _of_csrf(error: CSRFError) -> Response:
    log.info("refused for its CSRF token: %s", error.description)
    return answer(400, "This page was open for too long, or was sent from elsewhere. Reload it and try again.")


def _of_database(error: SQLAlchemyError) -> Response:
    log.error("the database does not answer: %s", error)
    _roll_back()
    return answer(503, DETAIL[503], headers={"Retry-After": str(RETRY_SECONDS)})


def _of_storage(error: StorageError) -> Response:
    log.error("%s", error)
    detail = "The storage of files does not answer right now. Nothing was charged. Try again in a moment."
    return answer(503, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def _of_disk(error: OSError) -> Response:
    if error.errno not in NO_ROOM:
        return _of_surprise(error)
    log.error("no room on the disk: %s", error)
    _roll_back()
    detail = "There is no room left on the server's disk. Nothing was charged. Try again later."
    return answer(503, detail, headers={"Retry-After": str(NO_ROOM_RETRY_SECONDS)})


def _of_surprise(error: Exception) -> Response:
    log.exception("unexpected error on %s %s", request.method, request.path, exc_info=error)
    _roll_back()
    return answer(
        500,
        "Something went wrong on our side. Try again; if it happens again, tell the operator "
        f"this number: {request_id()}.",
    )


def _page(status: int, title: str, detail: str, errors: Mapping[str, list[str]]) -> str:
    """The page or fragment; where even that cannot be drawn (it shows the balance), plain words."""
    values = {"status": status, "title": title, "detail": detail, "errors": errors, "request_id": request_id()}
    template = "_error.html" if is_htmx(request) else f"{status}.html"
    try:
        return render_template([f"errors/{template}", "errors/error.html"], **values)
    except Exception:
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("the page of an error cannot be drawn")
        _roll_back()
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)} · aivideo</title>'
            f"<h1>{escape(title)}</h1><p>{escape(detail)}</p></html>"
        )


def _roll_back() -> None:
    try:
        db.session.rollback()
    except SQLAlchemyError:
        current_app.logger.debug("nothing to roll back")


def phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.capitalize()
    except ValueError:
        return "Error"
