"""Accepting a video: row, charge and first event are one transaction, or nothing is."""

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from aivideo.adapters import catalogue
from aivideo.core.catalogue import Order
from aivideo.core.errors import CannotRemix, DomainError, InvalidInput, NotFound, PlanCannotGenerate, RequestKeyReused
from aivideo.core.ledger import Kind
from aivideo.core.video import Line, Stage, Status, Step
from aivideo.events import EventLog
from aivideo.extensions import db
from aivideo.models import Attempt, LedgerEntry, User, Video
from aivideo.services import budget, credits
from aivideo.services.pictures import Picture
from aivideo.services.videos.moves import RING_AGAIN, ring, utc_now
from aivideo.transaction import transaction

LONGEST_KEY = 255


@dataclass(frozen=True)
class Receipt:
    """The first answer to a request, and the answer to every repetition of it."""

    video_id: int
    status: str
    credits_charged: int
    credits_left: int
    repeated: bool = False


def request(
    user_id: int,
    order: Order,
    *,
    key: str | None = None,
    picture: Picture | None = None,
    remixed_from_id: int | None = None,
) -> Receipt:
    """Charge for a video and queue it. With a `key` that was used before, nothing happens twice.

    Raises:
        RequestKeyReused: the key belongs to a different request.
        PlanCannotGenerate, InsufficientCredits, BudgetSpent: nothing was charged.
        NotFound, CannotRemix: the video to remix is not there, or not finished.
        InvalidInput: the key is empty or too long.
    """
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise InvalidInput({"Idempotency-Key": [f"Use 1 to {LONGEST_KEY} characters."]})
    fingerprint = _fingerprint(order, picture, remixed_from_id)
    if key is not None and (first := find_repeat(user_id, key)) is not None:
        return _again(first, fingerprint)
    try:
        return _accept(user_id, order, key, fingerprint, picture, remixed_from_id)
    except (IntegrityError, DomainError):
        # The same request may have been accepted at this very moment, and have taken the last credits.
        if key is None or (first := find_repeat(user_id, key)) is None:
            raise
        return _again(first, fingerprint)


def _accept(
    user_id: int, order: Order, key: str | None, fingerprint: str, picture: Picture | None, remixed_from_id: int | None
) -> Receipt:
    with transaction() as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("user")
        plan = catalogue().plan(user.plan)
        if not plan.can_generate:
            raise PlanCannotGenerate(plan.name)
        left = credits.move(session, user_id, Kind.CHARGE, order.credits)  # locks the user's row
        _check_remix(session, user_id, remixed_from_id)
        budget.check(session, order.usd)
        now = utc_now()
        video = Video(
            user_id=user_id,
            request_key=key,
            request_hash=fingerprint,
            prompt=order.prompt,
            model=order.model,
            size=order.size,
            seconds=order.seconds,
            credits=order.credits,
            usd=order.usd,
            picture_name=picture.name if picture else None,
            picture_hash=picture.hash if picture else None,
            remixed_from_id=remixed_from_id,
            stage=Stage.QUEUED,
            status=Status.PENDING,
            progress=0,
            late=False,
            created_at=now,
            due_at=now + RING_AGAIN,
        )
        with EventLog(video, left) as log:
            log.record(Step.STARTED, Line.STARTED, progress=0, status=Status.PENDING)
        credits.enter(session, user_id, Kind.CHARGE, order.credits, left, video_id=video.id)
        ring("submit", video)
    return Receipt(video.id, Status.PENDING, order.credits, left)


def find_repeat(user_id: int, key: str) -> Video | None:
    """The video that a request key belongs to, if it was used."""
    return db.session.scalar(select(Video).where(Video.user_id == user_id, Video.request_key == key))


def _again(first: Video, fingerprint: str) -> Receipt:
    if first.request_hash != fingerprint:
        raise RequestKeyReused
    charged = db.session.execute(
        select(LedgerEntry.balance).where(LedgerEntry.video_id == first.id, LedgerEntry.kind == Kind.CHARGE)
    ).one()
    return Receipt(first.id, Status.PENDING, first.credits, charged.balance, repeated=True)


def _check_remix(session: Session, user_id: int, source_id: int | None) -> None:
    if source_id is None:
        return
    source = session.scalar(Video.of(user_id).where(Video.id == source_id))
    if source is None:
        raise NotFound
    model = catalogue().model(source.model)
    if model is None or not model.can("remix"):
        raise CannotRemix("This model cannot change a finished video.")
    if source.status != Status.COMPLETED or session.scalar(Attempt.accepted(source.id)) is None:
        raise CannotRemix("Only a finished video can be changed. Wait until this one is ready.")


def _fingerprint(order: Order, picture: Picture | None, remixed_from_id: int | None) -> str:
    """Hash of everything that makes two requests the same one; the picture counts by its bytes."""
    parts = [order.prompt, order.model, order.size, order.seconds, picture.hash if picture else None, remixed_from_id]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()
