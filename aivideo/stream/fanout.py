"""Hand the same bytes to many viewers without keeping everybody else waiting."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from aivideo.stream.viewer import Audience, Viewer

if TYPE_CHECKING:
    from aivideo.stream.channels import Channel

C = TypeVar("C", bound="Channel")

AT_ONCE_SECONDS = 0.05
"""About how long everybody else waits. In each pause a page may be made, for which all other viewers wait."""
PAUSE_SECONDS = 0.001
"""A real sleep: under gevent `sleep(0)` goes on with the next ready greenlet and starves input and output."""
WRITES_AT_A_TIME = 200
"""Between two looks at the clock."""


class Breath:
    """Lets others run when they have waited long enough."""

    def __init__(self) -> None:
        self._due = time.monotonic() + AT_ONCE_SECONDS

    def take(self) -> None:
        if time.monotonic() >= self._due:
            time.sleep(PAUSE_SECONDS)
            self._due = time.monotonic() + AT_ONCE_SECONDS


def fan_out(viewers: Iterable[Viewer], spell: Callable[[Audience], bytes]) -> None:
    """Send every viewer what `spell` makes for its audience; spelled and framed once for all who are told alike."""
    made: dict[tuple[Audience, bool], bytes] = {}
    audience: Audience | None = None
    chunked, block = False, b""
    breath: Breath | None = None
    for number, viewer in enumerate(viewers, 1):
        if viewer.audience is not audience or viewer.chunked is not chunked:  # most are told like the one before
            audience, chunked = form = viewer.audience, viewer.chunked
            if form not in made:
                made[form] = viewer.frame(spell(audience))
            block = made[form]
        if block:
            viewer.send(block)
        if number % WRITES_AT_A_TIME == 0:  # most have far fewer viewers
            breath = breath or Breath()
            breath.take()


def paced(channels: Iterable[C]) -> Iterator[C]:
    """Each in turn, to be told something, with the same pauses."""
    breath = Breath()
    for channel in channels:
        yield channel
        breath.take()
