"""The library as somebody with many videos lives in it: by pointer, by keyboard, in two tabs, without JavaScript."""

import re

import pytest
from PIL import Image
from processes import Installation
from streams import Writer

pytestmark = pytest.mark.browser
FOCUSED = "() => Number(document.activeElement.closest('.tile')?.id.replace('tile-', ''))"
SHOWN = "() => [...document.querySelectorAll('#grid > .tile')].map(tile => Number(tile.id.replace('tile-', '')))"
COLUMNS = "() => getComputedStyle(document.querySelector('#grid')).gridTemplateColumns.split(' ').length"
STATES = """([ids, status]) => ids.every(id => document.querySelector(`#tile-${id}`)?.dataset.status === status)"""


@pytest.fixture
def hand(house: Installation) -> Writer:
    return Writer(house.app)


def drawn(house: Installation, name: str) -> dict[str, str]:
    """A poster and a preview in storage, as columns of a video."""
    from aivideo.adapters import storage

    path = house.folder / "drawn.webp"
    Image.new("RGB", (64, 36), "teal").save(path, append_images=[Image.new("RGB", (64, 36), "navy")], save_all=True)
    names = {"poster_name": f"{name}_poster.webp", "preview_name": f"{name}_preview.webp"}
    with house.app.app_context():
        for one in names.values():
            storage().save(one, path, "image/webp")
    return names


def shelf(house: Installation, hand: Writer, email: str, number: int) -> tuple[list[int], int]:
    """So many ended videos of a user, the oldest first; and the user's id."""
    from aivideo.services import accounts

    with hand.inside():
        user_id = accounts.find(email).id
    ended = {"stage": "ended", "status": "completed", "seq": 1, **drawn(house, f"user_{user_id}")}
    return [hand.video(user_id, prompt=f"Scene {one} of a film", **ended) for one in range(number)], user_id


def test_from_the_first_row_to_the_last_by_pointer_and_by_keyboard(visit, house, hand):
    anna = visit()
    made = shelf(house, hand, anna.email, 60)[0][::-1]
    page = anna.go("/videos")
    shown = lambda: page.evaluate(SHOWN)  # noqa: E731
    assert shown()[:24] == made[:24]
    while len(shown()) < 60:  # scrolling is enough
        before = len(shown())
        page.mouse.wheel(0, 20_000)
        page.wait_for_function("count => document.querySelectorAll('#grid > .tile').length > count", arg=before)
    assert shown() == made
    assert not page.locator("#more").count()

    # A range by shift and click, and all of it away and back.
    page.keyboard.press("Home")
    page.locator(f"#tile-{made[2]} .pick").click()
    page.locator(f"#tile-{made[6]} .pick").click(modifiers=["Shift"])
    page.get_by_text("5 selected").wait_for()
    page.locator("#chosen").get_by_role("button", name="Delete").click()
    page.get_by_text("5 videos deleted.").wait_for()
    assert shown() == made[:2] + made[7:]
    page.get_by_role("button", name="Undo").click()
    page.locator(f"#tile-{made[6]}").wait_for()
    page.wait_for_function("count => document.querySelectorAll('#grid > .tile').length === count", arg=60)
    assert shown() == made, "each is back in its place"
    assert page.get_by_role("button", name="Undo").count() == 0
    page.locator(f"#tile-{made[0]} .pick").click()
    page.get_by_role("button", name="Select all shown").click()
    page.get_by_text("60 selected").wait_for()
    page.locator("#chosen").get_by_role("button", name="Favourite", exact=True).click()
    page.wait_for_function("() => document.querySelectorAll('.star[aria-pressed=true]').length === 60")
    page.locator("#chosen").wait_for(state="hidden")

    # By keyboard alone.
    page.evaluate("() => { document.activeElement.blur(); scrollTo(0, 0); }")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUSED) == made[0]
    columns = page.evaluate(COLUMNS)
    for key, place in (("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowLeft", columns), ("ArrowUp", 0)):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == made[place], key
    moves = page.locator(f"#tile-{made[0]} .moving")
    moves.wait_for()
    page.keyboard.press(" ")
    assert moves.count() == 0
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.moving').naturalWidth === 64")
    page.keyboard.press("f")
    page.wait_for_selector(f"#tile-{made[0]} .star[aria-pressed=false]")
    assert page.evaluate(FOCUSED) == made[0]
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    page.get_by_text("3 selected").wait_for()
    page.keyboard.press("Escape")
    page.locator("#chosen").wait_for(state="hidden")
    page.keyboard.press("Delete")
    page.get_by_text("1 video deleted.").wait_for()
    page.wait_for_function(f"id => ({FOCUSED})() === id", arg=made[3])
    page.keyboard.press("Control+z")
    page.locator(f"#tile-{made[2]}").wait_for()
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()
    page.keyboard.press("f")
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    assert page.evaluate(FOCUSED) == made[3]
    assert page.locator(f"#tile-{made[3]} .star").get_attribute("aria-pressed") == "true"

    # A preview moves under the pointer, unless less motion is wished for; asked for by key it does all the same.
    page.locator(f"#tile-{made[1]} .thumb").hover()
    page.locator(f"#tile-{made[1]} .moving").wait_for()
    page.emulate_media(reduced_motion="reduce")
    page.locator(f"#tile-{made[2]} > a").focus()
    assert page.locator(".moving").count() == 1, "the one under the pointer"
    page.keyboard.press(" ")
    page.locator(f"#tile-{made[2]} .moving").wait_for()
    page.keyboard.press("ArrowRight")
    assert page.locator(f"#tile-{made[2]} .moving").count() == 0

    # A field keeps its keys.
    page.locator(f"#tile-{made[3]}").get_by_role("link", name="Rename").dblclick()
    page.get_by_label("Title", exact=True).press_sequentially("f x? <b>")
    page.keyboard.press("Delete")
    page.keyboard.press("Escape")
    assert page.get_by_label("Title", exact=True).count() == 0
    assert page.evaluate(FOCUSED) == made[3]
    page.locator(f"#tile-{made[3]}").get_by_role("link", name="Rename").click()
    page.get_by_label("Title", exact=True).fill("The <b>long</b> night")
    page.keyboard.press("Enter")
    page.locator(f"#tile-{made[3]} .title").get_by_text("The <b>long</b> night").wait_for()
    page.get_by_label("Search in prompts and titles").press_sequentially("long night x?f")
    page.get_by_text("Nothing found.").wait_for()
    page.get_by_label("Search in prompts and titles").fill("long night")
    page.wait_for_function("() => document.querySelectorAll('#grid > .tile').length === 1")
    assert page.url.endswith("/videos?q=long+night")
    page.reload()
    assert shown() == [made[3]]
    page.get_by_role("link", name="Clear the search").click()
    page.get_by_label("Order").select_option("Oldest first")
    page.wait_for_function(f"id => ({SHOWN})()[0] === id", arg=made[-1])
    page.locator("label", has_text="Favourites").click()
    page.wait_for_url(f"{house.url}/videos?sort=oldest&favourite=1")
    assert shown()[0] == made[-1]
    assert anna.complaints == []
    assert anna.foreign == []


def test_tiles_follow_their_videos_in_every_tab(visit, house, hand):
    berta = visit()
    done, user_id = shelf(house, hand, berta.email, 2)
    first, second = berta.page, berta.context.new_page()
    for page, path in ((first, "/videos"), (second, "/videos?status=completed")):
        page.goto(f"{house.url}{path}")
        page.wait_for_selector("html[data-stream=connected]")
    running = hand.video(user_id, lines=1, **drawn(house, "running"))
    first.locator(f"#tile-{running}").wait_for()
    assert first.evaluate(SHOWN) == [running, done[1], done[0]]
    hand.progress(running, 40)
    first.wait_for_function("id => document.querySelector(`#tile-${id} progress`).value === 40", arg=running)
    first.locator(f"#tile-{running} .pick").click()
    first.get_by_role("button", name="Delete").click()
    sure = first.get_by_role("dialog", name="Cancel what is under way?")
    sure.get_by_role("button", name="Keep them").click()
    assert second.evaluate(SHOWN) == [done[1], done[0]]
    hand.end(running)
    second.locator(f"#tile-{running}").wait_for()
    first.wait_for_function(STATES, arg=[[running], "completed"])
    assert first.locator(f"#tile-{running} .pick").is_checked(), "a change of state keeps what was chosen"
    first.get_by_role("button", name="Delete").click()
    for page in (first, second):
        page.locator(f"#tile-{running}").wait_for(state="detached")
    first.get_by_role("button", name="Undo").click()
    for page in (first, second):
        page.locator(f"#tile-{running}").wait_for()
        assert page.evaluate(SHOWN) == [running, done[1], done[0]]
    late = hand.video(user_id, lines=1)
    first.locator(f"#tile-{late} .pick").click()
    first.get_by_role("button", name="Delete").click()
    sure.get_by_role("button", name="Cancel and delete").click()
    first.get_by_text("1 video deleted.").wait_for()
    first.get_by_role("button", name="Undo").click()
    first.wait_for_selector(f"#tile-{late}[data-status=cancelled]")
    for made in (*done, running, late):
        first.locator(f"#tile-{made} .pick").click()
    first.get_by_role("button", name="Delete").click()
    for page in (first, second):
        page.get_by_text("Your videos will be kept here.").or_(page.get_by_text("Nothing found.")).wait_for()
    assert berta.complaints == []


def test_everything_works_by_links_and_forms_alone(visit, house, hand):
    carla = visit(java_script_enabled=False)
    made = shelf(house, hand, carla.email, 30)[0][::-1]
    page = carla.go("/videos")
    tile = page.locator(f"#tile-{made[0]}")
    page.get_by_role("link", name="More").click()
    assert page.locator(".tile").count() == 6
    page.get_by_role("link", name="From the start").click()
    tile.get_by_role("button", name="Favourite").click()
    tile.get_by_role("link", name="Rename").click()
    page.locator("summary", has_text="Rename").click()
    page.get_by_label("Title", exact=True).fill("A quiet evening")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Library").first.click()
    page.get_by_label("Search in prompts and titles").fill("quiet")
    page.locator("label", has_text="Favourites").click()
    page.get_by_role("button", name="Show", exact=True).click()
    assert page.locator(".tile").count() == 1
    assert re.search("[?&]q=quiet&", page.url)
    tile.locator(".pick").check()
    page.locator("#chosen").get_by_role("button", name="Delete").click()
    assert page.get_by_text("Nothing found.").is_visible()
    assert "q=quiet" in page.url
    page.get_by_role("button", name="Undo").click()
    assert tile.get_by_text("A quiet evening").is_visible()
