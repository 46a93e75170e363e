"""Fetching a finished file: streamed to disk, resumed where the server allows it, never more or less than announced.

Beside `file.mp4` a note `file.mp4.resume` remembers which file the bytes so far belong to (its ETag and length), so
that a later call, also of another process, goes on only with the same file. It goes when the file is whole.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from aivideo.providers.base import Download, ProviderError
from aivideo.providers.http import HttpClient, Reply
from aivideo.providers.parsing import ENDED, file_url, state_of, unwrap
from aivideo.providers.refusals import refusal, request_id, unreadable, words

LARGEST = 4 * 1024**3
NOT_FILES = ("application/json", "application/problem+json", "application/xml", "application/xhtml+xml")
FILES = ("video", "application", "binary")


@dataclass(frozen=True)
class Note:
    """Which file the bytes on disk belong to."""

    etag: str | None
    length: int | None

    @staticmethod
    def path(to: Path) -> Path:
        return to.with_name(to.name + ".resume")

    @classmethod
    def read(cls, to: Path) -> "Note | None":
        try:
            return cls(**json.loads(cls.path(to).read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, to: Path) -> None:
        self.path(to).write_text(json.dumps(asdict(self)))


def fetch(http: HttpClient, target: str, to: Path, *, seconds: float) -> Download:
    """Stream the file at `target` into `to`, going on where an earlier call broke off if that is provably safe.

    Raises:
        ProviderError: `content` where what came is not the whole file; what came stays in `to` for the next call.
        OSError: the disk is full, or `to` cannot be written.
    """
    note = Note.read(to)
    have = to.stat().st_size if note is not None and to.exists() else 0
    if note is not None and have > 0 and (note.etag or note.length):
        headers = {"Range": f"bytes={have}-"}
        if note.etag and not note.etag.startswith("W/"):
            headers["If-Range"] = note.etag
        with http.open("GET", target, seconds=seconds, headers=headers) as reply:
            if reply.status == 206 and _goes_on(reply.headers, have, note):
                return _store(reply, to, have, note.length)
            if reply.status not in (206, 416):
                return _store_from_start(reply, to)
    with http.open("GET", target, seconds=seconds) as reply:
        return _store_from_start(reply, to)


def _goes_on(headers: Mapping[str, str], have: int, note: Note) -> bool:
    start, length = _content_range(headers)
    etag = headers.get("ETag")
    same_file = (etag == note.etag) if etag and note.etag else (length == note.length)
    return start == have and same_file


def _content_range(headers: Mapping[str, str]) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
    if match is None:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _store_from_start(reply: Reply, to: Path) -> Download:
    _require_file(reply)
    encoded = reply.headers.get("Content-Encoding", "identity").lower() != "identity"
    announced = reply.headers.get("Content-Length", "")
    length = int(announced) if announced.isdecimal() and not encoded else None
    Note(None if encoded else reply.headers.get("ETag"), length).write(to)
    return _store(reply, to, 0, length)


def _store(reply: Reply, to: Path, have: int, length: int | None) -> Download:
    size = have
    with to.open("ab" if have else "wb") as file:
        for piece in reply.chunks():
            size += file.write(piece)
            if size > LARGEST:
                raise ProviderError("content", f"The file is larger than {LARGEST // 1024**3} GB.")
    if size == 0 or (length is not None and size != length):
        raise ProviderError("content", f"The download broke off after {size} of {length or 'unknown'} bytes.")
    Note.path(to).unlink(missing_ok=True)
    return Download(to, size, _content_type(reply) or "video/mp4")


def _require_file(reply: Reply) -> None:
    """Refuse what is not a file: an error, a page, a status in JSON.

    Raises:
        ProviderError: `status` is set, so that the caller may look for the file elsewhere; `details["file_url"]`
            is where the answer itself says it is.
    """
    content_type = _content_type(reply)
    if reply.status == 200 and content_type not in NOT_FILES:
        if not content_type or content_type.split("/")[0] in FILES:
            return
        message = f"The provider sent {content_type} in place of a video."
        raise ProviderError("content", message, status=200, request_id=request_id(reply.headers))
    answer = reply.whole()
    if answer.status >= 300:
        raise refusal(answer, "content")
    error = unreadable(answer, "content")
    error.kind = "content"
    video = unwrap(answer.json())
    if answer.status != 200 or (video and "status" in video and state_of(video["status"]) not in ENDED):
        error.kind, error.message = "not_ready", words(video).message or "The file is not ready yet."
    elif (address := file_url(video)) is not None:
        error.details["file_url"] = address
    raise error


def _content_type(reply: Reply) -> str:
    return reply.headers.get("Content-Type", "").split(";")[0].strip().lower()
