"""The prompts a user has written: those of their videos, each once, and those they pinned."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, func, select

from aivideo.core.errors import InvalidInput, NotFound
from aivideo.extensions import db, insert_on_conflict
from aivideo.models import PinnedPrompt, Video
from aivideo.transaction import transaction

MOST_PINS = 100


@dataclass(frozen=True)
class Written:
    """A prompt, the newest video made of it and how many there are; `pin_id` where it is pinned."""

    prompt: str
    video_id: int | None
    videos: int
    pin_id: int | None


@dataclass(frozen=True)
class History:
    """Prompts that are not pinned, newest first, and the cursor of those after them, or None."""

    prompts: list[Written]
    next: int | None


def history(user_id: int, *, search: str = "", before: int | None = None, limit: int = 20) -> History:
    """What a user's videos were made of, whatever is pinned left out. `before` is the `next` of the page before."""
    newest = func.max(Video.id)
    pinned = select(PinnedPrompt.prompt_hash).where(PinnedPrompt.user_id == user_id)
    wanted = (
        select(Video.prompt, newest, func.count())
        .where(Video.user_id == user_id, Video.hidden_at.is_(None))
        .group_by(Video.prompt)
        .order_by(newest.desc())
    )
    if search:
        wanted = wanted.where(Video.prompt.icontains(search, autoescape=True))
    if before is not None:
        wanted = wanted.having(newest < before)
    hashes = set(db.session.scalars(pinned))
    # A user has few pins, so leaving them out here is cheaper than a hash of every prompt in the database.
    rows = db.session.execute(wanted.limit(limit + len(hashes) + 1)).all()
    found = [Written(prompt, video_id, count, None) for prompt, video_id, count in rows if _hash(prompt) not in hashes]
    more = len(found) > limit
    return History(found[:limit], found[limit - 1].video_id if more else None)


def pinned(user_id: int, *, search: str = "") -> list[Written]:
    """A user's pinned prompts, the last pinned first."""
    wanted: Select[PinnedPrompt] = PinnedPrompt.of(user_id)
    if search:
        wanted = wanted.where(PinnedPrompt.prompt.icontains(search, autoescape=True))
    return [Written(pin.prompt, None, 0, pin.id) for pin in db.session.scalars(wanted)]


def pin(user_id: int, prompt: str) -> None:
    """Keep a prompt at hand, also when its videos are deleted. One that is pinned already stays so.

    Raises:
        InvalidInput: that are too many.
    """
    with transaction() as session:
        count = session.scalar(select(func.count()).where(PinnedPrompt.user_id == user_id)) or 0
        if count >= MOST_PINS:
            raise InvalidInput({"prompt": [f"You have {MOST_PINS} pinned prompts. Unpin one first."]})
        row = {"user_id": user_id, "prompt": prompt, "prompt_hash": _hash(prompt), "created_at": datetime.now(UTC)}
        session.execute(insert_on_conflict(PinnedPrompt).values(**row).on_conflict_do_nothing())


def unpin(user_id: int, pin_id: int) -> None:
    """Let go of it. What is not there (any more) is no error."""
    with transaction() as session:
        pin = session.scalar(PinnedPrompt.of(user_id).where(PinnedPrompt.id == pin_id))
        if pin is not None:
            session.delete(pin)


def pinned_prompt(user_id: int, pin_id: int) -> str:
    """
    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    prompt = db.session.scalar(
        select(PinnedPrompt.prompt).where(PinnedPrompt.user_id == user_id, PinnedPrompt.id == pin_id)
    )
    if prompt is None:
        raise NotFound("prompt")
    return prompt


def _hash(prompt: str) -> str:
    return hashlib.sha256(prompt.encode()).hexdigest()
