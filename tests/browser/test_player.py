"""The page of one video, used as one uses it: by mouse and by keyboard."""

import pytest

pytestmark = pytest.mark.browser
MOMENT = "() => document.querySelector('video').currentTime"
SEEKED = "() => { const player = document.querySelector('video'); return player.readyState > 1 && !player.seeking }"


def test_frames_speed_poster_title_and_files(visit):
    anna = visit(accept_downloads=True)
    page = anna.page
    video_id = anna.make_video("A paper boat: down the rain", seconds=8)
    anna.go(f"/videos/{video_id}")
    row = page.get_by_role("group", name="Frames, speed and poster")
    assert row.is_hidden()
    anna.wait_for_status(video_id)
    page.wait_for_function(SEEKED)

    def moment() -> float:
        page.wait_for_function(SEEKED)
        return page.evaluate(MOMENT)

    # Frames: by button, then by the keys, which the button's focus wakes.
    forward = page.get_by_role("button", name="One frame forward")
    forward.click()
    first = moment()
    forward.click()
    assert moment() == pytest.approx(first + 1 / 24, abs=0.002)
    assert page.locator("[data-frame]").get_by_text("frame 3 of 192").is_visible()
    page.keyboard.press(".")
    assert moment() == pytest.approx(first + 2 / 24, abs=0.002)
    page.keyboard.press(",")
    page.get_by_role("button", name="One frame back").click()
    assert moment() == pytest.approx(first, abs=0.002)
    page.keyboard.press("l")
    assert moment() == pytest.approx(first + 1, abs=0.01)
    page.keyboard.press("j")
    assert moment() == pytest.approx(first, abs=0.01)
    page.get_by_role("heading", level=1).click()
    page.keyboard.press(".")
    assert moment() == pytest.approx(first, abs=0.01), "no key acts from elsewhere"

    page.get_by_label("Speed", exact=True).select_option("0.5")
    assert page.evaluate("document.querySelector('video').playbackRate") == 0.5
    forward.focus()
    page.keyboard.press("<")
    assert page.get_by_label("Speed", exact=True).input_value() == "0.25"
    loop = page.get_by_role("button", name="Loop")
    loop.click()
    assert loop.get_attribute("aria-pressed") == "true"
    assert page.evaluate("document.querySelector('video').loop") is True
    page.keyboard.press("k")
    page.wait_for_function("() => !document.querySelector('video').paused")
    page.keyboard.press("k")
    page.wait_for_function("() => document.querySelector('video').paused")

    # The poster: the same picture here and in the library.
    before = page.request.get(f"{anna.house.url}/videos/{video_id}/poster").body()
    for _ in range(3):
        page.keyboard.press("l")
        moment()
    page.get_by_role("button", name="Use as poster").click()
    page.get_by_text("This frame is the poster now.").wait_for()
    chosen = page.get_by_role("img", name="The poster").get_attribute("src")
    assert page.evaluate("document.querySelector('video').poster").endswith(chosen)
    assert page.request.get(f"{anna.house.url}{chosen}").body() != before

    page.locator("summary", has_text="Rename").click()
    page.get_by_label("Title", exact=True).fill("Boat & rain")
    page.keyboard.press("Enter")
    page.get_by_role("heading", level=1, name="Boat & rain").wait_for()
    page.locator("summary", has_text="Rename").press("Enter")
    page.keyboard.press("Escape")
    assert page.get_by_label("Title", exact=True).is_hidden()

    star = page.get_by_role("button", name="Favourite")
    star.click()
    page.wait_for_selector("button.star[aria-pressed=true]")
    page.reload()
    assert star.get_attribute("aria-pressed") == "true"

    for link, name in (("Download", ".mp4"), ("Poster", ".webp"), ("Preview", " (preview).webp")):
        with page.expect_download() as download:
            page.locator("#about .actions").get_by_role("link", name=link).click()
        assert download.value.suggested_filename == f"Boat & rain{name}"
        assert download.value.path().stat().st_size > 1000
    anna.go("/videos")
    assert page.locator(f"#tile-{video_id} img").get_attribute("src") == chosen
    anna.go(f"/videos/{video_id}")
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/videos")
    assert page.locator(f"#tile-{video_id}").count() == 0
    page.get_by_role("button", name="Undo").click()
    page.locator(f"#tile-{video_id}").wait_for()
    assert anna.complaints == []
    assert anna.foreign == []
