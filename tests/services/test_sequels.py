"""Remixes and extensions: another video made from a finished one, at the provider that made it, and paid once."""

from dataclasses import replace

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off
from servers import wait_until
from sqlalchemy import select

from aivideo import events
from aivideo.core.errors import CannotExtend, CannotRemix, InvalidInput, NotFound, RequestKeyReused
from aivideo.extensions import db
from aivideo.models import Attempt, User, Video
from aivideo.providers.sora import SoraClient
from aivideo.services import audit, videos
from aivideo.services.pictures import Picture
from aivideo.services.receipts import receipt
from aivideo.transaction import transaction

PROMPT = "A cat walks slowly through the rain"
CHANGE = "The same, but in the snow"
CATALOGUE = """
[[models]]
id = "small"
name = "Small"
seconds = [1, 2]
sizes = [{ size = "160x90", credits_per_second = 10 }]
capabilities = ["input_reference", "remix", "extend"]
extends_to = 4

[plans.creator]
name = "Creator"
can_generate = true
under_way = 9
"""


@pytest.fixture
def overrides(overrides, tmp_path):
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    return {**overrides, "CATALOGUE_FILE": tmp_path / "catalogue.toml"}


@pytest.fixture
def made(app, simulator, alice):
    """A finished video of Alice's; its clip is the one of one second that every job has."""
    return finished(app, videos.request(alice.id, order(app)).video_id)


def order(app, prompt=PROMPT, seconds=1, **more):
    return app.extensions["catalogue"].order(prompt, seconds=seconds, **more)


def remix(user, source, prompt=CHANGE, **more):
    return videos.request(user.id, videos.remix_order(user.id, source, prompt), remixed_from_id=source, **more)


def extend(user, source, prompt=CHANGE, seconds=1, **more):
    wanted = videos.extension_order(user.id, source, prompt, seconds)
    return videos.request(user.id, wanted, extended_from_id=source, **more)


def run(app, seconds=2):
    """Let workers and time go on until nothing is under way."""
    for _ in range(60):
        work_off(app)
        db.session.expire_all()
        if all(video.ended for video in db.session.scalars(select(Video))):
            return
        time_passes(seconds)
    raise AssertionError("it never ended")


def finished(app, video_id):
    run(app)
    assert db.session.get(Video, video_id).status == "completed"
    return video_id


def balance(user) -> int:
    db.session.rollback()
    return db.session.scalar(select(User.credits).where(User.id == user.id))


def test_a_remix_and_an_extension_of_an_extension_go_the_whole_way(app, alice, tmp_path):
    from aivideo.providers.simulator import SimulatorAdapter, create_simulator

    simulator = create_simulator(tmp_path / "drawn", render_seconds=0, catalogue=app.extensions["catalogue"])
    app.extensions["provider"] = SoraClient("http://simulator.invalid/v1", adapter=SimulatorAdapter(simulator))

    def drawn(video_id):
        def look():
            work_off(app)
            time_passes(0.2)
            return db.session.get(Video, video_id).ended

        wait_until(look, 30, "the end of the video")
        video = db.session.get(Video, video_id)
        assert (video.status, video.note) == ("completed", None)
        return video

    first = drawn(videos.request(alice.id, order(app, seconds=2)).video_id)
    longer = drawn(extend(alice, first.id, seconds=1).video_id)
    longest = drawn(extend(alice, longer.id, seconds=1).video_id)
    changed = drawn(remix(alice, longer.id).video_id)
    assert [round(video.duration) for video in (first, longer, longest, changed)] == [2, 3, 4, 3]
    assert [video.credits for video in (first, longer, longest, changed)] == [20, 10, 10, 30]
    assert [video.seconds for video in (first, longer, longest, changed)] == [2, 1, 1, 3]
    bought = simulator.purchases()
    job = {video.id: db.session.scalar(Attempt.accepted(video.id)).provider_job_id for video in (first, longer)}
    assert [each["extended_from"] for each in bought] == [None, job[first.id], job[longer.id], None]
    assert [each["remixed_from"] for each in bought] == [None, None, None, job[longer.id]]
    assert [each["seconds"] for each in bought] == [2, 3, 4, 3]
    assert (events.snapshot(longest)["extended_from"], events.snapshot(changed)["remixed_from"]) == (longer.id,) * 2
    assert receipt(alice.id, longer.id).answer == "You paid 10 credits for 1 more seconds of Small at 160 × 90."
    assert audit.check() == []
    simulator.close()


def test_what_cannot_be_made_from_a_video_is_refused_before_anything_is_charged(app, simulator, alice, bob, made):
    before = balance(alice)
    waits = videos.request(bob.id, order(app)).video_id
    for ask, error in ((remix, CannotRemix), (extend, CannotExtend)):
        with pytest.raises(NotFound):
            ask(bob, made)
        with pytest.raises(NotFound):
            ask(alice, 999)
        with pytest.raises(error, match="finished"):
            ask(bob, waits)
        with pytest.raises(InvalidInput, match="leave the picture out"):
            ask(alice, made, picture=Picture("reference_a.jpg", "a" * 64))
    for more, error in (({"remixed_from_id": made}, CannotRemix), ({"extended_from_id": made}, CannotExtend)):
        with pytest.raises(error, match="size"):
            videos.request(alice.id, replace(order(app), credits=0), **more)
    with pytest.raises(CannotRemix, match="length"):
        videos.request(alice.id, order(app, seconds=2), remixed_from_id=made)
    with pytest.raises(CannotExtend, match="both"):
        videos.request(alice.id, order(app), remixed_from_id=made, extended_from_id=made)
    with pytest.raises(InvalidInput, match="3 seconds"):
        extend(alice, made, seconds=3)
    with transaction() as session:
        session.get(Video, made).seconds = 3
    with pytest.raises(CannotExtend, match="4 seconds at most; this would make 5"):
        extend(alice, made, seconds=2)
    elsewhere = app.extensions["provider"]
    app.extensions["provider"] = SoraClient("http://elsewhere.invalid/v1")
    for ask, error in ((remix, CannotRemix), (extend, CannotExtend)):
        with pytest.raises(error, match="another provider"):
            ask(alice, made)
    app.extensions["provider"] = elsewhere
    unable = replace(app.extensions["catalogue"], servers={"*": frozenset(["remix", "extend"])})
    app.extensions["catalogue"] = unable.at("http://anywhere.example/v1")
    for ask, error in ((remix, CannotRemix), (extend, CannotExtend)):
        with pytest.raises(error, match="cannot"):
            ask(alice, made)
    assert balance(alice) == before


@on_both_databases
def test_a_repeated_request_has_its_answer_whatever_became_of_the_video(app, simulator, alice, made):
    first = extend(alice, made, key="k", count=2)
    videos.delete(alice.id, made)
    again = extend(alice, made, key="k", count=2)
    assert again.repeated
    assert (again.video_ids, again.credits_left) == (first.video_ids, first.credits_left)
    with pytest.raises(RequestKeyReused):
        extend(alice, made, key="k", count=2, seconds=2)
    with pytest.raises(RequestKeyReused):
        remix(alice, made, key="k")
    with pytest.raises(NotFound):
        extend(alice, made)


@pytest.mark.parametrize("ask", [remix, extend])
@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ({"kind": "no_route", "status": 404}, "invalid_input", "This provider cannot"),
        ({"kind": "no_route", "status": 405, "style": "detail"}, "invalid_input", "This provider cannot"),
        ({"kind": "not_found"}, "provider_lost", "no longer has the video"),
    ],
)
def test_a_server_that_cannot_do_it_fails_the_video_clearly_and_the_credits_come_back(
    app, simulator, alice, made, ask, fault, code, says
):
    before = balance(alice)
    simulator.faults.tell(**fault, operation="create")
    video_id = ask(alice, made).video_id
    run(app)
    video = videos.get(alice.id, video_id)
    assert (video.status, video.error_code) == ("failed", code)
    assert says in video.error_message
    assert "Your 10 credits are back." in video.error_message
    assert (balance(alice), len(simulator.purchases())) == (before, 1)


def test_a_source_that_is_nobodys_any_more_when_it_is_needed_ends_in_a_refund(app, simulator, alice, made):
    video_id = remix(alice, made).video_id
    app.extensions["doorbell"].client.flushall()
    app.extensions["provider"] = SoraClient("http://elsewhere.invalid/v1")
    videos.submit(video_id)
    video = videos.get(alice.id, video_id)
    assert (video.status, video.error_code) == ("failed", "provider_lost")
    assert audit.check() == []


@on_both_databases
def test_lost_answers_to_a_remix_and_to_the_same_words_alone_are_never_taken_for_each_other(
    app, simulator, alice, bob, made
):
    other = finished(app, videos.request(bob.id, order(app)).video_id)
    simulator.faults.tell("drop", operation="create", count=4)
    asked = {
        videos.request(bob.id, order(app, CHANGE)).video_id: None,
        remix(alice, made).video_id: made,
        remix(bob, other).video_id: other,
        videos.request(alice.id, order(app, CHANGE, seconds=2)).video_id: None,
    }
    run(app, seconds=16)
    jobs = {job["id"]: job for job in simulator.purchases()}
    assert len(jobs) == 2 + len(asked)
    for video_id, source in asked.items():
        video = db.session.get(Video, video_id)
        assert video.status == "completed"
        job = jobs[db.session.scalar(Attempt.accepted(video_id)).provider_job_id]
        source_job = db.session.scalar(Attempt.accepted(source)).provider_job_id if source else None
        assert (job["remixed_from"], job["seconds"]) == (source_job, video.seconds)
    assert audit.check() == []


@pytest.mark.parametrize("lost", ["drop", "drop_before"])
def test_a_lost_extension_is_found_by_its_length_or_not_bought_again_while_in_doubt(app, simulator, alice, made, lost):
    simulator.faults.tell(lost, operation="create", count=1)
    longer = extend(alice, made, seconds=1).video_id
    run(app, seconds=16)
    assert videos.get(alice.id, longer).status == "completed"
    assert [job["seconds"] for job in simulator.purchases()] == [1, 2]

    simulator.faults.tell("drop", operation="create", count=2)  # the same words, and jobs of the same length
    words = "Another thing altogether, twice"
    both = [videos.request(alice.id, order(app, words, seconds=2)).video_id, extend(alice, made, words).video_id]
    run(app, seconds=16)
    assert [db.session.get(Video, video_id).error_code for video_id in both] == ["outcome_unknown"] * 2
    assert len(simulator.purchases()) == 4
    assert audit.check() == []


@pytest.mark.parametrize("edit", [{"remixed_from_video_id": "another-spelling"}, {"remixed_from_video_id": None}])
def test_a_remix_that_the_list_does_not_name_plainly_is_neither_adopted_nor_bought_again(
    app, simulator, alice, made, edit
):
    simulator.faults.tell("drop", operation="create", count=1)
    simulator.faults.tell("edit", operation="list", set=edit)
    video_id = remix(alice, made).video_id
    run(app, seconds=16)
    assert videos.get(alice.id, video_id).error_code == "outcome_unknown"
    assert len(simulator.purchases()) == 2


@on_both_databases
def test_lost_answers_to_variations_are_shared_out_among_them(app, simulator, alice):
    simulator.faults.tell("drop", operation="create", count=3)
    asked = videos.request(alice.id, order(app), count=4).video_ids
    run(app, seconds=16)
    jobs = [db.session.scalar(Attempt.accepted(video_id)).provider_job_id for video_id in asked]
    assert {videos.get(alice.id, video_id).status for video_id in asked} == {"completed"}
    assert sorted(jobs) == sorted(job["id"] for job in simulator.purchases())
    assert audit.check() == []
