"""The live stream: one hub per web process, gapless by number.

web/stream.py → Hub.admit → replay (what was missed) → viewer (what happens)
Redis → subscription → hub → channels → viewers        database → looker → channels → viewers
"""

import os
import threading

from flask import Flask, current_app

from aivideo.stream.hub import Hub

__all__ = ["Hub", "close", "drain", "hub", "viewers"]

_making = threading.Lock()


def hub() -> Hub:
    """The hub of the current app in this process; made, with its threads, when the first stream is opened."""
    found = _of(current_app)
    if found is None:
        with _making:
            found = _of(current_app)
            if found is None:
                found = Hub(current_app._get_current_object())  # type: ignore[attr-defined]
                found.start()
                current_app.extensions["stream"] = (os.getpid(), found)
    return found


def viewers() -> int:
    """How many streams are open in this process; makes no hub."""
    found = _of(current_app)
    return len(found.viewers()) if found else 0


def drain(app: Flask) -> None:
    """End this process's streams with a word that makes their viewers come back; does not wait for them."""
    found = _of(app)
    if found is not None:
        found.drain()


def close(app: Flask) -> None:
    """Drain, and stop the threads of this process's hub."""
    found = _of(app)
    if found is not None:
        found.close()
        del app.extensions["stream"]


def _of(app: Flask) -> Hub | None:
    """A hub that was made before a fork belongs to the parent: its threads and its connection are not here."""
    pid, found = app.extensions.get("stream", (0, None))
    return found if pid == os.getpid() else None
