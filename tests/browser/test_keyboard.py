"""The tab key on every page: all is reached, in the order it is seen, in sight and with a ring, and nothing traps."""

import itertools
from typing import Any

import pytest
from playwright.sync_api import Locator, Page
from states import end_all, in_every_state, user_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TALL = 4000
"""A window in which nothing has to scroll or stick: there one sees in which order things stand."""

STOPS = """() => {
    const CAN = "a[href], button, input:not([type=hidden]), select, textarea, summary, video[controls], [tabindex='0']";
    const GROUPED = ".segments label, .pills label, .picture";
    const rival = e => e.type === "radio" && !e.checked && [...document.getElementsByName(e.name)].some(o => o.checked);
    const shown = e => !e.matches(":disabled, [inert] *") && e.checkVisibility({visibilityProperty: true});
    const at = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
    window.stops = [...document.querySelectorAll(CAN)].filter(e => shown(e) && !rival(e));
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
    return stops.map(e => [e.outerHTML.slice(0, 120), ...at(e.closest(GROUPED) ?? e)]);
}"""
WHERE = """() => {
    const here = document.activeElement;
    if (here === document.body) return null;
    // In a player its own parts, which draw a ring that cannot be asked for, are focused as well.
    const label = here.closest("label");
    const inside = here.matches("video:not(:focus-visible)");
    const ringed = inside || [here, here.nextElementSibling, here.parentElement].some(e => {
        const style = e && getComputedStyle(e);
        return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    });
    const r = (label ?? here).getBoundingClientRect();
    const hit = document.elementFromPoint((r.left + r.right) / 2, Math.min((r.top + r.bottom) / 2, innerHeight - 1));
    const seen = Boolean(hit && ((label ?? here).contains(hit) || hit.contains(here)));
    const stop = stops.findIndex(e => e === here || (e.id && e.id === here.id)); // a stream may have replaced it
    return [stop, ringed, seen, here.outerHTML.slice(0, 120)];
}"""


def walk(page: Page, width: int) -> None:
    """Press Tab until the page has no more to offer."""
    page.set_viewport_size({"width": width, "height": TALL})
    stops: list[Any] = page.evaluate(STOPS)
    page.set_viewport_size({"width": width, "height": 800})
    address, what = f"{page.url}, {width} wide", ""
    reached: list[int] = []
    for _ in range(3 * len(stops) + 20):  # a player and a date have stops of their own inside
        page.keyboard.press("Tab")
        where = page.evaluate(WHERE)
        if where is None or (where[0] == 0 and reached):
            break
        stop, ringed, seen, what = where
        assert ringed, f"{address}: no ring around {what}"
        assert seen, f"{address}: something covers {what}"
        if stop >= 0 and stop not in reached:
            reached.append(stop)
    else:
        raise AssertionError(f"{address}: {what} lets nobody out")
    assert stops[reached[0]][0].startswith('<a class="skip"'), address
    assert [stop[0] for number, stop in enumerate(stops) if number not in reached] == [], f"{address}: never reached"
    for before, after in itertools.pairwise(reached[1:]):
        (one, left, top, right, bottom), (other, its_left, its_top, _, its_bottom) = stops[before], stops[after]
        middle = (its_top + its_bottom) / 2
        further = its_left > left if top < middle < bottom else middle > bottom or its_left >= right - 1
        assert further, f"{address}: from {one} to {other}"


def focused(element: Locator) -> bool:
    found: bool = element.evaluate("element => element === document.activeElement")
    return found


def test_tab_goes_through_every_page_as_it_is_read(visit, house, hand, files):
    house.user("keys@example.com", admin=True, plan="creator", credits=1000)
    anna = visit("keys@example.com", reduced_motion="reduce")
    page = anna.page
    walk(page, 1280)
    videos = in_every_state(hand, user_of(house, anna.email), files)
    finished = videos["finished"]
    try:
        for path, widths in (
            ("/", (390, 1280)),
            (f"/?from={finished}", (1280,)),
            ("/videos", (390, 1280)),
            (f"/videos/{finished}", (390, 1280)),
            (f"/videos/{videos['running']}", (1280,)),
            (f"/videos/{videos['failed']}/receipt", (1280,)),
            ("/prompts", (1280,)),
            ("/prompts/starting-points", (1280,)),
            ("/prompts/parts", (390,)),
            (f"/frames?of={finished}", (1280,)),
            ("/account", (390, 1280)),
            ("/account/credits", (1280,)),
            ("/change", (1280,)),
            ("/admin", (1280,)),
            ("/admin/checks", (1280,)),
            ("/nothing-here", (390,)),
        ):
            anna.go(path)
            for width in widths:
                walk(page, width)
    finally:
        end_all(hand, videos)
    anna.context.clear_cookies()
    for path in ("/login", "/register", "/reset"):
        anna.go(path)
        walk(page, 390)


def test_what_opens_takes_the_focus_and_gives_it_back(visit):
    berta = visit(reduced_motion="reduce")
    page = berta.page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page.get_by_label("Describe your video")), "the skip link leads past the header"
    history = page.get_by_role("link", name="History")
    history.focus()
    page.keyboard.press("Enter")
    page.locator("#tools").get_by_role("searchbox").wait_for()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.locator(":focus:not(#tools, #tools *, body)").count() == 0, "the page behind is out of reach"
    page.keyboard.press("Escape")
    assert focused(history)
    menu = page.get_by_role("button", name="Account menu")
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page.get_by_role("link", name="Account", exact=True))
    page.keyboard.press("Escape")
    assert focused(menu)
