"""How long a video will take is learnt from the last ones, and corrected on the way."""

from datetime import timedelta

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off

from aivideo import events
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.services import videos
from aivideo.transaction import transaction

PROMPT = "A cat walks slowly through the rain"


@on_both_databases
def test_the_last_runs_of_a_model_tell_how_long_the_next_will_take(app, simulator, alice):
    order = app.extensions["catalogue"].order(PROMPT, seconds=4)
    made = [videos.request(alice.id, order).video_id for _ in range(3)]
    assert videos.expected_wait(order.model, 4) is None
    while any(not videos.get(alice.id, one).ended for one in made):
        work_off(app)
        time_passes(3)
        db.session.expire_all()
    with transaction() as session:
        for one in made:
            video = session.get(Video, one)
            video.accepted_at = video.completed_at - timedelta(seconds=100)
    assert videos.expected_wait(order.model, 4) == pytest.approx(100)
    assert videos.expected_wait("another", 4) is None

    simulator.faults.tell("render", operation="create", seconds=40)
    following = videos.request(alice.id, order).video_id
    work_off(app)
    assert left(alice, following) == pytest.approx(100, abs=3)
    now = simulator.clock
    simulator.clock = lambda: now() + 20  # half of it is done
    time_passes(20)
    work_off(app)
    video = videos.get(alice.id, following)
    assert 40 <= video.progress <= 60
    assert 20 < left(alice, following) < 70, "its own pace says 20 more, the others' 80"
    assert events.snapshot(video)["expected_at"]
    videos.cancel(alice.id, following)
    db.session.expire_all()
    assert events.snapshot(videos.get(alice.id, following))["expected_at"] is None


def left(user, video_id):
    from aivideo.services.videos.moves import utc_now

    db.session.expire_all()
    return (videos.get(user.id, video_id).expected_at - utc_now()).total_seconds()
