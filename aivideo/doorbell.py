"""Redis behind short timeouts and a circuit breaker: the doorbell, never the truth.

With Redis away every call would otherwise wait for its timeout; after one failure the circuit stays open for five
seconds, and then one caller tries for all. So a request pays at most once, and less than a second.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import redis
from flask import current_app
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)
T = TypeVar("T")
OPEN_SECONDS = 5.0
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 0.8
MOST_AT_ONCE = 4
"""Calls of one process, and so its connections: the client opens one for each, and refuses the hundred-and-first."""
TURN_SECONDS = 5.0
"""Longest wait for a turn. A Redis that is away is found out by the calls before; this is for a crowd of our own."""
AWAY = (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError, OSError)


class DoorbellAway(Exception):
    """Redis does not answer, or did not a moment ago."""


class Doorbell:
    """One client of one Redis per process; connects on first use."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = connect(url)
        self._closed_until = 0.0
        self._trying = threading.Lock()
        self._turns = threading.BoundedSemaphore(MOST_AT_ONCE)

    @property
    def shown(self) -> str:
        """The address, fit for logs and pages."""
        return _without_password(self.url)

    def call(self, action: Callable[["redis.Redis"], T]) -> T:
        """Run `action` with the client.

        Raises:
            DoorbellAway: Redis is away, or the circuit is still open.
        """
        was_away = self._closed_until > 0
        if was_away and not self._may_try():
            raise DoorbellAway(f"Redis at {self.shown} was away a moment ago")
        if not self._turns.acquire(timeout=TURN_SECONDS):
            raise DoorbellAway(f"Redis at {self.shown} keeps others waiting")
        try:
            if self._closed_until > 0 and not was_away:  # found out while we waited for our turn
                raise DoorbellAway(f"Redis at {self.shown} was away a moment ago")
            answer = action(self.client)
        except AWAY as error:
            self._closed_until = time.monotonic() + OPEN_SECONDS
            raise DoorbellAway(f"Redis at {self.shown} is away: {error}") from error
        finally:
            self._turns.release()
        if was_away:
            self._closed_until = 0.0
        return answer

    def _may_try(self) -> bool:
        """Whether the circuit has been open for long enough; true for one caller, whose luck the others wait for."""
        with self._trying:
            now = time.monotonic()
            if now < self._closed_until:
                return False
            self._closed_until = now + OPEN_SECONDS
            return True


def connect(url: str, *, answer_seconds: float | None = ANSWER_SECONDS) -> "redis.Redis":
    """A client with short timeouts and no retries. `answer_seconds` None waits for ever (subscriptions, BLPOP)."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=answer_seconds,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


def doorbell() -> Doorbell:
    """The doorbell of the current app."""
    bell: Doorbell = current_app.extensions["doorbell"]
    return bell


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
