"""What is drawn of a finished video at leisure: the frame its user wants as its poster, and its moving preview."""

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

from aivideo.adapters import storage
from aivideo.core.errors import InvalidInput, NotFound, NotReady
from aivideo.core.video import Stage, Status, poster_name, preview_name
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.offload import off_the_event_loop
from aivideo.services.videos.leases import hold, let_go
from aivideo.services.videos.moves import change
from aivideo.services.videos.shelf import get
from aivideo.storage import StorageError
from aivideo.transaction import release, transaction

log = logging.getLogger(__name__)
WEBP = "image/webp"
PREVIEW_LEASE = timedelta(minutes=1)
"""Far longer than drawing takes. What cannot be drawn keeps it, so that nobody tries again at once."""
DRAWING = threading.BoundedSemaphore()
"""A preview is a second of work: a process draws one at a time, however many are looked for."""


def choose_poster(user_id: int, video_id: int, at: float) -> Video:
    """Make the frame at second `at` the poster of a video.

    Raises:
        NotFound.
        NotReady: there is no clip (yet).
        InvalidInput: the clip has no such second.
    """
    from aivideo.media import UnplayableVideo, poster

    video = get(user_id, video_id)
    if video.status != Status.COMPLETED or video.file_name is None:
        raise NotReady
    length = video.duration or float(video.seconds)
    if not 0 <= at <= length:  # false also for what is not a number
        raise InvalidInput({"at": [f"Choose a moment between 0 and {length:g} seconds."]})
    at = round(at, 3)
    name = poster_name(user_id, video_id, at)
    if video.poster_at == at:
        return video
    source = video.file_name
    release()
    try:
        _draw(source, name, partial(poster, at=at))
    except (UnplayableVideo, FileNotFoundError):
        raise NotReady from None
    with transaction() as session:
        found = session.get(Video, video_id, with_for_update=True, populate_existing=True)
        before = found.poster_name if found is not None else None
        shown = change(session, video_id, Stage.ENDED, Video.hidden_at.is_(None), poster_name=name, poster_at=at)
    unused = name if shown is None else before
    if unused is not None and unused != (shown and shown.poster_name):
        storage().delete(unused)
    if shown is None:  # deleted while we drew
        raise NotFound
    return get(user_id, video_id)


def draw_preview(video_id: int) -> str | None:
    """Draw the moving preview of a video where it has none; returns its storage name.

    None where it cannot be drawn, or somebody is at it. Whatever goes wrong here says nothing about the video.
    """
    from aivideo.media import UnplayableVideo, preview

    video = db.session.get(Video, video_id)
    if video is None or video.status != Status.COMPLETED or video.hidden_at or video.file_name is None:
        return None
    if video.preview_name is not None:
        return video.preview_name
    source, name, lease = video.file_name, preview_name(video.user_id, video_id), f"preview-{video_id}"
    release()
    with DRAWING:
        if not hold(lease, uuid4().hex, PREVIEW_LEASE):
            return None
        try:
            _draw(source, name, preview)
        except (UnplayableVideo, StorageError, OSError) as error:
            log.warning("video %s gets no preview for now: %s", video_id, error)
            return None
    with transaction() as session:
        shown = change(session, video_id, Stage.ENDED, Video.hidden_at.is_(None), preview_name=name)
        let_go(session, lease)
    if shown is None:  # deleted while we drew
        storage().delete(name)
        return None
    return name


def reference(video: Video) -> bytes:
    """A small WebP of the picture that a video started from.

    Raises:
        NotReady: it started from none, or that is no longer there.
    """
    from aivideo.media import thumbnail

    if video.picture_name is None:
        raise NotReady
    name = video.picture_name
    release()
    try:
        with _local(name) as path:
            return off_the_event_loop(thumbnail, path)
    except OSError:
        raise NotReady from None


def _draw(source: str, name: str, drawing: Callable[[Path, Path], None]) -> None:
    """Let `drawing` make a WebP of a clip in storage, and store it as `name`."""
    with tempfile.TemporaryDirectory() as folder, _local(source) as clip:
        made = Path(folder) / name
        off_the_event_loop(drawing, clip, made)
        off_the_event_loop(storage().save, name, made, WEBP)


@contextmanager
def _local(name: str) -> Iterator[Path]:
    """A stored file on this machine's disk, fetched where it is elsewhere.

    Raises:
        FileNotFoundError, StorageError.
    """
    path = storage().path(name)
    if path is not None:
        yield path
        return
    with tempfile.NamedTemporaryFile() as file:
        off_the_event_loop(storage().read, name, Path(file.name))
        yield Path(file.name)
