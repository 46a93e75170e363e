"""What the rest of the house knows of a provider: four plain values, one error, one protocol."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class CreateRequest:
    """One paid call: `size` is `1280x720`, `seconds` whole seconds, `picture` a JPEG or PNG of exactly that size."""

    prompt: str
    model: str
    size: str
    seconds: int
    picture: Path | None = None
    picture_type: str = "image/jpeg"
    remix_of: str | None = None
    """Provider job id of a finished video that is to be changed by `prompt`."""


@dataclass(frozen=True)
class ProviderJob:
    """A generation as the provider describes it, normalised.

    `state` is one of `queued`, `in_progress`, `completed`, `failed`, `cancelled`, `expired`; `progress` is 0–100 or
    None; missing fields are None. `error_code` and `error_message` are the provider's own words.
    """

    id: str
    state: str
    progress: int | None = None
    model: str | None = None
    size: str | None = None
    seconds: str | None = None
    prompt: str | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    error_code: str | None = None
    error_message: str | None = None
    file_url: str | None = None
    """Where the server itself names an address of the file (SGLang with S3, New API)."""
    poll_after: float | None = None
    """Seconds the provider asks us to wait before the next look."""
    request_id: str | None = None


@dataclass(frozen=True)
class JobPage:
    """One page of the provider's own list. `complete` is true on the last page."""

    jobs: list[ProviderJob]
    last_id: str | None
    complete: bool


@dataclass(frozen=True)
class Download:
    """What `content` wrote: whole bytes in `path`, and what the server called them."""

    path: Path
    size: int
    content_type: str


@dataclass(eq=False)
class ProviderError(Exception):
    """A call to the provider failed.

    permanent: the same call would fail again (bad input, moderation, bad key).
    ambiguous: the provider may have taken a create nevertheless; only looking can tell.
    sent: whether a byte of the request can have left this machine. False proves that it was not taken.
    kind: `connection`, `timeout`, `refused`, `rate_limited`, `overloaded`, `quota`, `unauthorised`, `not_found`,
        `moderation`, `not_ready`, `unreadable`, `server`, `deadline`, `content`.
    code, message, status, request_id: the provider's own, where it sent any.
    retry_after: seconds, from `Retry-After` and its relatives.
    """

    kind: str
    message: str
    permanent: bool = False
    ambiguous: bool = False
    sent: bool = True
    code: str | None = None
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None
    details: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message


class Provider(Protocol):
    """A Videos API account. Every method has connect and read timeouts and raises only ProviderError."""

    name: str
    """`sora` or `simulator`: what users are told they are talking to."""
    base_url: str
    account: str
    """A fingerprint of the key, never the key."""

    def create(
        self, request: CreateRequest, *, deadline: float, before_send: Callable[[], None] | None = None
    ) -> ProviderJob:
        """One POST, never repeated. `deadline` is the total time in seconds from the call to the whole answer.

        `before_send` runs right before the first byte goes out; what it raises stops the call unsent.
        """

    def retrieve(self, job_id: str) -> ProviderJob:
        """Look at a job. A failed job is returned, not raised, also where the server wraps it in an HTTP error."""

    def list(self, *, after: str | None = None, limit: int = 100) -> JobPage:
        """A page of the account's jobs, newest first. Any answer that is not a clean list raises `refused`."""

    def content(self, job: ProviderJob, to: Path) -> Download:
        """Stream the finished MP4 into `to`, resuming what `to` already holds where the server allows it."""

    def delete(self, job_id: str) -> None:
        """Ask the server to forget a job; servers without the route raise `not_found`."""
