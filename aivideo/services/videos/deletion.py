"""Deleting: a video is hidden at once, its files go when that can no longer be undone, and the books stay."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from aivideo.adapters import provider, storage
from aivideo.core.errors import AlreadyEnded, NotFound
from aivideo.core.video import Line, Stage, Status, Step, file_name, poster_name
from aivideo.events import EventLog
from aivideo.extensions import db
from aivideo.models import Attempt, Video
from aivideo.providers.base import ProviderError
from aivideo.services.videos.endings import stop
from aivideo.services.videos.moves import RING_AGAIN, change, ring, utc_now
from aivideo.services.videos.shelf import get
from aivideo.transaction import transaction

log = logging.getLogger(__name__)
TO_DISCARD = (Status.COMPLETED, Status.CANCELLED)
"""Ended videos that are due only because something of theirs has to go; so is every hidden one."""
AT_ONCE = timedelta(0)
TELL_AGAIN = timedelta(minutes=5)
TELL_FOR = timedelta(days=1)
"""How long a provider that does not answer is told of a deletion."""


def delete(user_id: int, video_id: int, undo: timedelta = AT_ONCE) -> None:
    """Cancel where it is under way and hide it. Its files go once the time to undo is over.

    Raises:
        NotFound.
    """
    with transaction() as session:
        video = get(user_id, video_id)
        with suppress(AlreadyEnded):
            stop(session, video)
        now = utc_now()
        if not _change(session, video, Video.hidden_at.is_(None), hidden_at=now + undo, updated_at=now):
            raise NotFound  # somebody else was faster
        if video.ended:
            video.due_at = now + (undo or RING_AGAIN)
        with EventLog(video) as lines:
            lines.record(Step.COMPLETED if video.ended else Step.VALIDATING, Line.DELETED)
        if video.ended and not undo:
            ring("discard", video)


def restore(user_id: int, video_id: int) -> None:
    """Take a deletion back while its time to undo lasts. What it cancelled stays cancelled.

    Raises:
        NotFound: there is none, it is somebody else's, or it is too late.
    """
    with transaction() as session:
        now = utc_now()
        deleted = select(Video).where(Video.id == video_id, Video.user_id == user_id, Video.hidden_at.is_not(None))
        video = session.scalar(deleted.execution_options(populate_existing=True))
        if video is None:
            get(user_id, video_id)  # it was not deleted, or is restored already
            return
        if not _change(session, video, Video.hidden_at > now, hidden_at=None, updated_at=now):
            raise NotFound
        if video.ended:  # what was due before: a copy to delete upstream, or a look for a late success
            has_job = session.scalar(Attempt.accepted(video.id)) is not None
            video.due_at = now if has_job and video.status != Status.COMPLETED else None
        with EventLog(video) as lines:
            lines.record(Step.COMPLETED if video.ended else Step.VALIDATING, Line.RESTORED)


def delete_all(user_id: int, video_ids: Iterable[int], undo: timedelta = AT_ONCE) -> list[int]:
    """Delete those of these videos that are the user's, each for itself; returns which."""
    done = []
    for video_id in video_ids:
        with suppress(NotFound):
            delete(user_id, video_id, undo)
            done.append(video_id)
    return done


def restore_all(user_id: int, video_ids: Iterable[int]) -> list[int]:
    """Restore those of these videos that are the user's and for which it is not too late; returns which."""
    done = []
    for video_id in video_ids:
        with suppress(NotFound):
            restore(user_id, video_id)
            done.append(video_id)
    return done


def discard(video_id: int) -> None:
    """Delete what nobody will see any more: the files of a deleted video, and the provider's copy of the result.

    Rung again until it was done once.
    """
    video = db.session.get(Video, video_id)
    if video is None or not video.ended:
        return
    now = utc_now()
    gone = video.hidden_at is not None and video.hidden_at <= now
    if not gone and video.status != Status.CANCELLED:
        return
    attempt = db.session.scalar(Attempt.accepted(video_id))
    names = [video.file_name, video.poster_name, video.preview_name] if gone else []
    if video.status == Status.CANCELLED:  # whoever stored them may have been killed before they could be shown
        names += [file_name(video.user_id, video_id), poster_name(video.user_id, video_id)]
    if gone and video.picture_name and not _picture_is_shared(video, now):
        names.append(video.picture_name)
    db.session.close()
    for name in names:
        if name:
            storage().delete(name)
    again = None if gone else video.hidden_at
    if attempt is not None and not _told(attempt) and now < (video.hidden_at or video.completed_at or now) + TELL_FOR:
        again = now + TELL_AGAIN
    with transaction() as session:
        # Unless it was deleted or restored meanwhile: then something else is due.
        change(session, video_id, Stage.ENDED, Video.seq == video.seq, due_at=again)


def _told(attempt: Attempt) -> bool:
    """Tell the provider that its copy may go; False where it is to be told again."""
    if not attempt.provider_job_id or attempt.base_url != provider().base_url:
        return True
    try:
        provider().delete(attempt.provider_job_id)
    except ProviderError as error:
        log.info("the provider keeps job %s: %s", attempt.provider_job_id, error)
        return error.permanent
    return True


def _change(session: Session, video: Video, *where: ColumnElement[bool], **values: datetime | None) -> bool:
    """Change a video by compare-and-set and read it anew; False where `where` does not hold."""
    changed = session.scalar(
        update(Video)
        .where(Video.id == video.id, *where)
        .values(**values)
        .returning(Video.id)
        .execution_options(synchronize_session=False)
    )
    session.refresh(video)
    return changed is not None


def _picture_is_shared(video: Video, now: datetime) -> bool:
    kept = or_(Video.hidden_at.is_(None), Video.hidden_at > now)
    other = select(Video.id).where(Video.picture_name == video.picture_name, Video.id != video.id, kept)
    return db.session.scalar(other.limit(1)) is not None
