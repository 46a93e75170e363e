"""The server or the key is changed while videos are under way: nobody is asked who cannot know."""

import pytest
from marks import on_both_databases
from provider_inside import plug_in, time_passes, work_off

from aivideo.extensions import db
from aivideo.services import audit, doubts, videos
from aivideo.services.videos import looking, progress

PROMPT = "A cat walks slowly through the rain"


@pytest.fixture
def rendering(app, simulator, alice):
    """A video of Alice's that was bought, and its provider."""
    simulator.faults.tell("render", operation="create", seconds=6000)
    made = videos.request(alice.id, app.extensions["catalogue"].order(PROMPT)).video_id
    work_off(app)
    assert look(alice, made).stage == "rendering"
    return made


def look(user, video_id):
    db.session.expire_all()
    return videos.get(user.id, video_id)


def move_house(app, tmp_path, clip, url="http://another.invalid/v1", key=""):
    from aivideo.providers.simulator import SimulatorAdapter
    from aivideo.providers.sora import SoraClient

    other = plug_in(app, tmp_path / "other", clip)
    app.extensions["provider"] = SoraClient(url, key, name="simulator", adapter=SimulatorAdapter(other))
    return other


@on_both_databases
def test_a_job_bought_elsewhere_waits_for_its_server_and_is_followed_when_that_is_back(
    app, simulator, alice, rendering, tmp_path, clip
):
    first = app.extensions["provider"]
    move_house(app, tmp_path, clip)
    for _ in range(2 * progress.LOST_AFTER_LOOKS):
        time_passes(61)
        work_off(app)
    assert look(alice, rendering).status == "processing"
    assert [attempt.video_id for attempt in doubts.elsewhere()] == [rendering]
    app.extensions["provider"] = first
    assert doubts.elsewhere() == []
    now = simulator.clock
    simulator.clock = lambda: now() + 6001
    for _ in range(4):
        time_passes(61)
        work_off(app)
    assert look(alice, rendering).status == "completed"
    assert len(simulator.purchases()) == 1


@on_both_databases
def test_a_job_whose_server_never_comes_back_ends_by_the_timeout_with_a_refund(app, alice, rendering, tmp_path, clip):
    move_house(app, tmp_path, clip)
    time_passes(1201)
    work_off(app)
    video = look(alice, rendering)
    assert (video.status, video.error_code) == ("failed", "timeout")
    assert audit.check() == []
    for minutes in (6, 11, 46, 61):  # the late looks go on, and ask nobody
        time_passes(minutes * 60)
        work_off(app)
    assert look(alice, rendering).status == "failed"


def test_with_a_new_key_for_the_same_server_a_job_it_does_not_know_is_not_taken_for_lost(
    app, alice, rendering, tmp_path, clip
):
    move_house(app, tmp_path, clip, url=app.extensions["provider"].base_url, key="a new key")
    for _ in range(2 * progress.LOST_AFTER_LOOKS):
        time_passes(61)
        work_off(app)
    video = look(alice, rendering)
    assert video.status == "processing"
    assert video.failed_looks > progress.LOST_AFTER_LOOKS
    assert looking.looks([rendering], app.extensions["provider"])[0].same_account is False
