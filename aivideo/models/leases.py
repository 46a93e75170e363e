"""Named leases: at most one process at a time does the thing of that name."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from aivideo.extensions import db


class Lease(db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    until: Mapped[datetime]
