"""What a client asks for over its WebSocket. Every command is authorised anew, as if it were a request of its own."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, session
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, TooManyRequests
from wtforms import ValidationError

from aivideo.core.errors import DomainError, InvalidInput
from aivideo.services import videos
from aivideo.web import access, errors, rates
from aivideo.web.api_schemas import video_json
from aivideo.web.routing import LARGEST_ID

log = logging.getLogger(__name__)
RATE = "60 per minute"
"""Commands per user, over all connections."""
Message = dict[str, Any]


class Commands:
    """Runs commands for whoever sent the handshake with this environment."""

    def __init__(self, app: Flask, environ: Mapping[str, Any]) -> None:
        self._app = app
        self._environ = {name: value for name, value in environ.items() if not name.startswith("werkzeug.")}

    def answer(self, text: str | bytes) -> Message:
        """The result of a command, or an error with the members of a problem of the API; never raises."""
        about: Message = {}
        try:
            command = _parse(text)
            about = {name: command[name] for name in ("video_id",) if name in command}
            about = {"command": command["type"], **about}
            with self._app.request_context(dict(self._environ)):
                user = access.api_user()
                if not access.has_token():
                    _check(command.get("csrf_token"))
                rates.count("command", f"user-{user.id}", RATE)
                return {"type": "result", **about, **COMMANDS[command["type"]](user.id, command)}
        except Exception as error:  # noqa: BLE001  # told, and where it is ours logged
            return {"type": "error", **about, **_problem(error)}


def _cancel(user_id: int, command: Message) -> Message:
    video_id = command.get("video_id")
    if not isinstance(video_id, int) or isinstance(video_id, bool) or not 0 < video_id <= LARGEST_ID:
        raise InvalidInput({"video_id": ["Send the number of a video."]})
    return {"video": video_json(videos.cancel(user_id, video_id))}


COMMANDS: dict[str, Callable[[int, Message], Message]] = {"cancel": _cancel}


def _parse(text: str | bytes) -> Message:
    try:
        command = json.loads(text)
    except ValueError:
        command = None
    if not isinstance(command, dict) or not isinstance(command.get("type"), str):
        raise BadRequest("A command is a JSON object with a `type`.")
    if command["type"] not in COMMANDS:
        raise BadRequest(f"There is no such command. There is: {', '.join(COMMANDS)}.")
    return command


def _check(token: object) -> None:
    """A page that got hold of the connection must also have been given the token of the session's forms."""
    if session.get("csrf_token") is None or not isinstance(token, str):
        raise Forbidden("A command over a session's connection needs the `csrf_token` of a form.")
    try:
        validate_csrf(token)
    except ValidationError:
        raise Forbidden("This `csrf_token` is not one of this session. Reload the page and try again.") from None


def _problem(error: Exception) -> Message:
    if isinstance(error, DomainError):
        kind = type(error)
        problem = {"status": errors.STATUS[kind], "title": errors.name(kind), "detail": str(error)}
        return {**problem, "errors": error.errors} if isinstance(error, InvalidInput) else problem
    if isinstance(error, HTTPException) and error.code is not None:
        said = error.description if error.description != type(error).description else None
        status, detail = error.code, said or errors.DETAIL.get(error.code, error.name)
    elif isinstance(error, errors.DATABASE_AWAY):
        log.error("the database does not answer: %s", error)
        status, detail = 503, errors.DETAIL[503]
    else:
        log.exception("a command failed", exc_info=error)
        status, detail = 500, "Something went wrong on our side. Try again."
    problem = {"status": status, "title": errors.phrase(status), "detail": detail}
    return {**problem, "retry_after": error.retry_after} if isinstance(error, TooManyRequests) else problem
