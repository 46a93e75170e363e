"""The ticker rings in one process at a time, and what was left lying is taken up."""

from marks import on_both_databases
from provider_inside import time_passes, work_off
from sqlalchemy import select

from aivideo.extensions import db
from aivideo.models import Attempt, Video
from aivideo.services import videos


def stage(video_id):
    db.session.expire_all()
    return db.session.scalar(select(Video.stage).where(Video.id == video_id))


@on_both_databases
def test_one_process_rings_at_a_time_and_another_takes_over(app):
    first, second = videos.Ticker("first"), videos.Ticker("second")
    assert first.tick()
    assert not second.tick()
    time_passes(6)
    assert videos.Ticker("third").tick()


@on_both_databases
def test_a_video_whose_ring_was_lost_is_rung_again(app, simulator, alice):
    made = videos.request(alice.id, app.extensions["catalogue"].order("A cat walks slowly through the rain")).video_id
    app.extensions["doorbell"].client.flushall()
    work_off(app)
    assert stage(made) == "queued"
    time_passes(16)
    work_off(app)
    assert stage(made) == "rendering"


@on_both_databases
def test_a_sender_killed_before_the_first_byte_bought_nothing_and_the_video_is_sent_again(app, simulator, alice):
    made = videos.request(alice.id, app.extensions["catalogue"].order("A cat walks slowly through the rain")).video_id
    _killed_while_sending(made, sent=False)
    time_passes(21)
    work_off(app)
    assert stage(made) == "rendering"
    assert [attempt.outcome for attempt in db.session.scalars(Attempt.of(made))] == ["not_sent", "accepted"]


@on_both_databases
def test_a_sender_killed_after_the_first_byte_leaves_a_doubt(app, simulator, alice):
    made = videos.request(alice.id, app.extensions["catalogue"].order("A cat walks slowly through the rain")).video_id
    _killed_while_sending(made, sent=True)
    time_passes(21)
    work_off(app)
    assert stage(made) == "reconciling"
    assert [attempt.outcome for attempt in db.session.scalars(Attempt.of(made))] == ["unknown"]


def _killed_while_sending(video_id, *, sent):
    """Bring a video to where its sender was killed: attempt open, lease held by nobody alive."""
    from aivideo.services.videos import submission

    _, (attempt_id, _) = submission._claim(video_id)
    if sent:
        submission._mark_sent(attempt_id)
