"""The studio's page and its form, without a browser."""

import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from provider_inside import time_passes, work_off
from sqlalchemy import select
from visitor import Visitor

from aivideo.core.video import Stage, Status
from aivideo.extensions import db
from aivideo.models import User, Video
from aivideo.services import accounts, credits, videos
from aivideo.transaction import transaction
from aivideo.web.forms import EXAMPLE

PROMPT = "A cat walks slowly through the rain"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def hers(app, alice):
    return _signed_in(app, "alice@example.com")


def _signed_in(app, email: str) -> Visitor:
    visitor = Visitor(app)
    app.config["WTF_CSRF_ENABLED"] = True
    visitor.sign_in(email)
    app.config["WTF_CSRF_ENABLED"] = False
    return visitor


def send(visitor, *, htmx=True, **fields):
    form = {"prompt": PROMPT, "model": "sora-2", "size": "1280x720", "seconds": "8", "picture": "", **fields}
    return visitor.client.post("/videos", data=form, headers=HTMX if htmx else {})


def key_in(page: str) -> str:
    found = re.search(r'name="request_key" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def balance(user) -> int:
    db.session.expire_all()
    return db.session.get(User, user.id).credits


def end(video_id: int, status: str = Status.COMPLETED, ago: timedelta = timedelta()) -> None:
    with transaction() as session:
        video = session.get(Video, video_id)
        video.stage, video.status, video.due_at = Stage.ENDED, status, None
        video.completed_at = datetime.now(UTC) - ago


def run(app) -> None:
    """Let the workers go on until nothing is under way."""
    while any(not video.ended for video in db.session.scalars(select(Video))):
        work_off(app)
        time_passes(2)
        db.session.expire_all()


def test_a_stranger_is_sent_to_sign_in(client):
    assert client.get("/").headers["Location"].startswith("/login")
    assert client.post("/videos", data={"prompt": PROMPT}).headers["Location"].startswith("/login")


def test_the_form_starts_with_the_default_and_its_price(hers):
    page = hers.get("/").text
    assert "Generate" in page
    assert " · 100 credits" in page
    assert "900 left after" in page
    for chosen in ('value="1280x720" checked', 'value="8" checked', 'value="" checked'):
        assert chosen in page
    assert key_in(page) != key_in(hers.get("/").text)


def test_the_price_of_every_choice_is_on_the_page(hers):
    found = re.search("data-prices='([^']+)'", hers.get("/").text)
    assert found
    prices = json.loads(found[1])
    assert prices["sora-2"]["sizes"]["720x1280"] == {"4": 50, "8": 100, "12": 150}
    assert prices["sora-2-pro"]["sizes"]["1792x1024"] == {"4": 250, "8": 500, "12": 750}
    assert (prices["sora-2"]["default"], prices["sora-2"]["size"]) == (8, "1280x720")


def test_the_simulator_is_named_on_every_page(hers, client):
    for page in (hers.get("/"), hers.get("/videos"), hers.get("/nothing"), client.get("/login")):
        assert "Simulator: videos are drawn here, nothing is bought." in page.text


def test_sending_the_form_brings_the_card_the_balance_and_a_fresh_form(hers, alice):
    key = key_in(hers.get("/").text)
    answer = send(hers, request_key=key, model="sora-2-pro", size="1024x1792", seconds="4")
    assert answer.status_code == 200
    assert '<hx-partial hx-target="#now" hx-swap="afterbegin">' in answer.text
    assert 'id="video-1"' in answer.text
    assert "🚀 Video generation task started" in answer.text
    assert 'data-credits="750"' in answer.text
    assert "500 left after" in answer.text
    assert 'value="1024x1792" checked' in answer.text
    assert f">{PROMPT}</textarea>" not in answer.text
    assert key_in(answer.text) != key
    assert balance(alice) == 750


def test_without_htmx_the_form_leads_to_the_video(hers):
    answer = send(hers, htmx=False, request_key="a")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/videos/1")
    again = send(hers, htmx=False, request_key="a")
    assert again.headers["Location"] == "/videos/1"
    assert "You have this video already" in hers.get("/videos/1").text


def test_the_same_key_and_content_show_the_first_video(hers, alice):
    send(hers, request_key="a")
    again = send(hers, request_key="a")
    assert again.status_code == 200
    assert 'id="video-1"' in again.text
    assert "You have this video already" in again.text
    assert f">{PROMPT}</textarea>" in again.text
    assert key_in(again.text) != "a"
    assert balance(alice) == 900


def test_the_same_key_with_other_content_is_another_video_and_only_one(hers, alice):
    send(hers, request_key="a")
    for _ in range(2):  # the edit is sent twice
        send(hers, request_key="a", prompt="A dog walks slowly through the snow")
    assert [video.prompt[:5] for video in videos.page(alice.id).videos] == ["A dog", "A cat"]
    send(hers, request_key="a", prompt="A dog walks slowly through the snow", seconds="4")
    assert balance(alice) == 1000 - 100 - 100 - 50


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"prompt": "short"}, "Describe your video in at least 10 characters."),
        ({"prompt": "x" * 4001}, "Keep the prompt to 4000 characters; this one has 4001."),
        ({"model": "sora-9"}, "There is no model “sora-9”."),
        ({"size": "1792x1024"}, "Sora 2 cannot make 1792x1024."),
        ({"seconds": "9"}, "Sora 2 cannot make 9 seconds."),
        ({"picture": "../secret"}, "There is no trial picture"),
    ],
)
def test_what_is_wrong_is_said_under_its_field_and_nothing_is_lost(hers, alice, fields, words):
    sent = {"prompt": PROMPT, "request_key": "b", **fields}
    for htmx in (True, False):
        answer = send(hers, htmx=htmx, **sent)
        assert answer.status_code == 422
        assert words in answer.text
        assert f">{sent['prompt']}</textarea>" in answer.text
        assert ("<html" in answer.text) is not htmx
    assert balance(alice) == 1000


def test_a_prompt_is_text_wherever_it_appears(hers):
    nasty = "</textarea><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    for page in (send(hers, prompt=nasty), send(hers, prompt=nasty, seconds="9"), hers.get("/"), hers.get("/videos/1")):
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text


def test_line_ends_count_once(hers, alice):
    send(hers, prompt="Two lines:\r\na river,\r\na bridge")
    assert videos.get(alice.id, 1).prompt == "Two lines:\na river,\na bridge"


def test_too_few_credits_are_said_before_and_after(app, hers, alice):
    credits.grant(alice.id, 1)
    with transaction() as session:
        session.get(User, alice.id).credits = 40
    assert "You have 40 credits, this needs 100" in hers.get("/").text
    answer = send(hers)
    assert answer.status_code == 402
    assert "This video costs 100 credits and you have 40. Nothing was charged." in answer.text


def test_a_plan_that_cannot_generate_says_so(app):
    accounts.create("free@example.com", "correct horse battery", plan="free", credits=500)
    visitor = _signed_in(app, "free@example.com")
    assert "does not include generating videos" in visitor.get("/").text
    answer = send(visitor)
    assert answer.status_code == 403
    assert "Your plan “Free” does not include generating videos. Nothing was charged." in answer.text


def test_an_uploaded_picture_counts_before_a_chosen_one(hers, alice):
    data = io.BytesIO()
    Image.new("RGB", (640, 360), "teal").save(data, "PNG")
    data.seek(0)
    send(hers, picture="night-city", input_reference=(data, "cat.png"))
    send(hers, picture="night-city", request_key="c", input_reference=(io.BytesIO(), ""))
    first, second = videos.get(alice.id, 1), videos.get(alice.id, 2)
    assert first.picture_hash
    assert second.picture_hash
    assert first.picture_hash != second.picture_hash


def test_a_file_that_is_no_picture_is_refused_in_words(hers, alice):
    answer = send(hers, input_reference=(io.BytesIO(b"GIF89a, not really"), "cat.gif"))
    assert answer.status_code == 422
    assert 'id="input_reference-error"' in answer.text
    assert balance(alice) == 1000


def test_too_much_is_answered_in_words(app, hers):
    assert app.config["MAX_CONTENT_LENGTH"] > 20 * 1024 * 1024
    app.config["MAX_CONTENT_LENGTH"] = 10_000
    answer = send(hers, input_reference=(io.BytesIO(bytes(20_000)), "huge.png"))
    assert answer.status_code == 413
    assert "A picture may have up to 20 MB." in answer.text
    assert "<html" not in answer.text


def test_the_desk_shows_what_is_under_way_or_just_ended_and_the_strip_the_rest(hers, alice):
    for number in range(4):
        send(hers, request_key=f"k{number}", prompt=f"Video number {number} of four")
    end(1, ago=timedelta(hours=2))
    end(2, Status.FAILED)
    page = hers.get("/").text
    assert re.findall(r'<article id="(\w+-\d)"', page) == ["video-4", "video-3", "video-2", "tile-1"]


def test_a_video_under_way_stays_on_the_desk_however_many_came_after(hers, alice):
    for number in range(12):
        send(hers, request_key=f"k{number}", model="sora-2", seconds="4", prompt=f"Video number {number} of twelve")
        if number:
            end(number + 1, ago=timedelta(hours=2))
    page = hers.get("/").text
    assert re.findall(r'id="(video-\d+)"', page) == ["video-1"]


def test_an_earlier_video_or_the_example_fills_the_form(hers, alice):
    send(hers, prompt="A prompt worth another try", size="720x1280", seconds="12")
    page = hers.get("/?from=1").text
    assert ">A prompt worth another try</textarea>" in page
    assert 'value="720x1280" checked' in page
    assert 'value="12" checked' in page
    assert f">{EXAMPLE}</textarea>" in hers.get("/?example=1").text
    for wrong in ("/?from=2", "/?from=x", "/?from=99999999999999999999", "/?remix=2", "/?frame_of=1", "/?pin=²"):
        assert "></textarea>" in hers.get(wrong).text


def test_variations_are_all_paid_and_shown_at_once(hers, alice):
    answer = send(hers, count="3", seconds="4")
    assert re.findall(r'<article id="(video-\d)"', answer.text) == ["video-3", "video-2", "video-1"]
    assert 'data-credits="850"' in answer.text
    assert 'name="count" value="1" checked' in answer.text
    refused = send(hers, count="4", model="sora-2-pro", request_key="b")
    assert refused.status_code == 402
    assert "These 4 videos cost 1200 credits and you have 850. Nothing was charged." in refused.text
    assert "Generate 4" in refused.text
    assert "Choose fewer, shorter or smaller videos" in refused.text
    assert "Choose 1 to 4 videos." in send(hers, count="5").text
    assert send(hers, htmx=False, count="2", request_key="c", seconds="4").headers["Location"] == "/"
    assert balance(alice) == 750


def test_a_finished_video_is_changed_and_gone_on_with(app, hers, alice, bob, simulator):
    send(hers, size="720x1280", seconds="12", picture="night-city")
    assert "Wait until this one is ready." in hers.get("/?remix=1").text
    run(app)
    page = hers.get("/?remix=1").text
    assert "Change video 1" in page
    assert "What should be different?" in page
    assert 'name="remix_of" value="1"' in page
    for absent in ('name="seconds" value="4"', 'type="file"', "<select"):
        assert absent not in page
    assert " · 150 credits" in page
    answer = send(hers, remix_of="1", prompt="The same in the snow", model="sora-2-pro", seconds="4", request_key="b")
    assert answer.status_code == 200
    assert "What should be different?" not in answer.text
    page = hers.get("/?extend=1").text
    assert "Extend video 1" in page
    assert 'name="seconds" value="4"' in page
    answer = send(hers, extend_of="1", prompt="The lights go out", seconds="4", count="2", request_key="c")
    assert answer.status_code == 200
    made = [videos.get(alice.id, number) for number in (2, 3, 4)]
    assert [(video.remixed_from_id, video.extended_from_id) for video in made] == [(1, None), (None, 1), (None, 1)]
    assert {(video.model, video.size) for video in made} == {("sora-2", "720x1280")}
    assert [video.seconds for video in made] == [12, 4, 4]
    short = send(hers, remix_of="1", prompt="short")
    assert short.status_code == 422
    assert "Change video 1" in short.text
    his = _signed_in(app, "bob@example.com")
    assert "Change video" not in his.get("/?remix=1").text
    assert send(his, remix_of="1").status_code == 404


def test_what_a_model_cannot_do_is_not_offered_and_refused_in_words(app, hers, simulator):
    send(hers)
    run(app)
    assert 'href="/?remix=1"' in hers.get("/videos/1/card").text
    whole = app.extensions["catalogue"]
    able = [replace(model, capabilities=frozenset()) for model in whole.models]
    app.extensions["catalogue"] = replace(whole, models=tuple(able))
    card = hers.get("/videos/1/card").text
    assert "/?remix=1" not in card
    assert "/?extend=1" not in card
    for what in ("remix", "extend"):
        page = hers.get(f"/?{what}=1").text
        assert f'name="{what}_of"' not in page
        assert 'class="notice" role="status"' in page
        refused = send(hers, **{f"{what}_of": "1"})
        assert refused.status_code == 409
        assert f">{PROMPT}</textarea>" in refused.text


def test_again_with_changes_brings_the_picture_along(app, hers, alice, bob):
    send(hers, picture="night-city", fit="pad", focus="0.25")
    page = hers.get("/?from=1").text
    assert 'data-source="/videos/1/picture"' in page
    assert 'name="picture_of" value="1"' in page
    assert 'value="pad" checked' in page
    assert 'name="focus" min="0" max="1" step="0.01" value="0.25"' in page
    assert hers.get("/videos/1/picture").content_type == "image/webp"
    send(hers, picture="again", picture_of="1", focus="1", request_key="b")
    first, second = videos.get(alice.id, 1), videos.get(alice.id, 2)
    assert (first.picture_name, first.picture_hash) == (second.picture_name, second.picture_hash)
    assert (second.picture_fit, second.picture_focus) == ("crop", 1)
    his = _signed_in(app, "bob@example.com")
    assert his.get("/videos/1/picture").status_code == 404
    refused = send(his, picture="again", picture_of="1")
    assert refused.status_code == 422
    assert "The video this picture is from is gone." in refused.text
    assert send(hers, picture="night-city", fit="stretch").status_code == 422
    assert send(hers, picture="night-city", focus="nan").status_code == 422


def test_a_frame_of_ones_own_video_begins_the_next(app, hers, alice, bob, simulator):
    send(hers)
    assert "Your finished videos are offered here" in hers.get("/frames").text
    assert hers.get("/frames?of=1").status_code == 404
    run(app)
    assert 'href="/frames?of=1"' in hers.get("/frames").text
    assert 'name="frame_at" min="0"' in hers.get("/frames?of=1").text
    page = hers.get("/?frame_of=1&frame_at=0.5").text
    assert 'value="frame" checked data-source="/videos/1/frame?at=0.5"' in page
    assert hers.get("/videos/1/frame?at=0.5").content_type == "image/jpeg"
    assert send(hers, picture="frame", frame_of="1", frame_at="0.5", request_key="b").status_code == 200
    assert videos.get(alice.id, 2).picture_hash
    for wrong in ({"frame_at": "x"}, {"frame_of": "9"}, {"frame_at": "1e9"}):
        refused = send(hers, **{"picture": "frame", "frame_of": "1", "frame_at": "0.5", **wrong})
        assert refused.status_code == 422
        assert 'id="input_reference-error"' in refused.text
    typed = {"prompt": "Two words", "size": "720x1280", "count": "3", "request_key": "c"}
    assert 'name="of" value="1"' in (page := hers.post("/frames", **typed).text)
    assert 'name="prompt" value="Two words"' in page
    assert 'name="prompt" value="Two words"' in hers.post("/frames", **typed, of="1").text
    page = hers.post("/", **typed, frame_of="1", frame_at="0.5").text
    assert 'value="frame" checked data-source="/videos/1/frame?at=0.5"' in page
    assert ">Two words</textarea>" in page
    assert 'value="720x1280" checked' in page
    page = hers.post("/", **typed, frame_of="9", frame_at="0.5").text
    assert ">Two words</textarea>" in page
    assert 'value="frame" checked' not in page
    his = _signed_in(app, "bob@example.com")
    assert "Begin with this frame" not in his.get("/frames?of=1").text
    assert send(his, picture="frame", frame_of="1", frame_at="0").status_code == 422


def test_a_spent_budget_is_said_before_the_click(app, hers):
    app.config["SETTINGS"] = app.config["SETTINGS"].model_copy(update={"monthly_budget_usd": 1.0})
    assert "paused" not in hers.get("/").text
    send(hers, seconds="8")
    page = hers.get("/").text
    assert "This studio has used up its budget for the month, so new videos are paused." in page
    assert re.search(r'id="generate"[^>]* disabled', page)


def test_a_card_by_itself_is_only_for_its_owner(app, hers, bob):
    send(hers)
    assert 'id="video-1"' in hers.get("/videos/1/card").text
    his = _signed_in(app, "bob@example.com")
    assert his.get("/videos/1/card").status_code == 404
    assert his.get("/?from=1").text.count(PROMPT) == 0


def test_a_form_without_its_token_is_refused(app, hers, alice):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = hers.client.post("/videos", data={"prompt": PROMPT})
    assert answer.status_code == 400
    assert balance(alice) == 1000
