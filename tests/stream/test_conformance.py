"""What a client may rely on, on every server that we run on."""

import json
import random
import subprocess
import threading
import time

import httpx
import httpx_sse
import pytest
import requests
from stream_servers import HEARTBEAT_SECONDS, MOST_PER_USER, House
from streams import Listener, published, targets

API = "/api/v1/videos/{}/stream"
PAGE = "/videos/{}/stream"


def test_headers_and_first_byte_come_at_once_and_say_where_the_replay_starts(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user)
    began = time.monotonic()
    with house.listen(API.format(video), token) as stream:
        stream.until(lambda stream: stream.raw)
        assert time.monotonic() - began < HEARTBEAT_SECONDS
        assert stream.raw.startswith(b": ok\n")
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-cache, no-transform"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["connection"] == "close", "a proxy must not send the next request into its end"
        assert "content-length" not in stream.headers
        assert "content-encoding" not in stream.headers


def test_a_program_gets_every_event_as_it_was_published_first_old_then_new_then_the_end(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=3)
    with house.listen(API.format(video), token) as stream:
        stream.until(lambda stream: len(stream.messages) == 3)
        house.writer.line(video, "Two\nlines, and 🚀", progress=54)
        house.writer.end(video)
        stream.until_end()
        assert stream.ids == [1, 2, 3, 4, 5]
        assert stream.events == published(house.writer.app, video)
        assert stream.named == []


def test_a_client_of_python_that_nobody_here_wrote_reads_it(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=2)
    url, headers = house.url + API.format(video), {"Authorization": f"Bearer {token}"}
    ids = []
    with (
        httpx.Client(trust_env=False, timeout=60) as client,
        httpx_sse.connect_sse(client, "GET", url, headers=headers) as source,
    ):
        for sse in source.iter_sse():
            ids.append(sse.json()["id"])
            if ids[-1] == 2:
                house.writer.line(video, "live")
            elif ids[-1] == 3:
                house.writer.end(video)
    assert ids == [1, 2, 3, 4]


def test_curl_shows_each_line_when_it_comes(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    command = ["curl", "-sN", "-H", f"Authorization: Bearer {token}", house.url + API.format(video)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        printed = iter(curl.stdout.readline, "")
        assert "id: 1\n" in printed
        house.writer.line(video, "live")
        assert "id: 2\n" in printed
        house.writer.end(video)
        assert "id: 3\n" in printed
    assert curl.returncode == 0


def test_what_is_written_reaches_the_client_at_once(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with house.listen(API.format(video), token) as stream:
        stream.until(lambda stream: stream.messages)
        house.writer.line(video, "warm")
        stream.until(lambda stream: len(stream.messages) == 2)
        delays = []
        for number in range(3, 8):
            house.writer.line(video, "quick")
            written = time.monotonic()
            stream.until(lambda stream, number=number: len(stream.messages) == number)
            delays.append(time.monotonic() - written)
        assert sorted(delays)[2] < HEARTBEAT_SECONDS / 4, "the periodic look is not what brings it"


@pytest.mark.parametrize(
    ("header", "query", "first"),
    [
        ("4", "", 5),
        ("4", "?after=2", 5),
        (None, "?after=2", 3),
        ("nonsense", "", 1),
        ("-1", "?after=2", 1),
        ("9" * 400, "", 1),
    ],
)
def test_the_replay_starts_after_what_the_client_has(house: House, header: str | None, query: str, first: int) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=6)
    with house.listen(API.format(video) + query, token, last_event_id=header) as stream:
        stream.until(lambda stream: stream.messages and stream.ids[-1] == 6)
        assert stream.ids == list(range(first, 7))
        # Who came by `?after=` is given a cursor first; to some clients a block of an id alone is an event.
        assert stream.blocks[0].id == str(first - 1 if query else first)


def test_asked_again_after_the_end_it_replays_and_closes_and_then_has_nothing_to_say(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=2)
    house.writer.end(video)
    with house.listen(API.format(video), token, last_event_id="1") as stream:
        assert stream.until_end().ids == [2, 3]
    with house.listen(API.format(video), token, last_event_id="3") as stream:
        assert stream.status == 204
        assert stream.body() == b""
    with house.listen(API.format(video), token, last_event_id="99") as stream:
        assert stream.until_end().ids == [1, 2, 3], "99 is no number that we can have sent"


def test_a_long_log_is_replayed_whole(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user)
    house.silent.lines(video, 450, at_once=50)
    with house.listen(API.format(video), token) as first, house.listen(API.format(video), token) as second:
        for stream in (first, second):
            stream.until(lambda stream: len(stream.messages) >= 450)
        house.writer.end(video)
        for stream in (first, second):
            assert stream.until_end().ids == list(range(1, 452))


def test_viewers_who_come_and_go_while_hundreds_of_events_are_written_get_each_once(
    house: House,
) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user)
    dice = random.Random(7)
    staying = [dice.randint(1, 60) for _ in range(400)]
    seen: dict[int, list[int]] = {}

    def watch(viewer: int) -> None:
        ids: list[int] = []
        while True:
            with house.listen(API.format(video), token, last_event_id=str(ids[-1]) if ids else None) as stream:
                if stream.status == 204:
                    break
                most = staying[(viewer + len(ids)) % len(staying)]
                while not stream.ended and len(stream.messages) < most:
                    stream.read()
                ids += stream.ids
        seen[viewer] = ids

    viewers = [threading.Thread(target=watch, args=(number,)) for number in range(8)]
    for viewer in viewers:
        viewer.start()
    house.writer.lines(video, 300)
    house.writer.end(video)
    for viewer in viewers:
        viewer.join(20)
    assert seen == {number: list(range(1, 302)) for number in range(8)}


def test_events_that_were_never_published_are_found_by_the_regular_look(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with house.listen(API.format(video), token) as stream:
        stream.until(lambda stream: stream.messages)
        house.silent.lines(video, 3)
        stream.until(lambda stream: len(stream.messages) == 4, HEARTBEAT_SECONDS * 4)
        house.silent.end(video)
        assert stream.until_end().ids == [1, 2, 3, 4, 5]


def test_messages_out_of_order_doubled_or_not_ours_change_nothing(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    channel = f"video:{video}"
    with house.listen(API.format(video), token) as stream:
        stream.until(lambda stream: stream.messages)
        house.silent.lines(video, 9)
        texts = [json.dumps(message, ensure_ascii=False) for message in published(house.writer.app, video)]
        random.Random(3).shuffle(texts)
        house.publish(channel, "nonsense", b"\xff\xfe", "[1]", '{"id": "7"}', '{"id": null}', *texts, *texts)
        house.publish(f"user:{user}", "nonsense", '{"id": 1}', '{"id": null}')
        stream.until(lambda stream: len(stream.messages) == 10)
        house.writer.end(video)
        assert stream.until_end().ids == list(range(1, 12))


def test_a_viewer_that_does_not_read_is_cut_and_finds_everything_when_it_comes_back(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with house.listen(API.format(video), token, receive_buffer=4096) as stuck:
        stuck.until(lambda stream: stream.messages)
        before = house.viewers()
        written = 1
        while house.viewers() == before:  # however much the kernel takes in between
            house.writer.line(video, "x" * 60_000)
            written += 1
        stuck.until_end()
        assert len(stuck.messages) < written
        seen = stuck.ids[-1]
    assert stuck.ids == list(range(1, seen + 1))
    with house.listen(API.format(video), token, last_event_id=str(seen)) as again:
        again.until(lambda stream: stream.messages and stream.ids[-1] == written)
        assert again.ids == list(range(seen + 1, written + 1))


def test_a_heartbeat_is_a_comment_that_moves_no_cursor(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with house.listen(API.format(video), token) as stream:
        stream.until(lambda stream: stream.parser.comments.count("hb") == 2, HEARTBEAT_SECONDS * 6)
        assert b"\n: hb\n" in stream.raw
        assert [block.id for block in stream.blocks] == ["1"]


def test_a_stranger_gets_404_and_nobody_401(house: House) -> None:
    user, token = house.writer.user()
    _, stranger = house.writer.user()
    video = house.writer.video(user, lines=1)

    def status(path: str, token: str) -> int:
        with house.listen(path, token) as answer:
            return answer.status

    for path in (API.format(video), PAGE.format(video)):
        assert status(path, stranger) == 404
        assert status(path, "") == 401
        assert status(path, "av_wrong") == 401
    assert status("/stream", "") == 401
    assert status(API.format(10**6), token) == 404


def test_open_streams_hold_no_database_connection_and_one_user_gets_no_more_than_allowed(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    paths = [API.format(video), PAGE.format(video), "/stream"]
    streams = [house.listen(paths[number % 3], token) for number in range(MOST_PER_USER)]
    try:
        for stream in streams:
            stream.until(lambda stream: stream.messages)
        assert house.redis_subscribers() == 1
        url = f"{house.url}/api/v1/videos/{video}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=3)
        assert answer.json()["status"] == "processing"

        with house.listen(paths[0], token) as refused:
            assert refused.status == 200, "any other status ends an EventSource for good"
            assert refused.until_end().blocks[0].retry == 15_000
            assert refused.messages == []
        _, other = house.writer.user()
        with house.listen("/stream", other) as welcome:
            welcome.until(lambda stream: stream.messages)
    finally:
        for stream in streams:
            stream.close()


def test_the_log_of_a_page_is_lines_for_htmx_and_ends_with_done(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=2)
    with house.listen(f"{PAGE.format(video)}?after=1", token) as stream:
        stream.until(lambda stream: stream.messages)
        house.writer.line(video, "<b>&amp; ' \"")
        house.writer.end(video)
        stream.until_end()
        assert targets(stream) == [f"#log-{video} beforeend"] * 3
        assert [message.id for message in stream.messages] == ["2", "3", "4"]
        assert "&lt;b&gt;&amp;amp;" in (stream.messages[1].data or "")
        assert f'<li id="line-{video}-3"' in (stream.messages[1].data or "")
        assert stream.named == ["done"]
        assert stream.blocks[-1].event == "done"
        assert not stream.blocks[-1].has_id
    with house.listen(PAGE.format(video), token, last_event_id="4") as again:
        assert again.until_end().named == ["done"], "htmx comes back for ever unless told that it is done"
        assert again.messages == []


def watching(listener: Listener, what: str) -> bool:
    return any(what in (message.data or "") for message in listener.messages)


def test_the_state_stream_tells_what_is_under_way_and_what_changed_and_then_goes_on(house: House) -> None:
    user, token = house.writer.user(credits=900)
    ended = house.writer.video(user, lines=1)
    house.writer.end(ended)
    running = house.writer.video(user, lines=6)
    with house.listen("/stream", token) as stream:
        stream.until(lambda stream: watching(stream, "#balance"))
        assert targets(stream) == [f"#live-{running} outerMorph", "#balance outerHTML"]
        assert ">900<" in (stream.messages[-1].data or "")
        assert (stream.messages[0].data or "").count("<li ") == 5

        begun_elsewhere = house.writer.video(user, lines=1)
        stream.until(lambda stream: watching(stream, f"#live-{begun_elsewhere}"))
        house.writer.end(running)
        stream.until(lambda stream: watching(stream, 'data-status="completed"'))
        house.writer.hide(begun_elsewhere)
        stream.until(lambda stream: f"#video-{begun_elsewhere} delete" in targets(stream))
        cursor = stream.parser.last_id
    assert abs(int(cursor) / 1000 - time.time()) < 5
    with house.listen("/stream", token, last_event_id=cursor) as again:
        again.until(lambda stream: watching(stream, "#balance"))
        assert {f"#live-{ended} outerMorph", f"#live-{running} outerMorph"} < set(targets(again))
    with house.listen(f"/stream?since={(int(cursor) + 3_600_000)}", token) as later:
        later.until(lambda stream: watching(stream, "#balance"))
        assert f"#live-{ended} outerMorph" in targets(later), "a clock that is ahead loses nothing"


def test_the_state_stream_never_goes_back_and_heals_what_was_not_published(house: House) -> None:
    from aivideo.services import credits

    user, token = house.writer.user(credits=900)
    video = house.writer.video(user, lines=3)
    with house.listen("/stream", token) as stream:
        stream.until(lambda stream: watching(stream, "#balance"))
        house.silent.lines(video, 2, at_once=2)
        with house.silent.inside():
            credits.grant(user, 34)
        stream.until(lambda stream: watching(stream, 'data-seq="5"') and watching(stream, ">934<"))
        old = {"id": video, "seq": 4, "updated_at": "2026-01-01T00:00:00.000Z"}
        house.publish(f"user:{user}", json.dumps(old))
        house.writer.line(video, "newer")
        stream.until(lambda stream: watching(stream, 'data-seq="6"'))
        assert not watching(stream, 'data-seq="4"')


def test_it_says_when_redis_is_away_goes_on_from_the_database_and_is_live_again_after(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with house.listen(PAGE.format(video), token) as page, house.listen(API.format(video), token) as program:
        page.until(lambda stream: stream.messages)
        program.until(lambda stream: stream.messages)
        house.redis.kill()
        house.silent.lines(video, 20)
        page.until(lambda stream: len(stream.messages) == 21)
        page.until(lambda stream: stream.named == ["reconnecting"])
        with house.listen(PAGE.format(video), token) as late:
            late.until(lambda stream: stream.named == ["reconnecting"])
        house.redis.start()
        page.until(lambda stream: stream.named == ["reconnecting", "live"])
        message = {"id": 22, "step": 5, "message": "by Redis alone", "timestamp": "2026-01-01T00:00:00.000Z"}
        house.publish(f"video:{video}", json.dumps(message))
        page.until(lambda stream: watching(stream, "by Redis alone"), HEARTBEAT_SECONDS * 4)
        program.until(lambda stream: len(stream.messages) == 22)
        assert program.ids == page.ids == list(range(1, 23))
        assert program.named == []
