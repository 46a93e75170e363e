"""One commit, then the calls that were waiting for it, in order. The only module that commits."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from aivideo.doorbell import DoorbellAway, doorbell
from aivideo.extensions import begin_immediately, db

log = logging.getLogger(__name__)
_CALLS = "after_commit"
_RINGS = "rings"
_OPEN = "transaction_open"


class TransactionError(RuntimeError):
    """A transaction was used in a way that would break its promise: a programming error."""


@contextmanager
def transaction() -> Iterator[Session]:
    """A database transaction: commits at the end, rolls back on any exception; does not nest.

    On SQLite it holds the only write lock, and under gevent a greenlet that waits in here would stop the process; so no
    Redis, no HTTP and no other wait inside. What is to happen after the commit is given to `after_commit`.
    """
    session = db.session()
    if session.info.get(_OPEN):
        raise TransactionError("transaction() does not nest")
    if session.new or session.dirty or session.deleted:
        raise TransactionError("there are changes outside of transaction()")
    if session.in_transaction():
        session.commit()  # ends what earlier reads began; nothing is pending
    session.info[_OPEN] = True
    session.info[_CALLS], session.info[_RINGS] = [], []
    try:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            begin_immediately(connection.connection.dbapi_connection)  # type: ignore[arg-type]
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info[_OPEN] = False
        calls: list[Callable[[], Any]] = session.info.pop(_CALLS)
        rings: list[Callable[[Any], Any]] = session.info.pop(_RINGS)
    if rings:
        calls.insert(0, lambda: _ring(rings))
    for call in calls:
        try:
            call()
        except Exception:
            log.exception("a call after the commit failed")


def after_commit(call: Callable[[], Any]) -> None:
    """Run `call` once the open transaction is committed; never if it is rolled back."""
    session = db.session()
    if not session.info.get(_OPEN):
        raise TransactionError("after_commit() outside of transaction()")
    session.info[_CALLS].append(call)


def ring_after_commit(ring: Callable[[Any], Any]) -> None:
    """Let `ring` write to a Redis pipeline once the open transaction is committed.

    All rings of a transaction travel together, in order and before any `after_commit` call. With Redis away they are
    lost: whatever rests on one must find its own way later.
    """
    session = db.session()
    if not session.info.get(_OPEN):
        raise TransactionError("ring_after_commit() outside of transaction()")
    session.info[_RINGS].append(ring)


def release() -> None:
    """Hand the database connection back, before a wait of any length."""
    session = db.session()
    if session.info.get(_OPEN):
        raise TransactionError("release() inside of transaction()")
    session.close()


def _ring(rings: list[Callable[[Any], Any]]) -> None:
    def write(redis: Any) -> None:
        pipeline = redis.pipeline()
        for ring in rings:
            ring(pipeline)
        pipeline.execute()

    try:
        doorbell().call(write)
    except DoorbellAway as away:
        log.warning("nobody was rung: %s", away)
