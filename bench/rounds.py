"""One round with one server: everything that is measured, one thing after the other."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from servers import wait_until

from bench import publisher
from bench.programs import Viewers
from bench.variants import Variant

EACH = 10
"""Viewers to a channel."""
MOST_FIRST = 512
SIZE = 200
"""Bytes of a message."""
PER_SECOND = 5000
"""Deliveries."""
SLICE_SECONDS = 0.02
"""Rows of so long are inserted at once, just before they are published."""
PAUSE_SECONDS = 0.3
"""For what a server does after it has answered."""
STUCK_SIZE = 8192


@dataclass(frozen=True)
class Scale:
    """How large a run is. Numbers of viewers, seconds, messages."""

    viewers: int
    crowd: int
    returning: int
    rounds: int
    steady_seconds: float = 15.0
    """As long as the pause between two heartbeats, which cost something as well."""
    burst_each: int = 20
    crowd_messages: int = 5
    returning_seconds: float = 5.0
    stuck_bytes: int = 48 << 20


@dataclass
class Crowd:
    """Channels with their viewers, and the number of the last message of each."""

    channels: list[int]
    each: int
    viewers: int = 0
    last: int = 0
    _turn: int = field(default=0, repr=False)

    def next(self, count: int) -> tuple[list[int], list[int]]:
        """The next messages, one channel after the other: channels and numbers."""
        turns = range(self._turn, self._turn + count)
        self._turn += count
        size = len(self.channels)
        self.last = -(-self._turn // size)
        return [self.channels[turn % size] for turn in turns], [turn // size + 1 for turn in turns]


class Round:
    def __init__(self, variant: Variant, scale: Scale) -> None:
        self.variant = variant
        self.scale = scale
        self.found: dict[str, float] = {}

    def measure(self) -> dict[str, float]:
        self.variant.publisher.send([])  # so that its connection is there already
        before = self.variant.redis.connections()
        self.server = self.variant.start()
        self.viewers = Viewers(self.variant.programs, self.variant.port)
        try:
            self._warm_up()
            crowd = self._memory(before)
            self._steady(crowd)
            self._burst(crowd)
            self._one_channel()
            if not self.variant.is_floor:
                self._stuck()
            self._returning()
            self._end()
        finally:
            self.viewers.stop()
            self.server.kill()
        return self.found

    def _crowd(self, viewers: int, each: int = EACH) -> Crowd:
        """New channels for so many viewers; whoever was there leaves."""
        self.viewers.ask("close")
        crowd = Crowd(self.variant.channels(max(1, viewers // each)), each)
        self.viewers.channels([self.variant.path(channel) for channel in crowd.channels], self.variant.header)
        return crowd

    def _open(self, crowd: Crowd, count: int = 0) -> float:
        """So many more viewers, or all; returns when the server listens for all of them. How many that is a second."""
        count = count or len(crowd.channels) * crowd.each
        crowd.viewers += count
        began = time.monotonic()
        took = self.viewers.open(count, crowd.each, check=self.variant.answers_at_once)["seconds"]
        if self.variant.subscribes_each:
            names = [f"video:{channel}" for channel in crowd.channels]
            wait_until(lambda: self.variant.redis.subscribers(names) >= crowd.viewers, 120, "the last viewer")
            took = time.monotonic() - began
        return count / took

    def _warm_up(self) -> None:
        """What is made when it is first needed does not count."""
        crowd = self._crowd(2 * EACH)
        self._open(crowd)
        self.viewers.expect(1, 1)
        self._publish(crowd, len(crowd.channels))
        self.viewers.wait(10, 2)

    def _memory(self, connections_before: int) -> Crowd:
        """Of one more viewer beside others: what the first ones need is not theirs alone."""
        crowd = self._crowd(self.scale.viewers)
        total = len(crowd.channels) * EACH
        first = min(MOST_FIRST, total // 4)
        self._open(crowd, first)
        memory = self.server.memory()
        self.found["connects per second"] = self._open(crowd, total - first)
        self.found["memory KB"] = (self.server.memory() - memory) / 1024 / (total - first)
        self.found["redis connections"] = self.variant.redis.connections() - connections_before
        return crowd

    def _steady(self, crowd: Crowd) -> None:
        channels = len(crowd.channels)
        per_second = PER_SECOND * channels / crowd.viewers
        count = channels * max(1, round(self.scale.steady_seconds * per_second / channels))
        processor = self.server.processor_seconds()
        self.viewers.expect(crowd.last + 1, crowd.last + count // channels)
        for channel, number in self._paced(crowd, count, per_second):
            self.variant.publish([channel], [number], SIZE)
        got = self.viewers.wait(60, 5)
        used = self.server.processor_seconds() - processor
        self.found["cpu us"] = used / max(1, got["received"]) * 1e6
        self.found["p50 ms"], self.found["p99 ms"] = got["p50_ms"], got["p99_ms"]

    def _burst(self, crowd: Crowd) -> None:
        count = self.scale.burst_each * len(crowd.channels)
        self.viewers.expect(crowd.last + 1, crowd.last + self.scale.burst_each)
        channels, numbers = crowd.next(count)
        self.variant.record(channels, numbers, SIZE, publisher.moment())
        at = publisher.moment()
        self.variant.publish(channels, numbers, SIZE)
        got = self.viewers.wait(120, 10)
        self.found["burst"] = got["received"] / ((got["last_at"] - at) / 1e9)

    def _one_channel(self) -> None:
        crowd = self._crowd(self.scale.crowd, self.scale.crowd)
        self._open(crowd)
        self.viewers.ask(f"page {self.variant.page}")
        time.sleep(PAUSE_SECONDS)
        took = []
        for number in range(1, self.scale.crowd_messages + 1):
            self.viewers.expect(number, number)
            self._publish(crowd, 1)
            took.append(self.viewers.wait(60, 15)["max_ms"])
            time.sleep(0.1)
        pages = self.viewers.ask("pages")
        self.found["last of channel ms"] = sorted(took)[len(took) // 2]
        self.found["slowest page ms"] = pages["slowest_ms"]

    def _stuck(self) -> None:
        """One viewer that reads, and then, beside it, one that never does: how much more memory that takes at most."""
        crowd = self._crowd(1, 1)
        self._open(crowd)
        without = self._flood(crowd)
        self.viewers.channels([self.variant.path(crowd.channels[0], crowd.last)], self.variant.header)
        self.viewers.ask("stuck 1")
        time.sleep(PAUSE_SECONDS)
        self.found["stuck KB"] = max(0, self._flood(crowd) - without) / 1024
        read = self.viewers.ask("unstuck")
        self.found["stuck is cut"] = float(read["closed"] and read["bytes"] < self.scale.stuck_bytes)

    def _flood(self, crowd: Crowd) -> int:
        """Large messages; returns the most memory that server and Redis had meanwhile."""
        most, some = 0, 16
        for _ in range(0, self.scale.stuck_bytes, some * STUCK_SIZE):
            self.viewers.expect(crowd.last + 1, crowd.last + some)
            self._publish(crowd, some, STUCK_SIZE)
            self.viewers.wait(10, 2)
            most = max(most, self._all_memory())
        return most

    def _all_memory(self) -> int:
        return self.server.memory() + self.variant.redis.memory()

    def _returning(self) -> None:
        crowd = self._crowd(self.scale.returning)
        self._open(crowd)
        for name, with_redis in (("", False), (" with Redis", True)):
            if self.variant.is_floor or (with_redis and not self.variant.uses_redis):
                continue
            first = crowd.last + 1
            channels = len(crowd.channels)
            turns = max(2, round(self.scale.returning_seconds * PER_SECOND / EACH / channels))
            self.viewers.expect(first, first + turns - 1)
            self.viewers.ask(f"cut {self.scale.returning / self.scale.returning_seconds}")
            per_second = turns * channels / self.scale.returning_seconds
            for done, (channel, number) in enumerate(self._paced(crowd, turns * channels, per_second)):
                if with_redis and done == turns * channels // 3:
                    self.variant.redis.kill()
                if with_redis and done == turns * channels // 2:
                    self.variant.redis.start()
                self.variant.publish([channel], [number], SIZE)
            self.viewers.ask("settle 30")
            got = self.viewers.wait(60, self.variant.patience)
            self.found[f"lost{name}"] = got["lost"] / got["expected"]
            self.found[f"doubled{name}"] = got["doubled"]

    def _end(self) -> None:
        began = time.monotonic()
        self.server.terminate()
        self.found["sigterm s"] = time.monotonic() - began

    def _publish(self, crowd: Crowd, count: int, size: int = SIZE) -> None:
        channels, numbers = crowd.next(count)
        self.variant.record(channels, numbers, size, publisher.moment())
        self.variant.publish(channels, numbers, size)

    def _paced(self, crowd: Crowd, count: int, per_second: float) -> Iterator[tuple[int, int]]:
        """Messages in time, each to be published when it is yielded; they become rows a moment before."""
        some = max(1, round(per_second * SLICE_SECONDS))
        began = publisher.moment()
        for start in range(0, count, some):
            channels, numbers = crowd.next(min(some, count - start))
            self.variant.record(channels, numbers, SIZE, began + int(start / per_second * 1e9))
            for done, (channel, number) in enumerate(zip(channels, numbers, strict=True), start):
                due = began + int(done / per_second * 1e9)
                time.sleep(max(0, due - publisher.moment()) / 1e9)
                yield channel, number
