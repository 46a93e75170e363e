"""One click, one video; one video, one charge."""

from dataclasses import replace

import pytest
from marks import on_both_databases
from sqlalchemy import func, select
from threads import at_once

from aivideo import events
from aivideo.core.errors import (
    InsufficientCredits,
    InvalidInput,
    PlanCannotGenerate,
    RequestKeyReused,
)
from aivideo.extensions import db
from aivideo.models import LedgerEntry, User, Video
from aivideo.services import accounts, audit, videos
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


def test_the_same_key_with_another_number_or_another_fit_is_refused(app, alice, order):
    picture = Picture("reference_a.jpg", "a" * 64)
    videos.request(alice.id, order, key="k", picture=picture)
    for more in (
        {"picture": picture, "count": 2},
        {"picture": replace(picture, fit="pad")},
        {"picture": replace(picture, focus=0.25)},
    ):
        with pytest.raises(RequestKeyReused):
            videos.request(alice.id, order, key="k", **more)
    assert videos.request(alice.id, order, key="k", picture=picture).repeated
    placed = videos.request(alice.id, order, picture=replace(picture, fit="pad", focus=0.25)).video_id
    assert (videos.get(alice.id, placed).picture_fit, videos.get(alice.id, placed).picture_focus) == ("pad", 0.25)


@on_both_databases
def test_variations_are_accepted_all_together_or_not_at_all(app, alice, order):
    key = "k" * 255
    first = videos.request(alice.id, order, key=key, count=3)
    assert (first.credits_charged, first.credits_left, first.video_id) == (300, 700, first.video_ids[0])
    charges = db.session.scalars(select(LedgerEntry).where(LedgerEntry.kind == "charge").order_by(LedgerEntry.id)).all()
    assert [(entry.video_id, entry.amount, entry.balance) for entry in charges] == [
        (video_id, -100, left) for video_id, left in zip(first.video_ids, (900, 800, 700), strict=True)
    ]
    assert all([line["id"] for line in events.replay(video_id)] == [1] for video_id in first.video_ids)
    rung = app.extensions["doorbell"].client.lrange("rq:queue:videos", 0, -1)
    assert rung == [f"submit-{video_id}-1".encode() for video_id in first.video_ids]
    assert videos.request(alice.id, order, key=key, count=3) == replace(first, repeated=True)
    with pytest.raises(RequestKeyReused):
        videos.request(alice.id, order, key=key)
    videos.request(alice.id, order, count=4)
    with pytest.raises(InsufficientCredits, match="These 4 videos cost 400 credits and you have 300"):
        videos.request(alice.id, order, count=4)
    for count_asked in (0, 5):
        with pytest.raises(InvalidInput, match="1 to 4"):
            videos.request(alice.id, order, count=count_asked)
    assert (count(Video), balance(alice), audit.check()) == (7, 300, [])


@on_both_databases
def test_callers_at_once_get_the_same_variations_or_as_many_as_were_paid(app, alice, order):
    receipts = at_once(app, 20, lambda _: videos.request(alice.id, order, key="k", count=3))
    assert {receipt.video_ids for receipt in receipts} == {receipts[0].video_ids}
    assert (sum(not receipt.repeated for receipt in receipts), count(Video), balance(alice)) == (1, 3, 700)
    carol = accounts.create("carol@example.com", None, credits=500)
    answers = at_once(app, 20, lambda _: videos.request(carol.id, order, count=2))
    assert sum(isinstance(answer, videos.Receipt) for answer in answers) == 2
    assert sum(isinstance(answer, InsufficientCredits) for answer in answers) == 18
    assert (count(Video), balance(carol), audit.check()) == (7, 100, [])


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
