"""One click, one video; one video, one charge."""

import pytest
from marks import on_both_databases
from sqlalchemy import func, select
from threads import at_once

from aivideo import events
from aivideo.core.errors import (
    InsufficientCredits,
    InvalidInput,
    NotFound,
    PlanCannotGenerate,
    RequestKeyReused,
)
from aivideo.extensions import db
from aivideo.models import LedgerEntry, User, Video
from aivideo.services import accounts, videos
from aivideo.services.pictures import Picture


@pytest.fixture
def order(app):
    return app.extensions["catalogue"].order("A cat walks slowly through the rain")


def balance(user) -> int:
    return db.session.scalar(select(User.credits).where(User.id == user.id))


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


@on_both_databases
def test_row_charge_and_first_event_exist_together(app, alice, order):
    receipt = videos.request(alice.id, order)
    assert (receipt.status, receipt.credits_charged, receipt.credits_left) == ("pending", 100, 900)
    video = videos.get(alice.id, receipt.video_id)
    assert (video.status, video.stage, video.credits) == ("pending", "queued", 100)
    first = events.replay(video.id)
    assert [(event["id"], event["step"], event["status"]) for event in first] == [(1, 0, "pending")]
    charge = db.session.scalar(select(LedgerEntry).where(LedgerEntry.video_id == video.id))
    assert (charge.kind, charge.amount, charge.balance) == ("charge", -100, 900)
    assert balance(alice) == 900


@on_both_databases
def test_the_job_is_enqueued_after_the_commit(app, alice, order, redis_url):
    import redis

    receipt = videos.request(alice.id, order)
    with redis.Redis.from_url(redis_url) as client:
        assert client.lrange("rq:queue:videos", 0, -1) == [f"submit-{receipt.video_id}-1".encode()]


@on_both_databases
def test_the_same_key_gives_the_first_answer_again(app, alice, order):
    first = videos.request(alice.id, order, key="k")
    videos.request(alice.id, order, key="other")
    again = videos.request(alice.id, order, key="k")
    assert again.repeated
    assert (again.video_id, again.credits_charged, again.credits_left) == (first.video_id, 100, 900)
    assert balance(alice) == 800


def test_the_same_key_is_free_for_somebody_else(app, alice, bob, order):
    assert videos.request(alice.id, order, key="k").video_id != videos.request(bob.id, order, key="k").video_id


@pytest.mark.parametrize("change", ["prompt", "seconds", "size", "picture"])
def test_the_same_key_with_another_request_is_refused(app, alice, order, change):
    videos.request(alice.id, order, key="k")
    fields = {"prompt": order.prompt, "seconds": order.seconds, "size": order.size}
    picture = Picture("reference_a.jpg", "a" * 64) if change == "picture" else None
    fields |= {"prompt": "Another prompt altogether", "seconds": 4, "size": "720x1280"} if change != "picture" else {}
    other = app.extensions["catalogue"].order(
        **{key: fields[key] if key == change or change == "picture" else getattr(order, key) for key in fields}
    )
    with pytest.raises(RequestKeyReused):
        videos.request(alice.id, other, key="k", picture=picture)
    assert balance(alice) == 900


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_must_have_a_sensible_length(app, alice, order, key):
    with pytest.raises(InvalidInput, match="1 to 255"):
        videos.request(alice.id, order, key=key)


@on_both_databases
def test_fifty_callers_with_one_key_make_one_video(app, alice, order):
    receipts = at_once(app, 50, lambda _: videos.request(alice.id, order, key="k"))
    assert {receipt.video_id for receipt in receipts} == {receipts[0].video_id}
    assert sum(not receipt.repeated for receipt in receipts) == 1
    assert {receipt.credits_left for receipt in receipts} == {900}
    assert (count(Video), balance(alice)) == (1, 900)


@on_both_databases
def test_fifty_callers_on_the_last_credits_make_as_many_videos_as_were_paid(app, order):
    carol = accounts.create("carol@example.com", None, credits=300)
    answers = at_once(app, 50, lambda _: videos.request(carol.id, order))
    assert sum(isinstance(answer, videos.Receipt) for answer in answers) == 3
    assert sum(isinstance(answer, InsufficientCredits) for answer in answers) == 47
    assert (count(Video), balance(carol)) == (3, 0)


@on_both_databases
def test_nothing_is_kept_of_a_video_that_cannot_be_paid(app, order):
    poor = accounts.create("poor@example.com", None, credits=99)
    with pytest.raises(InsufficientCredits, match="costs 100 credits and you have 99"):
        videos.request(poor.id, order)
    assert (count(Video), balance(poor)) == (0, 99)


def test_the_free_plan_cannot_generate(app, order):
    free = accounts.create("free@example.com", None, plan="free", credits=500)
    with pytest.raises(PlanCannotGenerate, match="Nothing was charged"):
        videos.request(free.id, order)
    assert balance(free) == 500


def test_a_repeat_is_answered_even_when_the_credits_are_gone(app, order):
    poor = accounts.create("poor@example.com", None, credits=100)
    first = videos.request(poor.id, order, key="k")
    assert videos.request(poor.id, order, key="k").video_id == first.video_id


def test_only_ones_own_finished_videos_can_be_remixed(app, alice, bob, order):
    mine = videos.request(alice.id, order).video_id
    with pytest.raises(NotFound):
        videos.request(bob.id, order, remixed_from_id=mine)
    from aivideo.core.errors import CannotRemix

    with pytest.raises(CannotRemix, match="finished"):
        videos.request(alice.id, order, remixed_from_id=mine)


def test_with_redis_away_a_video_is_accepted_in_under_a_second(overrides, tmp_path):
    import time

    from aivideo.app import create_app

    app = create_app({**overrides, "REDIS_URL": f"unix://{tmp_path}/nobody"})
    with app.app_context():
        user = accounts.create("away@example.com", None, credits=1000)
        order = app.extensions["catalogue"].order("A cat walks slowly through the rain")
        started = time.monotonic()
        receipt = videos.request(user.id, order)
        assert time.monotonic() - started < 1
        assert videos.get(user.id, receipt.video_id).due_at is not None
        db.session.remove()
        db.engine.dispose()
