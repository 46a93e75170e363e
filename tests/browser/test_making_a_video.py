"""The owner's checklist, walked in a real browser."""

import io
import re
from itertools import pairwise

import pytest
from PIL import Image

pytestmark = pytest.mark.browser
LAST_LINE = "🎉 Video generation completed successfully!"
FIRST_LINE = "🚀 Video generation task started"

HAND_OVER = """([kind, target, name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, {type: "image/png"}));
    const init = {bubbles: true, cancelable: true};
    const event = kind === "paste" ? new ClipboardEvent(kind, {...init, clipboardData: data})
                                   : new DragEvent(kind, {...init, dataTransfer: data});
    document.querySelector(target).dispatchEvent(event);
}"""
READ_LINES = "lines => lines.map(line => [line.value, line.querySelector('span').textContent])"
WATCH_LINES = """id => {
    window.heard = [];
    const look = () => {
        const lines = [...document.querySelectorAll(`#lines-${id} li`)].map(line => line.textContent);
        if (lines.length && lines.at(-1) !== window.heard.at(-1)?.line)
            window.heard.push({line: lines.at(-1), shown: lines.length, at: performance.now()});
    };
    const changes = {subtree: true, childList: true, characterData: true};
    new MutationObserver(look).observe(document.querySelector(`#video-${id}`), changes);
    look();
}"""


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(data, kind)
    return data.getvalue()


def plays(page, video_id: int) -> None:
    """The player's time moves and it shows a picture."""
    page.evaluate("id => document.querySelector(`#player-${id}`).play()", video_id)
    page.wait_for_function("id => document.querySelector(`#player-${id}`).currentTime > 0.2", arg=video_id)
    assert page.evaluate("id => document.querySelector(`#player-${id}`).videoWidth", video_id) > 0


def test_from_the_prompt_to_the_player(visit):
    anna = visit()
    page = anna.page
    assert anna.credits() == 1000
    assert page.get_by_role("button", name="Generate · 100 credits").is_enabled()
    video_id = anna.make_video(seconds=8, size="1280 × 720")
    page.evaluate(WATCH_LINES, video_id)
    card = page.locator(f"#video-{video_id}")
    card.get_by_text("Connected", exact=True).wait_for(timeout=5000)
    assert anna.credits() == 900
    assert page.get_by_text("800 left after").is_visible()
    anna.wait_for_status(video_id)

    heard = page.evaluate("window.heard")
    assert heard[-1]["line"] == LAST_LINE
    assert len(heard) >= 6, heard
    assert max(line["shown"] for line in heard) == 5
    pauses = [later["at"] - earlier["at"] for earlier, later in pairwise(heard)]
    assert max(pauses) < 5000, pauses
    page.locator("#toasts").get_by_text("Your video is ready").wait_for()
    assert anna.credits() == 900
    plays(page, video_id)

    card.get_by_role("link", name="All lines").click()
    page.wait_for_url(f"**/videos/{video_id}#log")
    lines = page.locator(f"#log-{video_id} li span").all_text_contents()
    assert (lines[0], lines[-1]) == (FIRST_LINE, LAST_LINE)
    assert len(lines) > 5
    assert anna.complaints == []
    assert anna.foreign == []


def test_an_uploaded_picture_that_does_not_fit_is_cut_to_size(visit):
    berta = visit()
    page = berta.page
    file = {"name": "tall.png", "mimeType": "image/png", "buffer": picture(600, 900)}
    page.set_input_files("#input_reference", file)
    fit = page.locator("[data-fit]")
    fit.get_by_text("Cut to 1280 × 720: 63 % of its height is left out.").wait_for()
    page.get_by_role("radio", name="720 × 1280").check()
    fit.get_by_text("Cut to 720 × 1280: 16 % of its width is left out.").wait_for()
    page.get_by_role("radio", name="1280 × 720").check()
    video_id = berta.make_video(size=None)
    assert page.locator("#preview").is_hidden()
    berta.wait_for_status(video_id)
    plays(page, video_id)
    page.goto(f"{berta.house.url}/videos/{video_id}")
    assert page.get_by_text("✅ Image processed successfully").is_visible()
    assert page.get_by_text("a picture", exact=True).is_visible()
    assert berta.complaints == []


def test_a_picture_is_dropped_or_pasted(visit):
    paula = visit()
    page = paula.page
    for number, (kind, target) in enumerate((("drop", "#composer"), ("paste", "#prompt"))):
        page.evaluate(HAND_OVER, [kind, target, f"{kind}.png", list(picture(320 + number, 180))])
        page.locator("#preview [data-name]").get_by_text(f"{kind}.png").wait_for()
        assert page.evaluate("document.querySelector('#input_reference').files[0].name") == f"{kind}.png"
    assert paula.complaints == []


def test_a_trial_picture_begins_a_tall_video(visit):
    carla = visit()
    page = carla.page
    page.get_by_role("radio", name="Misty mountains").check()
    page.get_by_role("radio", name="720 × 1280").check()
    page.get_by_role("radio", name="4 s").check()
    assert page.get_by_role("button", name="Generate · 50 credits").is_visible()
    video_id = carla.make_video(size=None)
    assert carla.credits() == 950
    carla.wait_for_status(video_id)
    size = page.evaluate(
        "id => new Promise(done => { const player = document.querySelector(`#player-${id}`);"
        " const say = () => done([player.videoWidth, player.videoHeight]);"
        " player.readyState ? say() : player.onloadedmetadata = say; })",
        video_id,
    )
    assert size == [720, 1280]


def test_everything_works_on_a_phone(visit):
    dora = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = dora.page
    video_id = dora.make_video()
    page.wait_for_function(
        "id => Math.abs(document.querySelector(`#video-${id}`).getBoundingClientRect().top - 150) < 150", arg=video_id
    )
    dora.wait_for_status(video_id)
    plays(page, video_id)
    for path in ("/", "/videos", f"/videos/{video_id}", "/account", "/api/docs"):
        dora.go(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
    assert dora.complaints == []


def test_a_reload_in_the_middle_misses_no_line(visit):
    emma = visit()
    page = emma.page
    video_id = emma.make_video()
    page.locator(f"#lines-{video_id}").get_by_text(re.compile("Processing video")).first.wait_for()
    page.reload()
    page.get_by_text("Connected", exact=True).wait_for()
    emma.go(f"/videos/{video_id}")
    page.locator(f"#log-{video_id}").get_by_text(re.compile("Processing video")).first.wait_for()
    page.reload()
    emma.wait_for_status(video_id)
    page.locator(f"#log-{video_id}").get_by_text(LAST_LINE).wait_for()
    shown = page.locator(f"#log-{video_id} li").evaluate_all(READ_LINES)
    kept = emma.page.request.get(f"{emma.house.url}/videos/{video_id}").text()
    assert [number for number, _ in shown] == list(range(1, len(shown) + 1))
    assert shown[0][1] == FIRST_LINE
    assert kept.count(f'id="line-{video_id}-') == len(shown)
    page.get_by_text("MP4").wait_for()  # the details come by themselves
    assert emma.complaints == []


def test_without_javascript_the_form_posts_and_the_page_shows_the_state(visit):
    frida = visit(java_script_enabled=False)
    page = frida.page
    assert page.locator("noscript table").is_visible()  # what each choice costs, as the button cannot say it
    page.get_by_label("Describe your video").fill("short")
    page.get_by_role("button", name="Generate").click()
    assert page.get_by_text("Describe your video in at least 10 characters.").is_visible()
    assert page.get_by_label("Describe your video").input_value() == "short"
    page.get_by_label("Describe your video").fill("A lighthouse in a storm, seen from the sea")
    page.get_by_role("button", name="Generate").click()
    page.wait_for_url(re.compile(r"/videos/\d+$"))
    assert frida.credits() == 900
    assert page.locator("ol.whole").get_by_text(FIRST_LINE).is_visible()
    page.locator("video").wait_for(timeout=60_000)  # the page reloads itself until then
    assert page.get_by_role("link", name="Download").is_visible()
    # To choose a frame of it for the next one leads elsewhere and back, and nothing that was typed is lost.
    frida.go()
    page.get_by_label("Describe your video").fill("The light goes out\nand comes back")
    page.get_by_role("radio", name="720 × 1280").check()
    page.get_by_role("button", name="Your video").click()
    page.get_by_role("button", name="A lighthouse in a storm").click()
    page.get_by_role("button", name="Your videos").click()
    page.get_by_role("button", name="A lighthouse in a storm").click()
    page.get_by_role("button", name="Begin with this frame").click()
    assert page.get_by_label("Describe your video").input_value() == "The light goes out\nand comes back"
    assert page.get_by_role("radio", name="720 × 1280").is_checked()
    assert page.get_by_role("radio", name=re.compile(r"Video \d+ at 0.0 s")).is_checked()
    page.get_by_role("radio", name="12 s").press("Enter")
    page.wait_for_url(re.compile(r"/videos/\d+$"))
    page.get_by_text("Started from").wait_for()
    assert page.get_by_role("link", name="a picture").is_visible()
