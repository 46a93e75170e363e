"""How often somebody may do something: counted in Redis, for all processes together; here, while Redis is away."""

import time
from functools import lru_cache

from flask import current_app
from limits import RateLimitItem, parse_many
from werkzeug.exceptions import TooManyRequests

from aivideo.doorbell import DoorbellAway, doorbell

COUNT = """
local count = redis.call("incr", KEYS[1])
if count == 1 then redis.call("expire", KEYS[1], ARGV[1]) end
return {count, redis.call("ttl", KEYS[1])}
"""
MOST_KEPT_HERE = 10_000


def count(what: str, who: str, rate: str) -> None:
    """Count that `who` does `what` once more; `rate` is like `120 per minute; 1000 per day`.

    Raises:
        TooManyRequests: that is more than allowed; with the seconds to wait.
    """
    for limit in _parsed(rate):
        seconds = limit.get_expiry()
        done, left = _count(f"rate:{what}:{seconds}:{who}", seconds)
        if done > limit.amount:
            raise TooManyRequests(retry_after=max(1, left))


@lru_cache(maxsize=64)
def _parsed(rate: str) -> list[RateLimitItem]:
    return parse_many(rate)


def _count(key: str, seconds: int) -> tuple[int, int]:
    """How often since the window was opened, and the seconds until it closes."""
    try:
        done, left = doorbell().call(lambda redis: redis.eval(COUNT, 1, key, seconds))
    except DoorbellAway:
        return _count_here(key, seconds)
    return int(done), int(left)


def _count_here(key: str, seconds: int) -> tuple[int, int]:
    counted: dict[str, tuple[int, float]] = current_app.extensions.setdefault("rates", {})
    if len(counted) > MOST_KEPT_HERE:
        counted.clear()
    now = time.monotonic()
    done, until = counted.get(key, (0, 0.0))
    if until <= now:
        done, until = 0, now + seconds
    counted[key] = (done + 1, until)
    return done + 1, round(until - now)
