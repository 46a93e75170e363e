"""The event logger: lines are recorded in the transaction that they tell of, and published after its commit.

with transaction(), EventLog(video) as log:
    log.record(Step.WAITING, Line.WAITING)
"""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy.orm.attributes import set_committed_value

from aivideo.core.video import ACCESS_CHANNEL, Status, channel, file_url, user_channel
from aivideo.extensions import db
from aivideo.models import Event, Video
from aivideo.models.events import LAST_EVENTS, NEW_EVENT, timestamp
from aivideo.models.videos import NEW_VIDEO, NEXT_SEQ
from aivideo.transaction import after_commit, ring_after_commit

log = logging.getLogger(__name__)
LINES_IN_VIEW = 5


class EventLog:
    """Records lines of one video's log. Adds number and timestamp by itself.

    Used inside `transaction()`. The lines become rows when the block ends well; after the commit each is published on
    `video:{id}`, and a snapshot of the video's state on `user:{id}`. Redis being away never stops anything: streams
    find the lines in the database, and each goes to the console log in any case.
    """

    def __init__(self, video: Video, credits_left: int | None = None) -> None:
        self.video = video
        self.credits_left = credits_left
        """The user's balance, where the same transaction moved it."""
        self._events: list[Event] = []

    def __enter__(self) -> Self:
        return self

    def record(
        self,
        step: int,
        message: str,
        *,
        progress: int | None = None,
        status: Status | None = None,
        video_url: str | None = None,
        error: dict[str, Any] | None = None,
    ) -> None:
        self._events.append(
            Event(
                step=step,
                message=message,
                progress=progress,
                status=status,
                video_url=video_url,
                error=error,
                created_at=datetime.now(UTC),
            )
        )

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if kind is not None or not self._events:
            return
        video, session, now = self.video, db.session(), self._events[-1].created_at
        last = self._begin(now) if video.id is None else self._go_on(now)
        for number, event in enumerate(self._events, last - len(self._events) + 1):
            event.video_id, event.seq = video.id, number
        session.connection().execute(NEW_EVENT, [event.as_row() for event in self._events])
        state = snapshot(video, self._last_lines(last))
        if self.credits_left is not None:
            state["credits_left"] = self.credits_left
        messages = [event.as_message() for event in self._events]
        ring_after_commit(lambda pipeline: publish(pipeline, video.id, messages, video.user_id, state))
        after_commit(lambda: _write(video.id, messages))

    def _begin(self, now: datetime) -> int:
        """The first lines of a video that has no row yet: it gets one."""
        self.video.seq, self.video.updated_at = len(self._events), now
        self.video.id = db.session.connection().execute(NEW_VIDEO, self.video.as_row()).scalar_one()
        return len(self._events)

    def _go_on(self, now: datetime) -> int:
        """Give out the next numbers, under the video's row lock; returns the last of them."""
        db.session.flush()
        given = {"video": self.video.id, "lines": len(self._events), "now": now}
        last: int = db.session.connection().execute(NEXT_SEQ, given).scalar_one()
        set_committed_value(self.video, "seq", last)
        set_committed_value(self.video, "updated_at", now)
        return last

    def _last_lines(self, last: int) -> Sequence[Event]:
        if last == len(self._events) or len(self._events) >= LINES_IN_VIEW:
            return self._events[-LINES_IN_VIEW:]
        return last_lines(self.video.id)


def publish(redis: Any, video_id: int, messages: Sequence[dict[str, Any]], user_id: int, state: dict[str, Any]) -> None:
    """Tell of lines that are committed: each on `video:{id}`, then the state on `user:{id}`. A pipeline will do."""
    for message in messages:
        redis.publish(channel(video_id), json.dumps(message, ensure_ascii=False))
    redis.publish(user_channel(user_id), json.dumps(state, ensure_ascii=False))


def access_changed(user_id: int) -> None:
    """Let every web process look, once the open transaction is committed, which of a user's streams may go on."""
    ring_after_commit(lambda pipeline: pipeline.publish(ACCESS_CHANNEL, json.dumps({"user": user_id})))


def _write(video_id: int, messages: Sequence[dict[str, Any]]) -> None:
    for message in messages:
        log.info("video %s, line %s: %s", video_id, message["id"], message["message"])


def replay(video_id: int, after: int = 0, limit: int | None = None) -> list[dict[str, Any]]:
    """Messages of a video that came after number `after`, oldest first."""
    return [event.as_message() for event in db.session.scalars(Event.after(video_id, after, limit))]


def last_lines(video_id: int) -> Sequence[Event]:
    """The last lines of a video, oldest first."""
    return db.session.scalars(LAST_EVENTS, {"video": video_id, "count": LINES_IN_VIEW}).all()[::-1]


def snapshots(videos: Sequence[Video]) -> list[dict[str, Any]]:
    """Snapshots of several videos with their last lines, in the order given."""
    return [snapshot(video, last_lines(video.id)) for video in videos]


def snapshot(video: Video, lines: Sequence[Event] = ()) -> dict[str, Any]:
    """A video's state as plain JSON values: what the API shows, and what a card on the page is drawn from.

    `seq` is the number of the last line; `lines` are the last five messages, oldest first.
    """
    completed = video.status == Status.COMPLETED
    return {
        "id": video.id,
        "seq": video.seq,
        "status": video.status,
        "stage": video.stage,
        "progress": video.progress,
        "waiting_reason": video.waiting_reason,
        "title": video.title,
        "favourite": video.favourite,
        "prompt": video.prompt,
        "model": video.model,
        "seconds": video.seconds,
        "size": video.size,
        "credits": video.credits,
        "remixed_from": video.remixed_from_id,
        "extended_from": video.extended_from_id,
        "video_url": file_url(video.id) if completed else None,
        "poster_url": _poster_url(video) if completed and video.poster_name else None,
        "preview_url": f"/videos/{video.id}/preview" if completed else None,
        "error": error_of(video),
        "late": video.late,
        "expected_at": timestamp(video.expected_at) if video.expected_at and not video.ended else None,
        "cancelling": video.cancel_requested_at is not None and not video.ended,
        "hidden": video.hidden_at is not None,
        "created_at": timestamp(video.created_at),
        "completed_at": timestamp(video.completed_at) if video.completed_at else None,
        "updated_at": timestamp(video.updated_at),
        "lines": [line.as_message() for line in lines],
    }


def _poster_url(video: Video) -> str:
    """Another address for each frame that was chosen: a browser may keep what it has of the one before."""
    return f"/videos/{video.id}/poster" + (f"?v={video.poster_at:g}" if video.poster_at is not None else "")


def error_of(video: Video) -> dict[str, Any] | None:
    """`{code, message, provider_code}` of a video that failed, else None."""
    if not video.error_code or video.status == Status.COMPLETED:
        return None
    return {"code": video.error_code, "message": video.error_message, "provider_code": video.provider_code}
