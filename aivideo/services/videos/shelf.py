"""A user's own videos: one of them, or a page of those that are wanted. What is somebody else's does not exist."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, tuple_, update
from sqlalchemy.orm import InstrumentedAttribute

from aivideo.core.errors import InvalidInput, NotFound
from aivideo.core.video import Status
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.transaction import transaction

LONGEST_PAGE = 100
MOST_WORDS = 8
LONGEST_TITLE = 120
SORTS: dict[str, tuple[Any, ...]] = {
    "newest": (Video.id.desc(),),
    "oldest": (Video.id.asc(),),
    "longest": (Video.seconds.desc(), Video.id.desc()),
    "dearest": (Video.credits.desc(), Video.id.desc()),
}
"""Each order ends with the id, so that no two videos stand in the same place; all of its columns point one way."""
CURSOR = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")


@dataclass(frozen=True)
class Wanted:
    """What a user wants to see of their videos. Each word of `words` is in the prompt or the title; days are UTC's."""

    words: str = ""
    status: str | None = None
    model: str | None = None
    size: str | None = None
    since: date | None = None
    until: date | None = None
    favourite: bool = False
    with_picture: bool = False
    sort: str = "newest"


@dataclass(frozen=True)
class Page:
    """Videos in the order wanted, and the cursor of the page after them, or None."""

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


def page(
    user_id: int,
    wanted: Wanted = Wanted(),
    *,
    limit: int = 20,
    cursor: str | None = None,
    status: str | None = None,
) -> Page:
    """One page of a user's videos; `status` is short for `Wanted(status=…)`.

    The cursor is the place of the last video of the page before: what its order goes by, joined by dots.

    Raises:
        InvalidInput: limit, cursor, status or sort is not what is allowed.
    """
    wanted = replace(wanted, status=status or wanted.status)
    _check(wanted, limit, cursor)
    found = _found(user_id, wanted)
    if cursor is not None:
        found = found.where(_after(wanted.sort, cursor))
    # Ids first: what is not shown is sorted, but its prompt is not carried along.
    ids = found.with_only_columns(Video.id).limit(limit + 1).subquery()
    videos = list(db.session.scalars(select(Video).join(ids, Video.id == ids.c.id).order_by(*SORTS[wanted.sort])))
    more = len(videos) > limit
    return Page(videos[:limit], _place(videos[limit - 1], wanted.sort) if more else None)


def among(user_id: int, video_ids: Iterable[int], wanted: Wanted) -> list[Video]:
    """Those of these videos that are wanted, in the order wanted.

    Raises:
        InvalidInput: as of `page`.
    """
    _check(wanted, 1, None)
    return list(db.session.scalars(_found(user_id, wanted).where(Video.id.in_(list(video_ids)))))


def just_deleted(user_id: int) -> list[Video]:
    """Videos whose deletion can still be undone, the first deleted first."""
    now = datetime.now(UTC)
    recently = Video.updated_at > now - timedelta(minutes=5)  # there is an index for that
    deleted = select(Video).where(Video.user_id == user_id, recently, Video.hidden_at > now)
    return list(db.session.scalars(deleted.order_by(Video.hidden_at)))


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


def _check(wanted: Wanted, limit: int, cursor: str | None) -> None:
    errors: dict[str, list[str]] = {}
    if not 1 <= limit <= LONGEST_PAGE:
        errors["limit"] = [f"Allowed: 1 to {LONGEST_PAGE}."]
    if wanted.sort not in SORTS:
        errors["sort"] = [f"Allowed: {', '.join(SORTS)}."]
    elif cursor is not None and not (CURSOR.fullmatch(cursor) and len(cursor.split(".")) == len(SORTS[wanted.sort])):
        errors["cursor"] = ["Use the `next` of the page before."]
    if wanted.status is not None and wanted.status not in set(Status):
        errors["status"] = [f"Allowed: {', '.join(Status)}."]
    if errors:
        raise InvalidInput(errors)


def _found(user_id: int, wanted: Wanted) -> Select[Video]:
    found = Video.of(user_id).order_by(None).order_by(*SORTS[wanted.sort])
    for name in ("status", "model", "size"):
        if getattr(wanted, name):
            found = found.where(getattr(Video, name) == getattr(wanted, name))
    for word in wanted.words.split()[:MOST_WORDS]:
        found = found.where(or_(_has(Video.prompt, word), _has(Video.title, word)))
    if wanted.since:
        found = found.where(Video.created_at >= datetime.combine(wanted.since, time.min, UTC))
    if wanted.until:
        found = found.where(Video.created_at < datetime.combine(wanted.until, time.min, UTC) + timedelta(days=1))
    if wanted.favourite:
        found = found.where(Video.favourite)
    if wanted.with_picture:
        found = found.where(Video.picture_name.is_not(None))
    return found


def _has(text: InstrumentedAttribute[Any], word: str) -> ColumnElement[bool]:
    """Case does not matter. In ASCII SQLite's LIKE sees to that by itself, ten times as fast as with lower()."""
    if word.isascii() and db.engine.dialect.name == "sqlite":
        return text.contains(word, autoescape=True)
    return text.icontains(word, autoescape=True)


def _after(sort: str, cursor: str) -> ColumnElement[bool]:
    columns = [order.element for order in SORTS[sort]]
    place = [int(part) for part in cursor.split(".")]
    if len(columns) == 1:
        return columns[0] > place[0] if sort == "oldest" else columns[0] < place[0]
    return tuple_(*columns) < tuple_(*place)


def _place(video: Video, sort: str) -> str:
    return ".".join(str(getattr(video, order.element.key)) for order in SORTS[sort])
