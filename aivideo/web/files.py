"""A video's files as answers: from this machine's disk, in ranges; from a bucket by an address good for minutes."""

from flask import redirect, send_file
from werkzeug.wrappers import Response

from aivideo.adapters import storage
from aivideo.core.errors import NotReady
from aivideo.core.video import Status, file_name
from aivideo.models import Video

GOOD_FOR_SECONDS = 600
"""A player fetches a long clip in parts, so an address must outlast watching it."""


def clip(video: Video, *, download: bool = False) -> Response:
    """The MP4, to be shown, or with `download` saved.

    Raises:
        NotReady: there is none (yet).
    """
    name = video.file_name if video.status == Status.COMPLETED else None
    return _answer(name, "video/mp4", file_name(video.user_id, video.id), download)


def poster(video: Video) -> Response:
    """The first picture of a completed video.

    Raises:
        NotReady: there is none (yet).
    """
    return _answer(video.poster_name, "image/webp", f"video_{video.id}.webp", download=False)


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
    response = send_file(path, kind, as_attachment=download, download_name=shown_as, conditional=True)
    response.cache_control.private = True
    return response
