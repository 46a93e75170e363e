"""Whose turn it is: one place after the other, to whoever has the fewest, so that many do not stand before one."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from heapq import heapify, heappop, heappush


def line(
    waiting: Iterable[tuple[int, int]], busy: Mapping[int, int], room: Mapping[int, int] | None = None
) -> Iterator[int]:
    """The videos that wait, in the order in which they get a place.

    waiting: `(video, user)`, the oldest first. busy: how many places a user has already. room: how many more a user may
    have; what is beyond that is left out, and None lets everybody have any number.

    The next place goes to the user with the fewest, those given out here included; among equals to the video that has
    waited longest.
    """
    queues: dict[int, deque[int]] = {}
    for video, user in waiting:
        queues.setdefault(user, deque()).append(video)
    left = {user: len(queue) if room is None else room.get(user, 0) for user, queue in queues.items()}
    heap = [(busy.get(user, 0), queue[0], user) for user, queue in queues.items() if left[user] > 0]
    heapify(heap)
    while heap:
        places, video, user = heappop(heap)
        yield video
        queues[user].popleft()
        left[user] -= 1
        if queues[user] and left[user] > 0:
            heappush(heap, (places + 1, queues[user][0], user))
