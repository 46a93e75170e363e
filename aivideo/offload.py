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

    answer: T = gevent.get_hub().threadpool.apply(function, arguments)
    return answer
