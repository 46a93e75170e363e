"""A client of the WebSocket, made of a library that nobody here wrote; and the pages that may open one."""

import json
import ssl
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from flask import Flask, session
from flask_wtf.csrf import generate_csrf
from stream_servers import House
from visitors import signed_in
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

GONE = 1006
"""The code of a connection that broke off."""
HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Talk:
    """An open WebSocket: `said` is what came, `code` with what the server closed it."""

    def __init__(
        self, url: str, token: str = "", headers: dict[str, str] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        given = {"Authorization": f"Bearer {token}"} if token else headers
        address = url.replace("http", "ws", 1)
        options = {"ssl": tls, "proxy": None, "open_timeout": 60, "close_timeout": 5, "max_queue": None}
        self._leave = ExitStack()
        self._wire = self._leave.enter_context(connect(address, additional_headers=given, **options))
        self.said: list[dict[str, Any]] = []
        self.code: int | None = None

    @property
    def news(self) -> list[dict[str, Any]]:
        return [message for message in self.said if "type" not in message]

    @property
    def ids(self) -> list[int]:
        return [message["id"] for message in self.news]

    @property
    def about(self) -> list[str]:
        """What was said about the connection."""
        return [message["type"] for message in self.said if "type" in message]

    def read(self, seconds: float = 60) -> None:
        try:
            self.said.append(json.loads(self._wire.recv(seconds)))
        except ConnectionClosed as closed:
            self.code = closed.rcvd.code if closed.rcvd else GONE

    def until(self, condition: Callable[["Talk"], object], seconds: float = 60) -> "Talk":
        limit = time.monotonic() + seconds
        while not condition(self):
            assert self.code is None, f"closed with {self.code} first; it said {self.said[-20:]}"
            self.read(max(0.0, limit - time.monotonic()))
        return self

    def until_closed(self) -> "Talk":
        return self.until(lambda talk: talk.code is not None)

    def ask(self, command: Any) -> dict[str, Any]:
        """Send a command, as JSON unless it is bytes or text; returns the answer."""
        before = len(self.answers())
        self._wire.send(command if isinstance(command, str | bytes) else json.dumps(command))
        return self.until(lambda talk: len(talk.answers()) > before).answers()[-1]

    def answers(self) -> list[dict[str, Any]]:
        return [message for message in self.said if message.get("type") in ("result", "error")]

    def send(self, text: str) -> None:
        self._wire.send(text)

    def close(self) -> None:
        self._leave.close()

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Page:
    """A page of `url` that a user has open: `headers` of what its scripts ask for, and the token of its forms."""

    def __init__(self, app: Flask, user_id: int, url: str) -> None:
        from aivideo.extensions import db
        from aivideo.models import User

        with app.app_context():
            client = signed_in(app, db.session.get(User, user_id), base_url=url)
            db.session.remove()
        with client.session_transaction(base_url=url) as kept, app.test_request_context(base_url=url):
            self.csrf_token = generate_csrf()
            kept.update(session)
        (cookie,) = client._cookies.values()
        self.headers = {"Cookie": f"{cookie.key}={cookie.value}", "Origin": url}


def page(house: House, user_id: int) -> Page:
    return Page(house.writer.app, user_id, house.url)
