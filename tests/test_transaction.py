"""A transaction commits once, and what waits for it runs afterwards, in order."""

import pytest
from marks import on_both_databases
from sqlalchemy import select, text

from aivideo.extensions import db
from aivideo.models import User
from aivideo.transaction import TransactionError, after_commit, transaction


def _add(email: str) -> None:
    db.session.add(User(email=email, fs_uniquifier=email, plan="free"))


@on_both_databases
def test_calls_run_after_the_commit_and_in_order(app):
    seen = []
    with transaction():
        _add("a@example.com")
        after_commit(lambda: seen.append(len(db.session.scalars(select(User)).all())))
        after_commit(lambda: seen.append("second"))
        assert seen == []
    assert seen == [1, "second"]


@on_both_databases
def test_a_failure_rolls_back_and_calls_nothing(app):
    seen = []
    with pytest.raises(ZeroDivisionError), transaction():
        _add("a@example.com")
        after_commit(lambda: seen.append(1))
        _ = 1 / 0
    assert seen == []
    assert db.session.scalars(select(User)).all() == []


def test_a_failing_call_does_not_undo_the_commit_nor_stop_the_next_call(app, caplog):
    seen = []
    with transaction():
        _add("a@example.com")
        after_commit(lambda: 1 / 0)
        after_commit(lambda: seen.append(1))
    assert seen == [1]
    assert "after the commit failed" in caplog.text


def test_transactions_do_not_nest(app):
    with pytest.raises(TransactionError), transaction(), transaction():
        pass


def test_after_commit_needs_a_transaction(app):
    with pytest.raises(TransactionError):
        after_commit(print)


@on_both_databases
def test_the_database_keeps_credits_from_going_below_zero(app, alice):
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(text("UPDATE users SET credits = -1"))
