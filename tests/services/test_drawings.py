"""The poster that its user chose, and the moving preview: drawn at leisure, kept in storage, gone with the video."""

from datetime import timedelta

import pytest
import requests
from PIL import Image
from provider_inside import time_passes, work_off
from sqlalchemy import select

from aivideo import events
from aivideo.adapters import storage
from aivideo.core.errors import InvalidInput, NotFound, NotReady
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.services import audit, videos
from aivideo.services.videos import leases
from aivideo.storage import LocalStorage

PROMPT = "A cat walks slowly through the rain"


@pytest.fixture
def order(app):
    return app.extensions["catalogue"].order(PROMPT, seconds=4)


def finished(app, user, order) -> int:
    """A video whose clip, of one second, is there; nobody has drawn its preview yet, nor is rung for it."""
    made = videos.request(user.id, order).video_id
    for _ in range(20):
        videos.submit(made)
        videos.poll()
        videos.save(made)
        if look(made).ended:
            app.extensions["doorbell"].client.delete("rq:queue:previews")
            return made
        time_passes(3)
    raise AssertionError("it never ended")


def look(video_id: int) -> Video:
    db.session.expire_all()
    return db.session.scalar(select(Video).where(Video.id == video_id))


def size_of(name: str, tmp_path) -> tuple[int, int]:
    storage().read(name, tmp_path / "copy")
    with Image.open(tmp_path / "copy") as image:
        return image.size


@pytest.fixture(params=["local", "s3"])
def anywhere(request):
    """The app keeps its files on disk, then in a bucket."""
    if request.param == "s3":
        address, monkeypatch = request.getfixturevalue("s3_server"), request.getfixturevalue("monkeypatch")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        requests.post(f"{address}/moto-api/reset", timeout=10).raise_for_status()
        requests.put(f"{address}/studio", timeout=10).raise_for_status()
        request.getfixturevalue("overrides").update(S3_BUCKET="studio", S3_ENDPOINT_URL=address)
    return request.param


def test_what_is_drawn_of_a_video_is_kept_with_it_and_goes_with_it(anywhere, app, simulator, alice, order, tmp_path):
    made = finished(app, alice, order)
    assert look(made).fps == 24
    clip, first = look(made).file_name, look(made).poster_name
    assert look(made).preview_name is None
    assert events.snapshot(look(made))["preview_url"] == f"/videos/{made}/preview"
    assert videos.draw_preview(made) == videos.draw_preview(made) == look(made).preview_name
    assert size_of(look(made).preview_name, tmp_path) == (320, 180)

    assert events.snapshot(look(made))["poster_url"] == f"/videos/{made}/poster"
    videos.choose_poster(alice.id, made, 0.5)
    chosen = look(made).poster_name
    assert events.snapshot(look(made))["poster_url"] == f"/videos/{made}/poster?v=0.5"
    assert size_of(chosen, tmp_path) == (320, 180)
    assert videos.choose_poster(alice.id, made, 0.5).poster_name == chosen
    assert videos.choose_poster(alice.id, made, 0.75).poster_name not in (first, chosen)
    kept = {clip, look(made).poster_name, look(made).preview_name}
    assert set(storage().names()) == kept
    assert audit.check() == []

    videos.delete(alice.id, made)
    work_off(app)
    assert list(storage().names()) == []
    assert videos.draw_preview(made) is None


def test_the_job_that_draws_is_rung_when_a_video_is_completed(app, simulator, alice, order):
    made = videos.request(alice.id, order).video_id
    rung = []
    for _ in range(20):
        work_off(app, before=lambda job: rung.append((job.origin, job.id)))
        if look(made).ended:
            break
        time_passes(3)
    assert ("previews", f"preview-{made}-{look(made).seq}") in rung
    assert storage().exists(look(made).preview_name)


def test_never_two_draw_one_preview_at_a_time(app, simulator, alice, order):
    made = finished(app, alice, order)
    assert leases.hold(f"preview-{made}", "somebody else", timedelta(minutes=1))
    assert videos.draw_preview(made) is None
    time_passes(61)
    assert videos.draw_preview(made) is not None
    assert leases.hold(f"preview-{made}", "whoever", timedelta(minutes=1))  # it was let go


def test_a_preview_that_cannot_be_drawn_says_nothing_about_the_video(app, simulator, alice, order, tmp_path):
    made = finished(app, alice, order)
    whole = storage().path(look(made).file_name)
    clip = whole.read_bytes()
    whole.write_bytes(b"damaged")
    before = (look(made).status, look(made).seq, look(made).due_at)
    assert videos.draw_preview(made) is None
    whole.write_bytes(clip)
    assert videos.draw_preview(made) is None, "not again at once"
    assert (look(made).status, look(made).seq, look(made).due_at) == before
    time_passes(61)
    assert videos.draw_preview(made) is not None


@pytest.mark.parametrize("moment", [-0.1, 1.5, float("nan"), float("inf")])
def test_a_moment_outside_of_the_clip_is_refused(app, simulator, alice, order, moment):
    made = finished(app, alice, order)
    with pytest.raises(InvalidInput, match="between 0 and 1 seconds"):
        videos.choose_poster(alice.id, made, moment)
    assert look(made).poster_at is None


def test_there_is_no_poster_to_choose_of_what_is_not_finished_or_not_ones_own(app, simulator, alice, bob, order):
    waiting = videos.request(alice.id, order).video_id
    with pytest.raises(NotReady):
        videos.choose_poster(alice.id, waiting, 0.5)
    assert videos.draw_preview(waiting) is None
    with pytest.raises(NotFound):
        videos.choose_poster(bob.id, finished(app, alice, order), 0.5)


class DeletesMeanwhile(LocalStorage):
    """While it saves, the user deletes the video."""

    def save(self, name, path, content_type):
        super().save(name, path, content_type)
        for video in db.session.scalars(select(Video).where(Video.hidden_at.is_(None))).all():
            videos.delete(video.user_id, video.id)


@pytest.mark.parametrize("act", ["poster", "preview"])
def test_nothing_is_left_of_a_video_that_is_deleted_while_something_is_drawn(app, simulator, alice, order, act):
    made = finished(app, alice, order)
    app.extensions["storage"] = DeletesMeanwhile(app.config["SETTINGS"].data_dir / "files")
    if act == "preview":
        assert videos.draw_preview(made) is None
    else:
        with pytest.raises(NotFound):
            videos.choose_poster(alice.id, made, 0.5)
    work_off(app)
    assert list(storage().names()) == []
