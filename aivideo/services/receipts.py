"""The receipt of a video: every line, attempt and movement of credits on one timeline: why was I charged?"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import func, select

from aivideo.adapters import catalogue
from aivideo.core.ledger import Kind
from aivideo.core.video import Status
from aivideo.extensions import db
from aivideo.models import Attempt, Event, LedgerEntry, Video
from aivideo.models.attempts import ACCEPTED, NOT_SENT, OPEN, REFUSED, UNKNOWN
from aivideo.services.videos import get

OUTCOMES = {
    OPEN: "It is being sent.",
    ACCEPTED: "The provider took it.",
    REFUSED: "The provider refused it. Nothing was bought.",
    NOT_SENT: "It never reached the provider. Nothing was bought.",
    UNKNOWN: "The connection broke; nobody knows yet whether the provider took it.",
}
SETTLED = {
    "list": "Found out from the provider's own list.",
    "operator": "Settled by the operator.",
    "time": "Its sender stopped before it was done.",
}


@dataclass(frozen=True)
class Entry:
    """One thing that happened. `kind` is `event`, `attempt`, `charge` or `refund`; `credits` is signed."""

    at: datetime
    kind: str
    text: str
    credits: int | None = None
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class VideoReceipt:
    """`charged` and `refunded` in credits; `answer` says in a sentence why."""

    video: Video
    entries: list[Entry]
    charged: int
    refunded: int
    answer: str


def receipt(user_id: int, video_id: int) -> VideoReceipt:
    """
    Raises:
        NotFound: there is no such video, or it is somebody else's.
    """
    video = get(user_id, video_id)
    moves = db.session.scalars(
        select(LedgerEntry).where(LedgerEntry.video_id == video_id).order_by(LedgerEntry.id)
    ).all()
    entries = [*_events(video_id), *_attempts(video_id), *map(_movement, moves)]
    entries.sort(key=lambda entry: entry.at)
    charged = -sum(move.amount for move in moves if move.kind == Kind.CHARGE)
    refunded = sum(move.amount for move in moves if move.kind == Kind.REFUND)
    return VideoReceipt(video, entries, charged, refunded, _answer(video, charged, refunded))


def refunded(video_id: int) -> int:
    """How many credits of a video's price came back."""
    moves = LedgerEntry.video_id == video_id, LedgerEntry.kind == Kind.REFUND
    return int(db.session.scalar(select(func.sum(LedgerEntry.amount)).where(*moves)) or 0)


def _events(video_id: int) -> Iterator[Entry]:
    for event in db.session.scalars(Event.after(video_id, 0)):
        yield Entry(event.created_at, "event", event.message)


def _attempts(video_id: int) -> Iterator[Entry]:
    for attempt in db.session.scalars(Attempt.of(video_id)):
        server = "the simulator" if attempt.provider == "simulator" else urlsplit(attempt.base_url).netloc
        yield Entry(attempt.created_at, "attempt", f"Attempt {attempt.number} is prepared for {server}.")
        if attempt.sent_at is not None:
            yield Entry(attempt.sent_at, "attempt", f"Attempt {attempt.number} goes out.")
        if attempt.outcome == OPEN:
            continue
        words = [OUTCOMES[attempt.outcome], SETTLED.get(attempt.settled_by or "", "")]
        details = {
            "job": attempt.provider_job_id,
            "request": attempt.provider_request_id,
            "status": str(attempt.http_status or "") or None,
            "code": attempt.error_code,
        }
        yield Entry(
            attempt.answered_at or attempt.unknown_at or attempt.created_at,
            "attempt",
            f"Attempt {attempt.number}: {' '.join(filter(None, words))}",
            details={key: value for key, value in details.items() if value},
        )


def _movement(move: LedgerEntry) -> Entry:
    credits = abs(move.amount)
    text = f"{credits} credits charged." if move.kind == Kind.CHARGE else f"{credits} credits returned: {move.note}."
    return Entry(move.created_at, move.kind, text, credits=move.amount, details={"balance": str(move.balance)})


def _answer(video: Video, charged: int, refunded: int) -> str:
    if refunded:
        kept = " You keep the video all the same." if video.status == Status.COMPLETED else ""
        return f"You paid {charged} credits and got {refunded} back, so this video cost you nothing.{kept}"
    if video.status == Status.COMPLETED:
        more = " more" if video.extended_from_id is not None else ""
        model, size = getattr(catalogue().model(video.model), "name", video.model), video.size.replace("x", " × ")
        return f"You paid {charged} credits for {video.seconds}{more} seconds of {model} at {size}."
    if video.status == Status.CANCELLED:
        return f"You paid {charged} credits: when you cancelled, the video had already been bought from the provider."
    return f"You paid {charged} credits. They come back by themselves if this video cannot be made."
