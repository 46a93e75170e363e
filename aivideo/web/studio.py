"""The studio: the form, and the videos made with it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from aivideo import events
from aivideo.adapters import catalogue, settings
from aivideo.core.errors import (
    BudgetSpent,
    InsufficientCredits,
    InvalidInput,
    NotFound,
    PlanCannotGenerate,
    RequestKeyReused,
)
from aivideo.core.video import Status
from aivideo.models import User, Video
from aivideo.models.events import timestamp
from aivideo.services import videos
from aivideo.web.access import require_user, submit_limit
from aivideo.web.errors import STATUS
from aivideo.web.forms import EXAMPLE, VideoForm, picture_of
from aivideo.web.htmx import is_htmx

bp = Blueprint("studio", __name__)
STAYS = timedelta(hours=1)
"""How long an ended video stays on the desk before it moves to the strip of earlier ones."""
ENDED_ON_DESK = 3
UNDER_WAY_ON_DESK = 100
LATEST = 8
AROUND_RENDERING = 6
"""Seconds the simulator's videos take besides rendering."""


@bp.get("/")
def index() -> ResponseReturnValue:
    user = require_user()
    return _studio(user, _first_form(user))


@bp.post("/videos")
@submit_limit
def create() -> ResponseReturnValue:
    user = require_user()
    form = VideoForm.sent(catalogue(), request.form)
    upload = request.files.get("input_reference")
    try:
        order = form.order(with_picture=bool(form.picture or (upload and upload.filename)))
        if upload is not None and upload.filename:
            videos.require_means(user.id, order, form.request_key)
        picture = picture_of(form, upload)
        try:
            receipt = videos.request(user.id, order, key=form.request_key, picture=picture)
        except RequestKeyReused:  # Back, edit, send: that is another video
            receipt = videos.request(user.id, order, key=form.edited_key(picture), picture=picture)
    except InvalidInput as error:
        return _refused(user, form, error.errors, STATUS[InvalidInput])
    except (InsufficientCredits, PlanCannotGenerate, BudgetSpent) as error:
        return _refused(user, form, {"form": [str(error)]}, STATUS[type(error)])
    if not is_htmx(request):
        if receipt.repeated:
            flash("You have this video already: here it is. Nothing was charged again.")
        return redirect(f"/videos/{receipt.video_id}")
    if receipt.repeated:
        form.refreshed().notice = "You have this video already: it is shown first. Generate again to make another."
        following, balance = form, user.credits
    else:
        following, balance = form.emptied(), receipt.credits_left
    video = _snapshot(user, receipt.video_id)
    return render_template("videos/created.html", video=video, credits=balance, **_composer(user, following, balance))


@bp.get("/videos/<int:video_id>/card")
def card(video_id: int) -> ResponseReturnValue:
    """A card by itself, for a page that hears of a video it does not show."""
    return render_template("videos/_card.html", video=_snapshot(require_user(), video_id))


def _first_form(user: User) -> VideoForm:
    """An empty form, one filled from an earlier video (`?from=42`), or one with an example (`?example`)."""
    source = request.args.get("from", "")
    if source.isascii() and source.isdecimal() and len(source) < 19:
        try:
            return VideoForm.like(catalogue(), videos.get(user.id, int(source)))
        except NotFound:
            pass
    return VideoForm(catalogue(), prompt=EXAMPLE if "example" in request.args else "")


def _refused(user: User, form: VideoForm, errors: dict[str, list[str]], status: int) -> ResponseReturnValue:
    form.errors = errors
    if is_htmx(request):
        return make_response(render_template("videos/_composer.html", **_composer(user, form)), status)
    return _studio(user, form, status)


def _studio(user: User, form: VideoForm, status: int = 200) -> ResponseReturnValue:
    since = timestamp(datetime.now(UTC))  # before the first read: the stream tells what changes after it
    latest = videos.page(user.id, limit=LATEST).videos
    under_way = [
        video
        for wanted in (Status.PENDING, Status.PROCESSING)
        for video in videos.page(user.id, limit=UNDER_WAY_ON_DESK, status=wanted).videos
    ]
    recent = datetime.now(UTC) - STAYS
    just_ended = [video for video in latest if video.ended and (video.completed_at or recent) > recent]
    now: dict[int, Video] = {video.id: video for video in (*under_way, *just_ended[:ENDED_ON_DESK])}
    page = render_template(
        "videos/new.html",
        now=events.snapshots(sorted(now.values(), key=lambda video: -video.id)),
        earlier=[events.snapshot(video) for video in latest if video.id not in now],
        example=EXAMPLE,
        since=since,
        **_composer(user, form),
    )
    return make_response(page, status)


def _composer(user: User, form: VideoForm, balance: int | None = None) -> dict[str, Any]:
    return {
        "form": form,
        "catalogue": catalogue(),
        "balance": user.credits if balance is None else balance,
        "plan": catalogue().plan(user.plan),
        "wait": _expected_wait(),
    }


def _expected_wait() -> str:
    if settings().simulated:
        return f"about {round(settings().mock_sora_seconds + AROUND_RENDERING)} s"
    return "about 2 to 5 min"


def _snapshot(user: User, video_id: int) -> dict[str, Any]:
    return events.snapshots([videos.get(user.id, video_id)])[0]
