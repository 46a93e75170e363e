"""A user's own videos: one of them, or a page of them. What is somebody else's does not exist."""

from dataclasses import dataclass

from aivideo.core.errors import InvalidInput, NotFound
from aivideo.core.video import Status
from aivideo.extensions import db
from aivideo.models import Video

LONGEST_PAGE = 100


@dataclass(frozen=True)
class Page:
    """Videos, newest first, and the cursor of the page after them, or None."""

    videos: list[Video]
    next: str | None


def get(user_id: int, video_id: int) -> Video:
    """
    Raises:
        NotFound: there is none, it was deleted, or it is somebody else's.
    """
    video = db.session.scalar(Video.of(user_id).where(Video.id == video_id))
    if video is None:
        raise NotFound
    return video


def page(user_id: int, *, limit: int = 20, cursor: str | None = None, status: str | None = None) -> Page:
    """One page of a user's videos. The cursor is the id of the last video of the page before.

    Raises:
        InvalidInput: limit, cursor or status is not what is allowed.
    """
    errors: dict[str, list[str]] = {}
    if not 1 <= limit <= LONGEST_PAGE:
        errors["limit"] = [f"Allowed: 1 to {LONGEST_PAGE}."]
    if cursor is not None and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        errors["cursor"] = ["Use the `next` of the page before."]
    if status is not None and status not in set(Status):
        errors["status"] = [f"Allowed: {', '.join(Status)}."]
    if errors:
        raise InvalidInput(errors)
    wanted = Video.of(user_id)
    if cursor is not None:
        wanted = wanted.where(Video.id < int(cursor))
    if status is not None:
        wanted = wanted.where(Video.status == status)
    found = list(db.session.scalars(wanted.limit(limit + 1)))
    more = len(found) > limit
    return Page(found[:limit], str(found[limit - 1].id) if more else None)
