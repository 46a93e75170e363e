"""Hand the same bytes to many viewers without keeping everybody else waiting."""

import time
from collections.abc import Callable, Iterable

from aivideo.stream.viewer import Audience, Viewer

AT_A_TIME = 500
PAUSE_SECONDS = 0.001
"""A real sleep: under gevent `sleep(0)` goes on with the next ready greenlet and starves input and output."""


def fan_out(viewers: Iterable[Viewer], spell: Callable[[Audience], bytes]) -> None:
    """Send every viewer what `spell` makes for its audience; spelled once per audience."""
    spelled: dict[str, bytes] = {}
    for number, viewer in enumerate(viewers, 1):
        audience = viewer.audience
        block = spelled.get(audience.name)
        if block is None:
            block = spelled[audience.name] = spell(audience)
        if block:
            viewer.send(block)
        if number % AT_A_TIME == 0:
            time.sleep(PAUSE_SECONDS)
