"""Places at the provider are shared fairly, nobody's calls fill all workers, and no wake-up gets lost."""

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off
from threads import at_once

from aivideo import events
from aivideo.extensions import db
from aivideo.models import User
from aivideo.services import audit, videos
from aivideo.services.videos import line, submission
from aivideo.transaction import transaction

PROMPT = "A cat walks slowly through the rain"


@pytest.fixture
def make(app, simulator):
    """Request a number of videos for a user that render for ever; returns their ids."""
    simulator.faults.tell("render", operation="create", seconds=6000)
    order = app.extensions["catalogue"].order(PROMPT, seconds=4)
    return lambda user_id, count=1: [videos.request(user_id, order).video_id for _ in range(count)]


@pytest.fixture
def ann(alice):
    return alice.id


@pytest.fixture
def ben(bob):
    return bob.id


@pytest.fixture
def studio(ann):
    """Ann with a plan that makes fifty videos at once."""
    with transaction() as session:
        session.get(User, ann).plan = "studio"
    return ann


def stages(user_id, made):
    db.session.expire_all()
    return [videos.get(user_id, one).stage for one in made]


def nobody_is_rung(app):
    app.extensions["doorbell"].client.flushall()


def places(overrides, count):
    overrides["SORA_MAX_CONCURRENT"] = count


@pytest.fixture
def one_place(overrides):
    places(overrides, 1)


@pytest.fixture
def two_places(overrides):
    places(overrides, 2)


@on_both_databases
def test_many_of_one_user_do_not_stand_before_one_of_another(two_places, app, simulator, make, ann, ben):
    hers = make(ann, 5)
    work_off(app)
    assert stages(ann, hers) == ["rendering"] * 2 + ["queued"] * 3
    (his,) = make(ben)
    work_off(app)
    waiting = [videos.place(videos.get(ann, one)) for one in hers]
    assert (videos.place(videos.get(ben, his)), waiting) == (1, [None, None, 2, 3, 4])
    videos.cancel(ann, hers[0])
    work_off(app)
    assert stages(ben, [his]) == ["rendering"]
    assert stages(ann, hers[1:]) == ["rendering"] + ["queued"] * 3
    videos.cancel(ann, hers[1])
    work_off(app)
    assert stages(ann, hers[2:]) == ["rendering"] + ["queued"] * 2
    assert len(simulator.purchases()) == 4
    assert audit.check() == []


@on_both_databases
def test_who_comes_last_does_not_jump_over_another_who_waits(one_place, app, make, ann, ben):
    (first,) = make(ann)
    work_off(app)
    (his,) = make(ben)
    work_off(app)
    videos.cancel(ann, first)
    nobody_is_rung(app)  # what told Ben's got lost
    (second,) = make(ann)
    work_off(app)
    assert stages(ann, [second]) == stages(ben, [his]) == ["queued"]
    time_passes(16)
    work_off(app)
    assert (stages(ann, [second]), stages(ben, [his])) == (["queued"], ["rendering"])


@on_both_databases
def test_a_place_is_free_as_soon_as_the_provider_has_finished(one_place, app, simulator, make, ann, ben):
    simulator.faults.clear()
    (hers,), (his,) = make(ann), make(ben)
    videos.submit(hers)
    videos.submit(his)
    nobody_is_rung(app)
    time_passes(2)
    videos.poll()
    assert (stages(ann, [hers]), stages(ben, [his])) == (["saving"], ["queued"])
    work_off(app)
    assert stages(ben, [his]) != ["queued"]


@on_both_databases
def test_a_user_s_calls_leave_threads_for_others_and_nobody_hears_of_it(app, make, studio, ben):
    hers = make(studio, line.SENDS_AT_ONCE + 2)
    (his,) = make(ben)
    nobody_is_rung(app)
    calling = hers[: line.SENDS_AT_ONCE]
    opened = [submission._claim(one)[1] for one in calling]
    for one in hers[line.SENDS_AT_ONCE :]:
        videos.submit(one)
        assert stages(studio, [one]) == ["queued"]
        assert videos.get(studio, one).waiting_reason is None
        assert len(events.replay(one)) == 1
    videos.submit(his)
    assert stages(ben, [his]) == ["rendering"]
    work_off(app)
    assert stages(studio, hers[line.SENDS_AT_ONCE :]) == ["queued"] * 2, "rung when a call has ended, not before"
    submission._send(*opened[0])
    work_off(app)
    assert stages(studio, hers[line.SENDS_AT_ONCE :]) == ["rendering"] * 2, "each that ends rings the next"


@on_both_databases
def test_of_many_workers_at_the_same_moment_only_so_many_call_for_one_user(app, make, studio):
    hers = make(studio, line.SENDS_AT_ONCE + 4)
    claimed = at_once(app, len(hers), lambda number: submission._claim(hers[number]))
    assert sorted(stages(studio, hers)) == ["queued"] * 4 + ["submitting"] * line.SENDS_AT_ONCE, claimed


@on_both_databases
def test_of_many_workers_at_the_same_moment_each_takes_a_place_for_whose_turn_it_is(two_places, app, make, ann, ben):
    hers, his = make(ann, 3), make(ben, 3)
    made = [one for pair in zip(hers, his, strict=True) for one in pair][::-1]
    results = at_once(app, len(made), lambda number: videos.submit(made[number]))
    assert not [result for result in results if isinstance(result, Exception)]
    for _ in range(2):
        work_off(app)
    assert stages(ann, hers) == stages(ben, his) == ["rendering", "queued", "queued"]


@on_both_databases
@pytest.mark.parametrize("shared", [False, True])
def test_no_wake_up_gets_lost_between_one_who_leaves_and_one_who_comes(overrides, request, shared):
    if shared:
        places(overrides, 3)
    app, make, ann = (request.getfixturevalue(name) for name in ("app", "make", "ann"))
    taken = make(ann, 3)
    work_off(app)
    for _ in range(5):
        (new,) = make(ann)
        nobody_is_rung(app)
        leaving = taken.pop(0)
        db.session.remove()
        moves = (lambda new=new: videos.submit(new)), (lambda one=leaving: videos.cancel(ann, one))
        results = at_once(app, 2, lambda number, moves=moves: moves[number]())
        assert not [result for result in results if isinstance(result, Exception)]
        work_off(app)  # nothing is due: whoever was not rung would wait for a minute
        assert stages(ann, [new]) == ["rendering"]
        taken.append(new)
    assert audit.check() == []
