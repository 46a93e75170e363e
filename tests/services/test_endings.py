"""How videos end: late, cancelled, too short, forgotten; and what the user is told and pays."""

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off
from sqlalchemy import select

from aivideo import events
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.services import audit, credits, videos
from aivideo.services.receipts import receipt

PROMPT = "A cat walks slowly through the rain"


@pytest.fixture
def order(app):
    return app.extensions["catalogue"].order(PROMPT, seconds=4)


def look(user_id, video_id):
    db.session.expire_all()
    return videos.get(user_id, video_id)


def run(app, seconds=3, rounds=20):
    for _ in range(rounds):
        work_off(app)
        if all(video.ended for video in db.session.scalars(select(Video))):
            return
        time_passes(seconds)
    raise AssertionError("it never ended")


def upstream_later(simulator, seconds):
    now = simulator.clock
    simulator.clock = lambda: now() + seconds


@on_both_databases
def test_a_late_success_is_the_user_s_by_further_events_and_at_no_charge(app, simulator, alice, order):
    simulator.faults.tell("render", operation="create", seconds=6000)
    made = videos.request(alice.id, order).video_id
    work_off(app)
    time_passes(1201)
    work_off(app)
    video = look(alice.id, made)
    assert (video.status, video.error_code) == ("failed", "timeout")
    assert credits.history(alice.id)[0].balance == 1000
    told = video.seq
    for minutes in (5, 10, 45, 60):  # 5, 15 and 60 minutes after it was given up, then hourly
        assert look(alice.id, made).status == "failed"
        before = look(alice.id, made).due_at
        time_passes(minutes * 60 + 1)
        work_off(app)
        assert look(alice.id, made).due_at != before, "it was looked at"
    upstream_later(simulator, 6001)
    time_passes(3601)
    for _ in range(3):
        work_off(app)
        time_passes(2)
    video = look(alice.id, made)
    assert (video.status, video.late) == ("completed", True)
    further = events.replay(made, told)
    assert [message["id"] for message in further] == list(range(told + 1, video.seq + 1))
    assert further[-1]["status"] == "completed"
    assert credits.history(alice.id)[0].balance == 1000
    assert "You keep the video all the same" in receipt(alice.id, made).answer
    assert len(simulator.purchases()) == 1
    assert audit.check() == []


@on_both_databases
def test_what_never_finishes_is_given_up_after_a_day(app, simulator, alice, order):
    simulator.faults.tell("render", operation="create", seconds=10**6)
    made = videos.request(alice.id, order).video_id
    work_off(app)
    time_passes(1201)
    work_off(app)
    for _ in range(30):
        time_passes(3601)
        work_off(app)
    video = look(alice.id, made)
    assert (video.status, video.due_at) == ("failed", None)


@on_both_databases
def test_cancelled_before_it_was_sent_a_video_costs_nothing(app, simulator, alice, order):
    made = videos.request(alice.id, order).video_id
    assert videos.cancel(alice.id, made).status == "cancelled"
    run(app)
    assert simulator.purchases() == []
    assert credits.history(alice.id)[0].balance == 1000
    assert audit.check() == []


@on_both_databases
def test_cancelled_after_it_was_sent_a_video_is_paid_for_not_shown_and_deleted_upstream(app, simulator, alice, order):
    simulator.faults.tell("render", operation="create", seconds=6000)
    made = videos.request(alice.id, order).video_id
    work_off(app)
    video = videos.cancel(alice.id, made)
    assert video.status == "cancelled"
    work_off(app)
    (bought,) = simulator.purchases()
    assert bought["gone"] == "deleted"
    assert credits.history(alice.id)[0].balance == 950
    assert "already" in events.replay(made)[-1]["message"]
    assert look(alice.id, made).file_name is None
    assert audit.check() == []


@on_both_databases
def test_a_wish_to_cancel_in_doubt_is_decided_with_the_outcome(app, simulator, alice, order):
    for fault, purchases, balance in (("drop_before", 0, 1000), ("drop", 1, 950)):
        simulator.faults.tell(fault, operation="create", count=1)
        made = videos.request(alice.id, order).video_id
        videos.submit(made)
        assert videos.cancel(alice.id, made).stage == "reconciling"
        run(app, seconds=16)
        assert look(alice.id, made).status == "cancelled"
        assert len(simulator.purchases()) == purchases
        assert credits.history(alice.id)[0].balance == balance
    assert audit.check() == []


def test_a_length_other_than_ordered_is_noted_on_the_receipt_and_is_no_error(app, simulator, alice, order):
    made = videos.request(alice.id, order).video_id  # the ready-made clip is 1 s long
    run(app)
    assert look(alice.id, made).status == "completed"
    assert receipt(alice.id, made).video.note == "The clip is 1.0 s long; 4 s were ordered."


@on_both_databases
def test_a_job_that_the_provider_forgot_is_lost_after_three_looks_and_refunded(app, simulator, alice, order):
    simulator.faults.tell("render", operation="create", seconds=6000)
    made = videos.request(alice.id, order).video_id
    work_off(app)
    simulator.faults.tell("not_found", operation="retrieve")
    run(app, seconds=30)
    video = look(alice.id, made)
    assert (video.status, video.error_code) == ("failed", "provider_lost")
    assert credits.history(alice.id)[0].balance == 1000
    simulator.faults.clear()  # it had only mislaid it
    upstream_later(simulator, 6001)
    for _ in range(3):
        time_passes(301)
        work_off(app)
    video = look(alice.id, made)
    assert (video.status, video.late) == ("completed", True)
    assert credits.history(alice.id)[0].balance == 1000
    assert len(simulator.purchases()) == 1
    assert audit.check() == []


def test_a_job_that_is_not_yet_known_everywhere_is_not_taken_for_lost(app, simulator, alice, order):
    simulator.faults.tell("not_found", operation="retrieve", count=3)
    made = videos.request(alice.id, order).video_id
    run(app)
    assert look(alice.id, made).status == "completed"


@on_both_databases
def test_a_provider_that_is_away_for_a_quarter_of_an_hour_fails_nothing(app, simulator, alice, order):
    simulator.faults.tell("render", operation="create", seconds=800)
    made = videos.request(alice.id, order).video_id
    work_off(app)
    simulator.faults.tell("server_error", operation="retrieve")
    for _ in range(15):
        time_passes(60)
        work_off(app)
    assert look(alice.id, made).stage == "rendering"
    simulator.faults.clear()
    upstream_later(simulator, 801)
    for _ in range(4):
        time_passes(46)
        work_off(app)
    assert look(alice.id, made).status == "completed"
    assert len(simulator.purchases()) == 1
