"""One video: its page, its files, and what can be done with it."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue

from aivideo import events
from aivideo.adapters import catalogue
from aivideo.core.errors import AlreadyEnded, InvalidInput, NotFound
from aivideo.core.video import Status
from aivideo.models import Video
from aivideo.models.events import timestamp
from aivideo.services import receipts, videos
from aivideo.web import files
from aivideo.web.access import any_user, require_user
from aivideo.web.errors import STATUS
from aivideo.web.htmx import is_htmx

bp = Blueprint("videos", __name__, url_prefix="/videos/<int:video_id>")


@bp.get("")
def show(video_id: int) -> ResponseReturnValue:
    user = require_user()
    since = timestamp(datetime.now(UTC))  # before the first read: the stream tells what changes after it
    video = videos.get(user.id, video_id)
    return render_template(
        "videos/show.html",
        row=video,
        video=events.snapshots([video])[0] | {"place": videos.place(video)},
        lines=events.replay(video.id),
        refunded=receipts.refunded(video.id),
        offers=_offers(video),
        remixed=_source(user.id, video.remixed_from_id),
        extended=_source(user.id, video.extended_from_id),
        longest_title=videos.LONGEST_TITLE,
        since=since,
    )


@bp.post("/cancel")
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


@bp.post("/title")
def rename(video_id: int) -> ResponseReturnValue:
    user, title, wrong = require_user(), request.form.get("title", ""), ""
    try:
        videos.rename(user.id, video_id, title)
    except InvalidInput as error:
        wrong = str(error)
    if is_htmx(request):
        video = videos.get(user.id, video_id)
        values = {"video": events.snapshot(video), "title": title if wrong else video.title, "wrong": wrong}
        page = render_template("videos/_title.html", **values, longest_title=videos.LONGEST_TITLE)
        return page, STATUS[InvalidInput] if wrong else 200
    if wrong:
        flash(wrong, "error")
    return redirect(f"/videos/{video_id}")


@bp.post("/poster")
def choose_poster(video_id: int) -> ResponseReturnValue:
    """The frame at `at` seconds becomes the poster."""
    user = require_user()
    moment = float("nan")
    with suppress(ValueError):
        moment = float(request.form.get("at", ""))
    video = videos.choose_poster(user.id, video_id, moment)
    if is_htmx(request):
        return render_template("videos/_poster.html", video=events.snapshot(video))
    flash("This frame is the poster now.", "success")
    return redirect(f"/videos/{video_id}")


@bp.get("/file")
def file(video_id: int) -> ResponseReturnValue:
    """The MP4; with `?download=1` to be saved. By session or by token: the API's `video_url` leads here."""
    return files.clip(videos.get(any_user().id, video_id), download=_download())


@bp.get("/poster")
def poster(video_id: int) -> ResponseReturnValue:
    return files.poster(videos.get(any_user().id, video_id), download=_download())


@bp.get("/preview")
def preview(video_id: int) -> ResponseReturnValue:
    return files.preview(videos.get(any_user().id, video_id), download=_download())


@bp.get("/picture")
def picture(video_id: int) -> ResponseReturnValue:
    return files.reference(videos.get(any_user().id, video_id))


def _download() -> bool:
    return request.args.get("download") == "1"


def _offers(video: Video) -> list[str]:
    """What can be made of a finished video by the model that made it, where today's server can do that."""
    model = catalogue().model(video.model)
    if model is None or video.status != Status.COMPLETED:
        return []
    longest = videos.whole_seconds(video) + min(model.seconds)
    room = {"remix": True, "extend": not model.extends_to or longest <= model.extends_to}
    return [verb for verb, there in room.items() if there and model.can(verb)]


def _source(user_id: int, video_id: int | None) -> dict[str, Any] | None:
    """The video that another one was made of: `id`, and the `words` it goes by; None where it was deleted."""
    if video_id is None:
        return None
    try:
        source = videos.get(user_id, video_id)
    except NotFound:
        return {"id": video_id, "words": None}
    return {"id": video_id, "words": source.title or source.prompt}
