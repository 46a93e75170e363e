"""CPU work of more than a few milliseconds, kept off gevent's event loop: it would stop every stream."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def off_the_event_loop(function: Callable[..., T], *arguments: Any) -> T:
    """Call `function` in gevent's thread pool where the process is monkey-patched, else right here."""
    if "gevent.monkey" not in sys.modules:
        return function(*arguments)
    from gevent import get_hub, monkey

    if not monkey.is_module_patched("threading"):
        return function(*arguments)
    result: T = get_hub().threadpool.apply(function, arguments)
    return result
