"""Second clicks, second tabs, Back, lost connections, sessions that end: nothing is bought twice, nothing is lost."""

import re

import pytest
from streams import Writer

from aivideo.config import ROOT
from aivideo.services import accounts

pytestmark = pytest.mark.browser
LAST_LINE = "🎉 Video generation completed successfully!"


def test_a_double_click_buys_one_video(visit):
    anna = visit()
    page = anna.page
    page.get_by_label("Describe your video").fill("A double click on a button, seen very slowly")
    page.evaluate("() => { const go = document.querySelector('#generate'); go.click(); go.click(); go.click(); }")
    page.locator("#now > .card").first.wait_for()
    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    assert page.locator("#now > .card").count() == 1
    page.reload()
    assert anna.credits() == 900
    assert page.locator("#now > .card").count() == 1


def test_the_same_form_sent_again_shows_the_first_video_and_offers_another(visit):
    berta = visit()
    page = berta.page
    key = page.locator("[name=request_key]").input_value()
    first = berta.make_video("The same prompt, sent twice with one key", seconds=8)
    page.locator("[name=request_key]").evaluate("(input, key) => { input.value = key; }", key)
    page.get_by_label("Describe your video").fill("The same prompt, sent twice with one key")
    page.get_by_role("button", name="Generate").click()
    page.get_by_text("You have this video already").wait_for()
    assert page.locator("#now > .card").count() == 1
    assert berta.credits() == 900
    page.get_by_role("button", name="Generate").click()
    page.wait_for_function("() => document.querySelectorAll('#now > .card').length === 2")
    assert page.locator("#now > .card").first.get_attribute("id") != f"video-{first}"
    assert berta.credits() == 800


def test_back_edit_and_send_makes_another_video_without_javascript(visit):
    carla = visit(java_script_enabled=False)
    page = carla.page
    for number, prompt in enumerate(("A first thought about the sea", "A second thought about the sea"), 1):
        page.get_by_label("Describe your video").fill(prompt)
        page.get_by_role("button", name="Generate").click()
        page.wait_for_url(re.compile(r"/videos/\d+$"))
        assert carla.credits() == 1000 - 100 * number
        page.go_back()
    page.get_by_label("Describe your video").fill("A second thought about the sea")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_url(re.compile(r"/videos/\d+$"))
    assert page.get_by_text("You have this video already").is_visible()
    assert carla.credits() == 800


def test_back_shows_the_desk_as_it_is_by_then_with_what_was_being_written(visit, house):
    dina, hand = visit(), Writer(house.app)
    with hand.inside():
        video_id = hand.video(accounts.find(dina.email).id, lines=1)
    page = dina.go()
    page.get_by_label("Describe your video").fill("A thought that is not finished yet")
    page.locator(f"#video-{video_id}").get_by_role("link", name="All lines").click()
    page.wait_for_url(f"**/videos/{video_id}#log")
    hand.end(video_id, "failed")
    page.go_back()
    page.wait_for_selector(f"#live-{video_id}[data-status=failed]")
    assert page.get_by_label("Describe your video").input_value() == "A thought that is not finished yet"
    assert page.locator("#now > .card").count() == 1


def test_a_video_begun_in_one_tab_appears_in_the_other(visit):
    dora = visit()
    first, second = dora.page, dora.context.new_page()
    second.goto(dora.house.url)
    second.wait_for_selector("html[data-stream=connected]")
    video_id = dora.make_video()
    second.locator(f"#video-{video_id}").wait_for()
    assert second.locator("#balance").get_attribute("data-credits") == "950"
    second.wait_for_selector(f"#live-{video_id}[data-status=completed]", timeout=60_000)
    dora.wait_for_status(video_id)
    for page in (first, second):
        assert page.locator(f"#video-{video_id}").count() == 1


def test_a_lost_connection_is_said_and_comes_back(visit):
    emma = visit()
    page = emma.page
    video_id = emma.make_video()
    card = page.locator(f"#video-{video_id}")
    card.get_by_text("Connected", exact=True).wait_for()
    emma.context.set_offline(True)
    card.get_by_text("Reconnecting to live updates…").wait_for()
    assert not card.get_by_text("Connected", exact=True).is_visible()
    emma.context.set_offline(False)
    emma.wait_for_status(video_id)
    assert card.locator(".log").get_by_text(LAST_LINE).is_visible()
    page.locator("#toasts").get_by_text("Your video is ready").wait_for()


def test_a_player_is_not_reset_by_what_comes_later(visit):
    frida = visit()
    page = frida.page
    video_id = frida.make_video()
    frida.wait_for_status(video_id)
    page.evaluate(
        "id => { window.player = document.querySelector(`#player-${id}`); player.muted = true; player.loop = true;"
        " player.play(); window.told = 0;"
        " document.addEventListener('htmx:sse:after:message', () => { window.told += 1; }); }",
        video_id,
    )
    page.wait_for_function("() => player.currentTime > 0.3")
    # Another connection tells the state of what has just changed once more.
    page.evaluate("document.querySelector('#stream')._htmx.sse.reader.cancel()")
    page.wait_for_function("() => told > 0")
    assert page.evaluate("id => player === document.querySelector(`#player-${id}`) && !player.paused", video_id)
    assert page.evaluate("player.currentTime") > 0.3


def test_what_was_typed_and_chosen_survives_a_refusal(visit):
    greta = visit(credits=40)
    page = greta.page
    assert page.get_by_text("60 credits short").is_visible()
    page.set_input_files("#input_reference", {"name": "x.png", "mimeType": "image/png", "buffer": b"not a picture"})
    page.locator("#picture-refused").get_by_text("This file cannot be read as a picture").wait_for()
    page.get_by_label("Model").select_option("sora-2-pro")
    page.get_by_role("radio", name="1792 × 1024").check()
    page.get_by_label("Describe your video").fill("A castle of sand, slowly taken by the tide")
    page.get_by_role("button", name="Generate · 500 credits").click()
    page.get_by_text("This video costs 500 credits and you have 40. Nothing was charged.").wait_for()
    assert page.get_by_label("Describe your video").input_value() == "A castle of sand, slowly taken by the tide"
    assert page.get_by_role("radio", name="1792 × 1024").is_checked()
    assert greta.credits() == 40


def test_an_error_of_a_field_stands_under_it_and_goes_when_it_is_mended(visit):
    hanna = visit()
    page = hanna.page
    page.set_input_files("#input_reference", ROOT / "static/trial/night-city.jpg")
    page.get_by_label("Describe your video").fill("short")
    page.get_by_role("button", name="Generate").click()
    error = page.locator("#prompt-error")
    error.get_by_text("Describe your video in at least 10 characters.").wait_for()
    assert page.evaluate("document.activeElement.id") == "prompt"
    assert page.get_by_text("night-city.jpg").is_visible()
    page.wait_for_selector("#preview-frame image:last-child[href^=blob]")
    assert page.evaluate("document.querySelector('#input_reference').files.length") == 1
    page.get_by_label("Describe your video").press_sequentially("er is not better")
    assert error.count() == 0


def test_a_video_is_cancelled_from_its_card(visit):
    ida = visit()
    page = ida.page
    video_id = ida.make_video()
    page.locator(f"#lines-{video_id}").get_by_text(re.compile("Processing video")).first.wait_for()
    page.locator(f"#video-{video_id}").get_by_role("button", name="Cancel").click()
    ida.wait_for_status(video_id, "cancelled")
    card = page.locator(f"#video-{video_id}")
    assert card.get_by_role("button", name="Cancel").is_hidden()
    assert card.locator(".stage").get_by_text("so the credits stay spent").is_visible()
    card.get_by_role("link", name="Change and try again").click()
    page.wait_for_url("**/?from=*")
    assert page.get_by_label("Describe your video").input_value() == "A paper boat drifts down a rainy street at night"


def test_a_deleted_video_is_gone_from_every_tab(visit):
    julia = visit()
    video_id = julia.make_video()
    julia.wait_for_status(video_id)
    other = julia.context.new_page()
    other.goto(f"{julia.house.url}/videos/{video_id}")
    other.get_by_role("button", name="Delete").click()
    other.get_by_text("1 video deleted.").wait_for()
    assert other.get_by_text("Your videos will be kept here.").is_visible()
    julia.page.locator(f"#video-{video_id}").wait_for(state="detached")
    assert other.goto(f"{julia.house.url}/videos/{video_id}").status == 404


def test_a_session_that_ended_is_said_when_the_stream_comes_back(visit):
    karin = visit()
    page = karin.page
    page.wait_for_selector("html[data-stream=connected]")
    page.get_by_label("Describe your video").fill("A text that must not be lost")
    karin.context.clear_cookies()
    page.evaluate("document.querySelector('#stream')._htmx.sse.reader.cancel()")
    page.get_by_text("Your session has ended.").wait_for()
    assert page.get_by_label("Describe your video").input_value() == "A text that must not be lost"


@pytest.mark.parametrize("trouble", ["no answer", "a proxy's error page"])
def test_a_lost_answer_is_said_and_sending_again_is_safe(visit, trouble):
    lotte = visit()
    page = lotte.page
    page.get_by_label("Describe your video").fill("A bridge of ropes over a deep green valley")

    def lose(route):
        route.fetch()  # the server takes it
        if trouble == "no answer":
            route.abort()
        else:
            route.fulfill(status=502, body="<html><body><h1>Bad gateway</h1></body></html>", content_type="text/html")

    page.route("**/videos", lose, times=1)
    page.get_by_role("button", name="Generate").click()
    page.get_by_text("The answer got lost.").wait_for()
    assert page.get_by_label("Describe your video").input_value() == "A bridge of ropes over a deep green valley"
    page.get_by_role("button", name="Generate").click()
    page.get_by_text("You have this video already").wait_for()
    assert page.locator("#now > .card").count() == 1
    assert lotte.credits() == 900


def test_a_session_that_ended_in_mid_form_does_not_lose_the_text(visit):
    maria = visit()
    page = maria.page
    page.get_by_label("Describe your video").fill("A long thought about the sea and the sky")
    maria.context.clear_cookies()
    page.get_by_role("button", name="Generate").click()
    page.locator("#toasts").get_by_text("Reload it and try again.").wait_for()
    page.reload()
    page.wait_for_url("**/login*")
    page.get_by_label("E-mail").fill(maria.email)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{maria.house.url}/")
    assert page.get_by_label("Describe your video").input_value() == "A long thought about the sea and the sky"
    maria.make_video("A long thought about the sea and the sky")
    page.reload()
    assert page.get_by_label("Describe your video").input_value() == ""
