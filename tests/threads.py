"""Many callers at the same moment, each with its own application context."""

import threading
from collections.abc import Callable
from typing import Any

from flask import Flask


def at_once(app: Flask, count: int, call: Callable[[int], Any]) -> list[Any]:
    """Run `call(0) … call(count - 1)` in threads released together; returns results or the errors they raised."""
    from aivideo.extensions import db

    gate = threading.Barrier(count)
    results: list[Any] = [None] * count

    def run(number: int) -> None:
        with app.app_context():
            gate.wait(30)
            try:
                results[number] = call(number)
            except Exception as error:
                results[number] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
