"""Streams in the tests: a client that reads Server-Sent Events, and a hand that writes what they tell of."""

import http.client
import itertools
import json
import re
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

_numbers = itertools.count(1)


@dataclass
class Block:
    """One SSE block as a browser reads it; `id` is the last one seen where the block has none."""

    data: str | None = None
    event: str = ""
    id: str = ""
    retry: int | None = None
    has_id: bool = False


@dataclass
class Parser:
    """The reading rules of the HTML standard."""

    blocks: list[Block] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_id: str = ""
    _rest: str = ""
    _open: Block = field(default_factory=Block)
    _touched: bool = False

    def feed(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)

    def _line(self, line: str) -> None:
        if not line:
            if self._touched:
                self._open.id = self.last_id
                self.blocks.append(self._open)
            self._open, self._touched = Block(), False
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            self.comments.append(value)
            return
        self._touched = True
        if name == "data":
            self._open.data = value if self._open.data is None else f"{self._open.data}\n{value}"
        elif name == "event":
            self._open.event = value
        elif name == "id":
            self.last_id, self._open.has_id = value, True
        elif name == "retry":
            self._open.retry = int(value)


class Listener:
    """One open stream. `raw` is what came, byte for byte; `ended` whether the server closed it."""

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        headers: dict[str, str] | None = None,
        last_event_id: str | None = None,
        receive_buffer: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self._http = http.client.HTTPConnection(host, parts.port, timeout=60)
        if tls is not None:
            self._http = http.client.HTTPSConnection(host, parts.port, timeout=60, context=tls)
        if receive_buffer:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.connect((parts.hostname, parts.port))
            self._http.sock = sock
        headers = {"Accept-Encoding": "gzip, br", **(headers or {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self._http.request("GET", f"{parts.path}?{parts.query}", headers=headers)
        self._socket = self._http.sock
        self._answer = self._http.getresponse()
        self.status = self._answer.status
        self.headers = {name.lower(): value for name, value in self._answer.getheaders()}
        self.raw = b""
        self.ended = False
        self.parser = Parser()

    @property
    def blocks(self) -> list[Block]:
        return self.parser.blocks

    @property
    def messages(self) -> list[Block]:
        """What an EventSource hands to `onmessage`."""
        return [block for block in self.blocks if block.data is not None and not block.event]

    @property
    def ids(self) -> list[int]:
        return [int(block.id) for block in self.messages]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(block.data or "") for block in self.messages]

    @property
    def named(self) -> list[str]:
        return [block.event for block in self.blocks if block.event]

    def read(self) -> bytes:
        """Wait for the next bytes; empty at the end."""
        try:
            piece = self._answer.read1(65536)
        except (http.client.IncompleteRead, ConnectionError):
            piece = b""
        self.ended = not piece
        self.raw += piece
        self.parser.feed(piece.decode())
        return piece

    def until(self, condition: Callable[["Listener"], object], seconds: float = 60) -> "Listener":
        """Read until the condition holds."""
        limit = time.monotonic() + seconds
        while not condition(self):
            assert not self.ended, f"the stream ended first; it said {self.raw[-2000:]!r}"
            assert time.monotonic() < limit, f"not within {seconds} s; it said {self.raw[-2000:]!r}"
            self.read()
        return self

    def until_end(self) -> "Listener":
        return self.until(lambda stream: stream.ended)

    def body(self) -> bytes:
        """The whole of an answer that is no stream."""
        return self._answer.read()

    def close(self) -> None:
        self._answer.close()
        self._http.close()

    def reset(self) -> None:
        """Leave as through a network that breaks: the server gets a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Writer:
    """Users and videos of an app, and the lines of their logs, written as the services write them."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    @contextmanager
    def inside(self) -> Iterator[None]:
        from aivideo.extensions import db

        with self.app.app_context():
            try:
                yield
            finally:
                db.session.remove()

    def user(self, credits: int = 1000) -> tuple[int, str]:
        """A new user: id and API token."""
        from aivideo.services import accounts

        with self.inside():
            user = accounts.create(f"user{next(_numbers)}-{time.monotonic_ns()}@example.com", None, credits=credits)
            return user.id, accounts.issue_token(user.id)

    def video(self, user_id: int, lines: int = 0, **values: Any) -> int:
        """A video under way with so many lines in its log."""
        from aivideo.extensions import db
        from aivideo.models import Video
        from aivideo.transaction import transaction

        row = {"prompt": "A paper boat on a river", "model": "sora-2", "size": "1280x720", "seconds": 8, "credits": 100}
        row |= {"stage": "rendering", "status": "processing"}
        with self.inside():
            with transaction():
                video = Video(user_id=user_id, **{**row, **values})
                db.session.add(video)
            video_id = video.id
        for number in range(lines):
            self.line(video_id, f"line {number + 1}")
        return video_id

    def line(self, video_id: int, message: str, **values: Any) -> None:
        """One more line, with whatever else `EventLog.record` takes."""
        self._record(video_id, [(message, values)])

    def progress(self, video_id: int, percent: int) -> None:
        """One more line, and the video so far along."""
        self._record(video_id, [(f"{percent} %", {"progress": percent})], progress=percent)

    def change(self, video_id: int, message: str, **columns: Any) -> None:
        """One more line, and the video in another state."""
        self._record(video_id, [(message, {})], **columns)

    def lines(self, video_id: int, count: int, *, at_once: int = 1) -> None:
        """So many more lines, so many in one transaction."""
        for start in range(0, count, at_once):
            self._record(
                video_id, [(f"line {start + number} of {count}", {"progress": 5}) for number in range(at_once)]
            )

    def end(self, video_id: int, status: str = "completed") -> None:
        """The last line and the notice, in the transaction that ends the video."""
        state = {"stage": "ended", "status": status, "completed_at": datetime.now(UTC)}
        self._record(video_id, [("The end", {"status": status})], **state)

    def hide(self, video_id: int) -> None:
        state = {"stage": "ended", "status": "cancelled", "hidden_at": datetime.now(UTC)}
        self._record(video_id, [("Deleted", {"status": "cancelled"})], **state)

    def _record(self, video_id: int, lines: list[tuple[str, dict[str, Any]]], **state: Any) -> None:
        from aivideo.events import EventLog
        from aivideo.extensions import db
        from aivideo.models import Video
        from aivideo.services import notices
        from aivideo.transaction import transaction

        with self.inside(), transaction() as session:
            video = db.session.get(Video, video_id)
            assert video is not None
            for name, value in state.items():
                setattr(video, name, value)
            with EventLog(video) as log:
                for message, values in lines:
                    log.record(5, message, **values)
            if state.get("status") in ("completed", "failed"):
                notices.note(session, video)


def published(app: Flask, video_id: int) -> list[dict[str, Any]]:
    """The messages that belong to a log, as they are published."""
    from aivideo import events
    from aivideo.extensions import db

    with app.app_context():
        messages = events.replay(video_id)
        db.session.remove()
    return messages


def targets(listener: Listener) -> list[str]:
    """What the fragments of a stream replace or extend, in order: `#log-1 beforeend`."""
    text = "".join(block.data or "" for block in listener.messages)
    return [f"{target} {swap}" for target, swap in re.findall(r'hx-target="([^"]+)" hx-swap="([^"]+)"', text)]
