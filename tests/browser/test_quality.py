"""What can be measured: weight, stillness of the layout, width. For what axe finds see test_every_state.py."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streams import Writer

from aivideo.config import ROOT
from aivideo.services import accounts

pytestmark = pytest.mark.browser
MOST_BYTES = {"gzip": 95_000, "identity": 170_000}
"""Every browser takes gzip, and with it a first visit is to stay well below 150 kB."""
WATCH_SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries())
            if (!entry.hadRecentInput)
                shifts.push([entry.value, entry.sources.map(s => (s.node?.outerHTML ?? s.node?.data)?.slice(0, 99))]);
    }).observe({type: "layout-shift"});
}"""


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_first_visit_is_light(visit, encoding):
    anna = visit()
    page = anna.page
    tools = anna.context.new_cdp_session(page)
    tools.send("Network.enable")
    tools.send("Network.clearBrowserCache")
    tools.send("Network.setExtraHTTPHeaders", {"headers": {"Accept-Encoding": encoding}})
    sizes: list[float] = []
    tools.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    anna.go("/")
    page.wait_for_selector("html[data-stream=connected]")
    page.wait_for_function("() => [...document.images].every(image => image.complete)")
    assert len(sizes) >= 15
    assert sum(sizes) < MOST_BYTES[encoding], sizes
    assert anna.foreign == []


def test_the_style_sheets_of_a_page_are_small(visit):
    """What is fetched for the tools of the studio once they open comes on top, and is not much."""
    bella = visit()
    page, sizes = bella.page, {file.stem: file.stat().st_size for file in (ROOT / "static/css").glob("*.css")}
    for path in ("/", "/videos", "/account", "/api/docs", "/prompts", "/frames", "/nothing-here"):
        bella.go(path)
        links = page.locator("link[rel=stylesheet]").evaluate_all(
            "links => links.map(link => new URL(link.href).pathname)"
        )
        loaded = [Path(link).stem for link in links]
        assert sum(sizes[name] for name in loaded) <= 25 * 1024, (path, loaded)
    assert max(size for name, size in sizes.items() if name != "components") <= 5 * 1024
    assert sum(sizes.values()) <= 40 * 1024


def test_nothing_moves_when_a_card_changes_its_state(visit):
    dora = visit()
    page = dora.page
    video_id = dora.make_video()
    page.wait_for_function("() => document.querySelector('#now > .card').getAnimations({subtree: true}).length === 0")
    page.evaluate(WATCH_SHIFTS)
    alone = [dora.context.new_page() for _ in range(2)]
    for other, width in zip(alone, (390, 1280), strict=True):
        other.set_viewport_size({"width": width, "height": 900})
        other.goto(f"{dora.house.url}/videos/{video_id}")
        other.wait_for_selector("html[data-stream=connected]")
        other.evaluate(WATCH_SHIFTS)
    for shown in (page, *alone):
        shown.wait_for_selector(f"#live-{video_id}[data-status=completed]", timeout=60_000)
        shown.wait_for_function("id => document.querySelector(`#player-${id}`).readyState > 0", arg=video_id)
    for shown in alone:
        shown.get_by_text("MP4").first.wait_for()  # the details have come
    assert [shown.evaluate("shifts") for shown in (page, *alone)] == [[], [], []]


def test_nothing_moves_in_any_state(visit, house):
    """Every way a card can go that no ordinary run goes, on the desk and alone; each state stays until it is drawn."""
    clara, hand = visit(), Writer(house.app)
    with hand.inside():
        user_id = accounts.find(clara.email).id
    first = hand.video(user_id, status="pending", stage="queued")
    video = hand.video(user_id, status="pending", stage="queued")
    pages = [clara.page, *(clara.context.new_page() for _ in range(2))]
    paths = (("/", 1280), (f"/videos/{video}", 390), (f"/videos/{video}", 1280))
    for page, (path, width) in zip(pages, paths, strict=True):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{house.url}{path}")
        page.wait_for_selector("html[data-stream=connected]")
        page.wait_for_function("() => document.getAnimations().length === 0")
        page.evaluate(WATCH_SHIFTS)
    for offline, stream in ((True, "lost"), (False, "connected")):
        clara.context.set_offline(offline)
        for page in pages:
            page.wait_for_selector(f"html[data-stream={stream}]")
    soon = datetime.now(UTC) + timedelta(seconds=50)
    late = "It took longer than 10 minutes. Your 100 credits are back."
    ways: list[dict[str, Any]] = [
        {"waiting_reason": "The provider is busy. It goes on by itself as soon as there is room again for this video."},
        {"stage": "submitting", "waiting_reason": None},
        {"stage": "reconciling"},
        {"cancel_requested_at": soon},
        {"stage": "rendering", "status": "processing", "cancel_requested_at": None},
        {"progress": 30, "expected_at": soon},
        {"progress": 100, "stage": "saving"},
        {"stage": "ended", "status": "failed", "error_code": "timeout", "error_message": late, "completed_at": soon},
    ]
    for number, state in enumerate(ways, 1):
        hand.change(
            video, f"What happens {number} is told in a line of its own, however long it may become here", **state
        )
        for page in pages:
            page.wait_for_selector(f"#live-{video}[data-seq='{number}']")
    hand.end(first, "cancelled")
    pages[0].wait_for_selector(f"#live-{first}[data-status=cancelled]")
    assert [page.evaluate("shifts") for page in pages] == [[], [], []]


def test_a_card_tells_its_place_in_line_and_counts_down_what_is_left(visit):
    gerda = visit()
    page = gerda.page
    made = [gerda.make_video() for _ in range(4)]  # a plan of three at once
    last = page.locator(f"#live-{made[3]}")
    last.get_by_text("Next in line").wait_for()
    page.wait_for_function("() => document.getAnimations().length === 0")
    page.evaluate(WATCH_SHIFTS)
    for words in (r"about 0:\d\d left", "about 0:0[0-5] left|a moment longer"):
        last.get_by_text(re.compile(words)).wait_for(timeout=60_000)
    gerda.wait_for_status(made[3])
    moved = page.evaluate("shifts.filter(([, sources]) => sources.some(source => !source?.includes('toast')))")
    assert moved == [], "but the notices, of which one makes room for the next"
    assert gerda.complaints == []


def test_the_appearance_is_chosen_before_the_first_paint_and_kept(visit):
    emma = visit(color_scheme="light")
    page = emma.page
    surface = "() => getComputedStyle(document.documentElement).backgroundColor"
    bright = page.evaluate(surface)
    page.get_by_title("Dark").click()
    dark = page.evaluate(surface)
    assert dark != bright
    page.reload(wait_until="commit")
    page.wait_for_selector("html[data-theme=dark]", state="attached")
    assert page.get_by_role("radio", name="Dark").is_checked()
    page.get_by_title("As the system").click()
    assert page.evaluate(surface) == bright


def test_no_page_is_wider_than_its_window(visit):
    frida = visit()
    page = frida.page
    video_id = frida.make_video("Donaudampfschifffahrtsgesellschaftskapitän" * 4)
    frida.wait_for_status(video_id)
    sequels = (f"/?from={video_id}", f"/?remix={video_id}", f"/?extend={video_id}", f"/frames?of={video_id}")
    tools = ("/prompts", "/prompts/starting-points", "/prompts/parts", "/frames", *sequels)
    pages = (
        "/",
        "/videos",
        f"/videos/{video_id}",
        f"/videos/{video_id}/receipt",
        "/account",
        "/account/credits",
        "/change",
    )
    for path in (*pages, *tools, "/api/docs", "/nothing-here"):
        frida.go(path)
        for width in (360, 768, 1280, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
