"""The queue between the hub and the thread that writes to one client."""

import threading
from typing import Any

from aivideo.stream.viewer import MAX_QUEUED_BYTES, QueueViewer


class Plain:
    name = "plain"
    heartbeat = b""

    def message(self, key: int, data: dict[str, Any]) -> bytes:
        return b""

    def position(self, number: int) -> bytes:
        return b""

    def note(self, name: str) -> bytes:
        return b""

    def over(self) -> bytes:
        return b""

    def drain(self) -> bytes:
        return b""


def test_blocks_that_wait_together_are_written_together_and_the_last_words_are_last() -> None:
    viewer = QueueViewer(Plain(), 1)
    for block in (b"a", b"b"):
        viewer.send(block)
    viewer.end(b"bye")
    viewer.send(b"too late")
    viewer.end(b"bye again")
    assert list(viewer.blocks()) == [b"abbye"]
    assert viewer.closed


def test_a_waiting_writer_gets_a_block_as_soon_as_it_is_sent() -> None:
    viewer = QueueViewer(Plain(), 1)
    got: list[bytes] = []
    writer = threading.Thread(target=lambda: got.extend(viewer.blocks()))
    writer.start()
    viewer.send(b"a")
    viewer.end()
    writer.join(5)
    assert b"".join(got) == b"a"


def test_a_viewer_that_does_not_read_is_cut_and_costs_no_more_than_its_queue() -> None:
    cuts: list[int] = []
    viewer = QueueViewer(Plain(), 1, cut=lambda: cuts.append(1))
    block = b"x" * 1024
    for _ in range(MAX_QUEUED_BYTES // 1024):
        viewer.send(block)
    assert not viewer.closed
    for _ in range(1000):
        viewer.send(block)
    assert cuts == [1]
    assert viewer.closed
    assert list(viewer.blocks()) == [], "what it did not read it asks for again"


def test_a_burst_that_is_larger_than_the_queue_cuts_nobody_who_has_read_everything() -> None:
    cuts: list[int] = []
    viewer = QueueViewer(Plain(), 1, cut=lambda: cuts.append(1))
    viewer.send(b"x" * MAX_QUEUED_BYTES * 2)
    assert not cuts
    viewer.send(b"x")
    assert cuts == [1]
    assert list(viewer.blocks()) == []


def test_what_is_being_written_counts_until_it_is_written() -> None:
    cuts: list[int] = []
    viewer = QueueViewer(Plain(), 1, cut=lambda: cuts.append(1))
    blocks = viewer.blocks()
    half = b"x" * (MAX_QUEUED_BYTES // 2)
    viewer.send(half)
    assert next(blocks) == half
    viewer.send(half)
    assert next(blocks) == half
    viewer.send(half)
    assert not cuts
    viewer.send(half)
    assert cuts == [1]
