"""Misbehaviour on demand: what the simulator is told to do wrong, how often, and to whom.

A fault is told with the word for it and, optionally, `operation` (`create`, `retrieve`, `list`, `content`, `delete`
or `any`), `count` (the next so many times; without it always), `probability` (0–1), `match` (only where the prompt
contains this; in a list, only for those jobs) and the arguments of its kind. Told in this process:

    app.faults.tell("drop", operation="create", count=1, match="lighthouse")

and over HTTP, outside /v1:  POST /faults {"kind": "drop", "operation": "create", "count": 1} → its id
                             GET /faults → those still in force     DELETE /faults → forget them all

Refused before anything is done (nothing is bought). All take `status`, `code`, `message`, `type`, `retry_after`
(seconds) and `style`, the envelope (see `errors.STYLES`):
    invalid 400   sentinel_block 400   unauthorised 401   forbidden 403   inaccessible 403   not_found 404
    no_route 404   expired 404   not_ready 404   conflict 409   rate_limited 429   slow_down 429   quota 429
    refused_error 502   overloaded 503
    drop_before                        closes the connection before the request is read

Done, and then answered badly (a create has been bought):
    drop                               closes the connection without an answer
    server_error                       HTTP 500 (`status`; the arguments of a refusal)
    html, truncated                    200 with a web page; the answer cut in half with a length to match
    break_off                          half of the answer, then the connection closes
    stall (seconds)                    answers after so long
    stall_body (seconds)               half of the answer, then silence for so long, then the rest
    wrong_type (content_type), wrong_file     the right file under another name; a picture called a video
    redirect (to)                      302 to the file at another host, which refuses requests that carry a key
    no_range                           a partial request gets the whole file

Answered with other words:
    edit (set, remove)                 JSON fields overwritten and left out
    statuses (names)                   other spellings, such as {"completed": "succeeded", "queued": "NOT_START"}
    other_id                           an id that leads nowhere
    no_prompts                         without `prompt`
    milliseconds, clock (seconds)      `created_at` in milliseconds; from a clock that is off by so much
    failed_as_http_error (status)      HTTP 500 around a failed video
    error_style (style)                a failed video's `error` as `string`, `no_code` or `integer_code`
    headers (headers)                  more headers, such as {"openai-poll-after-ms": "500"}

Done to the job for good:
    fail (code, message, after)        fails `after` seconds from its creation (half its time if not said)
    moderation_blocked (after)         the same with the provider's own words
    render (seconds)                   takes so long
    forget                             unknown from now on (told for `create`: never known)
    hide                               left out of lists
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from aivideo.providers.simulator.database import Database
from aivideo.providers.simulator.errors import STYLES

OPERATIONS = ("any", "create", "retrieve", "list", "content", "delete")
_ERROR = ("status", "code", "message", "type", "retry_after", "style")

REFUSALS = (
    *("invalid", "sentinel_block", "unauthorised", "forbidden", "inaccessible", "not_found", "no_route", "expired"),
    *("not_ready", "conflict", "rate_limited", "slow_down", "quota", "refused_error", "overloaded"),
)
ARGUMENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(REFUSALS, _ERROR),
    "drop_before": (),
    "drop": (),
    "server_error": _ERROR,
    "html": (),
    "truncated": (),
    "break_off": (),
    "stall": ("seconds",),
    "stall_body": ("seconds",),
    "wrong_type": ("content_type",),
    "wrong_file": (),
    "redirect": ("to",),
    "no_range": (),
    "edit": ("set", "remove"),
    "statuses": ("names",),
    "other_id": (),
    "no_prompts": (),
    "milliseconds": (),
    "clock": ("seconds",),
    "failed_as_http_error": ("status",),
    "error_style": ("style",),
    "headers": ("headers",),
    "fail": ("code", "message", "after"),
    "moderation_blocked": ("after",),
    "render": ("seconds",),
    "forget": (),
    "hide": (),
}
REQUIRED = {
    "stall": "seconds",
    "stall_body": "seconds",
    "clock": "seconds",
    "render": "seconds",
    "statuses": "names",
    "headers": "headers",
}
EXCLUSIVE = {*REFUSALS, "drop_before", "drop", "server_error", "html", "truncated", "break_off"} | {
    *("wrong_type", "wrong_file", "redirect")
}
"""Of these a request suffers one; all others add up."""
ITEMWISE = {"edit", "statuses", "other_id", "no_prompts", "milliseconds", "clock", "error_style", "hide"}
"""In a list, done to each job by itself."""


@dataclass(frozen=True)
class Fault:
    """One misbehaviour in force; `count` is how often it will still happen, None for always."""

    id: int
    kind: str
    operation: str = "any"
    count: int | None = None
    probability: float | None = None
    match: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)

    def matches(self, prompt: str | None) -> bool:
        return self.match is None or (prompt is not None and self.match in prompt)


class Faults:
    """The faults in force, in the simulator's database: the same for every thread and process that uses it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.chance = random.Random()  # noqa: S311 - misfortune, not secrets

    def tell(
        self,
        kind: str,
        operation: str = "any",
        count: int | None = None,
        probability: float | None = None,
        match: str | None = None,
        **arguments: Any,
    ) -> int:
        """Put a fault in force; returns its id. Raises ValueError for what this module does not list."""
        _check(kind, operation, count, probability, arguments)
        row = {"kind": kind, "operation": operation, "count": count, "probability": probability, "match": match}
        return self._database.insert("faults", {**row, "arguments": json.dumps(arguments)})

    def all(self) -> list[Fault]:
        """Those still in force, oldest first."""
        rows = self._database.rows("SELECT * FROM faults WHERE count IS NULL OR count > 0 ORDER BY id")
        return [Fault(**{**dict(row), "arguments": json.loads(row["arguments"])}) for row in rows]

    def clear(self) -> None:
        """Behave again."""
        self._database.change("DELETE FROM faults")

    def strike(self, operation: str, prompt: Callable[[], str | None]) -> Iterator[Fault]:
        """What goes wrong with this request, oldest first; asking uses the fault up.

        `prompt` is called only if a fault asks for one, so a request can be dropped before it is read.
        """
        struck = False
        for fault in self.all():
            if fault.operation not in ("any", operation) or (struck and fault.kind in EXCLUSIVE):
                continue
            # A list has many prompts: what can be done to each job is matched there.
            itemwise = operation == "list" and fault.kind in ITEMWISE
            if fault.match is not None and not itemwise and not fault.matches(prompt()):
                continue
            if fault.probability is not None and self.chance.random() >= fault.probability:
                continue
            if fault.count is not None and not self._use(fault):
                continue
            struck = struck or fault.kind in EXCLUSIVE
            yield fault

    def _use(self, fault: Fault) -> bool:
        return self._database.change("UPDATE faults SET count = count - 1 WHERE id = ? AND count > 0", (fault.id,)) > 0


def _check(kind: str, operation: str, count: int | None, probability: float | None, arguments: dict[str, Any]) -> None:
    if kind not in ARGUMENTS:
        raise ValueError(f"unknown fault {kind!r}; known are {', '.join(sorted(ARGUMENTS))}")
    if operation not in OPERATIONS:
        raise ValueError(f"operation must be one of {', '.join(OPERATIONS)}, not {operation!r}")
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 1):
        raise ValueError("count must be a whole number from 1")
    if probability is not None and not 0 <= float(probability) <= 1:
        raise ValueError("probability must be between 0 and 1")
    unknown = set(arguments) - set(ARGUMENTS[kind])
    if unknown:
        allowed = ", ".join(ARGUMENTS[kind]) or "no arguments"
        raise ValueError(f"{kind} does not take {', '.join(sorted(unknown))}; it takes {allowed}")
    if kind in REQUIRED and REQUIRED[kind] not in arguments:
        raise ValueError(f"{kind} needs {REQUIRED[kind]}")
    if "style" in arguments and arguments["style"] not in (*STYLES, "no_code", "integer_code"):
        raise ValueError(f"style must be one of {', '.join(STYLES)}")
