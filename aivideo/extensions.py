"""Flask extensions, unbound; `app.create_app` binds them."""

import random
import sqlite3
import threading
import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import DateTime, Dialect, MetaData, TypeDecorator, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, registry

SQLITE_BUSY_SECONDS = 15
BEGIN = "BEGIN IMMEDIATE"
SHORTEST_WAIT, LONGEST_WAIT = 0.0001, 0.002
LONG_HELD_SECONDS = 1.0
LONG_HELD_WAIT = 0.05
NOTICE_A_LOST_SERVER = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""For libpq: a machine that has vanished never says so, and Linux alone would wait a quarter of an hour for it."""
_turn = threading.Lock()
"""One at a time of this process asks for SQLite's write lock; the others wait for it without asking."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; SQLite stores it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    registry = registry(
        type_annotation_map={datetime: UtcDateTime},
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(column_0_label)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )


# expire_on_commit: what a transaction read may still be shown after it, without another query.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})
csrf = CSRFProtect()


def engine_options(url: str, threads: int) -> dict[str, Any]:
    """Pool and driver options. `threads` is how many callers of one process want a connection at once."""
    if url.startswith("sqlite"):
        return {
            "pool_size": threads,
            "max_overflow": 10,
            "connect_args": {"timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False},
        }
    return {
        "pool_size": threads,
        "max_overflow": 5,
        "pool_pre_ping": True,
        "connect_args": {"connect_timeout": 5, **NOTICE_A_LOST_SERVER},
    }


def tune_sqlite(app: Flask) -> None:
    """SQLite so that readers never hold a transaction and writers queue instead of failing.

    A read transaction that turns into a write one fails at once in WAL mode, whatever the busy timeout; so reads run in
    autocommit and the first statement that writes begins with the write lock.
    """
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "before_cursor_execute", _take_the_write_lock)


def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # sqlite3 begins nothing by itself
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's own knows ASCII only, so that "über" would not find "Über".
    connection.create_function("lower", 1, lambda text: text and str(text).lower(), deterministic=True)


def _take_the_write_lock(
    connection: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool
) -> None:
    raw: sqlite3.Connection = connection.connection.dbapi_connection
    if not raw.in_transaction and not statement.lstrip()[:6].upper().startswith(("SELECT", "PRAGMA")):
        begin_immediately(raw)


def begin_immediately(raw: sqlite3.Connection) -> None:
    """Take SQLite's write lock, waiting for it in small steps of our own.

    SQLite's own wait stops the whole process, all greenlets of it, in steps of up to 100 ms. Nothing is held while this
    one waits, so others may run.

    Raises:
        OperationalError: it was not to be had within SQLITE_BUSY_SECONDS, all in all.
    """
    began = time.monotonic()
    if not _turn.acquire(timeout=SQLITE_BUSY_SECONDS):
        raise OperationalError(BEGIN, {}, sqlite3.OperationalError("database is locked"))
    try:
        pause = SHORTEST_WAIT
        while True:
            try:
                raw.execute(BEGIN)
                return
            except sqlite3.OperationalError as error:
                waited = time.monotonic() - began
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or waited > SQLITE_BUSY_SECONDS:
                    raise OperationalError(BEGIN, {}, error) from error
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (so that two do not wait in step)
            pause = min(pause * 1.5, LONGEST_WAIT if waited < LONG_HELD_SECONDS else LONG_HELD_WAIT)
    finally:
        _turn.release()


def bind_migrations(app: Flask) -> None:
    """What `flask db` needs. To load Alembic is a tenth of a process's start, and few migrate."""
    from flask_migrate import Migrate

    Migrate(app, db, directory=f"{app.root_path}/migrations", render_as_batch=True)


def upgrade_database(app: Flask) -> None:
    """Run the migrations that the database has not had."""
    from flask_migrate import upgrade

    bind_migrations(app)
    with app.app_context():
        upgrade()


def insert_on_conflict(model: Any) -> Any:
    """An INSERT into a model's table that knows ON CONFLICT, in the dialect of the database in use."""
    from sqlalchemy.dialects import postgresql, sqlite

    return (postgresql if db.engine.dialect.name == "postgresql" else sqlite).insert(model)
