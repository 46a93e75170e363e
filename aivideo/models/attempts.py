"""Paid calls: one row before each, and the gates that keep calls back."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    ForeignKey,
    Index,
    Select,
    String,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from aivideo.extensions import UtcDateTime, db

OPEN, ACCEPTED, REFUSED, NOT_SENT, UNKNOWN = "open", "accepted", "refused", "not_sent", "unknown"


class Attempt(db.Model):  # type: ignore[name-defined, misc]
    """One create that is about to be sent, was sent, or may have been sent.

    `outcome`: `open` while its sender holds the lease; then `accepted`, `refused`, `not_sent`, or `unknown` until the
    provider's list or the operator settles it. `settled_by`: `answer`, `list`, `operator` or `time`.
    """

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("video_id", "number"),
        UniqueConstraint("provider", "base_url", "account", "provider_job_id"),
        Index("ix_attempts_outcome", "outcome"),
        Index("ix_attempts_signature", "signature"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    video_id: Mapped[int] = mapped_column(ForeignKey("videos.id"), index=True)
    number: Mapped[int]
    provider: Mapped[str] = mapped_column(String(40))
    base_url: Mapped[str] = mapped_column(String(255))
    account: Mapped[str] = mapped_column(String(64))
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    signature: Mapped[str] = mapped_column(String(64))
    """Hash of model, size and prompt: what every job that may be this one's has in common with it."""
    outcome: Mapped[str] = mapped_column(String(16), default=OPEN)
    settled_by: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    send_before: Mapped[datetime]
    lease_until: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    unknown_at: Mapped[datetime | None]
    looks: Mapped[int] = mapped_column(default=0)
    """Walks through the provider's list that did not settle it."""
    provider_job_id: Mapped[str | None] = mapped_column(String(1024))
    provider_request_id: Mapped[str | None] = mapped_column(String(255))
    http_status: Mapped[int | None]
    error_kind: Mapped[str | None] = mapped_column(String(40))
    error_code: Mapped[str | None] = mapped_column(String(120))
    error_message: Mapped[str | None] = mapped_column(Text)

    @staticmethod
    def of(video_id: int) -> Select["Attempt"]:
        return select(Attempt).where(Attempt.video_id == video_id).order_by(Attempt.number)

    @staticmethod
    def accepted(video_id: int | BindParameter[int]) -> Select["Attempt"]:
        return select(Attempt).where(Attempt.video_id == video_id, Attempt.outcome == ACCEPTED)


TRIES = select(
    func.max(Attempt.number), func.count().filter(Attempt.outcome.in_((OPEN, UNKNOWN))).label("unsettled")
).where(Attempt.video_id == bindparam("video"))
MARK_SENT = (
    update(Attempt)
    .where(Attempt.id == bindparam("attempt"), Attempt.outcome == OPEN, Attempt.sent_at.is_(None))
    .values(sent_at=bindparam("now", type_=UtcDateTime()))
    .returning(Attempt.send_before)
    .execution_options(synchronize_session=False)
)


class Gate(db.Model):  # type: ignore[name-defined, misc]
    """A provider account that takes nothing for a while; videos wait as pending and say why."""

    __tablename__ = "gates"

    provider: Mapped[str] = mapped_column(String(40), primary_key=True)
    base_url: Mapped[str] = mapped_column(String(255), primary_key=True)
    account: Mapped[str] = mapped_column(String(64), primary_key=True)
    closed_until: Mapped[datetime]
    reason: Mapped[str] = mapped_column(String(255))
    code: Mapped[str | None] = mapped_column(String(120))
    closings: Mapped[int] = mapped_column(default=0)
    """Closings in a row, for a growing pause where the provider names none."""
    needs_operator: Mapped[bool] = mapped_column(default=False)
