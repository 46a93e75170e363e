"""What is said over a WebSocket, as frames to be written as they are: docs/websocket.md has every message.

Each is a JSON object in a frame of its own. Viewers who share an audience share the frames, like the blocks of SSE.
"""

import json
import struct
from datetime import datetime
from random import randint
from typing import Any

from aivideo.stream.replay import milliseconds
from aivideo.web import sse
from aivideo.web.api_schemas import VideoState
from aivideo.web.audiences import Html

TEXT, PING = 0x81, 0x89
SHORT, LONG = 125, 0xFFFF
_spell = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def frame(payload: bytes, kind: int = TEXT) -> bytes:
    """One whole frame as a server sends it (RFC 6455, 5.2)."""
    size = len(payload)
    if size <= SHORT:
        return struct.pack("!BB", kind, size) + payload
    if size <= LONG:
        return struct.pack("!BBH", kind, 126, size) + payload
    return struct.pack("!BBQ", kind, 127, size) + payload


def said(message: dict[str, Any]) -> bytes:
    return frame(_spell(message).encode())


class Events:
    """A video's log for programs: the same event objects as over SSE. What has a `type` is about the connection."""

    name = "websocket-events"
    heartbeat = frame(b"", PING)

    def message(self, key: int, data: dict[str, Any]) -> bytes:
        return said(data)

    def position(self, number: int) -> bytes:
        return said({"type": "cursor", "cursor": number})

    def note(self, name: str) -> bytes:
        return said({"type": name})

    def over(self) -> bytes:
        return said({"type": "done"})

    def drain(self) -> bytes:
        return said({"type": "drain", "retry": randint(*sse.DRAIN_MILLISECONDS)})  # noqa: S311

    def busy(self) -> bytes:
        return said({"type": "busy", "retry": sse.BUSY_MILLISECONDS})


class States(Events):
    """The state of all of a user's videos for programs: each as the API shows it, and the balance."""

    name = "websocket-states"

    def message(self, key: int, data: dict[str, Any]) -> bytes:
        told: dict[str, Any] = {}
        if data["id"] is not None:
            told["cursor"] = milliseconds(datetime.fromisoformat(data["updated_at"]))
            if data["hidden"]:
                told["deleted"] = data["id"]
            else:
                told |= {"video": {name: data[name] for name in VideoState.model_fields}, "seq": data["seq"]}
        if data.get("credits_left") is not None:
            told["credits_left"] = data["credits_left"]
        return said(told)


class Fragments(Events):
    """Either stream for a page: what htmx swaps as `content`, and the cursor."""

    def __init__(self, drawn: Html) -> None:
        self.name = f"websocket-{drawn.name}"
        self._drawn = drawn

    def message(self, key: int, data: dict[str, Any]) -> bytes:
        cursor = self._drawn.cursor(data)
        told = {} if cursor is None else {"cursor": cursor}
        return said({**told, "content": self._drawn.fragment(key, data)})
