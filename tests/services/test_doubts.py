"""A call whose answer got lost: settled by the provider's list, or by the operator, never by hoping."""

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off
from sqlalchemy import select

from aivideo.core.errors import InvalidInput, NotFound
from aivideo.extensions import db
from aivideo.models import Attempt, Video
from aivideo.services import audit, doubts, videos
from aivideo.services.receipts import receipt

PROMPT = "A cat walks slowly through the rain"


@pytest.fixture
def order(app):
    return app.extensions["catalogue"].order(PROMPT, seconds=4)


def run(app, seconds=2, rounds=40):
    """Let workers and time go on until nothing is under way."""
    for _ in range(rounds):
        work_off(app)
        if all(video.ended for video in db.session.scalars(select(Video))):
            return
        time_passes(seconds)
    raise AssertionError("it never ended")


def attempts(video_id):
    db.session.expire_all()
    return list(db.session.scalars(Attempt.of(video_id)))


@on_both_databases
def test_a_lost_answer_is_found_in_the_list_and_nothing_is_paid_twice(app, simulator, alice, order):
    simulator.faults.tell("drop", operation="create", count=1)
    made = videos.request(alice.id, order).video_id
    run(app)
    assert videos.get(alice.id, made).status == "completed"
    assert len(simulator.purchases()) == 1
    assert [(a.outcome, a.settled_by) for a in attempts(made)] == [("accepted", "list")]


@on_both_databases
def test_what_never_arrived_is_sent_again_only_after_several_looks(app, simulator, alice, order):
    simulator.faults.tell("drop_before", operation="create", count=1)
    made = videos.request(alice.id, order).video_id
    work_off(app)
    looks = 0
    while len(attempts(made)) == 1:
        assert simulator.purchases() == []
        looks += 1
        time_passes(16)
        work_off(app)
    assert looks >= 3
    run(app)
    assert videos.get(alice.id, made).status == "completed"
    assert [(a.outcome, a.settled_by) for a in attempts(made)] == [("not_sent", "list"), ("accepted", "answer")]


@pytest.mark.parametrize(
    "fault", [{"kind": "no_route"}, {"kind": "invalid"}, {"kind": "server_error"}, {"kind": "no_prompts"}]
)
def test_without_a_list_the_credits_come_back_and_the_operator_decides(app, simulator, alice, order, fault):
    simulator.faults.tell("drop", operation="create", count=1)
    simulator.faults.tell(**fault, operation="list")
    made = videos.request(alice.id, order).video_id
    run(app, seconds=16)
    video = videos.get(alice.id, made)
    assert (video.status, video.error_code) == ("failed", "outcome_unknown")
    assert "credits are back" in video.error_message
    assert [attempt.video_id for attempt in doubts.to_check()] == [made]
    assert audit.check() == []

    (bought,) = simulator.purchases()
    doubts.adopt(doubts.to_check()[0].id, bought["id"])
    assert doubts.to_check() == []
    time_passes(5)
    work_off(app)
    time_passes(20)
    work_off(app)
    db.session.expire_all()
    video = videos.get(alice.id, made)
    assert (video.status, video.late) == ("completed", True)
    assert receipt(alice.id, made).answer == (
        "You paid 50 credits and got 50 back, so this video cost you nothing. You keep the video all the same."
    )
    assert audit.check() == []


RETOLD = [
    {"model": "sora-2-2025-12-08"},
    {"size": "1280x704"},
    {"seconds": "5"},
    {"prompt": f" {PROMPT.upper()} "},
    {"prompt": f"{PROMPT[:24]}…"},
]


@pytest.mark.parametrize("words", RETOLD, ids=repr)
def test_what_the_list_tells_in_other_words_is_neither_adopted_nor_bought_again(app, simulator, alice, order, words):
    simulator.faults.tell("drop", operation="create", count=1)
    simulator.faults.tell("edit", operation="list", set=words)
    made = videos.request(alice.id, order).video_id
    run(app, seconds=16)
    assert videos.get(alice.id, made).error_code == "outcome_unknown"
    assert len(simulator.purchases()) == 1
    assert [attempt.video_id for attempt in doubts.to_check()] == [made]


@on_both_databases
def test_an_answer_that_names_another_video_s_job_is_a_doubt_and_never_sent_again(app, simulator, alice, bob, order):
    first = videos.request(alice.id, order).video_id
    videos.submit(first)
    (bought,) = simulator.purchases()
    simulator.faults.tell("edit", operation="create", count=1, set={"id": bought["id"]})
    simulator.faults.tell("hide", operation="list")
    second = videos.request(bob.id, order).video_id
    run(app, seconds=16)
    assert videos.get(alice.id, first).status == "completed"
    assert videos.get(bob.id, second).error_code == "outcome_unknown"
    (attempt,) = doubts.to_check()
    assert bought["id"] in attempt.error_message
    assert len(simulator.purchases()) == 2
    assert audit.check() == []


def test_a_list_with_the_oldest_first_proves_nothing_before_its_end(app, simulator, alice, order):
    """Some servers care neither for `order` nor for `limit`."""
    from aivideo.providers.simulator import SimulatorAdapter
    from aivideo.providers.sora import SoraClient

    def backwards(environ, start_response):
        query = environ["QUERY_STRING"].replace("order=desc", "order=asc").replace("limit=100", "limit=1")
        return simulator({**environ, "QUERY_STRING": query}, start_response)

    first = app.extensions["provider"]
    app.extensions["provider"] = SoraClient(first.base_url, name="simulator", adapter=SimulatorAdapter(backwards))
    now = simulator.clock
    simulator.clock = lambda: now() - 3600
    for _ in range(2):
        videos.request(alice.id, order)
        run(app)
    simulator.clock = now
    time_passes(3600)
    simulator.faults.tell("drop", operation="create", count=1)
    made = videos.request(alice.id, order).video_id
    run(app)
    assert videos.get(alice.id, made).status == "completed"
    assert len(simulator.purchases()) == 3


def test_the_operator_can_say_that_it_was_never_taken(app, simulator, alice, order):
    simulator.faults.tell("drop_before", operation="create", count=1)
    simulator.faults.tell("no_route", operation="list")
    made = videos.request(alice.id, order).video_id
    run(app)
    (attempt,) = doubts.to_check()
    doubts.dismiss(attempt.id)
    assert doubts.to_check() == []
    assert [(a.outcome, a.settled_by) for a in attempts(made)] == [("not_sent", "operator")]
    with pytest.raises(NotFound):
        doubts.dismiss(attempt.id)


def test_a_job_that_another_video_holds_cannot_be_adopted(app, simulator, alice, order):
    videos.request(alice.id, order)
    run(app)
    simulator.faults.tell("drop", operation="create", count=1)
    simulator.faults.tell("no_route", operation="list")
    videos.request(alice.id, order)
    run(app)
    (attempt,) = doubts.to_check()
    with pytest.raises(InvalidInput, match="already holds"):
        doubts.adopt(attempt.id, simulator.purchases()[0]["id"])
    with pytest.raises(InvalidInput, match="Enter"):
        doubts.adopt(attempt.id, "  ")


def test_a_job_of_equal_words_is_not_given_away_while_a_call_is_still_out(app, simulator, alice, bob, order):
    simulator.faults.tell("drop", operation="create", count=1)
    first = videos.request(alice.id, order).video_id
    videos.submit(first)
    second = videos.request(bob.id, order).video_id
    videos.submit(second)
    (other,) = attempts(second)
    other.outcome, other.provider_job_id = "open", None  # as though its answer had not come yet
    db.session.commit()
    time_passes(2)
    videos.poll()
    assert [a.outcome for a in attempts(first)] == ["unknown"]


def test_the_receipt_tells_everything_in_order(app, simulator, alice, order):
    simulator.faults.tell("sentinel_block", operation="create", count=1)
    made = videos.request(alice.id, order).video_id
    run(app)
    paper = receipt(alice.id, made)
    assert (paper.charged, paper.refunded) == (50, 50)
    assert "cost you nothing" in paper.answer
    assert [entry.at for entry in paper.entries] == sorted(entry.at for entry in paper.entries)
    texts = " ".join(entry.text for entry in paper.entries)
    for words in ("50 credits charged", "Attempt 1 goes out", "The provider refused it", "50 credits returned"):
        assert words in texts


def test_a_job_given_up_shortly_before_does_not_stand_in_the_way_of_an_equal_one(app, simulator, alice, order):
    now = simulator.clock
    simulator.clock = lambda: now() - 131
    simulator.faults.tell("drop", operation="create", count=1)
    simulator.faults.tell("no_route", operation="list")
    first = videos.request(alice.id, order).video_id
    run(app)
    assert videos.get(alice.id, first).error_code == "outcome_unknown"
    simulator.faults.clear()
    simulator.clock = now
    time_passes(131)
    simulator.faults.tell("drop", operation="create", count=1)
    second = videos.request(alice.id, order).video_id
    run(app)
    db.session.expire_all()
    assert videos.get(alice.id, second).status == "completed"
    assert len(simulator.purchases()) == 2
    (attempt,) = attempts(second)
    assert attempt.provider_job_id == max(simulator.purchases(), key=lambda bought: bought["created_at"])["id"]
