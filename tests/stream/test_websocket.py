"""The WebSocket tells what the streams tell, and takes commands, on every server that we run on."""

import re
import socket
import threading
import time
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from processes import CHECKOUT
from servers import wait_until
from stream_servers import HEARTBEAT_SECONDS, MOST_PER_USER, House
from streams import published
from talks import HANDSHAKE, Talk, page
from websockets.exceptions import ConnectionClosed

# Whether streams are detached makes no difference to a WebSocket.
pytestmark = pytest.mark.parametrize("server", ["threads", "gevent", "gthread"], indirect=True)
NORMAL, POLICY, TOO_LONG, RESTART, TRY_LATER = 1000, 1008, 1009, 1012, 1013


def talk(house: House, query: str, token: str) -> Talk:
    return Talk(f"{house.url}/ws{query}", token)


def test_a_log_is_replayed_then_live_then_over_as_it_was_published(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=3)
    began = time.monotonic()
    with talk(house, f"?video={video}", token) as whole, talk(house, f"?video={video}&after=2", token) as rest:
        whole.until(lambda talk: talk.said)
        assert time.monotonic() - began < HEARTBEAT_SECONDS
        assert whole.said[0] == {"type": "cursor", "cursor": 0}
        whole.until(lambda talk: len(talk.news) == 3)
        rest.until(lambda talk: talk.news)
        delays = []
        for number in range(4, 9):
            house.writer.line(video, "Two\nlines, and 🚀", progress=54)
            written = time.monotonic()
            whole.until(lambda talk, number=number: len(talk.news) == number)
            delays.append(time.monotonic() - written)
        assert sorted(delays)[2] < HEARTBEAT_SECONDS / 4, "the periodic look is not what brings it"
        house.silent.line(video, "x" * 70_000)
        house.writer.end(video)
        for ended in (whole, rest):
            assert ended.until_closed().code == NORMAL
            assert ended.about == ["cursor", "done"]
        assert whole.news == published(house.writer.app, video)
        assert rest.said[0]["cursor"] == 2
        assert rest.news == whole.news[2:]
    with (
        talk(house, f"?video={video}&after=8", token) as after,
        talk(house, f"?video={video}&after=99", token) as wrong,
    ):
        assert after.until_closed().ids == [9, 10]
        assert wrong.until_closed().ids == list(range(1, 11)), "99 is no number that we can have sent"


def test_the_states_of_all_videos_are_told_as_the_api_shows_them(house: House) -> None:
    user, token = house.writer.user(credits=900)
    ended, running = house.writer.video(user, lines=1), house.writer.video(user, lines=2)
    house.writer.end(ended)
    headers = {"Authorization": f"Bearer {token}"}
    shown = requests.get(f"{house.url}/api/v1/videos/{running}", headers=headers, timeout=60).json()
    with talk(house, "", token) as states:
        states.until(lambda talk: len(talk.news) == 2)
        assert states.about[0] == "cursor"
        first, balance = states.news
        assert (first["video"], first["seq"], balance) == (shown, 2, {"credits_left": 900})
        house.writer.end(running)
        states.until(lambda talk: talk.news[-1].get("video", {}).get("status") == "completed")
        house.silent.hide(ended)
        states.until(lambda talk: talk.news[-1].get("deleted") == ended)
        cursor = states.news[-1]["cursor"]
        assert abs(cursor / 1000 - time.time()) < 5
    for since in (cursor, datetime.now(UTC).isoformat()):
        with talk(house, f"?since={since}", token) as again:
            again.until(lambda talk: {"credits_left": 900} in talk.news)
            assert [(news.get("deleted"), news.get("seq")) for news in again.news[:-1]] == [(ended, None), (None, 3)]


def test_a_page_gets_fragments_and_cursors_if_it_is_ours(house: House) -> None:
    user, _ = house.writer.user()
    video = house.writer.video(user, lines=1)
    headers = page(house, user).headers
    with (
        Talk(f"{house.url}/ws?video={video}", headers=headers) as log,
        Talk(f"{house.url}/ws", headers=headers) as cards,
    ):
        cards.until(lambda talk: len(talk.news) == 2)
        log.until(lambda talk: talk.news)
        house.writer.line(video, "<b>")
        log.until(lambda talk: len(talk.news) == 2)
        cards.until(lambda talk: 'data-seq="2"' in talk.news[-1]["content"])
        target = f'<hx-partial hx-target="#{{}}-{video}" hx-swap="{{}}"><'
        assert [message["cursor"] for message in log.news] == [1, 2]
        assert log.news[1]["content"].startswith(target.format("log", "beforeend"))
        assert "&lt;b&gt;" in log.news[1]["content"]
        assert cards.news[-1]["content"].startswith(target.format("live", "outerMorph"))
        moves = {"cursor" in message for message in cards.news if "#balance" in message["content"]}
        assert moves == {False}, "the balance moves no cursor"
        for foreign in ({**headers, "Origin": "https://elsewhere.example"}, {"Cookie": headers["Cookie"]}):
            assert refusal(house, {**HANDSHAKE, **foreign})[:2] == (403, "Forbidden")


def refusal(house: House, headers: dict[str, str], query: str = "") -> tuple[int, str, str]:
    """Status, title and detail of an answer instead of an upgrade."""
    answer = requests.get(f"{house.url}/ws{query}", headers=headers, timeout=60)
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    return answer.status_code, problem["title"], problem["detail"]


def test_whatever_is_wrong_is_said_before_the_upgrade(house: House) -> None:
    user, token = house.writer.user()
    _, stranger = house.writer.user()
    video = house.writer.video(user, lines=1)
    mine, theirs = ({"Authorization": f"Bearer {one}", **HANDSHAKE} for one in (token, stranger))
    assert refusal(house, HANDSHAKE)[0] == 401
    assert refusal(house, {**HANDSHAKE, "Authorization": "Bearer av_wrong"})[0] == 401
    assert refusal(house, theirs, f"?video={video}")[0] == 404
    for nonsense in ("", "x", "-1", "9" * 400, "²"):
        assert refusal(house, mine, f"?video={nonsense}")[0] == 404
    assert refusal(house, mine, "?format=xml")[0] == 400
    assert refusal(house, {**mine, "Sec-WebSocket-Version": "8"})[0] == 400
    status, _, detail = refusal(house, {})
    assert (status, "Upgrade: websocket" in detail) == (426, True)
    assert house.viewers() == 0


def test_viewers_who_come_and_go_get_each_line_once_published_or_not(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user)
    seen: dict[int, list[int]] = {}

    def watch(viewer: int) -> None:
        ids: list[int] = []
        done, most = False, 7 + 3 * viewer
        while not done:
            with talk(house, f"?video={video}&after={ids[-1] if ids else 0}", token) as one:
                one.until(lambda talk: talk.code is not None or len(talk.news) >= most)
                ids += one.ids
                done = "done" in one.about
        seen[viewer] = ids

    viewers = [threading.Thread(target=watch, args=(number,)) for number in range(5)]
    for viewer in viewers:
        viewer.start()
    for writer in (house.writer, house.silent, house.writer):
        writer.lines(video, 40)
    house.writer.end(video)
    for viewer in viewers:
        viewer.join(60)
    assert seen == {number: list(range(1, 122)) for number in range(5)}


def test_a_token_cancels_where_it_listens(house: House) -> None:
    user, token = house.writer.user()
    stranger, _ = house.writer.user()
    video, theirs = house.writer.video(user, lines=1), house.writer.video(stranger, lines=1)
    cancel = {"type": "cancel", "video_id": video}
    with talk(house, f"?video={video}", token) as log:
        refused = [
            ("what?", 400, {}),
            (b"\xff", 400, {}),
            ([], 400, {}),
            ({"type": "fly"}, 400, {}),
            ({"type": "cancel"}, 422, {"command": "cancel"}),
            ({"type": "cancel", "video_id": True}, 422, {"command": "cancel", "video_id": True}),
            ({"type": "cancel", "video_id": 10**30}, 422, {"command": "cancel", "video_id": 10**30}),
            ({"type": "cancel", "video_id": theirs}, 404, {"command": "cancel", "video_id": theirs}),
        ]
        for command, status, about in refused:
            answer = log.ask(command)
            assert answer.pop("detail"), command
            assert answer.pop("title"), command
            assert ("errors" in answer) == (status == 422)
            answer.pop("errors", None)
            assert answer == {"type": "error", "status": status, **about}
        answer = log.ask(cancel)
        assert {**answer, "video": answer["video"]["status"]} == {
            "type": "result",
            "command": "cancel",
            "video_id": video,
            "video": "cancelled",
        }
        assert log.until_closed().code == NORMAL
        assert log.news[-1]["status"] == "cancelled"
    with talk(house, "", token) as states:
        assert states.ask(cancel)["status"] == 409


def test_a_page_cancels_with_the_token_of_its_forms(house: House) -> None:
    user, _ = house.writer.user()
    video = house.writer.video(user, lines=1)
    mine = page(house, user)
    cancel = {"type": "cancel", "video_id": video}
    with Talk(f"{house.url}/ws", headers=mine.headers) as states:
        for wrong in ({}, {"csrf_token": None}, {"csrf_token": "nonsense"}):
            assert states.ask({**cancel, **wrong})["status"] == 403
        assert states.ask({**cancel, "csrf_token": mine.csrf_token})["type"] == "result"
        states.until(lambda talk: any('data-status="cancelled"' in (news.get("content") or "") for news in talk.news))


def test_who_says_too_much_is_closed(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with talk(house, "", token) as long, talk(house, "", token) as often:
        long.send("x" * 5000)
        assert long.until_closed().code == TOO_LONG
        cancel = {"type": "cancel", "video_id": video + 10**6}
        answers = [often.ask(cancel) for _ in range(61)]
        assert [answer["status"] for answer in answers] == [404] * 60 + [429]
        assert 0 < answers[-1]["retry_after"] <= 60
        while often.code is None:
            with suppress(ConnectionClosed):
                often.send("x")
            often.read()
        assert often.code == POLICY
    wait_until(lambda: house.viewers() == 0, what="their end")


def test_streams_of_both_kinds_are_counted_together(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with ExitStack() as stack:
        for _ in range(MOST_PER_USER - 1):
            stream = stack.enter_context(house.listen(f"/api/v1/videos/{video}/stream", token))
            stream.until(lambda stream: stream.messages)
        last = stack.enter_context(talk(house, f"?video={video}", token)).until(lambda talk: talk.news)
        with talk(house, "", token) as refused:
            assert refused.until_closed().code == TRY_LATER
            assert refused.said == [{"type": "busy", "retry": 15_000}]
        assert house.redis_subscribers() == 1
        house.writer.line(video, "for those who are in")
        last.until(lambda talk: len(talk.news) == 2)


def raw(house: House, path: str, token: str) -> socket.socket:
    """A WebSocket byte for byte, of somebody who reads little."""
    host, _, port = house.url.removeprefix("http://").partition(":")
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.settimeout(60)
    wire.connect((host, int(port)))
    headers = {"Host": host, "Authorization": f"Bearer {token}", **HANDSHAKE}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    wire.sendall("\r\n".join(lines).encode())
    return wire


def test_a_silent_connection_is_pinged_and_whoever_does_not_read_is_cut(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with raw(house, f"/ws?video={video}", token) as stuck:
        received = b""
        while b"\x89\x00" not in received:
            received += stuck.recv(4096)
        assert received.startswith(b"HTTP/1.1 101 ")
        assert b"permessage-deflate" not in received
        while house.viewers() == 1:  # however much the kernel takes in between
            house.writer.line(video, "x" * 60_000)


def test_who_leaves_without_a_word_leaves_nothing_behind(house: House) -> None:
    _, token = house.writer.user()
    with raw(house, "/ws", token) as gone:
        gone.recv(1)  # it is upgraded first, then admitted
        wait_until(lambda: house.viewers() == 1, what="the viewer")
    wait_until(lambda: house.viewers() == 0, what="the end of the stream")


def test_it_says_when_redis_is_away_and_goes_on_from_the_database(house: House) -> None:
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with talk(house, f"?video={video}", token) as log:
        log.until(lambda talk: talk.news)
        house.redis.kill()
        house.silent.line(video, "written while Redis is away")
        log.until(lambda talk: talk.about == ["cursor", "reconnecting"] and len(talk.news) == 2)
        house.redis.start()
        log.until(lambda talk: talk.about == ["cursor", "reconnecting", "live"])


def test_the_example_of_the_description_works(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    user, token = house.writer.user()
    video = house.writer.video(user, lines=25)
    found = re.search(r"```python\n(.*?)```", (CHECKOUT / "docs/websocket.md").read_text(), re.DOTALL)
    assert found
    code = found[1].replace("42", str(video))  # first: port and token may have a 42 in them
    code = code.replace("wss://video.example.com", house.url.replace("http", "ws")).replace("TOKEN", token)
    names: dict[str, Any] = {}
    exec(code, names)
    assert capsys.readouterr().out.splitlines()[:25] == [f"line {number + 1}" for number in range(25)]
    assert published(house.writer.app, video)[-1]["status"] == "cancelled"
