"""Prompts a user has pinned. The history of the others is that of the videos made of them."""

from datetime import UTC, datetime

from sqlalchemy import ForeignKey, Select, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from aivideo.extensions import db


class PinnedPrompt(db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "pinned_prompts"
    __table_args__ = (UniqueConstraint("user_id", "prompt_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    prompt: Mapped[str] = mapped_column(Text)
    prompt_hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the prompt: what a text of any length is unique by."""
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))

    @staticmethod
    def of(user_id: int) -> Select["PinnedPrompt"]:
        return select(PinnedPrompt).where(PinnedPrompt.user_id == user_id).order_by(PinnedPrompt.id.desc())
