"""Deleting: hidden at once, undone for a while, then really gone, here and at the provider; whoever restarts."""

from datetime import timedelta

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off
from sqlalchemy import select

from aivideo import events
from aivideo.adapters import storage
from aivideo.core.errors import NotFound
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.services import audit, credits, pictures, videos

PROMPT = "A cat walks slowly through the rain"
UNDO = timedelta(seconds=30)


@pytest.fixture
def order(app):
    return app.extensions["catalogue"].order(PROMPT, seconds=4)


def row(video_id) -> Video:
    db.session.expire_all()
    return db.session.scalars(select(Video).where(Video.id == video_id)).one()


def run(app, rounds=20):
    for _ in range(rounds):
        work_off(app)
        if all(video.ended for video in db.session.scalars(select(Video))):
            return
        time_passes(3)
    raise AssertionError("it never ended")


def restart(app):
    """Whatever was rung is lost; only the ticker and the database are left."""
    app.extensions["doorbell"].client.flushall()


def told(simulator) -> list[bool]:
    return [job["gone"] == "deleted" for job in simulator.purchases()]


def files(*names) -> list[bool]:
    return [storage().exists(name) for name in names]


@on_both_databases
def test_a_deletion_can_be_undone_for_a_while_and_then_takes_everything_along(app, simulator, alice, bob, order):
    picture = pictures.trial("night-city")
    made = [videos.request(alice.id, order, picture=picture).video_id for _ in range(2)]
    run(app)
    names, others = ((row(one).file_name, row(one).poster_name, picture.name) for one in made)
    assert videos.delete_all(bob.id, made, UNDO) == []
    assert videos.delete_all(alice.id, [made[0], 99, made[0]], UNDO) == [made[0]]
    assert [video.id for video in videos.page(alice.id).videos] == [made[1]]
    assert [video.id for video in videos.just_deleted(alice.id)] == [made[0]]
    with pytest.raises(NotFound):
        videos.restore(bob.id, made[0])
    work_off(app)
    time_passes(20)
    work_off(app)
    assert files(*names) == [True, True, True]
    assert videos.restore_all(alice.id, [made[0], made[1], 99]) == made
    time_passes(60)
    work_off(app)
    assert files(*names) == [True, True, True]
    assert events.snapshot(row(made[0]))["hidden"] is False
    assert told(simulator) == [False, False]

    videos.delete(alice.id, made[0], UNDO)
    restart(app)
    time_passes(31)
    work_off(app)
    assert videos.restore_all(alice.id, [made[0]]) == []
    assert files(*names) == [False, False, True], "the picture is shared"
    assert told(simulator) == [True, False]
    assert row(made[0]).due_at is None
    videos.delete(alice.id, made[1])
    work_off(app)
    assert files(*others) == [False, False, False]
    assert told(simulator) == [True, True]
    assert audit.check() == []


@on_both_databases
def test_what_is_under_way_is_cancelled_and_comes_back_cancelled(app, simulator, alice, order):
    simulator.faults.tell("render", operation="create", seconds=6000)
    sent = videos.request(alice.id, order).video_id
    work_off(app)
    waiting = videos.request(alice.id, order).video_id
    videos.delete_all(alice.id, [sent, waiting], UNDO)
    assert credits.history(alice.id)[0].balance == 950
    work_off(app)
    assert told(simulator) == [True]
    assert videos.restore_all(alice.id, [sent, waiting]) == [sent, waiting]
    restart(app)
    work_off(app)
    assert [(video.id, video.status) for video in videos.page(alice.id).videos] == [
        (waiting, "cancelled"),
        (sent, "cancelled"),
    ]
    assert [row(made).due_at for made in (sent, waiting)] == [None, None]
    assert audit.check() == []


@on_both_databases
def test_a_deletion_in_doubt_is_decided_with_the_outcome_and_undone_or_not(app, simulator, alice, order):
    for restored in (True, False):
        picture = pictures.trial("night-city")
        simulator.faults.tell("drop", operation="create", count=1)
        made = videos.request(alice.id, order, picture=picture).video_id
        videos.submit(made)
        assert row(made).stage == "reconciling"
        videos.delete(alice.id, made, UNDO)
        if restored:
            videos.restore(alice.id, made)
        for _ in range(5):
            time_passes(16)
            work_off(app)
        assert row(made).status == "cancelled"
        assert (row(made).hidden_at is None) is restored
        assert row(made).due_at is None
        assert files(picture.name) == [restored]
        if restored:
            videos.delete(alice.id, made)
            work_off(app)
            assert files(picture.name) == [False]
    assert told(simulator) == [True, True]


@on_both_databases
def test_a_failed_video_is_deleted_with_its_picture_and_never_finishes_after_all(app, simulator, alice, order):
    simulator.faults.tell("render", operation="create", seconds=6000)
    made = videos.request(alice.id, order, picture=pictures.trial("night-city")).video_id
    work_off(app)
    time_passes(1201)
    work_off(app)
    assert row(made).error_code == "timeout"
    videos.delete(alice.id, made, UNDO)
    videos.restore(alice.id, made)
    work_off(app)  # looked at as before
    assert row(made).due_at is not None
    videos.delete(alice.id, made, UNDO)
    name = row(made).picture_name
    hour = simulator.clock
    simulator.clock = lambda: hour() + 6001
    for _ in range(4):
        time_passes(16)
        work_off(app)
    assert (row(made).status, row(made).due_at) == ("failed", None)
    assert files(name) == [False]
    assert told(simulator) == [True]


def test_a_provider_that_is_away_is_told_later(app, simulator, alice, order):
    made = videos.request(alice.id, order).video_id
    run(app)
    name = row(made).file_name
    simulator.faults.tell("overloaded", operation="delete")
    videos.delete(alice.id, made)
    work_off(app)
    assert files(name) == [False]
    assert told(simulator) == [False]
    simulator.faults.clear()
    time_passes(301)
    work_off(app)
    assert told(simulator) == [True]
    assert row(made).due_at is None
