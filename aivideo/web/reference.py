"""The picture a video begins with: an upload, one of ours, a moment of one's own video, or that of an earlier one."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from aivideo.core.errors import InvalidInput, NotFound, NotReady
from aivideo.core.video import Status
from aivideo.models import User, Video
from aivideo.services import pictures, videos
from aivideo.services.pictures import Picture
from aivideo.web.access import require_user
from aivideo.web.forms import VideoForm
from aivideo.web.htmx import is_htmx

bp = Blueprint("reference", __name__)
FIELD = pictures.FIELD
RECENT = 24


@dataclass(frozen=True)
class Own:
    """A picture out of one's own videos, as the form shows it: the value that chooses it, its address, its name."""

    value: str
    address: str
    name: str


@bp.route("/frames", methods=["GET", "POST"])
def frames() -> ResponseReturnValue:
    """The finished videos one can take a moment of; with `of=42` the moments of that one. What the studio's form had
    is posted where no script keeps it."""
    user = require_user()
    video = number(request.values.get("of", ""))
    values: dict[str, Any] = {"video": None, "videos": [], "kept": VideoForm.kept(request.form)}
    if video is not None:
        values["video"] = finished(user, video)
    else:
        values["videos"] = videos.page(user.id, limit=RECENT, status=Status.COMPLETED).videos
    return render_template("prompts/_frames.html" if is_htmx(request) else "prompts/frames.html", **values)


def picture_of(form: VideoForm, upload: FileStorage | None, user: User) -> Picture | None:
    """What is to be the first picture: an uploaded file counts, else what is chosen, else none.

    Raises:
        InvalidInput: on the field `input_reference`, or `fit` or `focus`.
    """
    if form.mode != "new":
        return None
    chosen = pictures.accept(upload.read()) if upload is not None and upload.filename else _chosen(form, user)
    return chosen.placed(form.fit, form.focus) if chosen else None


def _chosen(form: VideoForm, user: User) -> Picture | None:
    if form.picture == "frame":
        return pictures.frame(user.id, number(form.frame_of) or 0, moment(form.frame_at))
    if form.picture == "again":
        try:
            video = videos.get(user.id, number(form.picture_of) or 0)
        except NotFound:
            raise InvalidInput({FIELD: ["The video this picture is from is gone. Choose another picture."]}) from None
        return Picture(video.picture_name, video.picture_hash or "") if video.picture_name else None
    return pictures.trial(form.picture) if form.picture else None


def own(form: VideoForm) -> Own | None:
    """The picture of one's own videos that the form offers besides the others."""
    if form.picture == "frame" and number(form.frame_of) is not None:
        try:
            at = moment(form.frame_at)
        except InvalidInput:
            return None
        return Own("frame", f"/videos/{form.frame_of}/frame?at={at:g}", f"Video {form.frame_of} at {at:.1f} s")
    if form.picture == "again" and number(form.picture_of) is not None:
        return Own("again", f"/videos/{form.picture_of}/picture", f"The picture of video {form.picture_of}")
    return None


def finished(user: User, video_id: int) -> Video:
    """
    Raises:
        NotFound, NotReady: there is none, or no file of it.
    """
    video = videos.get(user.id, video_id)
    if video.status != Status.COMPLETED:
        raise NotReady
    return video


def number(text: str) -> int | None:
    """A video's number as somebody typed it, None where it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def moment(text: str) -> float:
    """
    Raises:
        InvalidInput: these are no seconds.
    """
    try:
        at = float(text)
    except ValueError:
        at = -1.0
    if not 0 <= at < 3600:
        raise InvalidInput({FIELD: ["Choose the moment in seconds from the start of the video."]})
    return at
