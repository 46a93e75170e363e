"""What a broken exchange proves, and how it is told."""

import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import requests
import urllib3

from aivideo.providers.base import ProviderError
from aivideo.providers.wire import Exchange

NETWORK_ERRORS = (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError)
"""What requests, urllib3 and the socket raise, and what they raise for an address they cannot take."""
NEVER_LEFT = (
    requests.ConnectTimeout,
    ConnectionRefusedError,
    socket.gaierror,
    urllib3.exceptions.NewConnectionError,
)


class Unusable(ValueError):
    """An answer came and cannot be used; the message says why."""


def never_left(error: Exception) -> bool:
    """Whether an adapter other than ours says that there was no connection to send anything over."""
    return any(isinstance(cause, NEVER_LEFT) for cause in _chain(error))


def translate(error: Exception, exchange: Exchange, method: str) -> ProviderError:
    """The ProviderError for a call that got no whole answer; a POST is in doubt once a byte was sent."""
    kind, message = _describe(list(_chain(error)), exchange)
    return ProviderError(
        kind,
        message,
        ambiguous=method == "POST" and exchange.sent,
        sent=exchange.sent,
        details={"reason": f"{type(error).__name__}: {error}"[:500]},
    )


def _describe(chain: list[BaseException], exchange: Exchange) -> tuple[str, str]:
    def has(*types: type[BaseException]) -> bool:
        return any(isinstance(error, types) for error in chain)

    unusable = next((error for error in chain if isinstance(error, Unusable)), None)
    if unusable is not None:
        return "unreadable", str(unusable)
    if exchange.remaining() <= 0:
        return "deadline", "The provider did not answer in time."
    if has(socket.gaierror, urllib3.exceptions.NameResolutionError):
        return "connection", "The provider's host name could not be resolved."
    if has(ConnectionRefusedError):
        return "connection", "The provider refused the connection."
    # Not urllib3's ConnectTimeoutError: it is the parent of errors that have nothing to do with time.
    if has(TimeoutError, urllib3.exceptions.ReadTimeoutError, requests.Timeout):
        waiting = "did not answer in time" if exchange.sent else "could not be reached in time"
        return "timeout", f"The provider {waiting}."
    if exchange.sent:
        return "connection", "The connection to the provider broke before the answer was complete."
    if has(ssl.SSLError, ssl.CertificateError, urllib3.exceptions.SSLError):
        return "connection", "No secure connection to the provider could be made."
    return "connection", "The provider could not be reached."


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that led to it, as requests and urllib3 wrap it."""
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        found = waiting.pop()
        if isinstance(found, BaseException) and not any(found is known for known in seen):
            seen.append(found)
            yield found
            waiting += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]
