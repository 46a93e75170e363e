"""Credits: grants, and the check that finds every way in which books can be wrong."""

from datetime import UTC, datetime, timedelta

import pytest
from marks import on_both_databases
from sqlalchemy import text
from threads import at_once

from aivideo.adapters import storage
from aivideo.core.errors import InsufficientCredits, InvalidInput, NotFound
from aivideo.core.failures import FAILURES
from aivideo.core.ledger import Kind
from aivideo.core.video import Stage, Status, file_name
from aivideo.extensions import db
from aivideo.models import Attempt, User, Video
from aivideo.services import credits
from aivideo.transaction import transaction

NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)
STRAY = "user_1_video_2.mp4"


def execute(statement, **values):
    with transaction() as session:
        session.execute(text(statement), values)


def video_of(user, *, stage=Stage.ENDED, status=Status.COMPLETED, charge=100, refund=None, file=True, **more):
    """A video with its movements, as the services would leave it."""
    with transaction() as session:
        values = {"prompt": "p", "model": "sora-2", "size": "1280x720", "seconds": 8, "credits": 100}
        values |= {"completed_at": NOW if stage == Stage.ENDED else None, **more}
        video = Video(user_id=user.id, stage=stage, status=status, **values)
        session.add(video)
        session.flush()
        if charge is not None:
            credits.book(session, user.id, Kind.CHARGE, charge, video_id=video.id)
        if refund is not None:
            credits.book(session, user.id, Kind.REFUND, refund, video_id=video.id)
        if status == Status.COMPLETED:
            video.file_name = file_name(user.id, video.id)
    if status == Status.COMPLETED and file:
        keep(video)
    return video


def keep(video):
    from pathlib import Path
    from tempfile import NamedTemporaryFile

    with NamedTemporaryFile(suffix=".mp4") as file:
        file.write(b"a video")
        file.flush()
        storage().save(video.file_name, Path(file.name), "video/mp4")


def attempt_of(video, number=1, *, outcome="accepted", answered_at=NOW - timedelta(seconds=9), job="job-1"):
    with transaction() as session:
        session.add(
            Attempt(
                video_id=video.id,
                number=number,
                provider="sora",
                base_url="http://provider",
                account="a",
                request={},
                signature="s",
                outcome=outcome,
                send_before=NOW,
                lease_until=NOW,
                answered_at=answered_at,
                provider_job_id=job,
            )
        )


@on_both_databases
def test_a_grant_is_an_entry_and_the_new_balance(app, alice):
    assert credits.grant(alice.id, 50, "For a birthday") == 1050
    newest, first = credits.history(alice.id)
    assert (newest.kind, newest.amount, newest.balance, newest.note) == ("grant", 50, 1050, "For a birthday")
    assert first.balance == 1000
    assert credits.history(alice.id, limit=1) == [newest]


@pytest.mark.parametrize("number", [0, -1])
def test_only_a_positive_number_can_be_granted(app, alice, number):
    with pytest.raises(InvalidInput):
        credits.grant(alice.id, number)


def test_nobody_is_given_nothing(app):
    with pytest.raises(NotFound):
        credits.grant(4711, 1)


@on_both_databases
def test_a_long_note_is_cut_and_an_odd_one_kept(app, alice):
    credits.grant(alice.id, 1, "🎂\x00" + "x" * 400)
    assert credits.history(alice.id)[0].note == "🎂" + "x" * 254


@on_both_databases
def test_the_balance_never_goes_below_zero(app, alice):
    with pytest.raises(InsufficientCredits, match="costs 1001 credits and you have 1000"), transaction() as session:
        credits.book(session, alice.id, Kind.CHARGE, 1001, video_id=1)
    assert credits.check() == []


@on_both_databases
def test_grants_at_once_add_up(app, alice):
    at_once(app, 10, lambda number: credits.grant(alice.id, number + 1))
    db.session.expire_all()
    assert db.session.get(User, alice.id).credits == 1055
    assert credits.check() == []
    assert credits.size() == (1, 11)


@on_both_databases
def test_books_that_add_up(app, alice, bob):
    video_of(alice)
    video_of(alice, stage=Stage.QUEUED, status=Status.PENDING)
    video_of(bob, credits=0, charge=0)
    for code in FAILURES:
        video_of(alice, status=Status.FAILED, error_code=code, refund=100)
    video_of(alice, late=True, error_code="timeout", refund=100)
    video_of(alice, status=Status.CANCELLED, refund=100)
    paid = video_of(bob, status=Status.CANCELLED)
    attempt_of(paid)
    doubtful = video_of(bob, status=Status.CANCELLED, refund=100)
    attempt_of(doubtful, answered_at=NOW + timedelta(seconds=9), job="job-2")
    hidden = video_of(bob, file=False, hidden_at=NOW)
    assert hidden.file_name
    keep(video_of(alice, stage=Stage.SAVING, status=Status.PROCESSING, file_name=file_name(alice.id, hidden.id + 1)))
    assert credits.check() == []


WRONG = {
    "a balance that was changed by hand": (
        lambda user: execute("UPDATE users SET credits = 999 WHERE id = :id", id=user.id),
        "has 999 credits, but the entries sum up to 1000",
    ),
    "an entry that was changed by hand": (
        lambda user: execute("UPDATE ledger_entries SET balance = 7 WHERE user_id = :id", id=user.id),
        "says that 7 credits were left; it was 1000",
    ),
    "a video nobody paid for": (lambda user: video_of(user, charge=None), "was not charged; it costs 100"),
    "a video at another price": (lambda user: video_of(user, charge=90), "was charged 90 credits; it costs 100"),
    "a failure without its refund": (
        lambda user: video_of(user, status=Status.FAILED, error_code="timeout"),
        "(failed, timeout) was not refunded; its 100 credits are due",
    ),
    "a refund for a video that was made": (
        lambda user: video_of(user, refund=100),
        "(completed) was refunded 100 credits that were not due",
    ),
    "a refund while it is under way": (
        lambda user: video_of(user, stage=Stage.RENDERING, status=Status.PROCESSING, refund=100),
        "(processing) was refunded",
    ),
    "a refund of too little": (
        lambda user: video_of(user, status=Status.FAILED, error_code="timeout", refund=99),
        "The refund of 99 credits",
    ),
    "a late success without its refund": (
        lambda user: video_of(user, late=True, error_code="timeout"),
        "was not refunded",
    ),
    "a cancelled video that was never sent, without its refund": (
        lambda user: video_of(user, status=Status.CANCELLED),
        "(cancelled) was not refunded",
    ),
    "a cancelled video that was paid for, with a refund": (
        lambda user: attempt_of(video_of(user, status=Status.CANCELLED, refund=100)),
        "(cancelled) was refunded",
    ),
    "a file of a video that was deleted": (lambda user: video_of(user, hidden_at=NOW), "no video that it belongs to"),
    "a file of a video that failed": (
        lambda user: keep(video_of(user, status=Status.FAILED, error_code="timeout", refund=100, file_name=STRAY)),
        f"{STRAY} is in storage",
    ),
    "a completed video without its file": (lambda user: video_of(user, file=False), "is not in storage"),
}


@on_both_databases
@pytest.mark.parametrize(("spoil", "says"), WRONG.values(), ids=WRONG.keys())
def test_the_check_finds(app, alice, bob, spoil, says):
    video_of(bob)
    spoil(alice)
    (problem,) = credits.check()
    assert says in problem


@on_both_databases
def test_the_check_finds_a_charge_to_somebody_else(app, alice, bob):
    video = video_of(alice, charge=None)
    with transaction() as session:
        credits.book(session, bob.id, Kind.CHARGE, 100, video_id=video.id)
    assert credits.check() == [f"Video {video.id} of user {alice.id} was charged to user {bob.id}."]


def test_the_check_finds_a_job_held_twice(app, alice):
    """The database itself forbids that, so its rule is taken away first."""
    with transaction() as session:
        session.execute(text("CREATE TABLE loose AS SELECT * FROM attempts"))
        session.execute(text("DROP TABLE attempts"))
        session.execute(text("ALTER TABLE loose RENAME TO attempts"))
    video = video_of(alice)
    for number in (1, 2):
        attempt_of(video, number)
    assert credits.check() == ["Job job-1 of sora is held by 2 attempts."]


def test_the_check_looks_at_every_file_however_many(app, alice, monkeypatch):
    from aivideo.services import audit

    monkeypatch.setattr(audit, "FILES_AT_ONCE", 2)
    credits.grant(alice.id, 1000)
    for number in range(5):
        video_of(alice, file=number != 4)
    (problem,) = credits.check()
    assert problem.startswith("Video 5 ")
