"""A page behind something that swallows Server-Sent Events goes on over a WebSocket, and back when that fails."""

from types import SimpleNamespace

import pytest
from middlebox import Middlebox
from servers import wait_until
from streams import Writer

pytestmark = pytest.mark.browser
NUMBERS = "lines => lines.map(line => line.value)"
CARRIER = "id => Object.keys(document.getElementById(id)._htmx).find(name => ['sse', 'ws'].includes(name))"
TRIES = "tries => document.getElementById('stream')._htmx?.ws?.connection?.attempt === tries"
CONNECTED, LOST = "html[data-stream=connected]", "html[data-stream=lost]"


def test_a_video_finishes_where_streams_are_swallowed_and_nothing_is_missing(visit, house):
    with Middlebox(house.url) as box:
        rita = visit(at=SimpleNamespace(url=box.url, user=house.user))
        page, hand = rita.page, Writer(house.app)
        user = user_of(house, rita.email)
        video, other = hand.video(user, lines=2), hand.video(user, lines=1)
        page.clock.install()  # it runs as ever, and where the page only waits we let it run faster
        box.swallowed.clear()
        page.goto(f"{box.url}/videos/{video}")
        hand.line(video, "written before anybody listens")
        states = lambda: [address for address in box.swallowed if address.startswith("/stream?")]  # noqa: E731
        wait_until(lambda: len(states()) == 1, what="the first try")
        page.clock.run_for(5000)
        page.wait_for_selector(LOST)
        page.clock.run_for(1000)
        wait_until(lambda: len(states()) == 2, what="the second try")
        page.clock.run_for(5000)
        page.wait_for_selector(CONNECTED)
        assert page.evaluate(CARRIER, "stream") == page.evaluate(CARRIER, f"log-{video}") == "ws"
        page.locator(f"#line-{video}-3").wait_for()
        hand.progress(video, 40)
        page.locator(f"#line-{video}-4").wait_for()
        page.wait_for_selector(f"#live-{video}[data-seq='4']")

        box.upgrades = False
        box.cut()
        page.wait_for_selector(LOST)
        hand.progress(video, 60)
        box.upgrades = True
        page.wait_for_selector(CONNECTED)
        page.locator(f"#line-{video}-5").wait_for()
        page.get_by_role("button", name="Cancel this video").click()
        rita.wait_for_status(video, "cancelled")
        page.locator(f"#line-{video}-6").wait_for()
        assert page.locator(f"#log-{video} li").evaluate_all(NUMBERS) == [1, 2, 3, 4, 5, 6]
        assert len(states()) == 2

        # The next page knows; and when the WebSocket does not get through any more, it goes back.
        box.swallowed.clear()
        page.goto(f"{box.url}/videos/{other}")
        page.wait_for_selector(CONNECTED)
        hand.line(other, "over the WebSocket")
        page.locator(f"#line-{other}-2").wait_for()
        assert box.swallowed == []
        box.swallows = box.upgrades = False
        box.cut()
        for tries in range(1, 5):
            page.wait_for_function(TRIES, arg=tries)
            assert page.locator(LOST).count()
            hand.line(other, "in between")
            page.clock.run_for(6000)
        page.wait_for_selector(CONNECTED)
        assert page.evaluate(CARRIER, "stream") == page.evaluate(CARRIER, f"log-{other}") == "sse"
        hand.end(other, "failed")
        rita.wait_for_status(other, "failed")
        page.locator(f"#line-{other}-7").wait_for()
        assert page.locator(f"#log-{other} li").evaluate_all(NUMBERS) == list(range(1, 8))


def user_of(house, email: str) -> int:
    from aivideo.services import accounts

    with house.app.app_context():
        return accounts.find(email).id
