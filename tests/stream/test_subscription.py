"""What comes from Redis in a burst is joined, so that each viewer is written to once; but not without end."""

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hiredis
import pytest

from aivideo.stream.subscription import MESSAGES_AT_A_TIME, MUCH, Subscription

BUFFER = 2 * MUCH
Batches = list[dict[str, list[Any]]]


class Told:
    """Stands where the hub stands, and notes how it is told."""

    def __init__(self) -> None:
        self.batches: Batches = []

    def arrived(self, messages: dict[str, list[Any]]) -> None:
        self.batches.append(messages)


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, redis = socket.socketpair()
    ours.settimeout(5)
    with ours, redis:
        yield ours, redis


@pytest.fixture
def redis(ends) -> socket.socket:
    return ends[1]


@pytest.fixture
def take(ends, monkeypatch) -> Iterator[Callable[[], Batches]]:
    """Reads once, and returns what the hub is told."""
    monkeypatch.setattr("aivideo.stream.subscription.BYTES_AT_A_TIME", BUFFER)
    told = Told()
    subscription = Subscription(told, "unix:///nowhere")

    def read() -> Batches:
        subscription._take(subscription._read_on(ends[0], hiredis.Reader()))
        return told.batches

    with subscription._ear, subscription._mouth:
        yield read


def published(channel: int, number: int, size: int) -> bytes:
    name = b"video:%d" % channel
    content = json.dumps({"id": number, "message": "." * size}).encode()
    return b"*3\r\n$7\r\nmessage\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(name), name, len(content), content)


def test_a_burst_is_read_to_its_end_before_the_hub_is_told(redis, take):
    channels, size = 50, BUFFER // 50
    for number in (1, 2):
        redis.sendall(b"".join(published(channel, number, size) for channel in range(channels)))
    (batch,) = take()
    assert [[message["id"] for message in some] for some in batch.values()] == [[1, 2]] * channels


def test_what_comes_alone_is_told_at_once(redis, take):
    redis.sendall(published(1, 1, 100))
    (batch,) = take()  # a second read would find nothing, and time out
    assert list(batch) == ["video:1"]


def test_one_channel_never_gets_more_at_once_than_a_viewer_may_have_waiting(redis, take):
    count = 2 * MESSAGES_AT_A_TIME + 5
    redis.sendall(b"".join(published(1, number, MUCH // 16) for number in range(1, count + 1)))
    batches = [batch["video:1"] for batch in take()]
    assert [len(some) for some in batches] == [MESSAGES_AT_A_TIME, MESSAGES_AT_A_TIME, 5]
    assert [message["id"] for some in batches for message in some] == list(range(1, count + 1))
