"""How each kind of viewer is told: JSON for programs, HTML for the lines of a log, HTML for the state of all cards."""

from datetime import datetime
from typing import Any

import orjson
from flask import Flask
from jinja2 import Environment

from aivideo.stream.replay import milliseconds
from aivideo.web import sse


class Json:
    """A video's events as the contract has them: unnamed messages, `data:` is the event object on one line."""

    name = "json"
    heartbeat = sse.HEARTBEAT

    def message(self, key: int, data: dict[str, Any]) -> bytes:
        return b"id: %d\ndata: %b\n\n" % (data["id"], orjson.dumps(data))  # JSON has no line ends of its own

    def position(self, number: int) -> bytes:
        return sse.block(id=number)

    def note(self, name: str) -> bytes:
        return sse.comment(name)

    def over(self) -> bytes:
        return b""

    def drain(self) -> bytes:
        return sse.drain()


class Html(Json):
    """A video's log as fragments for htmx: each message appends one line; the end is `event: done`.

    Fragments are drawn without a request, by the hub's threads: templates write addresses out.
    """

    name = "html"

    def __init__(self, app: Flask) -> None:
        self._templates: Environment = app.jinja_env

    def message(self, key: int, data: dict[str, Any]) -> bytes:
        return sse.block(self.fragment(key, data), id=self.cursor(data))

    def fragment(self, key: int, data: dict[str, Any]) -> str:
        """What htmx swaps for a message."""
        line = self._draw("videos/_log_line.html", video_id=key, line=data)
        return _partial(f"#log-{key}", "beforeend", line)

    def cursor(self, data: dict[str, Any]) -> int | None:
        """Where a viewer is that has had a message; None where that tells nothing."""
        number: int | None = data["id"]
        return number

    def note(self, name: str) -> bytes:
        """A named message becomes a DOM event on the element of the stream; htmx swaps nothing."""
        return sse.block(event=name)

    def over(self) -> bytes:
        return sse.block("", event="done")

    def _draw(self, template: str, **values: Any) -> str:
        return self._templates.get_template(template).render(**values)


class State(Html):
    """The state of all of a user's videos: each message replaces the live part of one card, or the balance.

    `id:` is the time of the change in milliseconds. A video that was deleted takes its card and its tile with it.
    """

    name = "state"

    def fragment(self, key: int, data: dict[str, Any]) -> str:
        balance = ""
        if data.get("credits_left") is not None:  # alone, or with the change of state that moved it
            html = self._draw("components/_balance.html", credits=data["credits_left"])
            balance = _partial("#balance", "outerHTML", html)
        if data["id"] is None:
            return balance
        if data["hidden"]:
            fragment = "".join(_partial(f"#{place}-{data['id']}", "delete", "") for place in ("video", "tile"))
        else:
            fragment = _partial(f"#live-{data['id']}", "outerMorph", self._draw("videos/_live.html", video=data))
        return fragment + balance

    def cursor(self, data: dict[str, Any]) -> int | None:
        return None if data["id"] is None else milliseconds(datetime.fromisoformat(data["updated_at"]))


def _partial(target: str, swap: str, html: str) -> str:
    return f'<hx-partial hx-target="{target}" hx-swap="{swap}">{html.strip()}</hx-partial>'
