"""The yardstick: a bare Flask view that inserts one row through SQLAlchemy and enqueues one RQ job.

Served by the same gunicorn, with the same engine settings, from the same environment.
"""

from typing import Any

from flask import Flask, request
from rq import Queue
from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from aivideo import config, doorbell
from aivideo.extensions import db, engine_options, tune_sqlite


class Row(db.Model):  # type: ignore[name-defined, misc]
    __tablename__ = "rows"

    id: Mapped[int] = mapped_column(primary_key=True)
    prompt: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))


def create_app() -> Flask:
    settings = config.load()
    app = Flask(__name__)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings.sqlalchemy_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.sqlalchemy_url, 8),
    )
    db.init_app(app)
    tune_sqlite(app)
    queue = Queue("bare", connection=doorbell.connect(settings.redis_address))

    @app.get("/readyz")
    def ready() -> dict[str, Any]:
        return {}

    @app.post("/rows")
    def create() -> tuple[dict[str, Any], int]:
        row = Row(prompt=request.get_json()["prompt"], status="pending")
        db.session.add(row)
        db.session.commit()
        queue.enqueue("bench.bare.work", row.id)
        return {"id": row.id, "status": row.status}, 202

    return app


def work(_row_id: int) -> None:
    """Never run: nobody works on this queue."""
