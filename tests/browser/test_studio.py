"""The studio's form as somebody uses it who has a browser with scripts: its tools, its pictures, its modes."""

import io

import pytest
from PIL import Image
from playwright.sync_api import expect

from aivideo.core.prompts import starting_point
from aivideo.extensions import db
from aivideo.models import Video

pytestmark = pytest.mark.browser
BOAT = "A paper boat drifts down a rainy street at night"


def wide_picture() -> dict[str, object]:
    data = io.BytesIO()
    Image.linear_gradient("L").rotate(90).resize((2400, 900)).convert("RGB").save(data, "JPEG")
    return {"name": "wide.jpg", "mimeType": "image/jpeg", "buffer": data.getvalue()}


def row(house, video_id: int) -> Video:
    with house.app.app_context():
        video = db.session.get(Video, video_id)
        db.session.expunge(video)
        db.session.remove()
    return video


def test_the_tools_open_over_the_form_and_write_its_prompt(visit):
    anna = visit()
    page, tools, prompt = anna.page, anna.page.locator("#tools"), anna.page.get_by_label("Describe your video")
    anna.make_video(BOAT)
    prompt.fill("Something half thought")
    page.locator(".tools").get_by_role("link", name="Starting points").click()
    tools.get_by_role("link", name="Northern lights").click()
    expect(prompt).to_have_value(starting_point("northern-lights").prompt)
    expect(tools).to_be_hidden()
    page.keyboard.press("Control+z")
    expect(prompt).to_have_value("Something half thought")

    page.locator(".tools").get_by_role("link", name="Step by step").click()
    tools.get_by_role("button", name="Use this prompt").click()  # with nothing filled in it leads there
    expect(tools.locator(".parts input").first).to_be_focused()
    tools.get_by_label("Subject").fill("an old tram")
    tools.get_by_text("An old tram.", exact=True).wait_for()
    tools.get_by_label("Light").fill("neon")
    tools.get_by_role("button", name="Use this prompt").click()  # before it is written there
    expect(prompt).to_have_value("An old tram. Neon.")
    page.reload()
    expect(prompt).to_have_value("An old tram. Neon.")  # it is a draft like any other

    page.locator(".tools").get_by_role("link", name="History").click()
    tools.get_by_role("button", name="Pin: A paper boat").click()
    tools.get_by_role("heading", name="Pinned").wait_for()
    tools.get_by_role("searchbox").fill("tram")
    tools.get_by_text("None of your prompts has these words.").wait_for()
    tools.get_by_role("searchbox").fill("boat")
    tools.get_by_role("link", name=BOAT).click()
    expect(prompt).to_have_value(BOAT)

    prompt.fill("short")
    expect(page.get_by_text("more characters needed")).to_have_count(0)  # nobody is interrupted
    page.get_by_label("Model").focus()
    page.get_by_text("5 more characters needed").wait_for()
    prompt.fill("x" * 4003)
    page.get_by_text("3 characters too many").wait_for()
    assert anna.complaints == []


def test_a_picture_is_sent_as_it_is_shown_and_a_video_leads_to_the_next(visit):
    berta = visit(credits=2000)
    page = berta.page
    page.set_input_files("#input_reference", wide_picture())
    page.get_by_text("Cut to 1280 × 720: 33 % of its width is left out.").wait_for()
    shown = page.locator("#preview-frame image").last
    assert float(shown.get_attribute("x")) == pytest.approx((1280 - 1920) / 2)
    focus = page.get_by_label("Keep more of the left or right")
    focus.press("End")
    assert float(shown.get_attribute("x")) == pytest.approx(1280 - 1920)
    box = page.locator("#preview-frame").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 20 + box["width"] / 4, box["y"] + 20)  # a quarter of the frame is half of what is cut
    page.mouse.up()
    assert float(focus.input_value()) == pytest.approx(0.5, abs=0.02)
    focus.press("Home")
    page.get_by_role("radio", name="2", exact=True).check()
    page.get_by_role("radio", name="4 s").check()
    page.get_by_role("button", name="Generate 2 · 100 credits").wait_for()
    second = berta.make_video("Two looks at the same picture", size=None)
    expect(page.locator("#now > .card")).to_have_count(2)
    assert berta.credits() == 1900
    kept = row(berta.house, second)
    assert (kept.picture_fit, kept.picture_focus) == ("crop", 0)
    berta.wait_for_status(second)

    page.get_by_role("link", name="Your video").click()
    page.locator("#tools").get_by_role("link", name="Two looks").first.click()
    page.get_by_role("slider", name="Moment").fill("2")
    page.get_by_role("button", name="Begin with this frame").click()
    page.get_by_text("Fits 1280 × 720 without a cut.").wait_for()
    page.get_by_role("radio", name="720 × 1280").check()
    page.get_by_role("radio", name="Show all").check()
    third = berta.make_video("From that moment on, everything freezes", size=None)
    kept = row(berta.house, third)
    assert (kept.picture_fit, bool(kept.picture_name)) == ("pad", True)

    card = page.locator(f"#video-{second}")
    card.get_by_role("link", name="Again").click()
    page.wait_for_url(f"**/?from={second}")
    page.get_by_text(f"The picture of video {second}").wait_for()
    page.locator(f"#video-{second}").get_by_role("link", name="Remix").click()
    page.get_by_role("heading", name=f"Change video {second}").wait_for()
    page.get_by_label("What should be different?").fill("The same, seen at dusk")
    page.get_by_role("button", name="Remix · 50 credits").click()
    page.get_by_label("Describe your video").wait_for()
    assert page.url == f"{berta.house.url}/"
    changed = int(page.locator("#now > .card").first.get_attribute("id").removeprefix("video-"))
    assert row(berta.house, changed).remixed_from_id == second
    assert berta.complaints == []
