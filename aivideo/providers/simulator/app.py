"""The simulator as a WSGI application: the Videos API under /v1, and outside of it what tests tell and ask."""

import logging
import re
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from aivideo.core.catalogue import Catalogue
from aivideo.providers.simulator import intake
from aivideo.providers.simulator.database import Database
from aivideo.providers.simulator.errors import ApiError, Dropped, no_route
from aivideo.providers.simulator.faults import REFUSALS, Fault, Faults
from aivideo.providers.simulator.jobs import Jobs
from aivideo.providers.simulator.misbehaviour import Misconduct
from aivideo.providers.simulator.operations import Call, Operations, answer
from aivideo.providers.simulator.refusals import refusal
from aivideo.providers.simulator.rendering import Rendering

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024 * 1024
ROUTES = (
    ("POST", re.compile("/v1/videos"), "create"),
    ("POST", re.compile("/v1/videos/extensions"), "create"),
    ("GET", re.compile("/v1/videos"), "list"),
    ("POST", re.compile("/v1/videos/(.+)/remix"), "create"),
    ("GET", re.compile("/v1/videos/(.+)/content"), "content"),
    ("GET", re.compile("/v1/videos/(.+)"), "retrieve"),
    ("DELETE", re.compile("/v1/videos/(.+)"), "delete"),
)


def create_simulator(
    folder: Path,
    *,
    render_seconds: float = 8,
    clip: Path | None = None,
    key: str | None = None,
    catalogue: Catalogue | None = None,
) -> "Simulator":
    """A WSGI application that keeps its jobs and clips in `folder`; several processes may share one.

    render_seconds: how long a job takes.
    clip: serve this MP4 for every job and draw none.
    key: what callers must send; without it any key will do, or none.
    catalogue: the models, sizes and seconds it sells; without it, those of OpenAI.
    """
    return Simulator(folder, render_seconds, clip, key, intake.offers(catalogue) if catalogue else intake.OPENAI)


class Simulator:
    """See `create_simulator`. `faults` makes it misbehave; `clock` (Unix seconds) and `sleep` can be replaced."""

    def __init__(
        self, folder: Path, render_seconds: float, clip: Path | None, key: str | None, offers: intake.Offers
    ) -> None:
        self.clock, self.sleep = time.time, time.sleep
        self._database = Database(folder)
        self.faults = Faults(self._database)
        self._jobs = Jobs(folder, self._database)
        self._rendering = Rendering(self._jobs, self._now, clip)
        self._operations = Operations(self._jobs, self._rendering, self._now, offers, render_seconds)
        self._misconduct = Misconduct(lambda seconds: self.sleep(seconds))
        self._key, self._offers = key, offers

    def purchases(self) -> list[dict[str, Any]]:
        """Everything ever bought, oldest first: id, prompt, created_at, what was ordered, and `gone` if it is."""
        return self._jobs.purchases()

    def close(self) -> None:
        """Stop drawing and close the database. The jobs stay; a new simulator in the folder goes on with them."""
        self._rendering.stop()
        self._database.close()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a request. Raises Dropped where the connection is to be closed instead."""
        request = Request(environ)
        request.max_form_memory_size = request.max_content_length = LARGEST_BODY
        started = time.perf_counter()
        try:
            response = self._answer(request)
        except ApiError as error:
            response = error.response()
        except Dropped:
            raise
        except Exception:
            log.exception("%s %s", request.method, request.path)
            response = ApiError(500, "The simulator has a fault of its own.", type="server_error").response()
        finally:
            request.close()  # and with it the uploaded files
        response.headers.setdefault("x-request-id", f"req_{secrets.token_hex(16)}")
        response.headers.setdefault("openai-processing-ms", str(int((time.perf_counter() - started) * 1000)))
        log.info("%s %s %s", request.method, request.path, response.status_code)
        return response(environ, start_response)

    def _now(self) -> float:
        return self.clock()

    def _answer(self, request: Request) -> Response:
        path = request.path.rstrip("/")
        if path == "/faults":
            return self._told(request)
        if path == "/purchases" and request.method == "GET":
            return answer({"data": self.purchases()})
        if path.startswith("/files/"):
            return self._operations.file(request, path.removeprefix("/files/").removesuffix(".mp4"))
        self._authorise(request)
        if path == "/v1/models" and request.method == "GET":
            data = [{"id": name, "object": "model", "created": 0, "owned_by": "simulator"} for name in self._offers]
            return answer({"object": "list", "data": data})
        method = "GET" if request.method == "HEAD" else request.method
        for wanted, pattern, operation in ROUTES:
            match = pattern.fullmatch(path)
            if match and wanted == method:
                return self._run(Call(request, operation, match[1] if match.groups() else None, self._jobs))
        raise no_route(request.method, request.path)

    def _authorise(self, request: Request) -> None:
        if self._key is None:
            return
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if not secrets.compare_digest(sent.encode(), self._key.encode()):
            said = f"Incorrect API key provided: {sent[:8]}***." if sent else "You didn't provide an API key."
            raise ApiError(401, said, code="invalid_api_key")

    def _run(self, call: Call) -> Response:
        suffered: list[Fault] = []
        refused: ApiError | None = None
        for fault in self.faults.strike(call.operation, call.prompt):
            if fault.kind == "drop_before":
                raise Dropped("the simulator was told to drop this connection unread")
            if fault.kind in REFUSALS:
                refused = refusal(fault)
            else:
                suffered.append(fault)
        try:
            if refused:
                raise refused
            response: Response = getattr(self._operations, call.operation)(call, suffered)
        except ApiError as error:
            response = error.response()
        clip = self._rendering.clip(call.found) if call.found else None
        return self._misconduct.apply(call.request, response, suffered, call.found, clip)

    def _told(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
        elif request.method == "POST":
            try:
                return answer({"id": self.faults.tell(**request.get_json(force=True))})
            except (TypeError, ValueError) as error:
                raise ApiError(400, str(error)) from None
        return answer({"data": [fault.__dict__ for fault in self.faults.all()]})
