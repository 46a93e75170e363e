"""What can be measured: weight, accessibility, stillness of the layout, nothing inline, nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from aivideo.config import ROOT

pytestmark = pytest.mark.browser
MOST_BYTES = {"gzip": 95_000, "identity": 170_000}
"""Every browser takes gzip, and with it a first visit is to stay well below 150 kB."""
AXE = Path(__file__).parent / "axe.min.js"
RUN_AXE = """async () => {
    const found = await axe.run(document, {resultTypes: ["violations"]});
    return found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 160)).join(" | ")}`);
}"""
INLINE = """() => [
    ...document.querySelectorAll("style, [style], script:not([src])"),
    ...[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on"))),
].map(element => element.outerHTML.slice(0, 200))"""
WATCH_SHIFTS = """() => {
    window.shifts = [];
    new PerformanceObserver(list => {
        for (const entry of list.getEntries())
            if (!entry.hadRecentInput)
                shifts.push([entry.value, entry.sources.map(s => (s.node?.outerHTML ?? s.node?.data)?.slice(0, 99))]);
    }).observe({type: "layout-shift"});
}"""


def axe(page) -> list[str]:
    """What axe-core finds on the page; run past the policy, as a browser's own tools are."""
    page.evaluate(f"() => {{ {AXE.read_text()} }}")
    found: list[str] = page.evaluate(RUN_AXE)
    return found


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


def test_the_style_sheets_of_a_page_are_small():
    sizes = {file.stem: file.stat().st_size for file in (ROOT / "static/css").glob("*.css")}
    everywhere = sum(sizes.pop(layer) for layer in ("reset", "tokens", "base", "layout", "components"))
    assert everywhere + max(sizes.values()) <= 25 * 1024


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(visit, scheme):
    berta = visit(color_scheme=scheme)
    page = berta.page
    assert axe(page) == [], "studio, empty"
    page.get_by_label("Describe your video").fill("short")
    page.set_input_files("#input_reference", ROOT / "static/trial/night-city.jpg")
    page.get_by_role("button", name="Generate").click()
    page.locator("#prompt-error").wait_for()
    assert axe(page) == [], "studio, refused"
    video_id = berta.make_video()
    page.locator(f"#video-{video_id}").get_by_text("Connected", exact=True).wait_for()
    assert axe(page) == [], "studio, running"
    second = berta.make_video()
    page.locator(f"#video-{second}").get_by_role("button", name="Cancel").click()
    page.wait_for_selector(f"#live-{second}[data-ended]")
    berta.wait_for_status(video_id)
    page.locator("#toasts .toast").first.wait_for()
    assert axe(page) == [], "studio, ended"
    page.get_by_role("button", name="Account menu").click()
    assert axe(page) == [], "menu"
    for path in ("/videos", "/videos?status=failed", f"/videos/{video_id}", "/account", "/change", "/nothing-here"):
        berta.go(path)
        assert axe(page) == [], path
    berta.context.clear_cookies()
    for path in ("/login", "/register", "/reset"):
        berta.go(path)
        assert axe(page) == [], path


def test_no_page_has_anything_inline(visit):
    carla = visit()
    page = carla.page
    video_id = carla.make_video('<img src=x onerror="alert(1)"><style>*{color:red}</style> "quoted" & \'so\'')
    for path in ("/", "/videos", f"/videos/{video_id}", "/account", "/api/docs", "/nothing-here", "/?from=1"):
        answer = page.request.get(f"{carla.house.url}{path}")
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        page.goto(f"{carla.house.url}{path}")
        assert page.evaluate(INLINE) == [], path
    page.goto(carla.house.url)
    carla.wait_for_status(video_id)
    assert page.locator(f"#video-{video_id} .prompt").inner_text().startswith("<img src=x onerror=")
    assert [words for words in carla.complaints if "404" not in words] == []


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
    for path in ("/", "/videos", f"/videos/{video_id}", "/account", "/api/docs"):
        frida.go(path)
        for width in (360, 390, 768, 1280, 1920, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
