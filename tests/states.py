"""A video in every state that is drawn in a way of its own."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import av
from PIL import Image
from processes import Installation
from streams import Writer

from aivideo.core.video import Line

HOSTILE = '<b data-hostile><img data-hostile src=x onerror="alert(1)"></b> "quoted" & \'so\' {{ 7 * 7 }} </script>'


def finished_files(house: Installation) -> dict[str, Any]:
    """Columns of a finished video whose files are there."""
    from aivideo.adapters import storage

    name = uuid4().hex
    clip, still = house.folder / f"{name}.mp4", house.folder / f"{name}.webp"
    picture = Image.new("RGB", (320, 180), "teal")
    picture.save(still, append_images=[Image.new("RGB", (320, 180), "navy")], save_all=True)
    with av.open(str(clip), "w", options={"movflags": "+faststart"}) as file:
        video: Any = file.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        for _ in range(24):
            file.mux(video.encode(av.VideoFrame.from_image(picture)))
        file.mux(video.encode())
    with house.app.app_context():
        for path, kind in ((clip, "video/mp4"), (still, "image/webp")):
            storage().save(path.name, path, kind)
    return {
        "file_name": clip.name,
        "poster_name": still.name,
        "preview_name": still.name,
        "file_bytes": clip.stat().st_size,
        "width": 320,
        "height": 180,
        "duration": 1.0,
        "fps": 24.0,
    }


def user_of(house: Installation, email: str) -> int:
    from aivideo.extensions import db
    from aivideo.services import accounts

    with house.app.app_context():
        user_id: int = accounts.find(email).id
        db.session.remove()
    return user_id


def in_every_state(hand: Writer, user_id: int, files: dict[str, Any]) -> dict[str, int]:
    """A video in each state that is drawn in a way of its own, by the state's name."""
    now = datetime.now(UTC)
    pending: dict[str, Any] = {"status": "pending", "stage": "queued"}
    ended = {"stage": "ended", "seq": 1, "completed_at": now, "created_at": now - timedelta(seconds=90)}
    back = "The provider could not finish this video. Your 100 credits are back."
    columns: dict[str, dict[str, Any]] = {
        "finished": {**ended, **files, "status": "completed", "title": HOSTILE[:120], "favourite": True},
        "failed": {**ended, "status": "failed", "error_code": "provider_failed", "error_message": back},
        "cancelled": {**ended, "status": "cancelled", "prompt": HOSTILE},
        "late": {**ended, **files, "status": "completed", "late": True},
        "waiting": pending,
        "waiting for the provider": {**pending, "waiting_reason": "The provider is busy. It goes on by itself."},
        "sending": {"status": "pending", "stage": "submitting"},
        "cancelling": {"status": "pending", "stage": "reconciling", "cancel_requested_at": now},
        "begun": {"progress": 0},
        "running": {"progress": 54, "expected_at": now + timedelta(minutes=9), "prompt": HOSTILE},
        "saving": {"progress": 100, "stage": "saving"},
    }
    videos = {state: hand.video(user_id, lines=1, **each) for state, each in columns.items()}
    hand.line(videos["cancelled"], Line.CANCELLED_FREE, status="cancelled")
    hand.line(videos["running"], HOSTILE)
    return videos


def end_all(hand: Writer, videos: dict[str, int]) -> None:
    """The house waits for what is under way."""
    for video in videos.values():
        hand.hide(video)
