"""Every page and every state of a card, light and dark: axe finds nothing, nothing is inline, no text is markup."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route
from processes import Installation
from states import HOSTILE, end_all, in_every_state, user_of
from visitor import Visitor
from werkzeug.wrappers import Response

from aivideo.config import ROOT
from aivideo.web.errors import DETAIL, answer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
AXE = Path(__file__).parent / "axe.min.js"
RUN_AXE = """async rules => {
    const options = {resultTypes: ["violations"], preload: false, ...(rules && {runOnly: rules})};
    const found = await axe.run(document, options);
    return found.violations.map(v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 160)).join(" | ")}`);
}"""
NOT_ALLOWED = """() => [
    ...document.querySelectorAll("style, [style], script:not([src]), [data-hostile]"),
    ...[...document.querySelectorAll("*")].filter(e => [...e.attributes].some(a => a.name.startsWith("on"))),
].map(element => element.outerHTML.slice(0, 200))"""
ASK_THE_SERVER = "() => [...document.forms].forEach(form => { form.noValidate = true; })"
LOST = "Reconnecting to live updates…"


def look(page: Page, state: str) -> None:
    """Run axe past the policy, as a browser's own tools are; by night again for what night changes."""
    assert page.evaluate(NOT_ALLOWED) == [], state
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(f"() => {{ {AXE.read_text()} }}")
    assert page.evaluate(RUN_AXE) == [], state
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(RUN_AXE, ["color-contrast"]) == [], f"{state}, dark"
    page.emulate_media(color_scheme="light")


def refused(visit_: Any) -> list[str]:
    return [words for words in visit_.complaints if "Content Security" in words or "Refused" in words]


def error(house: Installation, status: int, headers: dict[str, str] | None = None) -> Response:
    """What a visitor gets to see of an error that no test can bring about in a running house."""
    with house.app.test_request_context("/broken", headers=headers):
        return answer(status, DETAIL.get(status, "Something went wrong on our side."))


def paused(house: Installation, email: str) -> Response:
    """The studio as its user gets to see it when nothing may be spent any more."""
    settings, visitor = house.app.config["SETTINGS"], Visitor(house.app)
    house.app.config["SETTINGS"] = settings.model_copy(update={"monthly_budget_usd": 0.01})
    try:
        visitor.sign_in(email)
        return visitor.get("/")
    finally:
        house.app.config["SETTINGS"] = settings


def answering(response: Response) -> Callable[[Route], None]:
    text, status = response.get_data(as_text=True), response.status_code
    return lambda route: route.fulfill(status=status, body=text, content_type="text/html")


def test_the_studio(visit, house, hand, files):
    anna = visit(reduced_motion="reduce")
    page, tools = anna.page, anna.page.locator("#tools")
    look(page, "studio, empty")
    page.get_by_label("Describe your video").fill("short")
    picture = {"name": "<img data-hostile>.jpg", "mimeType": "image/jpeg"}
    page.set_input_files("#input_reference", {**picture, "buffer": (ROOT / "static/trial/night-city.jpg").read_bytes()})
    page.get_by_text("Fits 1280 × 720 without a cut.").wait_for()
    page.get_by_role("button", name="Generate").click()
    page.locator("#prompt-error").wait_for()
    look(page, "studio, refused, with a picture")
    page.get_by_role("radio", name="720 × 1280").check()
    page.get_by_text("of its width is left out").wait_for()
    look(page, "studio, a picture that is cut")

    videos = in_every_state(hand, user_of(house, anna.email), files)
    try:
        anna.go()
        page.wait_for_selector("html[data-stream=connected]")
        page.locator(f"#lines-{videos['running']}").get_by_text(HOSTILE).wait_for()
        cancelling = page.locator(f"#video-{videos['cancelling']}")
        assert cancelling.get_by_role("button", name="Cancel").count() == 0, "that was asked for already"
        look(page, "every state of a card")
        anna.context.set_offline(True)
        page.get_by_text(LOST).first.wait_for()
        look(page, "stream lost")
        anna.context.set_offline(False)
        page.wait_for_selector("html[data-stream=connected]")
        hand.line(videos["running"], f"live {HOSTILE}")
        page.locator(f"#lines-{videos['running']}").get_by_text(f"live {HOSTILE}").wait_for()
        page.get_by_role("button", name="Account menu").click()
        look(page, "stream back, menu open")
        page.keyboard.press("Escape")

        hand.end(videos["running"])
        hand.end(videos["begun"], "failed")
        page.locator("#toasts .toast a").first.wait_for()
        broken = error(house, 429, {"HX-Request": "true"})
        page.route("**/cancel", answering(broken))
        page.locator(f"#video-{videos['saving']}").get_by_role("button", name="Cancel").click()
        page.locator("#toasts").get_by_text("You are sending too many requests.").wait_for()
        look(page, "told of ends and of an error")

        for tool, then in (("History", "Pinned"), ("Starting points", "Northern lights"), ("Step by step", "Subject")):
            page.locator(".tools").get_by_role("link", name=tool).click()
            if tool == "History":
                tools.get_by_role("button", name="Pin: <b").first.click()
            tools.get_by_text(then, exact=True).first.wait_for()
            look(page, tool)
            page.keyboard.press("Escape")
        page.get_by_role("link", name="Your video").click()
        tools.get_by_role("link").nth(1).wait_for()
        look(page, "one's own videos")
        tools.locator(f"a[href='/frames?of={videos['finished']}']").click()
        tools.get_by_role("slider").wait_for()
        look(page, "a moment of one's own video")
        finished = videos["finished"]
        forms = (f"/?from={videos['cancelled']}", f"/?remix={finished}", f"/?extend={finished}")
        for path in (
            *forms,
            "/prompts?q=nothing",
            "/prompts/starting-points",
            "/prompts/parts",
            f"/frames?of={finished}",
        ):
            anna.go(path)
            look(page, path)
    finally:
        end_all(hand, videos)
    assert refused(anna) == []


def test_the_library(visit, house, hand, files):
    berta = visit(reduced_motion="reduce")
    page = berta.go("/videos")
    assert page.get_by_role("search").get_by_role("radio").count() == 0, "there is nothing to search in"
    look(page, "library, empty")
    videos = in_every_state(hand, user_of(house, berta.email), files)
    try:
        berta.go("/videos")
        page.wait_for_selector("html[data-stream=connected]")
        look(page, "library")
        tile = page.locator(f"#tile-{videos['finished']}")
        tile.get_by_role("link", name="Rename").click()
        tile.get_by_label("Title", exact=True).wait_for()
        page.locator("summary", has_text="More").click()
        page.locator(f"#tile-{videos['running']} .pick").check()
        look(page, "library, renaming, selected, all filters")
        page.set_viewport_size({"width": 390, "height": 844})
        look(page, "library, selected, on a phone")
        page.set_viewport_size({"width": 1280, "height": 900})
        page.locator("#chosen").get_by_role("button", name="Delete").click()
        page.get_by_role("dialog", name="Cancel what is under way?").wait_for()
        look(page, "library, asked whether to cancel")
        page.get_by_role("button", name="Keep them").click()
        page.get_by_role("button", name="Select none").click()
        tile.locator("> a").focus()
        page.keyboard.press(" ")
        tile.locator(".moving").wait_for()
        page.keyboard.press("Delete")
        page.get_by_role("button", name="Undo").wait_for()
        look(page, "library, deleted, to be undone")
        page.get_by_role("button", name="Keyboard shortcuts").click()
        look(page, "library, help")
        for path in ("/videos?q=nothing", "/videos?status=failed"):
            berta.go(path)
            look(page, path)
    finally:
        end_all(hand, videos)
    assert refused(berta) == []


def test_one_video(visit, house, hand, files):
    carla = visit(reduced_motion="reduce")
    videos = in_every_state(hand, user_of(house, carla.email), files)
    page = carla.page
    try:
        for state in ("waiting", "cancelling", "running", "failed", "cancelled", "late", "finished"):
            carla.go(f"/videos/{videos[state]}")
            look(page, f"one video, {state}")
        page.locator("summary", has_text="Rename").click()
        page.get_by_role("button", name="Keyboard shortcuts").click()
        look(page, "one video, keys")
        page.get_by_role("button", name="Close").click()
        page.get_by_role("button", name="Delete", exact=True).click()
        look(page, "one video, to be deleted")
        carla.go(f"/videos/{videos['cancelled']}/receipt")
        look(page, "receipt")
    finally:
        end_all(hand, videos)
    assert refused(carla) == []


def test_the_account_and_what_an_admin_sees(visit, house, hand):
    house.user("boss@example.com", admin=True, plan="creator", credits=1000)
    dora = visit("boss@example.com", reduced_motion="reduce", user_agent=HOSTILE)
    page = dora.page
    made = dora.make_video()
    dora.go("/account")
    page.get_by_label("Name of a new token").fill(HOSTILE[:80])
    look(page, "account")
    page.get_by_role("button", name="Make a token").click()
    page.get_by_label("Your new token").wait_for()
    look(page, "account, a new token")
    for path in ("/account/credits", "/change", f"/videos/{made}/receipt", "/admin", "/admin/checks", "/admin/books"):
        dora.go(path)
        look(page, path)
    dora.go("/change")
    page.evaluate(ASK_THE_SERVER)
    page.get_by_role("button", name="Save the new password").click()
    page.wait_for_selector(".error")
    look(page, "a new password, refused")
    assert refused(dora) == []


def test_where_nothing_can_be_done(visit, house):
    emma = visit(credits=0, reduced_motion="reduce")
    page = emma.page
    look(page, "no credits")
    page.get_by_label("Describe your video").fill("A lighthouse in a storm, seen from the sea")
    page.get_by_role("button", name="Generate").click()
    page.get_by_role("alert").get_by_text("Nothing was charged.").wait_for()
    look(page, "no credits, refused")
    frida = visit(plan="free", reduced_motion="reduce")
    look(frida.page, "a plan that cannot generate")
    page.route("**/paused", answering(paused(house, emma.email)))
    emma.go("/paused")
    page.get_by_text("This studio has used up its budget for the month").wait_for()
    look(page, "a budget that is spent")
    for path in ("/account", "/nothing-here", "/api/docs"):
        emma.go(path)
        look(page, path)
    for status in (400, 403, 413, 429, 500, 503):
        page.route(f"**/broken-{status}", answering(error(house, status)))
        emma.go(f"/broken-{status}")
        page.get_by_text(str(status), exact=True).wait_for()
        look(page, f"error {status}")
    emma.context.clear_cookies()
    for path, button in (("/login", "Sign in"), ("/register", "Make the account")):
        emma.go(path)
        look(page, path)
        page.evaluate(ASK_THE_SERVER)
        page.get_by_label("E-mail").fill("nobody")
        page.locator("main").get_by_role("button", name=button, exact=True).click()
        page.wait_for_selector("main [role=alert], main .error")
        look(page, f"{path}, refused")
    emma.go("/reset")
    look(page, "/reset")
    assert refused(emma) == [] == refused(frida)
