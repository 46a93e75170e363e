"""The outbox: what a user is to be told about the end of a video, once, whichever way."""

from datetime import UTC, datetime

from sqlalchemy import ForeignKey, Index, Select, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from aivideo.extensions import db


class Notice(db.Model):  # type: ignore[name-defined, misc]
    """Written in the transaction that ended the video. Whoever sets `shown_at` or `mailed_at` first, tells it."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("video_id", "kind"),
        Index("ix_notices_user_shown", "user_id", "shown_at"),
        Index("ix_notices_mail_due", "mail_due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    """`completed`, `failed` or `late`; who cancels knows it already."""
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    shown_at: Mapped[datetime | None]
    """When a page, or the browser for it, took it to show it."""
    mail_due_at: Mapped[datetime | None]
    """When the ticker is to ring for its mail; None where none is wanted, or it is sent."""
    mailed_at: Mapped[datetime | None]

    @staticmethod
    def unseen(user_id: int) -> Select["Notice"]:
        return select(Notice).where(Notice.user_id == user_id, Notice.shown_at.is_(None)).order_by(Notice.id)
