"""Tools for a prompt: what one wrote before, starting points, a form of parts. They open over the studio's form."""

from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from aivideo.core.errors import InvalidInput
from aivideo.core.prompts import PARTS, STARTING_POINTS, compose
from aivideo.models import User
from aivideo.services import prompts, videos
from aivideo.web.access import require_user
from aivideo.web.errors import STATUS
from aivideo.web.htmx import is_htmx
from aivideo.web.reference import number

bp = Blueprint("prompts", __name__)
LONGEST_SEARCH = 200


@bp.get("/prompts")
def history() -> ResponseReturnValue:
    return _history(require_user())


@bp.post("/prompts/pins")
def pin() -> ResponseReturnValue:
    user = require_user()
    video = videos.get(user.id, number(request.form.get("video", "")) or 0)
    try:
        prompts.pin(user.id, video.prompt)
    except InvalidInput as error:
        return make_response(_history(user, str(error)), STATUS[InvalidInput])
    return _changed(user)


@bp.post("/prompts/pins/<int:pin_id>/remove")
def unpin(pin_id: int) -> ResponseReturnValue:
    user = require_user()
    prompts.unpin(user.id, pin_id)
    return _changed(user)


@bp.get("/prompts/starting-points")
def starting_points() -> ResponseReturnValue:
    require_user()
    return _drawn("starting_points", starts=STARTING_POINTS)


@bp.route("/prompts/parts", methods=["GET", "POST"])
def parts() -> ResponseReturnValue:
    """The form of parts; sent, with the prompt that they make."""
    require_user()
    values = {part.name: request.form.get(part.name, "") for part in PARTS}
    return _drawn("parts", parts=PARTS, values=values, prompt=compose(values))


def _changed(user: User) -> ResponseReturnValue:
    return _history(user) if is_htmx(request) else redirect("/prompts", 303)


def _history(user: User, error: str = "") -> str:
    search = request.values.get("q", "").strip()[:LONGEST_SEARCH]
    before = number(request.args.get("before", ""))
    return _drawn(
        "history",
        search=search,
        pinned=[] if before else prompts.pinned(user.id, search=search),
        history=prompts.history(user.id, search=search, before=before),
        first=before is None,
        error=error,
    )


def _drawn(name: str, **values: Any) -> str:
    """A tool as a fragment for the studio, or as a page of its own."""
    return render_template(f"prompts/_{name}.html" if is_htmx(request) else f"prompts/{name}.html", **values)
