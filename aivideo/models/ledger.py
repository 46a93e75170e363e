"""The books: every movement of credits, appended and never changed."""

from datetime import UTC, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Select, String, UniqueConstraint, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from aivideo.extensions import db


class LedgerEntry(db.Model):  # type: ignore[name-defined, misc]
    """One movement: `amount` is signed, `balance` what the user had after it. One of a kind per video."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("video_id", "kind"),
        CheckConstraint("balance >= 0", name="balance_not_negative"),
        CheckConstraint(
            "(kind = 'charge' AND amount <= 0) OR (kind <> 'charge' AND amount >= 0)", name="sign_fits_kind"
        ),
        CheckConstraint("kind = 'grant' OR video_id IS NOT NULL", name="movement_names_its_video"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    video_id: Mapped[int | None] = mapped_column(ForeignKey("videos.id"))
    kind: Mapped[str] = mapped_column(String(10))
    amount: Mapped[int]
    balance: Mapped[int]
    note: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))

    @staticmethod
    def of(user_id: int) -> Select["LedgerEntry"]:
        return select(LedgerEntry).where(LedgerEntry.user_id == user_id).order_by(LedgerEntry.id.desc())


NEW_ENTRY = insert(LedgerEntry.__table__)
