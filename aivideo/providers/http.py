"""The one door to the outside: each request to a Videos API server, and to each file it names, goes through.

Nothing is ever repeated by itself. An error says whether a byte of the request can have left this machine: a
name that does not resolve, a refused connection, a failed TLS handshake prove that it did not (`sent` False);
after the first byte a create is in doubt (`ambiguous` True), whatever happens to the connection. Proxies,
`.netrc` and other settings in the environment are not consulted, cookies not kept. The key goes to our server
and to nobody that a redirect names.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import BaseAdapter

from aivideo.providers.base import ProviderError
from aivideo.providers.faults import NETWORK_ERRORS, Unusable, never_left, translate
from aivideo.providers.wire import Exchange, Vetoed, WireAdapter

JSON_LIMIT = 1024 * 1024
REDIRECTS = 5
CHUNK = 128 * 1024
SHORTEST_KEY_TO_HIDE = 8
PORTS = {"http": 80, "https": 443}
HEADERS = {"User-Agent": "aivideo", "Accept": "*/*", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Answer:
    """A whole answer. `own` is false where a redirect led away from our server: these are not its words."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    own: bool = True

    def json(self) -> Any:
        """The body as JSON values, or None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Reply:
    """An answer whose head has come; the body is read once, by `chunks` or by `whole`."""

    def __init__(self, response: requests.Response, own: bool, exchange: Exchange, key: str) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.own = own
        self._response, self._exchange, self._key = response, exchange, key

    def chunks(self) -> Iterator[bytes]:
        """The decoded body, piece by piece.

        Raises:
            ProviderError: the connection broke, or time ran out, before the end that the server announced.
        """
        pieces = self._response.iter_content(CHUNK)
        while True:
            try:
                piece = next(pieces, None)
            except NETWORK_ERRORS as error:
                raise self._translate(error) from error
            if piece is None:
                return
            yield piece

    def whole(self) -> Answer:
        """The body in memory. Of a refusal what came is enough: its status alone is an answer.

        Raises:
            ProviderError: as `chunks`, and `unreadable` for a success of more than 1 MB.
        """
        refusal, body = self.status >= 300, bytearray()
        try:
            for piece in self.chunks():
                body += piece
                if len(body) > JSON_LIMIT:
                    raise self._translate(Unusable("The provider's answer is longer than 1 MB."))
        except ProviderError:
            if not refusal:
                raise
        whole = bytes(body[:JSON_LIMIT])
        if len(self._key) >= SHORTEST_KEY_TO_HIDE:  # some gateways repeat a rejected key in their message
            whole = whole.replace(self._key.encode(), b"[key]")
        return Answer(self.status, self.headers, whole, self.own)

    def _translate(self, error: Exception) -> ProviderError:
        return translate(error, self._exchange, self._response.request.method or "")


class HttpClient:
    """A server and a key. Safe to use from many threads; connections are kept open between polls.

    adapter: a requests adapter that answers for `base_url` inside this process, instead of the network.
    connect_seconds, read_seconds: longest wait for a connection and for the next bytes of an answer.
    verify: True, or the path of a CA bundle.

    Raises:
        ValueError: `base_url` is not an absolute http(s) address, or has a user name in it.
    """

    def __init__(
        self,
        base_url: str,
        key: str = "",
        *,
        adapter: BaseAdapter | None = None,
        connect_seconds: float = 10.0,
        read_seconds: float = 30.0,
        verify: bool | str = True,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.username is not None:
            raise ValueError("the base URL must have no user name in it")
        self._origin = origin(base_url)
        self.base_url = base_url.rstrip("/")
        self._key = key.strip()
        self._connect, self._read, self._verify = connect_seconds, read_seconds, verify
        self._session = requests.Session()
        self._session.mount("http://", WireAdapter())
        self._session.mount("https://", WireAdapter())
        if adapter is not None:
            self._session.mount(f"{parts.scheme}://{parts.netloc}/", adapter)

    def close(self) -> None:
        self._session.close()

    def call(self, method: str, path: str, **options: Any) -> Answer:
        """`open` and read the whole answer, at most 1 MB."""
        with self.open(method, path, **options) as reply:
            return reply.whole()

    @contextmanager
    def open(
        self,
        method: str,
        target: str,
        *,
        seconds: float,
        read_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        before_send: Callable[[], None] | None = None,
        **content: Any,
    ) -> Iterator[Reply]:
        """Send a request and give its answer, of whatever status, as soon as the head is there.

        target: a path below the base URL, or an absolute address, which gets the key only if on our server.
        seconds: total time for request and answer, body included; `read_seconds`: another longest wait.
        content: `params`, `json`, `data`, `files` as requests takes them.
        GET follows up to five redirects; anything else follows none.

        Raises:
            ProviderError: no answer came (`connection`, `timeout`, `deadline`).
            Exception: whatever `before_send` raised; nothing was sent then.
        """
        longest = self._read if read_seconds is None else read_seconds
        exchange = Exchange(seconds, longest_wait=longest, fresh=method == "POST", before_send=before_send)
        try:
            response, own = self._follow(exchange, method, target, HEADERS | dict(headers or {}), content)
        except Vetoed as veto:
            raise veto.error from None
        except NETWORK_ERRORS as error:
            raise translate(error, exchange, method) from error
        try:
            yield Reply(response, own, exchange, self._key)
        finally:
            response.close()

    def _follow(
        self, exchange: Exchange, method: str, target: str, headers: dict[str, str], content: dict[str, Any]
    ) -> tuple[requests.Response, bool]:
        url = target if "://" in target else self.base_url + target
        own = origin(url) == self._origin
        for _ in range(REDIRECTS + 1):
            response = self._send(exchange, method, url, headers, own, content)
            location = self._session.get_redirect_target(response) if method == "GET" else None
            if not location:
                return response, own
            response.close()
            url = urljoin(url, location)
            own = own and origin(url) == self._origin
            content = {}
        raise Unusable(f"The provider redirected more than {REDIRECTS} times.")

    def _send(
        self,
        exchange: Exchange,
        method: str,
        url: str,
        headers: Mapping[str, str | bytes],
        own: bool,
        content: dict[str, Any],
    ) -> requests.Response:
        if own and self._key:
            headers = {**headers, "Authorization": b"Bearer " + self._key.encode()}
        request = requests.Request(method, url, headers=headers, **content).prepare()
        options: dict[str, Any] = {
            "stream": True,
            "timeout": (exchange.wait_at_most(self._connect), exchange.longest_wait),
            "verify": self._verify,
            "proxies": {},
        }
        # Not Session.send: it asks the environment, and reads the body of a redirect, of any length.
        adapter = self._session.get_adapter(request.url or url)
        if isinstance(adapter, WireAdapter):
            return adapter.run(exchange, request, **options)
        exchange.about_to_send()
        try:
            return adapter.send(request, **options)
        except requests.RequestException as error:
            exchange.sent = not never_left(error)
            raise


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address.

    Raises:
        ValueError: it is not an http(s) address.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url[:100]!r} is not an absolute http:// or https:// address")
    return parts.scheme, parts.hostname.rstrip("."), parts.port or PORTS[parts.scheme]
