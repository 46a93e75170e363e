"""Accepting videos: rows, charges and first events are one transaction, or nothing is."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from aivideo.adapters import catalogue
from aivideo.core.catalogue import Order
from aivideo.core.errors import (
    DomainError,
    InsufficientCredits,
    InvalidInput,
    NotFound,
    PlanCannotGenerate,
    RequestKeyReused,
)
from aivideo.core.ledger import Kind
from aivideo.core.video import Line, Stage, Status, Step
from aivideo.events import EventLog
from aivideo.extensions import db
from aivideo.models import LedgerEntry, User, Video
from aivideo.services import budget, credits
from aivideo.services.pictures import Picture
from aivideo.services.videos import sequels
from aivideo.services.videos.moves import RING_AGAIN, ring, utc_now
from aivideo.transaction import transaction

LONGEST_KEY = 255
MOST_AT_ONCE = 4


@dataclass(frozen=True)
class Receipt:
    """The first answer to a request, and the answer to every repetition of it; credits are those of all its videos."""

    video_ids: tuple[int, ...]
    status: str
    credits_charged: int
    credits_left: int
    repeated: bool = False

    @property
    def video_id(self) -> int:
        return self.video_ids[0]


@dataclass(frozen=True)
class _Request:
    """What is asked for: `count` videos that differ in nothing but the provider's dice."""

    order: Order
    picture: Picture | None
    remixed_from_id: int | None
    extended_from_id: int | None
    count: int

    def fingerprint(self) -> str:
        """Hash of everything that makes two requests the same one; the picture counts by its bytes."""
        order, picture = self.order, self.picture
        parts: list[object] = [order.prompt, order.model, order.size, order.seconds]
        parts += [picture.hash if picture else None, self.remixed_from_id]
        # What is as usual is left out: requests of earlier versions keep their fingerprints.
        parts += [["extend", self.extended_from_id]] if self.extended_from_id is not None else []
        parts += [["count", self.count]] if self.count != 1 else []
        parts += [["fit", picture.fit, picture.focus]] if picture and (picture.fit, picture.focus) != USUAL_FIT else []
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


USUAL_FIT = ("crop", 0.5)


def request(
    user_id: int,
    order: Order,
    *,
    key: str | None = None,
    picture: Picture | None = None,
    remixed_from_id: int | None = None,
    extended_from_id: int | None = None,
    count: int = 1,
) -> Receipt:
    """Charge for `count` videos and queue them, all or none. With a `key` that was used before, nothing happens twice.

    The order of a remix or an extension is that of `sequels.remix_order` or `sequels.extension_order`.

    Raises:
        RequestKeyReused: the key belongs to a different request.
        PlanCannotGenerate, InsufficientCredits, BudgetSpent: nothing was charged.
        NotFound, CannotRemix, CannotExtend: the video to start from is not there, not finished, or cannot be used.
        InvalidInput: the key is empty or too long, or `count` is not 1 to 4.
    """
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise InvalidInput({"Idempotency-Key": [f"Use 1 to {LONGEST_KEY} characters."]})
    if not 1 <= count <= MOST_AT_ONCE:
        raise InvalidInput({"variations": [f"Ask for 1 to {MOST_AT_ONCE} videos at once."]})
    wanted = _Request(order, picture, remixed_from_id, extended_from_id, count)
    if key is not None and (first := find_repeat(user_id, key)) is not None:
        return _again(first, key, wanted)
    try:
        if remixed_from_id is not None or extended_from_id is not None:
            sequels.check(user_id, order, remixed_from_id, extended_from_id, picture is not None)
        return _accept(user_id, key, wanted)
    except (IntegrityError, DomainError):
        # The same request may have been accepted at this very moment, and have taken the last credits.
        if key is None or (first := find_repeat(user_id, key)) is None:
            raise
        return _again(first, key, wanted)


def require_means(user_id: int, order: Order, key: str | None, count: int = 1) -> None:
    """Refuse what `request` would refuse, before a picture is read and kept for it; a repetition costs nothing.

    Raises:
        PlanCannotGenerate, InsufficientCredits: nothing was charged.
    """
    user = db.session.get(User, user_id)
    if user is None or (key is not None and find_repeat(user_id, key) is not None):
        return
    plan = catalogue().plan(user.plan)
    if not plan.can_generate:
        raise PlanCannotGenerate(plan.name)
    if user.credits < order.credits * count:
        raise InsufficientCredits(order.credits * count, user.credits, count)


def _accept(user_id: int, key: str | None, wanted: _Request) -> Receipt:
    order, count = wanted.order, wanted.count
    with transaction() as session:
        user = session.get(User, user_id)
        if user is None:
            raise NotFound("user")
        plan = catalogue().plan(user.plan)
        if not plan.can_generate:
            raise PlanCannotGenerate(plan.name)
        try:
            left = credits.move(session, user_id, Kind.CHARGE, order.credits * count)  # locks the user's row
        except InsufficientCredits as error:
            raise InsufficientCredits(error.needed, error.balance, count) from None
        budget.check(session, order.usd * count)
        ids = [
            _enter(session, user_id, row_key, wanted, left + order.credits * (count - number))
            for number, row_key in enumerate(_row_keys(key, count), 1)
        ]
    return Receipt(tuple(ids), Status.PENDING, order.credits * count, left)


def _enter(session: Session, user_id: int, key: str | None, wanted: _Request, left: int) -> int:
    """One video with its charge, after which `left` credits are left; returns its id."""
    order, picture, now = wanted.order, wanted.picture, utc_now()
    video = Video(
        user_id=user_id,
        request_key=key,
        request_hash=wanted.fingerprint(),
        prompt=order.prompt,
        model=order.model,
        size=order.size,
        seconds=order.seconds,
        credits=order.credits,
        usd=order.usd,
        picture_name=picture.name if picture else None,
        picture_hash=picture.hash if picture else None,
        picture_fit=picture.fit if picture else USUAL_FIT[0],
        picture_focus=picture.focus if picture else USUAL_FIT[1],
        remixed_from_id=wanted.remixed_from_id,
        extended_from_id=wanted.extended_from_id,
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
    return video.id


def find_repeat(user_id: int, key: str) -> Video | None:
    """The first video that a request key belongs to, if it was used."""
    return db.session.scalar(select(Video).where(Video.user_id == user_id, Video.request_key == key))


def _row_keys(key: str | None, count: int) -> Sequence[str | None]:
    """The key of each row. Those of the others are hashes: nobody else's key, and never too long."""
    if key is None:
        return [None] * count
    others = (hashlib.sha256(f"{key}#{number}".encode()).hexdigest() for number in range(2, count + 1))
    return [key, *others]


def _again(first: Video, key: str, wanted: _Request) -> Receipt:
    if first.request_hash != wanted.fingerprint():
        raise RequestKeyReused
    charges = db.session.execute(
        select(LedgerEntry.video_id, LedgerEntry.balance, LedgerEntry.amount)
        .join(Video, Video.id == LedgerEntry.video_id)
        .where(
            Video.user_id == first.user_id,
            Video.request_key.in_(_row_keys(key, wanted.count)),
            LedgerEntry.kind == Kind.CHARGE,
        )
        .order_by(LedgerEntry.video_id)
    ).all()
    charged, left = -sum(row.amount for row in charges), charges[-1].balance
    return Receipt(tuple(row.video_id for row in charges), Status.PENDING, charged, left, repeated=True)
