"""Users, their roles and their API tokens."""

from datetime import UTC, datetime

from flask_security import RoleMixin, UserMixin
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    Select,
    String,
    Table,
    bindparam,
    false,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from aivideo.extensions import db

roles_users = Table(
    "roles_users",
    db.metadata,
    Column("user_id", Integer, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", Integer, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
)


class Role(db.Model, RoleMixin):  # type: ignore[name-defined, misc]
    __tablename__ = "roles"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    description: Mapped[str | None] = mapped_column(String(255))


class User(db.Model, UserMixin):  # type: ignore[name-defined, misc]
    """Somebody who can sign in. `credits` is a whole number the database keeps from going below zero."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("credits >= 0", name="credits_not_negative"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    password: Mapped[str | None] = mapped_column(String(255))
    """None where the account was made by Google sign-in and has no password yet."""
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    confirmed_at: Mapped[datetime | None]
    google_sub: Mapped[str | None] = mapped_column(String(255), unique=True)
    plan: Mapped[str] = mapped_column(String(40))
    credits: Mapped[int] = mapped_column(default=0)
    notify_email: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether a mail tells of the end of each video."""
    notify_browser: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    roles: Mapped[list[Role]] = relationship(secondary=roles_users)  # type: ignore[assignment]

    @property
    def is_admin(self) -> bool:
        return bool(self.has_role("admin"))


class ApiToken(db.Model):  # type: ignore[name-defined, misc]
    """A key to the JSON API; only its SHA-256 is kept, `hint` is its first characters."""

    __tablename__ = "api_tokens"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    hint: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @staticmethod
    def owned_by(user_id: int) -> Select["ApiToken"]:
        return select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None)).order_by(ApiToken.id)


class SignIn(db.Model):  # type: ignore[name-defined, misc]
    """One signed-in browser. Its session cookie has the token, of which only the SHA-256 is kept."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(255), default="")
    """Its User-Agent."""
    address: Mapped[str] = mapped_column(String(64), default="")
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    last_seen_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    ended_at: Mapped[datetime | None]

    @staticmethod
    def of(user_id: int) -> Select["SignIn"]:
        """Those that still count, the last used first."""
        return (
            select(SignIn)
            .where(SignIn.user_id == user_id, SignIn.ended_at.is_(None))
            .order_by(SignIn.last_seen_at.desc(), SignIn.id.desc())
        )


_users = User.__table__
MOVE_CREDITS = (
    update(_users)
    .where(_users.c.id == bindparam("who"), _users.c.credits + bindparam("amount") >= 0)
    .values(credits=_users.c.credits + bindparam("amount"))
    .returning(_users.c.credits)
)
"""Change a balance by a signed amount; no row comes back where it would go below zero. Parameters: who, amount.

Built once: what runs for every video is worth half a millisecond less.
"""
