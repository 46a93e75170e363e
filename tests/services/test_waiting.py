"""Waiting for the provider is not failing: gates, places and lines, and the longest wait."""

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off

from aivideo import events
from aivideo.extensions import db
from aivideo.services import audit, credits, videos

PROMPT = "A cat walks slowly through the rain"


@pytest.fixture
def order(app):
    return app.extensions["catalogue"].order(PROMPT, seconds=4)


def look(user_id, video_id):
    db.session.expire_all()
    return videos.get(user_id, video_id)


def log_of(video_id):
    return " ".join(message["message"] for message in events.replay(video_id))


@on_both_databases
@pytest.mark.parametrize("kind", ["rate_limited", "overloaded"])
def test_a_busy_provider_closes_the_gate_for_everybody_and_costs_no_try(app, simulator, alice, bob, order, kind):
    simulator.faults.tell(kind, operation="create", count=1, retry_after=400)
    first = videos.request(alice.id, order).video_id
    work_off(app)
    second = videos.request(bob.id, order).video_id
    work_off(app)
    for user, made in ((alice, first), (bob, second)):
        video = look(user.id, made)
        assert (video.status, video.stage, video.tries) == ("pending", "queued", 0)
        assert "The provider is busy" in video.waiting_reason
        assert "The provider is busy" in log_of(made)
    time_passes(340)
    work_off(app)
    assert {look(alice.id, first).stage, look(bob.id, second).stage} == {"queued"}, "Retry-After is honoured"
    time_passes(100)
    for _ in range(3):
        work_off(app)
        time_passes(2)
    assert len(simulator.purchases()) == 2


@on_both_databases
@pytest.mark.parametrize("kind", ["quota", "unauthorised"])
def test_an_account_that_is_refused_warns_the_operator_and_nobody_pays(app, simulator, alice, order, kind, caplog):
    simulator.faults.tell(kind, operation="create")
    made = videos.request(alice.id, order).video_id
    work_off(app)
    video = look(alice.id, made)
    assert (video.status, video.stage) == ("pending", "queued")
    assert "does not accept our account" in video.waiting_reason
    assert "the provider refuses our account" in caplog.text
    simulator.faults.clear()
    time_passes(301)
    for _ in range(3):
        work_off(app)
        time_passes(2)
    assert look(alice.id, made).stage != "queued"


@on_both_databases
def test_who_waits_longer_than_the_queue_allows_gets_the_credits_back(app, simulator, alice, order):
    simulator.faults.tell("overloaded", operation="create", retry_after=100_000)
    made = videos.request(alice.id, order).video_id
    work_off(app)
    time_passes(3540)
    work_off(app)
    assert look(alice.id, made).status == "pending"
    time_passes(80)
    work_off(app)
    video = look(alice.id, made)
    assert (video.status, video.error_code) == ("failed", "queue_timeout")
    assert credits.history(alice.id)[0].balance == 1000
    assert audit.check() == []


@pytest.fixture
def two_places(overrides):
    overrides["SORA_MAX_CONCURRENT"] = 2


@on_both_databases
def test_no_more_jobs_are_upstream_than_the_operator_allows(two_places, app, simulator, alice, bob, order):
    simulator.faults.tell("render", operation="create", seconds=6000)
    made = [(user.id, videos.request(user.id, order).video_id) for user in (alice, bob, alice, bob)]
    work_off(app)
    stages = sorted(look(*one).stage for one in made)
    assert stages == ["queued", "queued", "rendering", "rendering"]
    assert len(simulator.purchases()) == 2
    waiting = next(one for one in made if look(*one).stage == "queued")
    assert "All places at the provider are taken" in look(*waiting).waiting_reason
    videos.cancel(*next(one for one in made if look(*one).stage == "rendering"))
    work_off(app)
    assert len(simulator.purchases()) == 3, "a place that becomes free rings the next"


@on_both_databases
def test_the_plan_s_limit_holds_and_each_video_that_ends_rings_the_next(app, simulator, alice, order):
    simulator.faults.tell("render", operation="create", seconds=6000)
    made = [videos.request(alice.id, order).video_id for _ in range(5)]
    work_off(app)
    assert [look(alice.id, one).stage for one in made] == ["rendering"] * 3 + ["queued"] * 2
    assert "Your plan makes 3 videos at once" in look(alice.id, made[3]).waiting_reason
    videos.cancel(alice.id, made[0])
    work_off(app)
    assert [look(alice.id, one).stage for one in made[1:]] == ["rendering"] * 3 + ["queued"]
