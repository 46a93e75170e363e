"""Carries out the faults that change an answer: the words of it, or the way it comes."""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from werkzeug.wrappers import Request, Response

from aivideo.providers.simulator.content import still
from aivideo.providers.simulator.errors import PAGE, Dropped, TimedOut
from aivideo.providers.simulator.faults import Fault
from aivideo.providers.simulator.jobs import Job
from aivideo.providers.simulator.refusals import refusal

Document = dict[str, Any]
WAITS = "simulator.read_timeout"
"""WSGI environment: how long a caller in this process waits for bytes, in seconds, if not for ever."""


def reword(document: Document, faults: list[Fault]) -> Document:
    """The Video object as these faults would have it."""
    document = dict(document)
    for fault in faults:
        if fault.kind in _REWORD:
            _REWORD[fault.kind](document, **fault.arguments)
    return document


def _edit(document: Document, set: Document | None = None, remove: Iterable[str] = ()) -> None:
    document.update(set or {})
    for name in remove:
        document.pop(name, None)


def _statuses(document: Document, names: dict[str, str]) -> None:
    document["status"] = names.get(document["status"], document["status"])


def _other_id(document: Document) -> None:
    route = f"litellm:custom_llm_provider:openai;model_id:;video_id:{document['id']}"
    document["id"] = "video_" + base64.b64encode(route.encode()).decode()


def _milliseconds(document: Document) -> None:
    for name in ("created_at", "completed_at", "expires_at"):
        if document.get(name) is not None:
            document[name] *= 1000


def _clock(document: Document, seconds: float) -> None:
    for name in ("created_at", "completed_at", "expires_at"):
        if document.get(name) is not None:
            document[name] = int(document[name] + seconds)


def _error_style(document: Document, style: str = "string") -> None:
    error = document.get("error")
    if error:
        spellings = {
            "string": error["message"],
            "no_code": {"message": error["message"]},
            "integer_code": {"code": 500, "message": error["message"]},
        }
        document["error"] = spellings.get(style, error)


_REWORD: dict[str, Callable[..., None]] = {
    "edit": _edit,
    "statuses": _statuses,
    "other_id": _other_id,
    "no_prompts": lambda document: _edit(document, remove=["prompt"]),
    "milliseconds": _milliseconds,
    "clock": _clock,
    "error_style": _error_style,
}


def as_http_error(document: Document, faults: list[Fault]) -> Response | None:
    """The Video object of a failed job inside an HTTP error, where a fault wants it so."""
    told = next((fault for fault in faults if fault.kind == "failed_as_http_error"), None)
    if told is None or not document.get("error"):
        return None
    status = told.arguments.get("status", 500)
    document = {**document, "error": {**document["error"], "code": status}}
    return Response(json.dumps(document), status, mimetype="application/json")


class Misconduct:
    """Applies faults to answers. `sleep` waits for so many seconds."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def apply(self, request: Request, response: Response, faults: list[Fault], job: Job | None, clip: Any) -> Response:
        """The answer to be sent. Raises Dropped where none is."""
        for fault in faults:
            if fault.kind == "headers":
                response.headers.update({name: str(value) for name, value in fault.arguments["headers"].items()})
            elif fault.kind == "stall":
                self._wait(request, fault.arguments["seconds"])
            elif fault.kind == "stall_body":
                self._pause(request, response, fault.arguments["seconds"])
            elif fault.kind == "drop":
                raise Dropped("the simulator was told to drop this connection")
            else:
                response = self._replaced(request, response, fault, job, clip)
        return response

    def _replaced(self, request: Request, response: Response, fault: Fault, job: Job | None, clip: Any) -> Response:
        kind = fault.kind
        if kind == "server_error":
            return refusal(fault).response()
        if kind == "html":
            return Response(PAGE.format(title="Welcome"), mimetype="text/html")
        if kind == "truncated":
            half = _length(response) // 2
            response.response = _cut(response.response, half)
            response.headers["Content-Length"] = str(half)
        elif kind == "break_off":
            half = _length(response) // 2
            response.response = _broken(_cut(response.response, half))
        elif kind == "wrong_type":
            response.headers["Content-Type"] = fault.arguments.get("content_type", "application/octet-stream")
        elif kind == "wrong_file" and job and response.status_code < 300:
            response = still("thumbnail", clip)
            response.headers["Content-Type"] = "video/mp4"
        elif kind == "redirect" and job and response.status_code < 300:
            to = fault.arguments.get("to") or elsewhere(request)
            response = Response(status=302, headers={"Location": f"{to}/files/{job.id}.mp4"})
        return response

    def _wait(self, request: Request, seconds: float) -> None:
        longest = request.environ.get(WAITS)
        self._sleep(seconds if longest is None else min(seconds, longest))
        if longest is not None and seconds > longest:
            raise TimedOut("the simulator was told to answer later than this caller waits")

    def _pause(self, request: Request, response: Response, seconds: float) -> None:
        half = _length(response) // 2
        pieces = response.response

        def paused() -> Iterator[bytes]:
            sent = 0
            for piece in pieces:
                data = piece.encode() if isinstance(piece, str) else piece
                if sent <= half < sent + len(data):
                    yield data[: half - sent]
                    self._wait(request, seconds)
                    yield data[half - sent :]
                else:
                    yield data
                sent += len(data)

        response.headers["Content-Length"] = str(_length(response))
        response.response = paused()


def elsewhere(request: Request) -> str:
    """This server under another host name; where it has no other name (in the process), under its own."""
    host, _, port = request.host.partition(":")
    other = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}.get(host, host)
    return f"{request.scheme}://{other}{':' if port else ''}{port}"


def _length(response: Response) -> int:
    return int(response.headers["Content-Length"]) if "Content-Length" in response.headers else 0


def _cut(pieces: Iterable[Any], length: int) -> Iterator[bytes]:
    for piece in pieces:
        data = piece.encode() if isinstance(piece, str) else piece
        if length <= len(data):
            yield data[:length]
            return
        length -= len(data)
        yield data


def _broken(pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield from pieces
    raise Dropped("the simulator was told to break off here")
