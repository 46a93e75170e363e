"""The page of one video: what it tells, its title, poster and files."""

import html
import io
import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from PIL import Image
from provider_inside import time_passes, work_off
from visitor import Visitor

from aivideo.adapters import catalogue, storage
from aivideo.core.video import Stage
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.services import accounts, pictures, videos
from aivideo.transaction import transaction

PROMPT = "A cat walks slowly through the rain"
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


def order(user, prompt: str = PROMPT, **more) -> int:
    return videos.request(user.id, catalogue().order(prompt, seconds=4), **more).video_id


@pytest.fixture
def made(app, simulator, alice) -> int:
    """A finished video of Alice's; its clip is one second long, four were ordered."""
    return finish(app, order(alice))


def finish(app, video_id: int) -> int:
    for _ in range(20):
        work_off(app)
        db.session.expire_all()
        if db.session.get(Video, video_id).stage == Stage.ENDED:
            return video_id
        time_passes(3)
    raise AssertionError("it never ended")


def facts(page: str) -> dict[str, str]:
    """What the list of details says, as plain words."""
    found = re.findall(r"<dt>(.*?)</dt>\s*<dd[^>]*>(.*?)</dd>", page.split('id="about"')[1], re.DOTALL)
    return {name: " ".join(html.unescape(re.sub("<[^>]+>", "", text)).split()) for name, text in found}


def test_a_finished_video_tells_everything_about_itself(hers, made):
    page = hers.get(f"/videos/{made}").text
    told = facts(page)
    size = db.session.get(Video, made).file_bytes
    assert told["Model"] == "Sora 2"
    assert told["Size"] == "320 × 180"
    assert told["Length"] == "1.0 s, 4 s ordered"
    assert told["Frames"] == "24 a second"
    assert told["File"] == f"{size / 1_000_000:.1f} MB, MP4"
    assert told["Started from"] == "the prompt alone"
    assert told["Price"] == "50 credits"
    assert told["Note"] == "The clip is 1.0 s long; 4 s were ordered."
    assert {"Requested", "Took", "Poster"} <= told.keys()
    assert "🎉 Video generation completed successfully!" in page
    for link in (f"/videos/{made}/file?download=1", f"/videos/{made}/receipt", f"/?from={made}"):
        assert f'href="{link}"' in page
    assert f'content="http://localhost/videos/{made}/poster"' in page
    provider_job = page.split('id="about"')[1].split("<section")[0]
    assert "video_" not in provider_job, "the provider's id is the receipt's matter"


def test_only_what_the_model_can_do_is_offered(app, hers, made):
    whole = catalogue()
    for able in ({"remix", "extend"}, {"remix"}, set()):
        models = tuple(replace(model, capabilities=frozenset(able)) for model in whole.models)
        app.extensions["catalogue"] = replace(whole, models=models)
        page = hers.get(f"/videos/{made}").text
        assert {verb for verb in ("remix", "extend") if f'href="/?{verb}={made}"' in page} == able


def test_a_video_leads_to_what_it_was_made_of(app, simulator, hers, alice, made):
    picture = pictures.trial("night-city")
    other = order(alice, picture=picture)
    with transaction() as session:
        session.get(Video, other).remixed_from_id = made
    videos.rename(alice.id, made, "Rain & cat")
    page = hers.get(f"/videos/{other}").text
    assert facts(page)["Remix of"] == "Rain & cat"
    assert f'href="/videos/{made}"' in page
    assert facts(page)["Started from"] == "a picture"
    shown = hers.get(f"/videos/{other}/picture", buffered=True)
    assert Image.open(io.BytesIO(shown.data)).format == "WEBP"
    assert "private" in shown.headers["Cache-Control"]
    assert hers.get(f"/videos/{made}/picture").status_code == 404
    videos.delete(alice.id, made)
    assert facts(hers.get(f"/videos/{other}").text)["Remix of"] == "a deleted video"


def test_a_title_is_given_in_place_and_taken_away_again(hers, made):
    fragment = hers.client.post(f"/videos/{made}/title", data={"title": ' <b>The "Boat"</b>\n'}, headers=HTMX)
    assert fragment.text.strip().startswith(f'<div id="title-{made}"')
    assert "<h1>&lt;b&gt;The &#34;Boat&#34;&lt;/b&gt;</h1>" in fragment.text
    assert "<title>&lt;b&gt;The" in hers.get(f"/videos/{made}").text
    wrong = hers.client.post(f"/videos/{made}/title", data={"title": "x" * 121}, headers=HTMX)
    assert wrong.status_code == 422
    assert "Use up to 120 characters" in wrong.text
    assert "x" * 121 in wrong.text, "what was typed is not lost"
    plain = hers.client.post(f"/videos/{made}/title", data={"title": "x" * 121})
    assert plain.headers["Location"] == f"/videos/{made}"
    assert "Use up to 120 characters" in hers.get(f"/videos/{made}").text
    hers.client.post(f"/videos/{made}/title", data={"title": " "})
    assert f"<h1>{PROMPT}</h1>" in hers.get(f"/videos/{made}").text


def test_the_poster_is_chosen_with_and_without_javascript(hers, made):
    fragment = hers.client.post(f"/videos/{made}/poster", data={"at": "0.521"}, headers=HTMX)
    assert f'src="/videos/{made}/poster?v=0.521"' in fragment.text
    plain = hers.client.post(f"/videos/{made}/poster", data={"at": "0.75"})
    assert plain.headers["Location"] == f"/videos/{made}"
    page = hers.get(f"/videos/{made}").text
    assert "This frame is the poster now." in page
    assert f'poster="/videos/{made}/poster?v=0.75"' in page
    assert f'src="/videos/{made}/poster?v=0.75"' in hers.get("/videos").text
    assert Image.open(io.BytesIO(hers.get(f"/videos/{made}/poster?v=0.75", buffered=True).data)).size == (320, 180)
    for wrong in ({"at": "-1"}, {"at": "nan"}, {"at": "soon"}, {}):
        answer = hers.client.post(f"/videos/{made}/poster", data=wrong)
        assert answer.status_code == 422
        assert "between 0 and 1 seconds" in answer.text


def test_every_file_is_saved_under_the_title(hers, alice, made):
    videos.rename(alice.id, made, 'Über "den" Wolken/../\\ x')
    for path, ending in (("file", ".mp4"), ("poster", ".webp"), ("preview", " (preview).webp")):
        answer = hers.get(f"/videos/{made}/{path}?download=1", buffered=True)
        disposition = answer.headers["Content-Disposition"]
        assert answer.status_code == 200
        assert disposition.startswith("attachment;")
        named = re.search(r"filename\*=UTF-8''([^;]+)", disposition)
        assert unquote(named[1]) == f"Über den Wolken .. x{ending}"
        assert hers.get(f"/videos/{made}/{path}", buffered=True).headers["Content-Disposition"].startswith("inline")


def test_the_preview_is_there_and_drawn_on_demand_where_it_is_not(app, client, hers, alice, bob, made):
    def forget():
        with transaction() as session:
            video = session.get(Video, made)
            storage().delete(video.preview_name)
            video.preview_name = None

    token = {"Authorization": f"Bearer {accounts.issue_token(alice.id)}"}
    for fetch in (
        lambda: hers.get(f"/videos/{made}/preview", buffered=True),
        lambda: client.get(f"/videos/{made}/preview", headers=token, buffered=True),
    ):
        answer = fetch()
        assert (answer.status_code, answer.mimetype) == (200, "image/webp")
        assert "private" in answer.headers["Cache-Control"]
        assert "max-age=86400" in answer.headers["Cache-Control"]
        assert Image.open(io.BytesIO(answer.data)).n_frames == 8
        forget()
    his = visitor(app, "bob@example.com")
    for path in ("preview", "picture"):
        assert his.get(f"/videos/{made}/{path}").status_code == 404
    for act in ("title", "poster"):
        assert his.client.post(f"/videos/{made}/{act}", data={"title": "Mine", "at": "0.5"}).status_code == 404
    assert videos.get(alice.id, made).preview_name is None
    assert hers.get(f"/videos/{order(alice)}/preview").status_code == 404


def test_a_video_that_failed_says_why_and_what_came_back(app, simulator, hers, alice):
    simulator.faults.tell("moderation_blocked", operation="create")
    failed = finish(app, order(alice))
    page = hers.get(f"/videos/{failed}").text
    assert "Refused by moderation" in page
    assert "Your 50 credits are back." in page
    assert facts(page)["Price"] == "50 credits, returned"
    assert "Change and try again" in page
    for absent in ("Remix", "Extend", "?download=1", "Poster"):
        assert absent not in page.split('id="about"')[1].split("<section")[0], absent


def test_a_video_that_came_too_late_says_that_it_is_free(hers, alice, made):
    with transaction() as session:
        session.get(Video, made).late = True
    assert "your 50 credits came back. The video is yours at no charge." in hers.get(f"/videos/{made}").text
