"""Jobs of a video's way: named by dotted path in `queue.JOBS`, run inside an application context."""

from aivideo.logs import log_context
from aivideo.services import videos


def submit(video_id: int) -> None:
    with log_context(video=video_id):
        videos.submit(video_id)


def save(video_id: int) -> None:
    with log_context(video=video_id):
        videos.save(video_id)


def discard(video_id: int) -> None:
    with log_context(video=video_id):
        videos.discard(video_id)


def preview(video_id: int) -> None:
    with log_context(video=video_id):
        videos.draw_preview(video_id)


def poll() -> int:
    return videos.poll()
