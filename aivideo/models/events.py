"""The log of a video: rows numbered 1, 2, 3 … without a gap."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Select, String, Text, bindparam, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from aivideo.extensions import db


class Event(db.Model):  # type: ignore[name-defined, misc]
    """One line. The number is given out under the video's row lock, in the transaction that changed its state."""

    __tablename__ = "events"

    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    step: Mapped[int]
    message: Mapped[str] = mapped_column(Text)
    progress: Mapped[int | None]
    status: Mapped[str | None] = mapped_column(String(16))
    video_url: Mapped[str | None] = mapped_column(String(255))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))

    def as_message(self) -> dict[str, Any]:
        """The published form: `id`, `step`, `message`, `timestamp`, and what else the line has to say."""
        message: dict[str, Any] = {
            "id": self.seq,
            "step": self.step,
            "message": self.message,
            "timestamp": timestamp(self.created_at),
        }
        for key in ("progress", "status", "video_url", "error"):
            value = getattr(self, key)
            if value is not None:
                message[key] = value
        return message

    def as_row(self) -> dict[str, Any]:
        return {column.key: getattr(self, column.key) for column in Event.__table__.columns}

    @staticmethod
    def after(video_id: int, seq: int, limit: int | None = None) -> Select["Event"]:
        return select(Event).where(Event.video_id == video_id, Event.seq > seq).order_by(Event.seq).limit(limit)


def timestamp(moment: datetime) -> str:
    """ISO 8601 UTC with milliseconds: `2026-11-22T20:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


NEW_EVENT = insert(Event.__table__)
LAST_EVENTS = (
    select(Event).where(Event.video_id == bindparam("video")).order_by(Event.seq.desc()).limit(bindparam("count"))
)
"""The last lines, newest first."""
