"""How many streams a user has open in all processes together: counted in Redis, each seat kept by its process."""

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aivideo.doorbell import Doorbell, DoorbellAway

if TYPE_CHECKING:
    from aivideo.stream.hub import Hub
    from aivideo.stream.viewer import Viewer

log = logging.getLogger(__name__)
BEATS_KEPT = 3
SLACK_SECONDS = 5.0
USERS_AT_ONCE = 200
TAKE = """
redis.call("zremrangebyscore", KEYS[1], "-inf", ARGV[1])
if redis.call("zcard", KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call("zadd", KEYS[1], ARGV[2], ARGV[4])
redis.call("expire", KEYS[1], ARGV[5])
return 1
"""


class Seats(threading.Thread):
    """Keeps this process's seats while their viewers are there; those of a killed process fall free by themselves."""

    def __init__(self, hub: "Hub", bell: Doorbell, beat_seconds: float) -> None:
        super().__init__(name="stream-seats", daemon=True)
        self._hub, self._bell, self._beat = hub, bell, beat_seconds
        self._kept = BEATS_KEPT * beat_seconds + SLACK_SECONDS
        self._process, self._numbers = uuid4().hex, count()
        self._left: deque[tuple[int, str]] = deque()
        self._wake = threading.Event()
        self._stopped = False

    def take(self, viewer: "Viewer", most: int) -> bool:
        """Take a seat for a viewer unless its user has `most` already. With Redis away nobody counts beyond here."""
        viewer.seat = next(self._numbers)
        now = time.time()
        arguments = (now, now + self._kept, most, self._member(viewer), round(self._kept))
        try:
            return bool(self._bell.call(lambda redis: redis.eval(TAKE, 1, _key(viewer.user_id), *arguments)))
        except DoorbellAway:
            return True

    def leave(self, viewers: Iterable["Viewer"]) -> None:
        """Give their seats back, in a moment: whoever calls this has others to serve, whatever Redis does."""
        self._left.extend((viewer.user_id, self._member(viewer)) for viewer in viewers)
        self._wake.set()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()

    def run(self) -> None:
        due = time.monotonic() + self._beat
        while not self._stopped:
            self._wake.wait(max(0.0, due - time.monotonic()))
            self._wake.clear()
            try:
                self._give_back()
                if time.monotonic() >= due:
                    due = time.monotonic() + self._beat
                    self._keep()
            except DoorbellAway as away:
                log.debug("seats are not kept, or fall free by themselves: %s", away)
            except Exception:
                log.exception("keeping the seats failed")

    def _give_back(self) -> None:
        def write(redis: Any) -> None:
            pipeline = redis.pipeline(transaction=False)
            while self._left:
                user_id, member = self._left.popleft()
                pipeline.zrem(_key(user_id), member)
            pipeline.execute()

        if self._left:
            self._bell.call(write)

    def _keep(self) -> None:
        until = time.time() + self._kept
        seats: dict[int, dict[str, float]] = defaultdict(dict)
        for viewer in self._hub.viewers():
            seats[viewer.user_id][self._member(viewer)] = until
        users = list(seats)
        for start in range(0, len(users), USERS_AT_ONCE):
            some = users[start : start + USERS_AT_ONCE]

            def write(redis: Any, some: list[int] = some) -> None:
                pipeline = redis.pipeline(transaction=False)
                for user_id in some:
                    pipeline.zadd(_key(user_id), seats[user_id])
                    pipeline.expire(_key(user_id), round(self._kept))
                pipeline.execute()

            self._bell.call(write)

    def _member(self, viewer: "Viewer") -> str:
        return f"{self._process}:{viewer.seat}"


def _key(user_id: int) -> str:
    return f"streams:{user_id}"
