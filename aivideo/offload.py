"""Work that would stop every stream of a gevent process goes to its native threads."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def off_the_event_loop(function: Callable[..., T], *arguments: Any) -> T:
    """Call `function` and wait for its answer; under gevent in a native thread, so that other greenlets go on.

    For anything that takes more than 10 ms of CPU: hashing a password, reading a picture. `function` gets plain values,
    for it has no app, no request and no database there. What it raises is raised here.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return function(*arguments)
    import gevent

    answer, error = gevent.get_hub().threadpool.apply(_try, (function, arguments))
    if error is not None:
        raise error
    result: T = answer
    return result


def _try(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    """What gevent's pool raises it also prints, and a refused picture is nothing to be alarmed at."""
    try:
        return function(*arguments), None
    except Exception as error:  # noqa: BLE001  (raised again by the caller)
        return None, error
