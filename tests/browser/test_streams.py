"""The live streams as a browser sees them: one connection to a page, and nothing lost or doubled whatever happens."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from nginx import Nginx
from processes import Installation, served
from streams import Writer

pytestmark = pytest.mark.browser
NUMBERS = "lines => lines.map(line => line.value)"
BE_HIDDEN = """hidden => {
    Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
    document.dispatchEvent(new Event('visibilitychange'));
}"""
NOTE_CONNECTIONS = """() => {
    window.opened = [];
    document.addEventListener('htmx:sse:after:connection', ({target}) => window.opened.push(target.id));
}"""
FOLLOW = """([key, url]) => {
    const source = new EventSource(url);
    const heard = {ids: [], openings: 0, source};
    (window.heard ??= {})[key] = heard;
    source.onopen = () => { heard.openings += 1; };
    source.onmessage = event => heard.ids.push(JSON.parse(event.data).id);
}"""
HEARD = "key => ({ids: heard[key].ids, openings: heard[key].openings, state: heard[key].source.readyState})"
CLOSED = 2
PROGRESS = "place => document.querySelector(`${place} progress`).value"


@pytest.fixture
def hand(house: Installation) -> Writer:
    """Writes videos and lines that no worker has to do with."""
    return Writer(house.app)


@pytest.fixture
def own_house(sqlite_template: Path, tmp_path: Path) -> Iterator[Installation]:
    """A web process and a Redis that a test may stop."""
    with served(tmp_path, sqlite_template) as whole:
        yield whole


def user_of(house: Installation, email: str) -> int:
    from aivideo.services import accounts

    with house.app.app_context():
        return accounts.find(email).id


def streams(context) -> list[str]:
    """The addresses of the streams that a browser opens from now on, without the page's cursor."""
    opened: list[str] = []
    context.on(
        "request",
        lambda request: (
            request.url.split("?")[0].endswith("/stream")
            and opened.append(re.sub(r"https?://[^/]+|\?.*", "", request.url))
        ),
    )
    return opened


def test_studio_and_library_hold_one_stream_for_all_their_videos_and_drive_every_one(visit, house, hand):
    anna = visit()
    user = user_of(house, anna.email)
    videos = [hand.video(user, lines=1) for _ in range(4)]
    opened = streams(anna.context)
    for path, part in (("/", "#live"), ("/videos", "#tile")):
        page = anna.go(path)
        page.wait_for_selector("html[data-stream=connected]")
        seq = 2 if path == "/" else 3
        for number, video in enumerate(videos):
            hand.progress(video, 10 * seq + number)
        for number, video in enumerate(videos):
            page.wait_for_selector(f"{part}-{video}[data-seq='{seq}']")
            assert page.evaluate(PROGRESS, f"{part}-{video}") == 10 * seq + number
        assert opened == ["/stream"], path
        opened.clear()
    hand.end(videos[0], "failed")
    page.wait_for_selector(f"#tile-{videos[0]}[data-status=failed]")
    late = hand.video(user, lines=1)
    page.wait_for_selector(f"#tile-{late}")
    for video in [*videos[1:], late]:
        hand.hide(video)
        page.locator(f"#tile-{video}").wait_for(state="detached")
    assert opened == []
    assert anna.complaints == []


def test_all_lines_have_a_stream_of_their_own_until_the_video_has_ended(visit, house, hand):
    berta = visit()
    video = hand.video(user_of(house, berta.email), lines=2)
    opened = streams(berta.context)
    page = berta.go(f"/videos/{video}")
    page.wait_for_selector("html[data-stream=connected]")
    hand.line(video, "a third")
    page.locator(f"#line-{video}-3").wait_for()
    assert sorted(opened) == ["/stream", f"/videos/{video}/stream"]
    hand.end(video)
    page.locator(f"#line-{video}-4").wait_for()
    page.wait_for_function(f"() => !document.querySelector('#log-{video}')._htmx?.sse")
    berta.go(f"/videos/{video}")
    assert f"/videos/{video}/stream" not in opened[2:], "what has ended needs none"


def test_the_log_pauses_in_a_hidden_tab_and_misses_nothing(visit, house, hand):
    carla = visit()
    video = hand.video(user_of(house, carla.email), lines=2)
    page = carla.go(f"/videos/{video}")
    hand.line(video, "seen live")
    page.locator(f"#line-{video}-3").wait_for()
    page.wait_for_selector("html[data-stream=connected]")
    asked = []
    page.on("request", lambda request: asked.append((request.url, request.headers.get("last-event-id"))))
    page.evaluate(NOTE_CONNECTIONS)
    page.evaluate(BE_HIDDEN, True)
    page.wait_for_function(f"() => !document.querySelector('#log-{video}')._htmx.sse.reader")
    for number in range(4, 8):
        hand.line(video, f"line {number}, not seen", progress=number)
    page.wait_for_selector(f"#live-{video}[data-seq='7']", state="attached")  # the state goes on
    shown = page.locator(f"#log-{video} li")
    assert shown.evaluate_all(NUMBERS) == [1, 2, 3]
    page.evaluate(BE_HIDDEN, False)
    page.locator(f"#line-{video}-7").wait_for()
    hand.line(video, "seen live again")
    page.locator(f"#line-{video}-8").wait_for()
    assert shown.evaluate_all(NUMBERS) == list(range(1, 9))
    assert page.evaluate("opened") == [f"log-{video}"], "and the stream of the state was never closed"
    assert asked == [(f"{carla.house.url}/videos/{video}/stream?after=2", "3")]
    hand.end(video)
    assert carla.complaints == []


def test_an_event_source_gets_every_event_once_and_stops_by_itself_at_the_end(visit, house, hand):
    dora = visit()
    video = hand.video(user_of(house, dora.email), lines=3)
    page = dora.page
    page.evaluate(FOLLOW, ["one", f"/api/v1/videos/{video}/stream"])
    page.wait_for_function("() => heard.one.ids.length === 3")
    hand.lines(video, 20)
    hand.end(video)
    page.wait_for_function("() => heard.one.source.readyState === 2")  # it came back once and was told 204
    heard = page.evaluate(HEARD, "one")
    assert heard == {"ids": list(range(1, 25)), "openings": 1, "state": CLOSED}


def test_an_older_state_never_overwrites_a_newer_one(visit, house, hand):
    emma = visit()
    user = user_of(house, emma.email)
    video = hand.video(user, lines=5)
    page = emma.go()
    page.wait_for_selector("html[data-stream=connected]")
    hand.progress(video, 60)
    page.wait_for_selector(f"#live-{video}[data-seq='6']")
    swapped = page.evaluate(
        """async video => {
            const card = document.querySelector(`#live-${video}`);
            const old = card.outerHTML.replace('data-seq="6"', 'data-seq="4"').replaceAll("60", "40");
            const text = `<hx-partial hx-target="#live-${video}" hx-swap="outerMorph">${old}</hx-partial>`;
            await htmx.swap({text, swap: "none", target: card, sourceElement: document.querySelector("#stream")});
            return card.dataset.seq + " " + card.querySelector("progress").value;
        }""",
        video,
    )
    assert swapped == "6 60"
    page.evaluate(
        """video => {
            window.shown = ["6"];
            const look = () => shown.push(document.querySelector(`#live-${video}`).dataset.seq);
            const changes = {subtree: true, attributeFilter: ["data-seq"]};
            new MutationObserver(look).observe(document.querySelector(`#video-${video}`), changes);
        }""",
        video,
    )
    import redis

    with redis.Redis.from_url(house.settings["REDIS_URL"]) as client:
        from aivideo import events
        from aivideo.extensions import db
        from aivideo.models import Video

        with house.app.app_context():
            snapshot = events.snapshots([db.session.get(Video, video)])[0]
            db.session.remove()
        client.publish(f"user:{user}", json.dumps({**snapshot, "seq": 4, "progress": 40}, default=str))
    hand.progress(video, 70)
    page.wait_for_selector(f"#live-{video}[data-seq='7']")
    assert page.evaluate("shown") == ["6", "7"]
    hand.end(video)


def test_a_page_outlives_a_restart_of_the_server_and_an_absence_of_redis(visit, own_house):
    frida = visit(at=own_house)
    house, hand = own_house, Writer(own_house.app)
    user = user_of(house, frida.email)
    video = hand.video(user, lines=2)
    page = frida.go(f"/videos/{video}")
    page.evaluate("window.unchanged = true")
    dot = page.locator(f"#live-{video} .connection")
    connected, reconnecting = dot.get_by_text("Connected", exact=True), dot.get_by_text("Reconnecting to live updates…")
    connected.wait_for()
    page.evaluate(FOLLOW, ["one", f"/api/v1/videos/{video}/stream"])
    page.wait_for_function("() => heard.one.ids.length === 2")

    web = house.running.pop("web")
    web.terminate()
    reconnecting.wait_for()
    assert web.wait(60) == 0
    hand.line(video, "written while nobody serves")
    house.start_web()
    connected.wait_for()
    page.locator(f"#line-{video}-3").wait_for()

    house.redis.kill()
    reconnecting.wait_for()
    hand.line(video, "written while Redis is away")
    page.locator(f"#line-{video}-4").wait_for()
    house.redis.start()
    connected.wait_for()
    hand.end(video)
    frida.wait_for_status(video)
    page.locator(f"#line-{video}-5").wait_for()
    assert page.locator(f"#log-{video} li").evaluate_all(NUMBERS) == [1, 2, 3, 4, 5]
    page.wait_for_function("() => heard.one.source.readyState === 2")
    assert page.evaluate("heard.one.ids") == [1, 2, 3, 4, 5]
    assert page.evaluate("unchanged"), "it was never loaded again"


def test_through_nginx_many_streams_share_one_http_2_connection(visit, house, hand, tmp_path):
    nginx = Nginx(tmp_path, house.port)
    try:
        nginx.start()
        gerda = visit(ignore_https_errors=True)
        page = gerda.page
        videos = [hand.video(user_of(house, gerda.email), lines=1) for _ in range(8)]  # HTTP/1.1 would stop at six
        page.goto(f"{nginx.url}/account")
        assert page.evaluate("performance.getEntriesByType('navigation')[0].nextHopProtocol") == "h2"
        for video in videos:
            page.evaluate(FOLLOW, [str(video), f"/api/v1/videos/{video}/stream"])
        page.wait_for_function("() => Object.values(heard).every(({ids}) => ids.length === 1)")
        for video in videos:
            hand.line(video, "live")
            hand.end(video)
        page.wait_for_function("() => Object.values(heard).every(({source}) => source.readyState === 2)")
        assert page.evaluate("Object.values(heard).map(({ids}) => ids)") == [[1, 2, 3]] * 8
    finally:
        nginx.stop()
