"""Telling what ended: a page that is drawn takes what is new and tells it; an open one asks when it hears of an end."""

from dataclasses import asdict

from flask import Blueprint, Flask, Response, g, jsonify, request

from aivideo.core.notice import Words
from aivideo.services import notices
from aivideo.web.access import require_user
from aivideo.web.htmx import is_htmx

bp = Blueprint("notices", __name__)


def init_app(app: Flask) -> None:
    """Make `untold()` known to the layout of the pages."""
    app.jinja_env.globals["untold"] = _untold


@bp.post("/notices/shown")
def shown() -> Response:
    """What nobody was told yet, for the page that asks first; no content for all others."""
    words = notices.tell(require_user().id)
    return jsonify(asdict(words)) if words else Response(status=204)


def _untold() -> Words | None:
    """What the page that is being drawn has to tell, to somebody who looks: none is fetched in advance or in part."""
    headers = request.headers
    looks = headers.get("Sec-Fetch-Dest", "document") == "document" and "Sec-Purpose" not in headers
    if "user" not in g or request.method != "GET" or not looks or is_htmx(request):
        return None
    video_id = (request.view_args or {}).get("video_id")
    return notices.tell(g.user.id, seen=video_id if request.path == f"/videos/{video_id}" else None)
