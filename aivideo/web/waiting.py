"""The place in line of a video that waits."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from aivideo.services import videos
from aivideo.web.access import api_user

bp = Blueprint("waiting", __name__)


@bp.get("/videos/<int:video_id>/place")
def place(video_id: int) -> ResponseReturnValue:
    """A line of its card, which asks for it again and again, until there is nothing to answer.

    Whoever is not signed in any more is not sent away: that is for the stream to tell of.
    """
    place = videos.place(videos.get(api_user().id, video_id))
    if place is None:
        return "", 204
    return render_template("videos/_place.html", video_id=video_id, place=place)
