"""A user's videos: the library, one video, its files, and what can be done with it."""

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from aivideo import events
from aivideo.core.errors import AlreadyEnded, InvalidInput
from aivideo.core.video import Status
from aivideo.models.events import timestamp
from aivideo.services import videos
from aivideo.web import files
from aivideo.web.access import any_user, require_user
from aivideo.web.htmx import is_htmx

bp = Blueprint("library", __name__)
PAGE = 24
POSTER_SECONDS = 86400
"""How long a browser may show a poster without asking; it never changes, but its video may be deleted."""


@bp.get("/videos")
def index() -> ResponseReturnValue:
    user = require_user()
    since = timestamp(datetime.now(UTC))  # before the first read: the stream tells what changes after it
    status = request.args.get("status") or None
    try:
        page = videos.page(user.id, limit=PAGE, cursor=request.args.get("cursor"), status=status)
    except InvalidInput:
        return redirect("/videos")
    return render_template(
        "videos/index.html",
        videos=[events.snapshot(video) for video in page.videos],
        next=page.next,
        status=status,
        statuses=list(Status),
        first="cursor" not in request.args,
        since=since,
    )


@bp.get("/videos/<int:video_id>")
def show(video_id: int) -> ResponseReturnValue:
    user = require_user()
    since = timestamp(datetime.now(UTC))
    video = videos.get(user.id, video_id)
    return render_template(
        "videos/show.html",
        row=video,
        video=events.snapshots([video])[0],
        lines=events.replay(video.id),
        since=since,
    )


@bp.post("/videos/<int:video_id>/cancel")
def cancel(video_id: int) -> ResponseReturnValue:
    user = require_user()
    try:
        video = videos.cancel(user.id, video_id)
    except AlreadyEnded as error:
        if not is_htmx(request):
            flash(str(error), "error")
        video = videos.get(user.id, video_id)
    if not is_htmx(request):
        return redirect(f"/videos/{video_id}")
    return render_template("videos/_live.html", video=events.snapshots([video])[0])


@bp.post("/videos/<int:video_id>/delete")
def delete(video_id: int) -> ResponseReturnValue:
    videos.delete(require_user().id, video_id)
    flash("The video and its files are deleted.", "success")
    return redirect("/videos")


@bp.get("/videos/<int:video_id>/file")
def file(video_id: int) -> ResponseReturnValue:
    """The MP4; with `?download=1` to be saved. By session or by token: the API's `video_url` leads here."""
    return files.clip(videos.get(any_user().id, video_id), download=request.args.get("download") == "1")


@bp.get("/videos/<int:video_id>/poster")
def poster(video_id: int) -> ResponseReturnValue:
    response = files.poster(videos.get(any_user().id, video_id))
    if response.status_code in (200, 304):
        response.cache_control.max_age = POSTER_SECONDS
    return response
