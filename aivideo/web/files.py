"""A video's files as answers: from this machine's disk, in ranges; from a bucket by an address good for minutes."""

import re

from flask import redirect, request, send_file
from werkzeug.wrappers import Response

from aivideo.adapters import storage
from aivideo.core.errors import NotReady
from aivideo.core.video import Status, saved_as
from aivideo.models import Video
from aivideo.services import videos

RANGE = re.compile(r"bytes=\s*(\d+-\d*|-\d+)\s*")
GOOD_FOR_SECONDS = 600
"""A player fetches a long clip in parts, so an address must outlast watching it."""
PICTURE_SECONDS = 86400
"""How long a browser may show a picture without asking; it never changes, but its video may be deleted."""
WEBP = "image/webp"


def clip(video: Video, *, download: bool = False) -> Response:
    """The MP4, to be shown, or with `download` saved.

    Raises:
        NotReady: there is none (yet).
    """
    name = video.file_name if video.status == Status.COMPLETED else None
    return _answer(name, "video/mp4", _saved_as(video, ".mp4"), download)


def poster(video: Video, *, download: bool = False) -> Response:
    """The still that stands for a completed video.

    Raises:
        NotReady: there is none (yet).
    """
    return _kept(_answer(video.poster_name, WEBP, _saved_as(video, ".webp"), download))


def preview(video: Video, *, download: bool = False) -> Response:
    """The moving preview of a completed video; drawn now, where that has not happened yet.

    Raises:
        NotReady: there is none (yet).
    """
    name = video.preview_name
    saved_as = _saved_as(video, " (preview).webp")
    return _kept(_answer(name or videos.draw_preview(video.id), WEBP, saved_as, download))


def reference(video: Video) -> Response:
    """A small one of the picture that a video started from.

    Raises:
        NotReady: it started from none.
    """
    response = Response(videos.reference(video), mimetype=WEBP)
    response.cache_control.private = True
    return _kept(response)


def _saved_as(video: Video, ending: str) -> str:
    return saved_as(video.title or video.prompt, video.id, ending)


def _kept(response: Response) -> Response:
    """Let the browser of its owner show a picture without asking again, for a while."""
    if response.status_code in (200, 304):
        response.cache_control.max_age = PICTURE_SECONDS
    return response


def _answer(name: str | None, kind: str, shown_as: str, download: bool) -> Response:
    if name is None:
        raise NotReady
    address = storage().url(name, filename=shown_as, seconds=GOOD_FOR_SECONDS, download=download)
    if address is not None:
        response = redirect(address)
        response.headers["Cache-Control"] = "private, no-store"
        return response
    path = storage().path(name)
    if path is None or not path.is_file():
        raise NotReady
    if RANGE.fullmatch(request.headers.get("Range", "")) is None:
        request.environ.pop("HTTP_RANGE", None)  # no range of bytes, or several: such a request is for the whole
    response = send_file(path, kind, as_attachment=download, download_name=shown_as, conditional=True)
    response.cache_control.private = True
    return response
