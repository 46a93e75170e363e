"""A user's own videos: one of them, or a page of them. What is somebody else's does not exist."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import update

from aivideo.core.errors import InvalidInput, NotFound
from aivideo.core.video import Status
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.transaction import transaction

LONGEST_PAGE = 100
LONGEST_TITLE = 120


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


def mark(user_id: int, video_ids: Iterable[int], *, favourite: bool) -> None:
    """Make those of these videos that are the user's favourites, or make them favourites no more."""
    with transaction() as session:
        session.execute(
            update(Video)
            .where(Video.user_id == user_id, Video.id.in_(list(video_ids)))
            .values(favourite=favourite)
            .execution_options(synchronize_session=False)
        )


def rename(user_id: int, video_id: int, title: str) -> None:
    """Give a video a title; an empty one takes it away.

    Raises:
        NotFound.
        InvalidInput: on the field `title`.
    """
    title = " ".join("".join(sign if sign.isprintable() else " " for sign in title).split())
    if len(title) > LONGEST_TITLE:
        raise InvalidInput({"title": [f"Use up to {LONGEST_TITLE} characters; these are {len(title)}."]})
    with transaction():
        get(user_id, video_id).title = title or None
