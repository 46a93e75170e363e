"""The library, the page of one video, its files, and what can be done with it."""

import re
from datetime import UTC, datetime

import pytest
from visitor import Visitor

from aivideo.adapters import catalogue, storage
from aivideo.core.video import Stage, Status
from aivideo.models import Video
from aivideo.services import accounts, videos
from aivideo.transaction import transaction
from aivideo.web import library

PROMPT = "A cat walks slowly through the rain"
CLIP = bytes(range(256)) * 40
HTMX = {"HX-Request": "true"}


def visitor(app, email: str) -> Visitor:
    app.config["WTF_CSRF_ENABLED"] = True
    somebody = Visitor(app)
    somebody.sign_in(email)
    app.config["WTF_CSRF_ENABLED"] = False
    return somebody


@pytest.fixture
def hers(app, alice):
    return visitor(app, "alice@example.com")


@pytest.fixture
def his(app, bob):
    return visitor(app, "bob@example.com")


def order(user, prompt: str = PROMPT, **choices) -> int:
    return videos.request(user.id, catalogue().order(prompt, **choices)).video_id


def finish(video_id: int, tmp_path) -> None:
    """Put a clip and a poster in place and the video into its closing state."""
    (tmp_path / "clip").write_bytes(CLIP)
    with transaction() as session:
        video = session.get(Video, video_id)
        video.stage, video.status, video.due_at, video.completed_at = (
            Stage.ENDED,
            Status.COMPLETED,
            None,
            datetime.now(UTC),
        )
        video.file_name, video.poster_name = f"clip_{video_id}.mp4", f"poster_{video_id}.webp"
        video.file_bytes = len(CLIP)
    storage().save(f"clip_{video_id}.mp4", tmp_path / "clip", "video/mp4")
    storage().save(f"poster_{video_id}.webp", tmp_path / "clip", "image/webp")


def tiles(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'id="tile-(\d+)"', page)]


def test_an_empty_library_says_what_to_do(hers):
    page = hers.get("/videos").text
    assert "Your videos will be kept here." in page
    assert "Make your first video" in page


def test_the_library_shows_ones_own_videos_newest_first(hers, alice, bob):
    first, _, third = order(alice), order(bob), order(alice, "Another one, of a dog in the snow")
    assert tiles(hers.get("/videos").text) == [third, first]


def test_a_page_leads_to_the_next_by_a_real_link(hers, alice):
    for _ in range(10):  # as many as the credits reach
        order(alice)
    everything = list(range(10, 0, -1))
    seen, path = [], "/videos"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "PAGE", 4)
        while path:
            page = hers.get(path).text
            seen += tiles(page)
            link = re.search(r'rel="next" href="([^"]+)"', page)
            path = link[1].replace("&amp;", "&") if link else ""
    assert seen == everything


def test_the_filter_shows_one_status(hers, alice, tmp_path):
    waiting, done = order(alice), order(alice)
    finish(done, tmp_path)
    assert tiles(hers.get("/videos?status=completed").text) == [done]
    assert tiles(hers.get("/videos?status=pending").text) == [waiting]
    assert "No failed videos." in hers.get("/videos?status=failed").text
    for wrong in ("/videos?status=nonsense", "/videos?cursor=x"):
        assert hers.get(wrong).headers["Location"] == "/videos"


def test_one_video_shows_its_details_and_its_whole_log(hers, alice):
    video_id = order(alice, seconds=12, size="720x1280")
    page = hers.get(f"/videos/{video_id}").text
    for words in (PROMPT, "Sora 2", "720 × 1280", "12 s", "150 credits", "🚀 Video generation task started"):
        assert words in page
    assert f'hx-sse:connect="/videos/{video_id}/stream?after=1"' in page
    assert '<noscript><meta http-equiv="refresh"' in page


def test_an_ended_video_needs_no_stream_and_no_reload(hers, alice, tmp_path):
    video_id = order(alice)
    finish(video_id, tmp_path)
    page = hers.get(f"/videos/{video_id}").text
    assert f'src="/videos/{video_id}/file"' in page
    assert f'poster="/videos/{video_id}/poster"' in page
    assert "hx-sse:connect" not in page
    assert "http-equiv" not in page


def test_the_file_is_sent_in_ranges_and_not_twice(hers, alice, tmp_path):
    video_id = order(alice)
    assert hers.get(f"/videos/{video_id}/file", buffered=True).status_code == 404
    finish(video_id, tmp_path)
    whole = hers.get(f"/videos/{video_id}/file", buffered=True)
    assert (whole.status_code, whole.mimetype, whole.data) == (200, "video/mp4", CLIP)
    part = hers.get(f"/videos/{video_id}/file", headers={"Range": "bytes=100-199"}, buffered=True)
    assert (part.status_code, part.data) == (206, CLIP[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(CLIP)}"
    again = hers.get(f"/videos/{video_id}/file", headers={"If-None-Match": whole.headers["ETag"]}, buffered=True)
    assert again.status_code == 304
    for answer in (whole, part, again):
        assert "private" in answer.headers["Cache-Control"]


def test_a_download_has_a_name(hers, alice, tmp_path):
    video_id = order(alice)
    finish(video_id, tmp_path)
    shown = hers.get(f"/videos/{video_id}/file", buffered=True)
    saved = hers.get(f"/videos/{video_id}/file?download=1", buffered=True)
    assert shown.headers["Content-Disposition"].startswith("inline")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="{PROMPT}.mp4"'


def test_the_poster_may_be_kept_by_its_owners_browser(hers, alice, tmp_path):
    video_id = order(alice)
    assert hers.get(f"/videos/{video_id}/poster", buffered=True).status_code == 404
    finish(video_id, tmp_path)
    poster = hers.get(f"/videos/{video_id}/poster", buffered=True)
    assert (poster.status_code, poster.mimetype) == (200, "image/webp")
    assert "private" in poster.headers["Cache-Control"]
    assert "max-age=86400" in poster.headers["Cache-Control"]


def test_the_file_is_also_for_a_token(client, alice, tmp_path):
    video_id = order(alice)
    finish(video_id, tmp_path)
    token = accounts.issue_token(alice.id)
    answer = client.get(f"/videos/{video_id}/file", headers={"Authorization": f"Bearer {token}"}, buffered=True)
    assert answer.data == CLIP


def test_somebody_elses_video_does_not_exist(his, alice, tmp_path):
    video_id = order(alice)
    finish(video_id, tmp_path)
    for path in ("", "/file", "/poster", "/card"):
        assert his.get(f"/videos/{video_id}{path}").status_code == 404
    for act in ("cancel", "delete"):
        assert his.client.post(f"/videos/{video_id}/{act}").status_code == 404
    assert videos.get(alice.id, video_id).hidden_at is None


def test_a_stranger_signs_in_first_and_comes_back(client, alice):
    video_id = order(alice)
    answer = client.get(f"/videos/{video_id}")
    assert answer.headers["Location"] == f"/login?next=/videos/{video_id}"
    assert client.get(f"/videos/{video_id}/file", buffered=True).status_code in (302, 401)


def test_cancelling_shows_what_became_of_it(hers, alice):
    video_id = order(alice)
    fragment = hers.client.post(f"/videos/{video_id}/cancel", headers=HTMX)
    assert fragment.status_code == 200
    assert fragment.text.strip().startswith(f'<div id="live-{video_id}"')
    assert "Cancelled before it was sent. Your credits are back." in fragment.text
    again = hers.client.post(f"/videos/{video_id}/cancel")
    assert again.headers["Location"] == f"/videos/{video_id}"
    assert "This video has already ended, so it cannot be cancelled." in hers.get(f"/videos/{video_id}").text


def test_deleting_takes_it_out_of_the_library(hers, alice, tmp_path):
    video_id = order(alice)
    finish(video_id, tmp_path)
    answer = hers.client.post(f"/videos/{video_id}/delete")
    assert answer.headers["Location"] == "/videos"
    page = hers.get("/videos").text
    assert "The video and its files are deleted." in page
    assert tiles(page) == []
    assert hers.get(f"/videos/{video_id}/file", buffered=True).status_code == 404
