"""The videos users made."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from aivideo.core.video import UNDER_WAY, Stage, Status
from aivideo.extensions import db


class Video(db.Model):  # type: ignore[name-defined, misc]
    """One thing a user asked for, from the request to the file.

    `due_at` is when the ticker rings for it again (submit, poll, save or recover), None where nobody has to.
    `lease_until` is held and renewed by the job at work on it. `seq` is the number of its last event.
    """

    __tablename__ = "videos"
    __table_args__ = (
        UniqueConstraint("user_id", "request_key"),
        CheckConstraint(
            "(stage = 'ended') = (status IN ('completed', 'failed', 'cancelled'))",
            name="ended_has_an_end",
        ),
        CheckConstraint("credits >= 0", name="credits_not_negative"),
        Index("ix_videos_user_created", "user_id", "id"),
        Index("ix_videos_user_stage", "user_id", "stage"),
        Index("ix_videos_stage", "stage"),
        Index("ix_videos_user_updated", "user_id", "updated_at"),
        Index("ix_videos_model_ended", "model", "completed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    request_key: Mapped[str | None] = mapped_column(String(255))
    request_hash: Mapped[str] = mapped_column(String(64), default="")

    prompt: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(String(80))
    size: Mapped[str] = mapped_column(String(16))
    seconds: Mapped[int]
    credits: Mapped[int]
    usd: Mapped[float] = mapped_column(default=0.0)
    picture_name: Mapped[str | None] = mapped_column(String(200))
    """Storage name of the reference picture, whole; it is fitted to `size` when it is sent."""
    picture_hash: Mapped[str | None] = mapped_column(String(64))
    picture_fit: Mapped[str] = mapped_column(String(16), default="crop", server_default="crop")
    """How the picture becomes the size: `crop` fills it, `pad` shows all of it."""
    picture_focus: Mapped[float] = mapped_column(default=0.5, server_default="0.5")
    """Which part a crop keeps, along the side that is cut: 0 its beginning, 0.5 the middle, 1 its end."""
    remixed_from_id: Mapped[int | None] = mapped_column(ForeignKey("videos.id"))
    extended_from_id: Mapped[int | None] = mapped_column(ForeignKey("videos.id"))

    title: Mapped[str | None] = mapped_column(String(120))
    """What its user calls it; None: the beginning of the prompt."""
    favourite: Mapped[bool] = mapped_column(default=False, server_default=false())

    status: Mapped[str] = mapped_column(String(16), default=Status.PENDING)
    stage: Mapped[str] = mapped_column(String(16), default=Stage.QUEUED)
    progress: Mapped[int] = mapped_column(default=0)
    waiting_reason: Mapped[str | None] = mapped_column(String(255))
    seq: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    lease_until: Mapped[datetime | None]
    send_after: Mapped[datetime | None]
    """A video that waits for its next try is not sent before this, whoever rings."""
    tries: Mapped[int] = mapped_column(default=0)
    """Creates that provably were not taken; what GENERATION_RETRIES limits."""
    failed_looks: Mapped[int] = mapped_column(default=0)
    """Looks or downloads that failed in a row, or looks after a time-out."""

    error_code: Mapped[str | None] = mapped_column(String(40))
    error_message: Mapped[str | None] = mapped_column(Text)
    provider_code: Mapped[str | None] = mapped_column(String(120))
    late: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(String(255))
    """Something for the receipt, such as a clip of another length than ordered."""

    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    updated_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    accepted_at: Mapped[datetime | None]
    """When the provider took it; SORA_TIMEOUT_SECONDS counts from here."""
    ready_at: Mapped[datetime | None]
    """When the provider said it was finished; the download is tried from here on."""
    expected_at: Mapped[datetime | None]
    """When it is likely to be finished, by the last runs of its model and by its progress."""
    expires_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    """When it ended, however it ended."""
    cancel_requested_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    """Set once its user deleted it: the moment from which that can no longer be undone and its files may go."""

    file_name: Mapped[str | None] = mapped_column(String(200))
    poster_name: Mapped[str | None] = mapped_column(String(200))
    poster_at: Mapped[float | None]
    """The second its user chose for the poster; None: ours."""
    preview_name: Mapped[str | None] = mapped_column(String(200))
    """Storage name of the moving preview (animated WebP); None until it is drawn."""
    file_bytes: Mapped[int | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration: Mapped[float | None]
    fps: Mapped[float | None]
    """Pictures a second."""

    def as_row(self) -> dict[str, Any]:
        """The columns that were set, for an INSERT."""
        return {name: self.__dict__[name] for name in Video.__table__.columns.keys() if name in self.__dict__}  # noqa: SIM118

    @property
    def ended(self) -> bool:
        return self.stage == Stage.ENDED

    @staticmethod
    def of(user_id: int) -> Select["Video"]:
        """A user's videos that are not deleted, newest first."""
        return select(Video).where(Video.user_id == user_id, Video.hidden_at.is_(None)).order_by(Video.id.desc())

    @staticmethod
    def given_up() -> ColumnElement[bool]:
        """Failed and refunded; it may finish after all, which is of interest unless its user deleted it."""
        return and_(Video.stage == Stage.ENDED, Video.status == Status.FAILED, Video.hidden_at.is_(None))

    @staticmethod
    def unleased(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
        """Nobody is at work on it, or whoever was has not been heard of for too long."""
        return or_(Video.lease_until.is_(None), Video.lease_until <= now)

    @staticmethod
    def due(now: datetime, limit: int) -> Select["Video"]:
        """Videos somebody has to look at, the longest overdue first."""
        return select(Video).where(Video.due_at <= now).order_by(Video.due_at, Video.id).limit(limit)

    @staticmethod
    def count_under_way(user_id: int) -> Select[int]:
        return select(func.count()).select_from(Video).where(Video.user_id == user_id, Video.stage.in_(UNDER_WAY))


_VIDEOS = Video.__table__.c
NEW_VIDEO = insert(Video.__table__).returning(_VIDEOS.id)
NEXT_SEQ = (
    update(Video.__table__)
    .where(_VIDEOS.id == bindparam("video"))
    .values(seq=_VIDEOS.seq + bindparam("lines"), updated_at=bindparam("now", type_=_VIDEOS.updated_at.type))
    .returning(_VIDEOS.seq)
)
