"""The studio: the form, and the videos made with it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from aivideo import events
from aivideo.adapters import catalogue
from aivideo.core.errors import (
    BudgetSpent,
    CannotExtend,
    CannotRemix,
    DomainError,
    InsufficientCredits,
    InvalidInput,
    PlanCannotGenerate,
    RequestKeyReused,
)
from aivideo.core.video import Status
from aivideo.models import User, Video
from aivideo.models.events import timestamp
from aivideo.services import budget, pictures, videos
from aivideo.services.videos import Receipt
from aivideo.web import opening, reference
from aivideo.web.access import require_user, submit_limit
from aivideo.web.errors import STATUS
from aivideo.web.forms import EXAMPLE, VideoForm
from aivideo.web.htmx import is_htmx

bp = Blueprint("studio", __name__)
STAYS = timedelta(hours=1)
"""How long an ended video stays on the desk before it moves to the strip of earlier ones."""
ENDED_ON_DESK = 3
UNDER_WAY_ON_DESK = 100
LATEST = 8


@bp.get("/")
def index() -> ResponseReturnValue:
    user = require_user()
    return _studio(user, opening.form(user, request.args))


@bp.post("/")
def fill() -> ResponseReturnValue:
    """For a browser without scripts: the form with the prompt that the form of parts makes, or as it was, and with
    the moment that was chosen."""
    user = require_user()
    if "frame_of" in request.form:
        return _studio(user, opening.resumed(user, request.form))
    return _studio(user, opening.composed(request.form))


@bp.post("/videos")
@submit_limit
def create() -> ResponseReturnValue:
    user = require_user()
    form = VideoForm.sent(catalogue(), request.form)
    try:
        receipt = _request(user, form)
    except InvalidInput as error:
        return _refused(user, form, error.errors, STATUS[InvalidInput])
    except (InsufficientCredits, PlanCannotGenerate, BudgetSpent, CannotRemix, CannotExtend) as error:
        return _refused(user, form, {"form": [str(error)]}, STATUS[type(error)])
    if not is_htmx(request):
        if receipt.repeated:
            flash("You have this video already: here it is. Nothing was charged again.")
        several = len(receipt.video_ids) > 1 and not receipt.repeated
        return redirect("/" if several else f"/videos/{receipt.video_id}")
    if receipt.repeated:
        form.refreshed().notice = "You have this video already: it is shown first. Generate again to make another."
        following, balance = form, user.credits
    else:
        following, balance = form.emptied(), receipt.credits_left
    made = events.snapshots([videos.get(user.id, video_id) for video_id in reversed(receipt.video_ids)])
    return render_template("videos/created.html", made=made, credits=balance, **_composer(user, following, balance))


@bp.get("/videos/<int:video_id>/card")
def card(video_id: int) -> ResponseReturnValue:
    """A card by itself, for a page that hears of a video it does not show."""
    user = require_user()
    return render_template("videos/_card.html", video=events.snapshots([videos.get(user.id, video_id)])[0])


def _request(user: User, form: VideoForm) -> Receipt:
    """
    Raises:
        InvalidInput, and what `videos.request` raises but for a key that was used: Back, edit, send is a new request.
    """
    upload = request.files.get("input_reference")
    with_picture = bool(form.picture or (upload and upload.filename))
    order, count = opening.order(user, form, with_picture=with_picture), form.videos()
    if with_picture:
        videos.require_means(user.id, order, form.request_key, count)
    what: dict[str, Any] = {
        "picture": reference.picture_of(form, upload, user),
        "count": count,
        "remixed_from_id": reference.number(form.remix_of),
        "extended_from_id": reference.number(form.extend_of),
    }
    try:
        return videos.request(user.id, order, key=form.request_key, **what)
    except RequestKeyReused:
        return videos.request(user.id, order, key=form.edited_key(what["picture"]), **what)


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
    paid = budget.current()
    if form.source is None:
        with suppress(DomainError):
            opening.find_source(user, form)
    return {
        "form": form,
        "catalogue": catalogue(),
        "balance": user.credits if balance is None else balance,
        "plan": catalogue().plan(user.plan),
        "waits": opening.waits(form),
        "trials": pictures.trials(),
        "own": reference.own(form),
        "paused": paid is not None and paid.spent + form.cheapest_usd > paid.limit,
    }
