"""Reading the Video objects that servers answer with. Nearly every field is missing, renamed or retyped by one.

    OpenAI (the reference)   all keys in its specification, few in its samples
    vLLM-Omni 0.30           a failed job is an HTTP 4xx/5xx around the object, its `error.code` a number
    SGLang 0.5.23            `error` without a code, `url`/`urls` of an uploaded file, a list without `has_more`
    LiteLLM 1.109            `processing`, null progress, no prompt, another id in later answers
    New API                  `task_id`, `metadata.url`, milliseconds, `unknown`, objects wrapped in `data`
    TensorRT-LLM             202, `duration` for seconds, `error` as plain text, a list without `has_more`
    gateways like New API    `succeeded`, `pending`, `output_url`, `video_url`, `duration`

Sources: the code of these servers in the versions named, and their documentation.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aivideo.providers.base import JobPage, ProviderJob
from aivideo.providers.refusals import Words, request_id, retry_after, seconds, words

SPELLINGS = {
    "queued": "queued queueing in_queue pending submitted not_start not_started unknown created accepted waiting"
    " scheduled starting throttled",
    "in_progress": "in_progress inprogress preparing processing running generating rendering started active",
    "completed": "completed complete success succeeded successful finished done ready",
    "failed": "failed failure fail error errored rejected incomplete timeout timed_out",
    "cancelled": "cancelled canceled cancelling canceling aborted deleted",
    "expired": "expired",
}
STATE_OF = {spelling: state for state, spellings in SPELLINGS.items() for spelling in spellings.split()}
ENDED = ("completed", "failed", "cancelled", "expired")
ENDED_BADLY = ("failed", "cancelled", "expired")
MILLISECONDS_FROM = 1e11
LATEST_MOMENT = 4e9
FILE_KEYS = ("output_url", "video_url", "url", "download_url", "urls", "unsigned_urls", "output", "video", "metadata")


def job(video: Mapping[str, Any], headers: Mapping[str, str], *, job_id: str) -> ProviderJob:
    """A Video object in our terms, under the id that the create gave, whatever id the object has."""
    state = state_of(video.get("status"))
    said = words(video.get("error"))
    if state in ENDED_BADLY and not said.text:
        said = words({key: value for key, value in video.items() if key not in ("type", "error")})
    return ProviderJob(
        id=job_id,
        state=state,
        progress=_progress(video.get("progress")),
        model=_text(video.get("model")),
        size=_size(video),
        seconds=_seconds(video),
        prompt=_text(video.get("prompt")),
        created_at=_moment(video.get("created_at")),
        expires_at=_moment(video.get("expires_at")),
        error_code=said.code or said.type,
        error_message=said.message,
        error_kind=_error_kind(state, said),
        made_from=_made_from(video),
        file_url=file_url(video),
        poll_after=_poll_after(headers),
        request_id=request_id(headers),
    )


def page(body: Any, headers: Mapping[str, str], *, limit: int, after: str | None = None) -> JobPage | None:
    """A list object in our terms, or None where it is not a clean list.

    SGLang and TensorRT-LLM send no `has_more`. Then only an empty page proves the end; or, where the cursor itself
    comes again, the server knows no cursors and showed all there is, unless it cut the list at `limit`.
    """
    items = body.get("data") if isinstance(body, dict) else body
    if not isinstance(items, list):
        return None
    jobs = []
    for item in items:
        job_id = identity(item)
        if job_id is None:
            return None
        jobs.append(job(item, headers, job_id=job_id))
    more = body.get("has_more") if isinstance(body, dict) else None
    if after is not None and any(known.id == after for known in jobs):
        return JobPage([], None, complete=more is not True and len(jobs) != limit)
    complete = not more if isinstance(more, bool) else not jobs
    return JobPage(jobs, jobs[-1].id if jobs else None, complete)


def unwrap(body: Any) -> dict[str, Any] | None:
    """The Video object, also inside `{"code": …, "data": {…}}`; None where there is no object."""
    while isinstance(body, dict) and identity(body) is None and isinstance(body.get("data"), dict):
        body = body["data"]
    return body if isinstance(body, dict) else None


def identity(video: Any) -> str | None:
    """The provider job id of an object. A number counts only where no text does: some show their row's number."""
    if not isinstance(video, dict):
        return None
    found = [video.get(key) for key in ("id", "task_id", "video_id")]
    texts = [value for value in found if isinstance(value, str) and value.strip()]
    numbers = [str(value) for value in found if isinstance(value, int) and not isinstance(value, bool)]
    return next(iter(texts + numbers), None)


def is_job_that_ended_badly(video: Mapping[str, Any]) -> bool:
    """Whether the body of an HTTP error is a failed job, and not an envelope with an id and a status of its own."""
    known = str(video.get("object", "")).startswith("video") or any(
        key in video for key in ("model", "seconds", "size", "progress", "created_at", "prompt")
    )
    return known and identity(video) is not None and state_of(video.get("status")) in ENDED_BADLY


def state_of(status: Any) -> str:
    """One of our six states; an unknown word means that something is going on, a missing one that it waits."""
    word = re.sub(r"[\s-]+", "_", status.strip().lower()) if isinstance(status, str) else ""
    return STATE_OF.get(word, "in_progress") if word else "queued"


def _error_kind(state: str, said: Words) -> str | None:
    if state != "failed":
        return None
    return "moderation" if said.about_moderation else "server"


def _progress(value: Any) -> int | None:
    if isinstance(value, str):
        value = value.strip().removesuffix("%")
    number = seconds(value)
    if number is None:
        return None
    if isinstance(value, float) and 0 < number < 1:
        number *= 100
    return min(100, int(number))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _size(video: Mapping[str, Any]) -> str | None:
    size = video.get("size") or f"{video.get('width')}x{video.get('height')}"
    match = re.fullmatch(r"\s*(\d+)\s*[x×*]\s*(\d+)\s*", str(size).lower())
    return f"{match[1]}x{match[2]}" if match else None


def _seconds(video: Mapping[str, Any]) -> str | None:
    for key in ("seconds", "duration", "duration_seconds"):
        number = seconds(str(video.get(key, "")).strip().removesuffix("s"))
        if number is not None:
            return f"{number:g}"
    return None


def _made_from(video: Mapping[str, Any]) -> str | None:
    return _text(video["remixed_from_video_id"]) or "" if "remixed_from_video_id" in video else None


def _moment(value: Any) -> datetime | None:
    """A point in time from seconds or milliseconds since 1970, as number or text, or from ISO 8601."""
    number = seconds(value)
    if number is not None:
        number = number / 1000 if number >= MILLISECONDS_FROM else number
        return datetime.fromtimestamp(number, UTC) if 0 < number < LATEST_MOMENT else None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def file_url(value: Any) -> str | None:
    """The first address of a file that an object names, in whichever of the known places."""
    if isinstance(value, str):
        return value if re.match(r"https?://[^\s]+$|/[^/\s][^\s]*$", value) else None
    if isinstance(value, list):
        return next(filter(None, map(file_url, value)), None)
    if isinstance(value, dict):
        return next(filter(None, (file_url(value[key]) for key in FILE_KEYS if key in value)), None)
    return None


def _poll_after(headers: Mapping[str, str]) -> float | None:
    milliseconds = seconds(headers.get("openai-poll-after-ms"))
    return retry_after(headers) if milliseconds is None else milliseconds / 1000
