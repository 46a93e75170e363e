"""A Videos API account: create, look, list, fetch, delete, as the rest of the house knows it.

How servers differ where it matters to a caller:

    create    always multipart: vLLM-Omni takes nothing else, OpenAI wants `seconds` as text and a MIME type on the
              picture. No server documents an idempotency key, so a create is never repeated in here.
    ids       LiteLLM's are base64 with `=`, `+`, `/`, and its later answers carry another one that leads nowhere:
              the id of the create's answer is the id for ever.
    retrieve  vLLM-Omni answers 4xx/5xx for a failed job, with the job as the body.
    list      none at New API, HTTP 400 at LiteLLM, without cursors or `has_more` at SGLang and TensorRT-LLM.
    content   SGLang answers 404 to `variant=video`, so no variant is sent; with S3 it answers 400 and the address of
              the file, New API names one in `metadata.url`: then the file is fetched there, without our key.
    delete    no route at New API and LiteLLM.
    remix     no route at vLLM-Omni, SGLang, TensorRT-LLM.
    extend    the same, and none at New API and Azure; the answer's `seconds` are those of the whole clip.

Sources: the code of vLLM-Omni 0.30, SGLang 0.5.23, LiteLLM 1.109, New API, TensorRT-LLM; OpenAI's specification 2.3.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

from requests.adapters import BaseAdapter

from aivideo.providers.base import CreateRequest, Download, JobPage, ProviderError, ProviderJob
from aivideo.providers.download import fetch
from aivideo.providers.http import Answer, HttpClient
from aivideo.providers.parsing import identity, is_job_that_ended_badly, job, page, unwrap
from aivideo.providers.refusals import refusal, unreadable

FINGERPRINT_LENGTH = 12
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}
ELSEWHERE = re.compile(r"cloud url:?\s*(https?://[^\s\"'<>]+)", re.IGNORECASE)
WORTH_ANOTHER_TRY = ("connection", "timeout", "deadline")


def fingerprint(key: str) -> str:
    """Which key, without telling the key: the first 12 hexadecimal digits of its SHA-256; `none` for no key."""
    key = key.strip()
    return hashlib.sha256(key.encode()).hexdigest()[:FINGERPRINT_LENGTH] if key else "none"


class SoraClient:
    """A `Provider` that speaks the Videos API. One object serves any number of threads.

    adapter: answers inside this process instead of the network (the simulator).
    connect_seconds, read_seconds: longest wait for a connection, and for the next bytes of an answer.
    call_seconds, download_seconds: total time for a call other than create, and for fetching a file.
    verify: True, or the path of a CA bundle.

    Raises:
        ValueError: `base_url` is not an absolute http(s) address.
    """

    def __init__(
        self,
        base_url: str,
        key: str = "",
        *,
        name: str = "sora",
        adapter: BaseAdapter | None = None,
        connect_seconds: float = 10.0,
        read_seconds: float = 30.0,
        call_seconds: float = 60.0,
        download_seconds: float = 900.0,
        verify: bool | str = True,
    ) -> None:
        self._http = HttpClient(
            base_url,
            key,
            adapter=adapter,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            verify=verify,
        )
        self._call_seconds, self._download_seconds = call_seconds, download_seconds
        self.name = name
        self.base_url = self._http.base_url
        self.account = fingerprint(key)

    def close(self) -> None:
        """Let go of the connections kept open."""
        self._http.close()

    def create(
        self, request: CreateRequest, *, deadline: float, before_send: Callable[[], None] | None = None
    ) -> ProviderJob:
        """One POST, never repeated; see `Provider.create`.

        Raises:
            ProviderError: `ambiguous` wherever the provider may have taken it.
            OSError: the picture cannot be read; nothing was sent.
        """
        doing, path, content = _ordered(request)
        answer = self._http.call(
            "POST",
            path,
            seconds=deadline,
            read_seconds=deadline,
            headers={"Accept": "application/json"},
            before_send=before_send,
            **content,
        )
        found = _job(answer)
        if found is not None:
            return found
        raise unreadable(answer, doing) if answer.status < 300 else refusal(answer, doing)

    def retrieve(self, job_id: str) -> ProviderJob:
        """Look at a job; a failed one is returned, also out of an HTTP error.

        Raises:
            ProviderError: `not_found` where the provider does not know it (any more).
        """
        answer = self._call("GET", _path(job_id))
        found = _job(answer, job_id)
        if found is not None:
            return found
        raise unreadable(answer, "retrieve") if answer.status < 300 else refusal(answer, "retrieve")

    def list(self, *, after: str | None = None, limit: int = 100) -> JobPage:
        """A page of the account's jobs, newest first.

        Raises:
            ProviderError: `refused` for any answer that is not a clean list.
        """
        wanted = {"limit": str(limit), "order": "desc"} | ({"after": after} if after else {})
        answer = self._call("GET", "/videos", params=wanted)
        if answer.status != 200:
            raise refusal(answer, "list")
        found = page(answer.json(), answer.headers, limit=limit, after=after)
        if found is None:
            raise unreadable(answer, "list")
        return found

    def content(self, job: ProviderJob, to: Path) -> Download:
        """Stream the finished file into `to`; see `Provider.content`.

        Raises:
            ProviderError: `not_ready`, `expired`, `content` (not the whole file), or why no answer came.
            OSError: the disk is full.
        """
        try:
            return fetch(self._http, f"{_path(job.id)}/content", to, seconds=self._download_seconds)
        except ProviderError as error:
            named = ELSEWHERE.search(error.message)
            elsewhere = named[1] if named else error.details.get("file_url") or job.file_url
            if error.status is None or error.kind in ("not_ready", "rate_limited") or elsewhere is None:
                raise
            try:
                address = urljoin(f"{self.base_url}/", elsewhere)
                return fetch(self._http, address, to, seconds=self._download_seconds)
            except ProviderError as other:
                raise (other if other.kind in WORTH_ANOTHER_TRY else error) from other

    def delete(self, job_id: str) -> None:
        """Ask the provider to forget a job, and to stop it where it can.

        Raises:
            ProviderError: `not_found` where it knows neither the job nor the route.
        """
        answer = self._call("DELETE", _path(job_id))
        if answer.status >= 300:
            raise refusal(answer, "delete")

    def _call(self, method: str, path: str, **options: Any) -> Answer:
        headers = {"Accept": "application/json"}
        return self._http.call(method, path, seconds=self._call_seconds, headers=headers, **options)


def _ordered(request: CreateRequest) -> tuple[str, str, dict[str, Any]]:
    """What is done, where, and what is sent there."""
    if request.remix_of is not None:
        return "remix", f"{_path(request.remix_of)}/remix", {"json": {"prompt": request.prompt}}
    if request.extend_of is not None:
        video = {"id": request.extend_of}
        wanted = {"prompt": request.prompt, "seconds": str(request.seconds), "video": video}
        return "extend", "/videos/extensions", {"json": wanted}
    return "create", "/videos", {"files": _form(request)}


def _form(request: CreateRequest) -> dict[str, Any]:
    """The fields of the multipart form; values without a file name are plain fields."""
    fields = {"prompt": request.prompt, "model": request.model, "size": request.size, "seconds": str(request.seconds)}
    form: dict[str, Any] = {name: (None, value) for name, value in fields.items() if value}
    if request.picture is not None:
        file_name = f"reference.{EXTENSIONS.get(request.picture_type, 'bin')}"
        form["input_reference"] = (file_name, request.picture.read_bytes(), request.picture_type)
    return form


def _job(answer: Answer, job_id: str | None = None) -> ProviderJob | None:
    """The job in an answer, also in an HTTP error that is one about a failed job; None where there is none."""
    video = unwrap(answer.json())
    if video is None or (answer.status >= 300 and not is_job_that_ended_badly(video)):
        return None
    found = job_id or identity(video)
    known = identity(video) is not None or "status" in video
    return job(video, answer.headers, job_id=found) if found is not None and known else None


def _path(job_id: str) -> str:
    if job_id in ("", ".", ".."):  # no encoding keeps these from changing the path
        raise ProviderError("not_found", f"{job_id!r} is not a job id.", permanent=True, sent=False)
    return f"/videos/{quote(job_id, safe='')}"
