"""How an end is told in a real browser: once, to who looks, and how it waits for who does not."""

import pytest
from playwright.sync_api import expect
from processes import Installation
from streams import Writer

pytestmark = pytest.mark.browser
LOOK = """looks => {
    Object.defineProperty(document, 'hidden', {configurable: true, get: () => !looks});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
HEAR = """() => {
    window.spoken = [];
    const line = document.querySelector('#spoken');
    new MutationObserver(() => spoken.push(line.textContent)).observe(line, {childList: true});
}"""
NOTE_NOTIFICATIONS = """() => {
    window.notified = [];
    window.Notification = class { constructor(title, options) { notified.push([options.body, options.tag]); } };
    Notification.permission = "granted";
}"""


@pytest.fixture
def hand(house: Installation) -> Writer:
    return Writer(house.app)


def user_of(house: Installation, email: str) -> int:
    from aivideo.services import accounts

    with house.app.app_context():
        return accounts.find(email).id


def test_of_two_tabs_the_one_that_is_looked_at_tells_and_the_other_counts(visit, house, hand):
    anna = visit()
    user = user_of(house, anna.email)
    first, second, third = (hand.video(user, lines=1) for _ in range(3))
    seen, unseen = anna.page, anna.context.new_page()
    for page in (seen, unseen):
        page.goto(house.url)
        page.wait_for_selector("html[data-stream=connected]")
    unseen.evaluate(LOOK, False)
    seen.evaluate(HEAR)

    for percent in (3, 26, 27, 60, 61):
        hand.progress(first, percent)
        expect(seen.locator(f"#live-{first} progress")).to_have_js_property("value", percent)
    hand.end(first)
    toast = seen.locator(".toast").get_by_text("Your video is ready")
    toast.wait_for()
    expect(unseen).to_have_title("(1) Studio · aivideo")
    hand.end(second, "failed")
    expect(unseen).to_have_title("(2) Studio · aivideo")
    seen.locator(".toast[data-kind=danger]").wait_for()
    assert [words for words in seen.evaluate("spoken") if str(first) in words] == [
        f"Video {first}: 25 %.",
        f"Video {first}: 50 %.",
    ]
    with unseen.expect_response("**/notices/shown") as answer:
        unseen.evaluate(LOOK, True)
    assert answer.value.status == 204, "the other tab has told it"
    expect(unseen).to_have_title("Studio · aivideo")
    assert unseen.locator(".toast").count() == 0
    assert seen.locator(".toast").count() == 2
    toast.get_by_role("link", name="Open").click()
    seen.wait_for_url(f"{house.url}/videos/{first}")
    assert seen.locator(".toast").count() == 0, "and no page tells it again"

    for page in (seen, unseen):  # nobody looks: the first page that somebody looks at tells
        page.evaluate(LOOK, False)
    hand.end(third)
    expect(unseen).to_have_title("(1) Studio · aivideo")
    unseen.evaluate(LOOK, True)
    unseen.locator(".toast").get_by_text("Your video is ready").wait_for()
    assert [words for words in anna.complaints if "404" not in words] == [], "but for the file of a video that has none"


def test_the_browser_tells_where_it_may_and_nobody_looks(visit, house, hand):
    berta = visit()
    page = berta.go("/account")
    page.evaluate("Notification.requestPermission = async () => { window.asked = true; return 'denied'; }")
    page.get_by_label("Let the browser tell me").check()
    assert page.evaluate("window.asked"), "by the click, for no browser lets itself be asked otherwise"
    page.get_by_role("button", name="Save").click()
    page.locator(".toast").get_by_text("Your choice is kept.").wait_for()
    assert page.get_by_label("Let the browser tell me").is_checked()

    video = hand.video(user_of(house, berta.email), lines=1)
    berta.go()
    page.wait_for_selector("html[data-stream=connected]")
    page.evaluate(NOTE_NOTIFICATIONS)
    page.evaluate(LOOK, False)
    hand.end(video)
    page.wait_for_function("() => notified.length")
    assert page.evaluate("notified") == [["Your video is ready: “A paper boat on a river”.", f"video-{video}"]]
    expect(page).to_have_title("(1) Studio · aivideo")
    page.evaluate(LOOK, True)
    expect(page).to_have_title("Studio · aivideo")
    assert page.locator(".toast").count() == 0
    berta.go("/videos")
    assert page.locator(".toast").count() == 0


def test_a_browser_that_is_signed_out_from_elsewhere_is_out_at_its_next_click(visit):
    carla = visit()
    phone = visit(carla.email, viewport={"width": 390, "height": 800})
    page = carla.go("/account")
    row = page.locator("#sessions li").filter(has_not_text="This browser")
    row.get_by_role("button", name="Sign out").click()
    page.locator(".toast").get_by_text("That browser is signed out.").wait_for()
    expect(page.locator("#sessions li")).to_have_count(1)
    phone.page.get_by_role("link", name="Library").click()
    phone.page.wait_for_url("**/login?next=/videos")
