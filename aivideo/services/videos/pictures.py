"""The reference picture of a video that is about to be sent: made fit, or waited for."""

import logging
import tempfile
from contextlib import ExitStack
from pathlib import Path

from aivideo.adapters import storage
from aivideo.core.video import Stage
from aivideo.models import Video
from aivideo.services.videos import refusal, waiting
from aivideo.services.videos.endings import cancelled_unsent, fail
from aivideo.services.videos.moves import change, utc_now
from aivideo.storage import StorageError
from aivideo.transaction import transaction

log = logging.getLogger(__name__)
NOT_THERE = (OSError, StorageError, ValueError)
"""What `fitted` raises: no picture is to be had, now (a full disk, a storage that is away) or ever (lost, damaged)."""
PAUSE_SECONDS = 30.0


def fitted(video: Video, held: ExitStack) -> Path:
    """The picture as JPEG of the video's size, in a folder that lasts as long as `held`."""
    from aivideo.media import fit_picture

    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="aivideo-")))
    source, fit = folder / "source.jpg", folder / "reference.jpg"
    storage().read(str(video.picture_name), source)
    fit.write_bytes(fit_picture(source, video.size, video.picture_fit, video.picture_focus))
    return fit


def wait_or_give_up(video_id: int, error: Exception) -> None:
    """Nothing was sent. A full disk or a storage that is away is waited for; a picture that is lost is not."""
    log.error("video %s: its picture cannot be prepared: %s", video_id, error)
    lost = isinstance(error, FileNotFoundError | ValueError)
    with transaction() as session:
        video = change(session, video_id, Stage.SUBMITTING, lease_until=None)
        if video is None or cancelled_unsent(session, video):
            return
        if lost:
            fail(session, video, "internal")
        elif utc_now() >= waiting.deadline(video):
            fail(session, video, "queue_timeout")
        else:
            reason = "The studio cannot read your picture right now. Your video is sent as soon as it can."
            refusal.back_to_queue(session, video, reason, PAUSE_SECONDS, counts=False)
