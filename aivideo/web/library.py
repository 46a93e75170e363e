"""The library: all of a user's videos, and what can be done with several."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from aivideo import events
from aivideo.adapters import catalogue
from aivideo.core.errors import InvalidInput
from aivideo.core.video import Status
from aivideo.models import Video
from aivideo.models.events import timestamp
from aivideo.services import videos
from aivideo.services.videos import Wanted
from aivideo.sign_in.next_page import own_page
from aivideo.web.access import require_user
from aivideo.web.errors import STATUS
from aivideo.web.htmx import is_htmx
from aivideo.web.routing import LARGEST_ID
from aivideo.web.search import SORT_WORDS, Search

bp = Blueprint("library", __name__)
PAGE = 24
MOST_AT_ONCE = 200
UNDO_SHOWN = timedelta(seconds=30)
UNDO = UNDO_SHOWN + timedelta(seconds=2)
"""A little longer than the page offers it, for the way there."""
TOO_LATE = "It is too late to undo that: the files are gone."


@bp.get("/videos")
def index() -> ResponseReturnValue:
    user = require_user()
    since = timestamp(datetime.now(UTC))  # before the first read: the stream tells what changes after it
    search = Search.sent(request.args)
    cursor = request.args.get("cursor") or None
    try:
        page = videos.page(user.id, search.wanted, limit=PAGE, cursor=cursor)
    except InvalidInput:
        return redirect("/videos")
    return render_template(
        "videos/index.html",
        videos=[events.snapshot(video) for video in page.videos],
        next=page.next,
        first=cursor is None,
        search=search,
        statuses=list(Status),
        models=catalogue().models,
        sizes=list(dict.fromkeys(size.name for model in catalogue().models for size in model.sizes)),
        sorts=SORT_WORDS,
        since=since,
        **_undo(videos.just_deleted(user.id)),
    )


@bp.get("/videos/tiles")
def tiles() -> ResponseReturnValue:
    """Some tiles, for a page that hears of a change: those of `video` that are wanted there."""
    user = require_user()
    found = videos.among(user.id, _ids(request.args.getlist("video")), Search.sent(request.args).wanted)
    return render_template("videos/_tiles.html", videos=[events.snapshot(video) for video in found])


@bp.post("/videos/chosen")
def chosen() -> ResponseReturnValue:
    """What is done with many at once: `act` with each `video`."""
    user = require_user()
    ids = _ids(request.form.getlist("video"))
    act = request.form.get("act", "")
    if act == "delete":
        deleted = videos.delete_all(user.id, ids, UNDO)
        if is_htmx(request):
            return render_template("videos/deleted.html", deleted=deleted, undo_seconds=UNDO_SHOWN.seconds)
    elif act in ("favourite", "plain"):
        videos.mark(user.id, ids, favourite=act == "favourite")
        if is_htmx(request):
            marked = videos.among(user.id, ids, Wanted())
            return render_template("videos/marked.html", videos=[events.snapshot(video) for video in marked])
    return redirect(_back())


@bp.post("/videos/restore")
def restore_chosen() -> ResponseReturnValue:
    user = require_user()
    ids = _ids(request.form.getlist("video"))
    late = "" if videos.restore_all(user.id, ids) == ids else TOO_LATE
    if is_htmx(request):
        return render_template("videos/restored.html", late=late)
    if late:
        flash(late, "error")
    return redirect("/videos")


@bp.post("/videos/<int:video_id>/restore")
def restore(video_id: int) -> ResponseReturnValue:
    videos.restore(require_user().id, video_id)
    return redirect(f"/videos/{video_id}")


@bp.post("/videos/<int:video_id>/favourite")
def favourite(video_id: int) -> ResponseReturnValue:
    """The state wished for is sent, so that a second click changes nothing."""
    user = require_user()
    videos.get(user.id, video_id)
    videos.mark(user.id, [video_id], favourite=request.form.get("favourite") == "1")
    return _tile(user.id, video_id) if is_htmx(request) else redirect(_back())


@bp.get("/videos/<int:video_id>/rename")
def renaming(video_id: int) -> ResponseReturnValue:
    """The form in a tile's place; without JavaScript the video's own page has one."""
    video = events.snapshot(videos.get(require_user().id, video_id))
    return render_template("videos/_rename.html", video=video, errors=[], longest=videos.LONGEST_TITLE)


@bp.post("/videos/<int:video_id>/rename")
def rename(video_id: int) -> ResponseReturnValue:
    user = require_user()
    title = request.form.get("title", "")
    try:
        videos.rename(user.id, video_id, title)
    except InvalidInput as error:
        video = events.snapshot(videos.get(user.id, video_id)) | {"title": title}
        wrong = error.errors["title"]
        form = render_template("videos/_rename.html", video=video, errors=wrong, longest=videos.LONGEST_TITLE)
        return make_response(form, STATUS[InvalidInput])
    return _tile(user.id, video_id) if is_htmx(request) else redirect("/videos")


@bp.post("/videos/<int:video_id>/delete")
def delete(video_id: int) -> ResponseReturnValue:
    """The library then shows how to undo it."""
    videos.delete(require_user().id, video_id, UNDO)
    return redirect("/videos")


def _ids(texts: Iterable[str]) -> list[int]:
    """Numbers that can be ids, each once.

    Raises:
        BadRequest: there are too many for one request.
    """
    numbers = [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 11]
    ids = list(dict.fromkeys(number for number in numbers if number <= LARGEST_ID))
    if len(ids) > MOST_AT_ONCE:
        raise BadRequest(f"Choose at most {MOST_AT_ONCE} videos at once. Nothing was changed.")
    return ids


def _undo(deleted: list[Video]) -> dict[str, Any]:
    """What the page's offer to undo is drawn from; it goes when the first of them cannot be undone any more."""
    left = [video.hidden_at - datetime.now(UTC) - (UNDO - UNDO_SHOWN) for video in deleted if video.hidden_at]
    return {
        "deleted": [video.id for video in deleted],
        "undo_seconds": max(0, int(min(left, default=UNDO).total_seconds())),
    }


def _back() -> str:
    """The page of the library that a form was on."""
    back = own_page(request.form.get("back"))
    return back if back and back.startswith("/videos") else "/videos"


def _tile(user_id: int, video_id: int) -> str:
    return render_template("videos/_tile.html", video=events.snapshot(videos.get(user_id, video_id)), choose=True)
