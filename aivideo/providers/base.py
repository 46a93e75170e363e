"""What the rest of the house knows of a provider: four plain values, one error, one protocol."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class CreateRequest:
    """One paid call. `size` is `1280x720`, `seconds` whole seconds, `picture` a JPEG or PNG of exactly that size.

    An empty `model` is not sent: some servers know one model only and refuse any other name.
    """

    prompt: str
    model: str
    size: str
    seconds: int
    picture: Path | None = None
    picture_type: str = "image/jpeg"
    remix_of: str | None = None
    """Provider job id of a finished video that is to be changed by `prompt`. Only the prompt is sent with it."""
    extend_of: str | None = None
    """Provider job id of a finished video that goes on with `prompt` for `seconds` more; the rest is as it is there."""


@dataclass(frozen=True)
class ProviderJob:
    """A generation as the provider describes it, normalised.

    `state` is one of `queued`, `in_progress`, `completed`, `failed`, `cancelled`, `expired`; `progress` is 0–100
    or None; missing fields are None. `error_code` and `error_message` are the provider's own words, `error_kind`
    is our reading of them for a failed job: `moderation` or `server`.
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
    error_kind: str | None = None
    made_from: str | None = None
    """The job that it is a remix of; empty where the server says that it is none."""
    file_url: str | None = None
    """Where the server itself names an address of the file (SGLang with S3, New API)."""
    poll_after: float | None = None
    """Seconds the provider asks us to wait before the next look."""
    request_id: str | None = None


@dataclass(frozen=True)
class JobPage:
    """One page of the provider's own list.

    `complete` is true where nothing comes after this page. `last_id` is where to ask on; None where there is no
    way to ask on, which without `complete` means that the server hides the rest.
    """

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
    code, message, status, request_id: the provider's own, where it sent any.
    retry_after: seconds, from `Retry-After` and its relatives.
    kind:
        connection, timeout, deadline  no whole answer came: broken, a wait too long, the total time used up
        unreadable    an answer came and makes no sense; after a create that is in doubt
        refused       the provider does not do this (a create: bad input; a list: there is none)
        moderation    refused for what is asked for
        unauthorised  the key is not good for this
        quota         no money or plan upstream; waiting alone does not help, so not permanent but for the operator
        rate_limited, overloaded  not now; a create was not taken
        server        the provider failed (5xx, 408, 409); after a create that is in doubt
        not_found     it does not know the job, or the route
        unsupported   it has no remixes, or no extensions
        not_ready     the file is not there yet
        expired       the file is not there any more
        content       what came is not the whole file
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
        """One POST, never repeated. `deadline` is the total time in seconds from call to whole answer.

        `before_send` runs right before the first byte goes out; what it raises stops the call unsent.
        """

    def retrieve(self, job_id: str) -> ProviderJob:
        """Look at a job. A failed one is returned, not raised, also where the server makes it an HTTP error.

        The job has the id that was asked for, whatever id the answer has.
        """

    def list(self, *, after: str | None = None, limit: int = 100) -> JobPage:
        """A page of the account's jobs, newest first. Any answer that is not a clean list is `refused`."""

    def content(self, job: ProviderJob, to: Path) -> Download:
        """Stream the finished MP4 into `to`, resuming what an earlier call left there where the server allows it.

        Only `expired` and `moderation` are permanent. What the disk says (OSError) is raised as it is.
        """

    def delete(self, job_id: str) -> None:
        """Ask the server to forget a job; servers without the route raise `not_found`."""
