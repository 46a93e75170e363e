"""Viewers that come back by themselves, as browsers do, and an account of what they were told."""

import re
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise, repeat

from streams import Block, Listener

FIRST_PAUSE = 0.1
"""Seconds before the first return, where the server has named no other pause."""
STATE = re.compile(r'id="live-(\d+)".*?data-seq="(\d+)" data-status="(\w+)"', re.DOTALL)
LINE = re.compile(r'id="line-\d+-(\d+)"')


class Follower(threading.Thread):
    """Follows one stream to its end, over as many connections as it takes.

    It returns after the pause that `retry:` named, with Last-Event-ID. `stays` says how many reads each connection
    lasts before it is reset. `heard` has the messages of each connection.
    """

    def __init__(
        self, url: str, token: str, tls: ssl.SSLContext | None = None, *, user: int = 0, stays: Iterable[int] = ()
    ) -> None:
        super().__init__(daemon=True)
        self.url, self.user = url, user
        self.heard: list[list[Block]] = []
        self.refused: list[int] = []
        self._token, self._tls = token, tls
        self._stays: Iterator[int] = iter(stays or repeat(10**9))
        self._pause, self._last_id = FIRST_PAUSE, ""
        self._over = threading.Event()

    @property
    def connections(self) -> int:
        return len(self.heard)

    def messages(self) -> list[Block]:
        return [block for blocks in list(self.heard) for block in blocks if block.data is not None and not block.event]

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self._follow()
            except OSError:
                self.refused.append(0)
            self._over.wait(self._pause)

    def leave(self) -> None:
        self._over.set()

    def _follow(self) -> None:
        with Listener(self.url, self._token, last_event_id=self._last_id or None, tls=self._tls) as stream:
            if stream.status == 204:
                self._over.set()
                return
            if stream.status != 200:
                self.refused.append(stream.status)
                return
            self.heard.append(stream.blocks)
            try:
                for _ in range(next(self._stays)):
                    if self._over.is_set() or not stream.read():
                        return
                stream.reset()
            finally:
                if stream.blocks:  # a block that was cut in half moves no cursor
                    self._last_id = stream.blocks[-1].id or self._last_id
                pauses = [block.retry for block in stream.blocks if block.retry is not None]
                if pauses:
                    self._pause = pauses[-1] / 1000
                if "done" in stream.named:
                    self._over.set()


class LogFollower(Follower):
    """Of a video's log, as JSON or as HTML."""

    def lines(self) -> list[int]:
        """Numbers of the lines it was told, in order."""
        messages = self.messages()
        ids = [int(message.id) for message in messages]
        if "/api/" not in self.url:
            assert ids == [int(number) for message in messages for number in LINE.findall(message.data or "")]
        return ids


class StateFollower(Follower):
    """Of all of a user's videos."""

    def states(self) -> list[list[tuple[int, int, str]]]:
        """Video, seq and status of each snapshot that came, by connection."""
        return [
            [
                (int(video), int(seq), status)
                for block in list(blocks)
                for video, seq, status in STATE.findall(block.data or "")
            ]
            for blocks in list(self.heard)
        ]

    def latest(self) -> dict[int, tuple[int, str]]:
        """Seq and status that a page shows now, by video."""
        return {video: (seq, status) for states in self.states() for video, seq, status in states}

    def steps_back(self) -> list[tuple[int, int, int]]:
        """Where a video was told as it had been before: on one connection also where it was told twice alike."""
        found = []
        shown: dict[int, int] = {}
        for states in self.states():
            here: set[int] = set()
            for video, seq, _ in states:
                before = shown.get(video, -1)
                if seq < before or (seq == before and video in here):
                    found.append((video, before, seq))
                here.add(video)
                shown[video] = seq
        return found


def account(followers: Iterable[LogFollower], last: Callable[[str], int]) -> dict[str, list[int]]:
    """What was lost or doubled, by stream; `last` gives the number of the last line for an address."""
    found = {}
    for number, follower in enumerate(followers):
        lines, wanted = follower.lines(), last(follower.url)
        if lines != list(range(1, wanted + 1)):
            wrong = [later for earlier, later in pairwise([0, *lines]) if later != earlier + 1]
            found[f"{number} {follower.url}"] = [len(lines), wanted, *wrong[:20]]
    return found
