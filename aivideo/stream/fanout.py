"""Hand the same bytes to many viewers without keeping everybody else waiting."""

import time
from collections.abc import Callable, Iterable

from aivideo.stream.viewer import Audience, Viewer

AT_A_TIME = 1000
"""Writes between two pauses: some milliseconds. A pause takes one at least, whatever is asked for."""
PAUSE_SECONDS = 0.001
"""A real sleep: under gevent `sleep(0)` goes on with the next ready greenlet and starves input and output."""


def fan_out(viewers: Iterable[Viewer], spell: Callable[[Audience], bytes]) -> None:
    """Send every viewer what `spell` makes for its audience; spelled and framed once for all who are told alike."""
    made: dict[tuple[Audience, bool], bytes] = {}
    for number, viewer in enumerate(viewers, 1):
        form = (viewer.audience, viewer.chunked)
        block = made.get(form)
        if block is None:
            block = made[form] = viewer.frame(spell(viewer.audience))
        if block:
            viewer.send(block)
        if number % AT_A_TIME == 0:
            time.sleep(PAUSE_SECONDS)
