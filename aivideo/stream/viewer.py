"""Who watches: the small interface behind which a stream is held open, and the way that works on any WSGI server."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from aivideo.stream.channels import Channel

Credential = int | str | None
"""By what right somebody watches: the id of an API token, or, as a text, of a session; None: by any."""
MAX_QUEUED_BYTES = 128 * 1024
"""A viewer that has more waiting is cut; it comes back with the number of the last event it saw."""
KERNEL_BUFFER_BYTES = 64 * 1024
"""Asked for its connection. The kernel takes twice that, so a viewer that does not read costs 256 KB at most."""


class Audience(Protocol):
    """How messages are spelled for one kind of viewer. Whoever shares an audience shares the encoded bytes."""

    name: str
    heartbeat: bytes

    def message(self, key: int, data: dict[str, Any]) -> bytes:
        """One published message of the video or user with the id `key`."""

    def position(self, number: int) -> bytes:
        """Moves the viewer's cursor and says nothing else."""

    def note(self, name: str) -> bytes:
        """Something about the connection itself (`reconnecting`, `live`); moves no cursor."""

    def over(self) -> bytes:
        """Last words of a stream that has told everything."""

    def drain(self) -> bytes:
        """Last words of a stream that is to be opened again in a moment, at a moment of its own."""


class Viewer:
    """One open stream. The hub hands it whole encoded blocks, in order; a viewer never waits and never raises.

    `expires_at` is when it is to come back (time.monotonic()); `channel` what it watches; `seat` where it is counted.
    These belong to the hub.
    """

    __slots__ = ("audience", "channel", "credential", "expires_at", "seat", "user_id")
    chunked = False
    """Whether blocks are framed as chunks of an HTTP/1.1 answer; whoever is framed alike shares the framed bytes."""

    def __init__(self, audience: Audience, user_id: int) -> None:
        self.audience = audience
        self.user_id = user_id
        self.credential: Credential = None
        self.expires_at = float("inf")
        self.channel: Channel | None = None
        self.seat = 0

    @property
    def closed(self) -> bool:
        """Whether nothing will be written any more; blocks sent now go nowhere."""
        raise NotImplementedError

    @property
    def detached(self) -> bool:
        """Whether the hub alone holds it, so that it outlives the request that brought it."""
        return False

    def frame(self, block: bytes) -> bytes:
        """An encoded block as `send` wants it."""
        return block

    def send(self, framed: bytes) -> None:
        raise NotImplementedError

    def blocks(self) -> Iterator[bytes]:
        """What follows the replay, for the request to write; a viewer that is detached needs no request any more."""
        raise NotImplementedError

    def end(self, last_words: bytes = b"") -> None:
        """Write what is queued and `last_words`, then close."""
        raise NotImplementedError


class QueueViewer(Viewer):
    """A viewer whose own thread or greenlet takes blocks from a queue and writes them.

    `cut` must make a write that hangs in another thread fail (shut the socket down).
    """

    def __init__(self, audience: Audience, user_id: int, cut: Callable[[], None] = lambda: None) -> None:
        super().__init__(audience, user_id)
        self._cut = cut
        self._lock = threading.Lock()
        self._blocks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._queued = 0
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def send(self, framed: bytes) -> None:
        with self._lock:
            if self._closed:
                return
            if self._queued == 0 or self._queued + len(framed) <= MAX_QUEUED_BYTES:
                self._queued += len(framed)
                self._blocks.put(framed)
                return
            self._closed = True
            given_up, self._blocks = self._blocks, queue.SimpleQueue()  # it will ask again for what it did not read
            for ended in (given_up, self._blocks):
                ended.put(None)
        self._cut()

    def end(self, last_words: bytes = b"") -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                self._blocks.put(last_words)
                self._blocks.put(None)

    def blocks(self) -> Iterator[bytes]:
        """What was sent, as it comes, until the end; blocks that wait together come as one."""
        while True:
            waiting = [self._blocks.get()]
            while True:
                try:
                    waiting.append(self._blocks.get_nowait())
                except queue.Empty:
                    break
            ended = waiting[-1] is None
            joined = b"".join(block for block in waiting if block is not None)
            if joined:
                yield joined
            if ended:
                return
            with self._lock:
                self._queued -= len(joined)  # only now: what is being written still takes memory
