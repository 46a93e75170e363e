"""Two workers, or a worker and a user, at the same transition in the same moment: one of them does it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off
from sqlalchemy import func, select
from threads import at_once

from aivideo.core.errors import DomainError
from aivideo.extensions import db
from aivideo.models import Attempt, Event, LedgerEntry, Video
from aivideo.providers.base import ProviderJob
from aivideo.services import audit, doubts, videos
from aivideo.services.videos import acceptance

ROUNDS = 3


@dataclass
class Scene:
    """A video of Alice's in some state, and all that the two actors need to know."""

    app: Any
    simulator: Any
    user_id: int
    video_id: int

    @property
    def video(self) -> Video:
        db.session.expire_all()
        return db.session.scalars(select(Video).where(Video.id == self.video_id)).one()

    @property
    def attempt(self) -> Attempt:
        return db.session.scalars(Attempt.of(self.video_id)).all()[-1]

    def job(self) -> ProviderJob:
        (bought,) = (job for job in self.simulator.purchases() if job["prompt"] == self.video.prompt)
        return ProviderJob(id=bought["id"], state="queued")


def queued(scene: Scene) -> None:
    assert scene.video.stage == "queued"


def abandoned(scene: Scene) -> None:
    """Its sender was killed after the first byte."""
    from aivideo.services.videos import submission

    _, (attempt_id, create) = submission._claim(scene.video_id)
    submission._mark_sent(attempt_id)
    scene.app.extensions["provider"].create(create, deadline=5, before_send=lambda: None)
    time_passes(21)
    assert scene.video.stage == "submitting"


def doubtful(scene: Scene) -> None:
    scene.simulator.faults.tell("drop", operation="create", count=1)
    videos.submit(scene.video_id)
    time_passes(2)
    assert scene.video.stage == "reconciling"


def to_check(scene: Scene) -> None:
    """Refunded, because there is no list that could tell."""
    scene.simulator.faults.tell("no_route", operation="list", count=1)
    doubtful(scene)
    videos.poll()
    assert scene.video.error_code == "outcome_unknown"


def rendering(scene: Scene) -> None:
    videos.submit(scene.video_id)
    time_passes(3)
    assert scene.video.stage == "rendering"


def failing(scene: Scene) -> None:
    """Its job has failed upstream; nobody here knows yet."""
    scene.simulator.faults.tell("fail", operation="create", count=1, after=0)
    rendering(scene)


def timed_out(scene: Scene) -> None:
    scene.simulator.faults.tell("render", operation="create", count=1, seconds=6000)
    rendering(scene)
    time_passes(1201)


def late(scene: Scene) -> None:
    """Given up and refunded; finished upstream since."""
    timed_out(scene)
    videos.poll()
    assert scene.video.status == "failed"
    time_passes(301)
    hour = scene.simulator.clock
    scene.simulator.clock = lambda: hour() + 6001


def saving(scene: Scene) -> None:
    rendering(scene)
    while scene.video.stage == "rendering":
        time_passes(3)
        videos.poll()
    assert scene.video.stage == "saving"


def submit(scene: Scene) -> object:
    return videos.submit(scene.video_id)


def poll(scene: Scene) -> object:
    return videos.poll()


def save(scene: Scene) -> object:
    return videos.save(scene.video_id)


def recover(scene: Scene) -> object:
    return videos.recover()


def cancel(scene: Scene) -> object:
    return videos.cancel(scene.user_id, scene.video_id)


def delete(scene: Scene) -> object:
    return videos.delete(scene.user_id, scene.video_id)


def answer(scene: Scene) -> object:
    """The sender's answer comes after all."""
    return acceptance.accepted(scene.attempt.id, scene.job())


def adopt(scene: Scene) -> object:
    return doubts.adopt(scene.attempt.id, scene.job().id)


def dismiss(scene: Scene) -> object:
    return doubts.dismiss(scene.attempt.id)


RACES = [
    (queued, submit, submit),
    (queued, submit, cancel),
    (queued, submit, delete),
    (queued, submit, recover),
    (queued, cancel, cancel),
    (abandoned, recover, recover),
    (abandoned, recover, answer),
    (abandoned, answer, cancel),
    (doubtful, poll, poll),
    (doubtful, poll, answer),
    (doubtful, poll, cancel),
    (to_check, adopt, adopt),
    (to_check, adopt, dismiss),
    (to_check, adopt, answer),
    (rendering, poll, poll),
    (rendering, poll, cancel),
    (rendering, poll, delete),
    (failing, poll, poll),
    (failing, poll, cancel),
    (timed_out, poll, poll),
    (timed_out, poll, cancel),
    (late, poll, poll),
    (late, poll, delete),
    (saving, save, save),
    (saving, save, cancel),
    (saving, save, delete),
    (saving, delete, delete),
]


@on_both_databases
@pytest.mark.parametrize(("state", "one", "other"), RACES, ids=lambda value: value.__name__)
def test_of_two_at_the_same_transition_one_does_it(
    app: Any,
    simulator: Any,
    alice: Any,
    state: Callable[[Scene], None],
    one: Callable[[Scene], object],
    other: Callable[[Scene], object],
) -> None:
    now, user_id = simulator.clock, alice.id
    for number in range(ROUNDS):
        order = app.extensions["catalogue"].order(f"A cat walks slowly through the rain, take {number}", seconds=4)
        scene = Scene(app, simulator, user_id, videos.request(user_id, order).video_id)
        app.extensions["doorbell"].client.flushall()  # nobody but the two
        state(scene)
        db.session.remove()
        for result in at_once(app, 2, lambda n, scene=scene: (one, other)[n](scene)):
            assert not isinstance(result, Exception) or isinstance(result, DomainError), result
        _end(scene)
        simulator.faults.clear()
        simulator.clock = now
        _holds(scene)
    assert audit.check() == []


def _end(scene: Scene) -> None:
    now = scene.simulator.clock
    scene.simulator.clock = lambda: now() + 6001  # whatever is being rendered is done
    for _ in range(40):
        work_off(scene.app)
        if scene.video.ended and scene.video.due_at is None:
            return
        time_passes(301 if scene.video.ended else 16)
    raise AssertionError(f"it never ended: {scene.video.stage}, {scene.video.status}")


def _holds(scene: Scene) -> None:
    bought = [job for job in scene.simulator.purchases() if job["prompt"] == scene.video.prompt]
    assert len(bought) <= 1
    kinds = db.session.scalars(select(LedgerEntry.kind).where(LedgerEntry.video_id == scene.video_id)).all()
    assert kinds.count("charge") == 1
    assert kinds.count("refund") <= 1
    numbers = db.session.scalars(select(Event.seq).where(Event.video_id == scene.video_id).order_by(Event.seq)).all()
    assert numbers == list(range(1, scene.video.seq + 1))
    jobs = select(func.count(Attempt.provider_job_id)).where(Attempt.video_id == scene.video_id)
    assert (db.session.scalar(jobs) or 0) <= 1
