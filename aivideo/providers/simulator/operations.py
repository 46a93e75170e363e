"""The operations of the Videos API: create, remix and extend, retrieve, list, content, delete."""

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any

from werkzeug.wrappers import Request, Response

from aivideo.providers.simulator import content, intake
from aivideo.providers.simulator.errors import ApiError, unknown_video, wrong_value
from aivideo.providers.simulator.faults import Fault
from aivideo.providers.simulator.jobs import Job, Jobs
from aivideo.providers.simulator.misbehaviour import as_http_error, reword
from aivideo.providers.simulator.rendering import Rendering

Told = list[Fault]

MODERATED = ("moderation_blocked", "Your request was blocked by our moderation system.")
FAILED = ("video_generation_failed", "The video could not be generated.")
NOT_READY = "Video is not ready yet, use GET /v1/videos/{video_id} to check status."
EXPIRED = "The video is no longer available. Downloads expire after 1 hours."
LONGEST_EXTENDED = 120


class Call:
    """A request on its way: what it asks for and, read only when needed, its body and its job."""

    def __init__(self, request: Request, operation: str, job_id: str | None, jobs: Jobs) -> None:
        self.request, self.operation, self.job_id = request, operation, job_id
        self._jobs = jobs

    @cached_property
    def body(self) -> dict[str, Any]:
        """Raises ApiError where it cannot be read."""
        return intake.fields(self.request)

    @cached_property
    def found(self) -> Job | None:
        return self._jobs.find(self.job_id) if self.job_id else None

    @property
    def extends(self) -> bool:
        return self.request.path.rstrip("/").endswith("/extensions")

    @property
    def job(self) -> Job:
        """Raises ApiError where there is none of that id."""
        if self.found is None:
            raise unknown_video(self.job_id or "")
        return self.found

    def prompt(self) -> str | None:
        """What a fault's `match` is compared with."""
        if self.operation != "create":
            return self.found.prompt if self.found else None
        try:
            prompt = self.body.get("prompt")
        except ApiError:
            return None
        return prompt if isinstance(prompt, str) else None


class Operations:
    """What is sold, for how long it renders, and where it is kept. Each method answers a call; raises ApiError."""

    def __init__(
        self, jobs: Jobs, rendering: Rendering, clock: Callable[[], float], offers: intake.Offers, render_seconds: float
    ) -> None:
        self._jobs, self._rendering, self._clock = jobs, rendering, clock
        self._offers, self._render_seconds = offers, render_seconds

    def create(self, call: Call, faults: Told) -> Response:
        if call.extends:
            job = self._extend(call.body)
        elif call.job_id is None:
            order = intake.purchase(call.body, self._offers)
            job = self._buy(order, seed=order.prompt)
        else:
            job = self._remix(call.job, intake.prompt_of(call.body))
        job = self._mar(job, faults) or job
        self._rendering.ensure(job)
        return answer(reword(job.document(job.created_at), faults))

    def retrieve(self, call: Call, faults: Told) -> Response:
        job = self._mar(call.job, faults)
        if job is None:
            raise unknown_video(call.job.id)
        self._rendering.ensure(job)
        document = reword(job.document(self._clock()), faults)
        return as_http_error(document, faults) or answer(document)

    def list(self, call: Call, faults: Told) -> Response:
        wanted = call.request.args
        limit, order = wanted.get("limit", "20"), wanted.get("order", "desc")
        if not limit.isdecimal() or int(limit) > 100:
            message = f"Invalid 'limit': expected an integer from 0 to 100, got '{limit}'."
            raise ApiError(400, message, code="invalid_value", param="limit")
        if order not in ("asc", "desc"):
            raise wrong_value("order", order, ["asc", "desc"])
        after = self._jobs.find(wanted["after"]) if wanted.get("after") else None
        if wanted.get("after") and after is None:
            raise ApiError(400, f"No video with id '{wanted['after']}'.", code="invalid_value", param="after")
        jobs, more = self._jobs.page(after, int(limit), order == "desc")
        data = []
        for job in jobs:
            self._rendering.ensure(job)
            told = [fault for fault in faults if fault.matches(job.prompt)]
            if not any(fault.kind == "hide" for fault in told):
                data.append(reword(job.document(self._clock()), told))
        ends = {"first_id": jobs[0].id if jobs else None, "last_id": jobs[-1].id if jobs else None}
        return answer({"object": "list", "data": data, **ends, "has_more": more})

    def content(self, call: Call, faults: Told) -> Response:
        job, now = call.job, self._clock()
        status = job.status(now)
        if status == "failed":
            raise ApiError(400, "The generation of this video failed.", code="video_generation_failed")
        if status != "completed":
            self._rendering.ensure(job)
            raise ApiError(404, NOT_READY, code="not_ready")
        if job.expired(now):
            raise ApiError(404, EXPIRED, code="expired")
        ranges = not any(fault.kind == "no_range" for fault in faults)
        return content.content(call.request, job, self._rendering.clip(job), ranges)

    def delete(self, call: Call, faults: Told) -> Response:
        self._jobs.remove(call.job, "deleted")
        return answer(reword({"id": call.job.id, "object": "video.deleted", "deleted": True}, faults))

    def file(self, request: Request, job_id: str) -> Response:
        """Where `redirect` leads: storage of somebody else's, which fails requests that bring a key of ours."""
        if "Authorization" in request.headers or "api-key" in request.headers:
            raise ApiError(400, "Only one auth mechanism allowed.", style="text")
        job = self._jobs.find(job_id)
        if job is None or job.status(self._clock()) != "completed":
            raise ApiError(404, "NoSuchKey", style="text")
        return content.video(request, job, self._rendering.clip(job))

    def _buy(self, order: intake.Purchase, **more: Any) -> Job:
        now = self._clock()
        return self._jobs.add(
            picture=order.picture,
            prompt=order.prompt,
            model=order.model,
            size=order.size,
            seconds=order.seconds,
            created_at=now,
            render_seconds=self._render_seconds,
            drawn_at=now if self._rendering.ready_made else None,
            **more,
        )

    def _extend(self, body: dict[str, Any]) -> Job:
        source_id = intake.extended(body)
        source = self._jobs.find(source_id)
        if source is None:
            raise unknown_video(source_id)
        prompt, seconds = intake.segment(body, source.model, self._offers)
        self._require_completed(source, "extended")
        whole = source.seconds + seconds
        if whole > LONGEST_EXTENDED:
            message = f"A video can be extended to {LONGEST_EXTENDED} seconds in total, not to {whole}."
            raise ApiError(400, message, code="invalid_value", param="seconds")
        order = intake.Purchase(prompt, source.model, source.size, whole)
        return self._buy(order, seed=source.seed, extended_from=source.id)

    def _require_completed(self, source: Job, done: str) -> None:
        if source.status(self._clock()) != "completed":
            raise ApiError(400, f"Only a completed video can be {done}.", code="invalid_value", param="video_id")

    def _remix(self, source: Job, prompt: str) -> Job:
        self._require_completed(source, "remixed")
        picture = self._jobs.picture(source)
        before = picture.read_bytes() if picture and picture.exists() else None
        order = intake.Purchase(prompt, source.model, source.size, source.seconds, before)
        return self._buy(order, seed=source.seed, remixed_from=source.id)

    def _mar(self, job: Job, faults: Told) -> Job | None:
        """Do to `job` for good what these faults say; None if it is forgotten now."""
        for fault in faults:
            given = fault.arguments
            if fault.kind in ("fail", "moderation_blocked"):
                code, message = FAILED if fault.kind == "fail" else MODERATED
                after = given.get("after", job.render_seconds / 2)
                self._jobs.fail(job, after, given.get("code", code), given.get("message", message))
            elif fault.kind == "render":
                self._jobs.slow(job, given["seconds"])
            elif fault.kind == "forget":
                self._jobs.remove(job, "forgotten")
            else:
                continue
            found = self._jobs.find(job.id)
            if found is None:
                return None
            job = found
        return job


def answer(value: object) -> Response:
    """`value` as JSON."""
    return Response(json.dumps(value), mimetype="application/json")
