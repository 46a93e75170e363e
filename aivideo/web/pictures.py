"""Single pictures of one's own videos, to be looked at and to start another video from."""

from flask import Blueprint, Response, request

from aivideo.services import pictures
from aivideo.web.access import any_user

bp = Blueprint("pictures", __name__)
SHOWN_WIDTH = 640
SECONDS = 86400
"""How long a browser may show one without asking; it never changes, but its video may be deleted."""


@bp.get("/videos/<int:video_id>/frame")
def frame(video_id: int) -> Response:
    """What a finished video shows `?at=1.5` seconds."""
    at = request.args.get("at", 0.0, type=float)
    response = Response(pictures.still(any_user().id, video_id, at, SHOWN_WIDTH), mimetype="image/jpeg")
    response.cache_control.private, response.cache_control.max_age = True, SECONDS
    return response
