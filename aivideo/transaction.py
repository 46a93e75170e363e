"""One commit, then the calls that were waiting for it, in order. The only module that commits."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from aivideo.extensions import db

log = logging.getLogger(__name__)
_CALLS = "after_commit"
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
    session.commit()  # ends what earlier reads began; nothing is pending
    session.info[_OPEN] = True
    session.info[_CALLS] = []
    try:
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info[_OPEN] = False
        calls: list[Callable[[], Any]] = session.info.pop(_CALLS)
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


def release() -> None:
    """Hand the database connection back, before a wait of any length."""
    session = db.session()
    if session.info.get(_OPEN):
        raise TransactionError("release() inside of transaction()")
    session.close()
