"""The library, the page of one video, its files, and what can be done with it."""

import html
import re
import time
from datetime import UTC, datetime

import pytest
from provider_inside import time_passes
from sqlalchemy import event
from visitor import Visitor

from aivideo.adapters import catalogue, storage
from aivideo.core.video import Stage, Status
from aivideo.extensions import db
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
    nothing = hers.get("/videos?status=failed").text
    assert "Nothing found." in nothing
    assert 'href="/videos">Show all videos' in nothing
    for wrong in ("/videos?status=nonsense", "/videos?cursor=x", "/videos?sort=x", "/videos?cursor=3&sort=longest"):
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
    for act in ("cancel", "delete", "restore", "favourite", "rename"):
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


def test_deleting_takes_it_out_of_the_library_and_offers_to_undo_it(hers, alice, tmp_path):
    first, second = order(alice), order(alice)
    finish(first, tmp_path)
    answer = hers.client.post(f"/videos/{first}/delete")
    assert answer.headers["Location"] == "/videos"
    page = hers.get("/videos").text
    assert "1 video deleted." in page
    assert tiles(page) == [second]
    assert hers.get(f"/videos/{first}/file", buffered=True).status_code == 404
    seconds = int(re.search(r'data-seconds="(\d+)"', page)[1])
    assert 20 < seconds <= 30
    hers.post("/videos/restore", on="/videos", video=[str(first)])
    page = hers.get("/videos").text
    assert tiles(page) == [second, first]
    assert "deleted" not in page
    assert hers.client.post(f"/videos/{first}/delete").status_code == 302
    assert hers.client.post(f"/videos/{first}/restore").headers["Location"] == f"/videos/{first}"
    hers.client.post(f"/videos/{first}/delete")
    time_passes(33)
    assert "deleted" not in hers.get("/videos").text
    hers.client.post("/videos/restore", data={"video": [first]})
    assert "It is too late to undo that" in hers.get("/videos").text
    answer = hers.client.post("/videos/restore", data={"video": [first]}, headers=HTMX)
    assert "It is too late to undo that" in answer.text


def test_many_are_deleted_or_marked_at_once_with_and_without_htmx(hers, alice, bob):
    made = [order(alice) for _ in range(4)]
    stranger = order(bob)
    back = "/videos?sort=oldest"
    answer = hers.post("/videos/chosen", on="/videos", video=made[:2], act="favourite", back=back)
    assert answer.headers["Location"] == back
    assert tiles(hers.get("/videos?favourite=1").text) == [made[1], made[0]]
    marked = hers.client.post("/videos/chosen", data={"video": made[0], "act": "plain"}, headers=HTMX).text
    assert re.findall(r'hx-target="(#[^"]+)" hx-swap="(\w+)"', marked)[0] == (f"#tile-{made[0]}", "outerMorph")
    assert tiles(hers.get("/videos?favourite=1").text) == [made[1]]
    hers.client.post("/videos/chosen", data={"video": [*made[2:], stranger, "x", "", "9" * 30], "act": "delete"})
    assert tiles(hers.get("/videos").text) == [made[1], made[0]]
    assert "2 videos deleted." in hers.get("/videos").text
    deleted = hers.client.post("/videos/chosen", data={"video": [made[0], made[3]], "act": "delete"}, headers=HTMX).text
    assert f'hx-target="#tile-{made[0]}" hx-swap="delete"' in deleted
    assert f"#tile-{made[3]}" not in deleted, "it was deleted before"
    assert "1 video deleted." in deleted
    assert videos.get(bob.id, stranger).hidden_at is None
    for elsewhere in ("https://evil.example", "//evil.example", "/account", ""):
        answer = hers.client.post("/videos/chosen", data={"act": "nonsense", "back": elsewhere})
        assert answer.headers["Location"] == "/videos"
    too_many = hers.client.post("/videos/chosen", data={"video": list(range(1, 202)), "act": "favourite"})
    assert too_many.status_code == 400
    assert "at most 200 videos at once" in too_many.text


def test_the_star_and_the_title_of_a_video_are_set_by_forms_and_in_place(hers, alice):
    video_id = order(alice)
    hers.post(f"/videos/{video_id}/favourite", on="/videos", favourite="1")
    page = hers.get("/videos").text
    assert 'aria-pressed="true"' in page
    tile = hers.client.post(f"/videos/{video_id}/favourite", data={"favourite": "0"}, headers=HTMX).text
    assert tile.strip().startswith(f'<article id="tile-{video_id}"')
    assert 'aria-pressed="false"' in tile
    assert hers.get(f"/videos/{video_id}/rename").text.strip().startswith(f'<form id="rename-{video_id}"')
    tile = hers.client.post(f"/videos/{video_id}/rename", data={"title": "Rain, slowly"}, headers=HTMX).text
    assert tile.strip().startswith(f'<article id="tile-{video_id}"')
    assert "Rain, slowly" in hers.get("/videos?q=RAIN+slowly").text
    refused = hers.client.post(f"/videos/{video_id}/rename", data={"title": "x" * 121}, headers=HTMX)
    assert refused.status_code == 422
    assert refused.text.strip().startswith(f'<form id="rename-{video_id}"')
    assert "Use up to 120 characters" in refused.text
    assert hers.post(f"/videos/{video_id}/rename", title="").headers["Location"] == "/videos"
    assert videos.get(alice.id, video_id).title is None


def test_a_search_keeps_its_address_from_page_to_page_and_in_its_form(hers, alice):
    for number in range(3):
        order(alice, f'A <b>bold</b> & "quoted" cat, number {number}')
    days = "since=2020-01-01&until=2999-12-31"
    wanted = f"/videos?q=%3Cb%3Ebold+%26&status=pending&model=sora-2&size=1280x720&{days}&sort=oldest"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "PAGE", 2)
        page = hers.get(wanted).text
        assert tiles(page) == [1, 2]
        link = html.unescape(re.search(r'rel="next" href="([^"]+)"', page)[1])
        assert link == f"{wanted}&cursor=2"
        assert tiles(hers.get(link).text) == [3]
    assert 'value="&lt;b&gt;bold &amp;"' in page
    for shown in (
        'value="pending" checked',
        'value="sora-2" selected',
        'value="oldest" selected',
        'value="2020-01-01"',
    ):
        assert shown in page
    assert '<details class="more">' in page, "an open one would lie over what was found"
    odd = hers.get("/videos?q=%00%0a&since=yesterday&until=&favourite=&picture=&sort=&status=&cursor=")
    assert tiles(odd.text) == [3, 2, 1]


def test_what_users_type_is_text_wherever_it_is_shown(hers, alice):
    nasty = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    video_id = order(alice, f"{nasty} in the rain")
    videos.rename(alice.id, video_id, nasty)
    deleted = order(alice, f"{nasty} and away")
    for page in (
        hers.get("/videos", query_string={"q": nasty, "model": nasty, "sort": ""}).text,
        hers.get("/videos/tiles", query_string={"video": video_id, "q": nasty}).text,
        hers.get(f"/videos/{video_id}/rename").text,
        hers.client.post("/videos/chosen", data={"video": video_id, "act": "favourite"}, headers=HTMX).text,
        hers.client.post("/videos/chosen", data={"video": deleted, "act": "delete"}, headers=HTMX).text,
    ):
        assert "<img src=x" not in page
        assert "<script>alert" not in page


def test_tiles_are_given_for_those_asked_for_that_fit_the_search(hers, alice, bob, tmp_path):
    first, second, _, stranger = order(alice), order(alice), order(alice), order(bob)
    finish(second, tmp_path)
    asked = f"/videos/tiles?video={first}&video={second}&video={stranger}&video=x"
    assert tiles(hers.get(asked).text) == [second, first]
    assert tiles(hers.get(f"{asked}&status=completed").text) == [second]
    assert hers.get(f"{asked}&status=nonsense").status_code == 422


def test_a_thousand_videos_take_no_longer_and_weigh_no_more_than_a_page_of_them(hers, his, alice, bob):
    """Alice has 1,000, Bob 10; in one run, each the best of several."""

    def shelf(user, number: int) -> list[Video]:
        return [
            Video(
                user_id=user.id,
                prompt=f"A cat & a dog, number {one}, " + "walking slowly through the rain <at night> " * 80,
                model="sora-2",
                size="1280x720",
                seconds=(4, 8, 12)[one % 3],
                credits=100,
                status="completed",
                stage="ended",
                poster_name="poster.webp",
                file_name="clip.mp4",
                favourite=one % 7 == 0,
            )
            for one in range(number)
        ]

    with transaction() as session:
        session.add_all(shelf(alice, 1000) + shelf(bob, 10))
    queries: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *call: queries.append(call[2]))

    def cost(visitor, path: str) -> float:
        began = time.thread_time()  # what others do on this machine does not count
        assert visitor.get(path).status_code == 200
        return time.thread_time() - began

    for path in (
        "/videos",
        "/videos?q=cat+rain&sort=longest&favourite=1",
        "/videos?sort=dearest",
        "/videos?q=number+99",
    ):
        pairs = [(cost(hers, path), cost(his, path)) for _ in range(10)]
        ratio = min(of_hers for of_hers, _ in pairs) / min(of_his for _, of_his in pairs)
        assert ratio < 3, f"{path}: {ratio:.1f} times as long"
        queries.clear()
        page = hers.get(path)
        assert len(queries) <= 6, queries
        assert len(page.data) <= 60_000, path
        images = re.findall(r"<img [^>]+>", page.text)
        assert images
        assert all('loading="lazy"' in image and 'width="1280" height="720"' in image for image in images)
    deep = hers.get("/videos?cursor=101").text
    assert tiles(deep) == list(range(100, 76, -1))
