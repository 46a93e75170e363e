"""The library: all of a user's videos, and what can be done with several."""

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from aivideo import events
from aivideo.core.errors import InvalidInput
from aivideo.core.video import Status
from aivideo.models.events import timestamp
from aivideo.services import videos
from aivideo.web.access import require_user

bp = Blueprint("library", __name__)
PAGE = 24


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


@bp.post("/videos/<int:video_id>/delete")
def delete(video_id: int) -> ResponseReturnValue:
    videos.delete(require_user().id, video_id)
    flash("The video and its files are deleted.", "success")
    return redirect("/videos")
