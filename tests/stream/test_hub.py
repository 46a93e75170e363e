"""What the hub of one process does for all its viewers: limits, ages, channels, slow clients."""

import signal
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from servers import RedisServer, wait_until
from stream_servers import House

from aivideo import stream
from aivideo.core.video import ACCESS_CHANNEL
from aivideo.stream.hub import Hub

API = "/api/v1/videos/{}/stream"


def hub_of(house: House) -> Hub:
    with house.writer.app.app_context():
        return stream.hub()


def test_a_stream_ends_at_a_random_age_with_a_word_that_brings_its_viewer_back(serve: Callable[..., House]) -> None:
    house = serve(STREAM_MAX_SECONDS=1)
    user, token = house.writer.user()
    video = house.writer.video(user, lines=2)
    hub = hub_of(house)
    with ExitStack() as stack:
        streams = [stack.enter_context(house.listen(API.format(video), token)) for _ in range(6)]
        ages = {viewer.expires_at for viewer in hub.viewers()}
        assert len(ages) == 6, "they do not all come back in the same moment"
        for listener in streams:
            listener.until_end()
            assert listener.ids == [1, 2]
            last = listener.blocks[-1]
            assert (last.event, last.has_id) == ("drain", False)
            assert 500 <= (last.retry or 0) <= 5000
        with house.listen(API.format(video), token, last_event_id="2") as again:
            house.writer.line(video, "later")
            again.until(lambda stream: stream.messages)
            assert again.ids == [3]


def test_a_process_takes_no_more_than_its_limit_and_has_room_again_when_one_leaves(serve: Callable[..., House]) -> None:
    house = serve(STREAM_MAX_PER_PROCESS=2)
    _, one = house.writer.user()
    _, two = house.writer.user()
    with house.listen("/stream", one) as first, house.listen("/stream", two) as second:
        first.until(lambda stream: stream.messages)
        second.until(lambda stream: stream.messages)
        with house.listen("/stream", one) as third:
            third.until_end()
            assert (third.status, third.blocks[0].retry) == (200, 15_000)
            assert third.parser.comments == ["too many streams are open"]
    hub = hub_of(house)
    wait_until(lambda: not hub.viewers(), what="the leaving of closed viewers")
    with house.listen("/stream", one) as fourth:
        fourth.until(lambda stream: stream.messages)


def test_what_was_written_while_the_subscription_was_on_its_way_is_looked_up_when_it_is_there(
    serve: Callable[..., House], redis_server: RedisServer
) -> None:
    house = serve(STREAM_HEARTBEAT_SECONDS=50)
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    assert redis_server.process is not None
    redis_server.process.send_signal(signal.SIGSTOP)
    try:
        with house.listen(API.format(video), token) as listener:
            listener.until(lambda stream: stream.messages)
            house.silent.lines(video, 2)
            redis_server.process.send_signal(signal.SIGCONT)
            listener.until(lambda stream: len(stream.messages) == 3)
    finally:
        redis_server.process.send_signal(signal.SIGCONT)


def test_a_viewer_that_is_ahead_of_its_channel_brings_it_up_to_date(serve: Callable[..., House]) -> None:
    house = serve(STREAM_HEARTBEAT_SECONDS=50)
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with house.listen(API.format(video), token) as behind:
        behind.until(lambda stream: stream.messages)
        wait_until(lambda: house.redis_channels() == [f"video:{video}"], what="the subscription")
        house.silent.lines(video, 300, at_once=100)
        with house.listen(API.format(video), token, last_event_id="301") as ahead:
            behind.until(lambda stream: len(stream.messages) == 301)
            house.writer.line(video, "for both")
            ahead.until(lambda stream: stream.messages)
            behind.until(lambda stream: len(stream.messages) == 302)
            assert ahead.ids == [302]
            assert behind.ids == list(range(1, 303))


def test_a_channel_that_nobody_watches_is_left_after_a_while_and_found_again(serve: Callable[..., House]) -> None:
    house = serve()
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    hub = hub_of(house)
    hub.linger_seconds = 0.2
    for expected in (1, 2):
        with house.listen(API.format(video), token) as listener:
            listener.until(lambda stream, expected=expected: len(stream.messages) == expected)
            wait_until(lambda: house.redis_channels() == [f"video:{video}"], what="the subscription")
        wait_until(
            lambda: [channel.name for channel in hub.channels()] == [ACCESS_CHANNEL], what="the end of the channel"
        )
        wait_until(lambda: house.redis_channels() == [], what="the end of the subscription")
        house.writer.line(video, "while nobody watched")


def test_a_hub_that_drains_sends_whoever_still_comes_away_at_once(serve: Callable[..., House]) -> None:
    house = serve()
    user, token = house.writer.user()
    video = house.writer.video(user, lines=1)
    with house.listen(API.format(video), token) as before:
        before.until(lambda stream: stream.messages)
        stream.drain(house.writer.app)
        assert before.until_end().named == ["drain"]
    with house.listen(API.format(video), token) as after:
        after.until_end()
        assert (after.ids, after.named) == ([1], ["drain"])


def test_a_redis_that_was_never_there_is_made_up_for_by_the_database(serve: Callable[..., House]) -> None:
    house = serve(REDIS_URL="unix:///nonexistent/redis.sock", LOG_LEVEL="ERROR")
    user, token = house.writer.user()
    video = house.writer.video(user)
    with house.listen(f"/videos/{video}/stream", token) as listener:
        listener.until(lambda stream: stream.named == ["reconnecting"])
        house.writer.lines(video, 5)
        house.writer.end(video)
        assert listener.until_end().ids == [1, 2, 3, 4, 5, 6]


def test_each_process_has_a_hub_of_its_own_and_none_before_the_first_stream(app: Any) -> None:
    assert stream.viewers() == 0
    assert "stream" not in app.extensions
    made = stream.hub()
    assert stream.hub() is made
    pid, _ = app.extensions["stream"]
    app.extensions["stream"] = (pid + 1, made)  # as it is seen from a child
    other = stream.hub()
    assert other is not made
    stream.close(app)
    made.close()
