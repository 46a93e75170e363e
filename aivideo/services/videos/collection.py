"""Collecting a finished video: fetched as soon as it is ready, checked, stored whole, shown."""

import logging
import os
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import BindParameter, bindparam, or_, select, update

from aivideo.adapters import provider, storage
from aivideo.core.schedule import backoff
from aivideo.core.video import Line, Stage, Status, Step, file_name, file_url, poster_name
from aivideo.events import EventLog
from aivideo.extensions import UtcDateTime, db
from aivideo.models import Attempt, Video
from aivideo.providers.base import ProviderError, ProviderJob
from aivideo.services import notices
from aivideo.services.videos import leases, waiting
from aivideo.services.videos.endings import fail
from aivideo.services.videos.moves import change, move, ring, utc_now
from aivideo.services.videos.parts import alone, part_of, sweep
from aivideo.services.videos.sequels import ordered_length
from aivideo.storage import NO_ROOM, StorageError
from aivideo.transaction import release, transaction

log = logging.getLogger(__name__)
KEPT_BY_PROVIDER = timedelta(hours=1)
"""How long a result can be fetched where the provider does not say."""
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 30.0
GONE_AFTER_TRIES = 3
STORAGE_PAUSE = 30.0
LOOKING = threading.BoundedSemaphore(os.cpu_count() or 1)
"""Decoding is all work and 30 MB: more at once than there are cores only costs memory."""


@dataclass(frozen=True)
class _Work:
    video_id: int
    user_id: int
    stage: Stage
    provider_job_id: str
    ordered_seconds: float
    base_url: str
    """Where it was bought."""


_VIDEO: BindParameter[int] = bindparam("video")
_NOW = bindparam("now", type_=UtcDateTime())
_LATE = Video.given_up() & Video.ready_at.is_not(None)
_UNTIL = bindparam("until", type_=UtcDateTime())
_CLAIM = (
    update(Video)
    .where(Video.id == _VIDEO, Video.unleased(_NOW), or_(Video.stage == Stage.SAVING, _LATE))
    .values(lease_until=_UNTIL, due_at=_UNTIL)
    .returning(Video)
    .execution_options(populate_existing=True, synchronize_session=False)
)
_ACCEPTED = Attempt.accepted(_VIDEO).order_by(Attempt.number.desc()).limit(1)


def save(video_id: int) -> None:
    """Fetch, check and store a finished video. Safe to run any number of times; a failure never buys another."""
    from aivideo.media import UnplayableVideo

    work = _claim(video_id)
    if work is None:
        return
    part = part_of(video_id)
    with leases.kept(video_id, work.stage):
        try:
            with alone(part):
                _fetch(work, part)
                _store(work, part)
        except ProviderError as error:
            _try_again(work, error.message, gone=error.permanent, retry_after=error.retry_after)
        except UnplayableVideo as error:
            sweep(video_id)
            _try_again(work, str(error))
        except StorageError as error:
            _wait_for_storage(work, error, "The storage of files does not answer.")
        except BlockingIOError:
            log.info("video %s is being fetched already, by somebody whose lease ran out", video_id)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            sweep(video_id)
            _wait_for_storage(work, error, "The studio has no room to store your video.")


def _claim(video_id: int) -> _Work | None:
    now = utc_now()
    with transaction() as session:
        video = session.scalar(_CLAIM, {"video": video_id, "now": now, "until": now + leases.LEASE})
        if video is None:
            return None
        attempt = session.scalar(_ACCEPTED, {"video": video_id})
        assert attempt is not None
        assert attempt.provider_job_id is not None, "what is ready was accepted"
        job_id, stage = attempt.provider_job_id, Stage(video.stage)
        return _Work(video_id, video.user_id, stage, job_id, ordered_length(session, video), attempt.base_url)


def _fetch(work: _Work, part: Path) -> None:
    release()
    if work.base_url != provider().base_url:
        raise ProviderError("connection", f"the video was bought at {work.base_url}, which is not today's server")
    try:
        provider().content(ProviderJob(id=work.provider_job_id, state="completed"), part)
    except ProviderError as error:
        if error.kind not in ("content", "not_found", "refused", "server", "expired"):
            raise
        named = provider().retrieve(work.provider_job_id)  # some servers name the file's address in the job itself
        if named.file_url is None:
            raise error from None
        provider().content(named, part)


def _store(work: _Work, part: Path) -> None:
    from aivideo.media import check_and_draw

    still = part.with_suffix(".webp")
    with LOOKING:
        clip = check_and_draw(part, still)
    with transaction() as session:
        video = change(session, work.video_id, work.stage, lease_until=utc_now() + leases.LEASE)
        if video is None:
            return
        with EventLog(video) as lines:
            lines.record(Step.SAVING, Line.SAVING, progress=100)
    name, picture = file_name(work.user_id, work.video_id), poster_name(work.user_id, work.video_id)
    storage().save(name, part, "video/mp4")
    storage().save(picture, still, "image/webp")
    note = None
    if abs(clip.seconds - work.ordered_seconds) > 0.5:
        note = f"The clip is {clip.seconds:.1f} s long; {work.ordered_seconds:.3g} s were ordered."
    values = {
        "file_name": name,
        "poster_name": picture,
        "file_bytes": clip.bytes,
        "width": clip.width,
        "height": clip.height,
        "duration": clip.seconds,
        "fps": clip.fps or None,
        "note": note,
    }
    if not _complete(work, values):
        storage().delete(name)
        storage().delete(picture)
    sweep(work.video_id)


def _complete(work: _Work, values: dict[str, object]) -> bool:
    late = work.stage is Stage.ENDED
    with transaction() as session:
        video = move(
            session,
            work.video_id,
            work.stage,
            Stage.ENDED,
            Video.status.not_in((Status.CANCELLED, Status.COMPLETED)),
            Video.hidden_at.is_(None),
            ended_as=Status.COMPLETED,
            progress=100,
            due_at=None,
            lease_until=None,
            completed_at=utc_now(),
            late=late,
            waiting_reason=None,
            **values,
        )
        if video is None:
            return _already_completed(work.video_id)
        with EventLog(video) as lines:
            lines.record(
                Step.COMPLETED,
                Line.COMPLETED_LATE if late else Line.COMPLETED,
                progress=100,
                status=Status.COMPLETED,
                video_url=file_url(video.id),
            )
        notices.note(session, video)
        ring("preview", video)
        if not late:
            waiting.place_freed(video.user_id)
    return True


def _already_completed(video_id: int) -> bool:
    return db.session.scalar(select(Video.status).where(Video.id == video_id)) == Status.COMPLETED


def _try_again(work: _Work, why: str, *, gone: bool = False, retry_after: float | None = None) -> None:
    """A download that failed is a download that is tried again, until the provider has deleted the result."""
    now = utc_now()
    with transaction() as session:
        values: dict[str, object] = {"failed_looks": Video.failed_looks + 1, "lease_until": None}
        video = change(session, work.video_id, work.stage, **values)
        if video is None:
            return
        log.warning("video %s: download %s failed: %s", video.id, video.failed_looks, why)
        limit = video.expires_at or (video.ready_at or now) + KEPT_BY_PROVIDER
        if now >= limit or (gone and video.failed_looks >= GONE_AFTER_TRIES):
            sweep(video.id)
            if work.stage is Stage.SAVING:
                fail(session, video, "expired")
            else:
                video.due_at, video.ready_at = None, None
                session.flush()
            return
        pause = max(retry_after or 0.0, backoff(video.failed_looks, FIRST_PAUSE, LONGEST_PAUSE))
        video.due_at = now + timedelta(seconds=pause)
        session.flush()


def _wait_for_storage(work: _Work, error: Exception, reason: str) -> None:
    log.error("video %s waits to be stored: %s", work.video_id, error)
    with transaction() as session:
        change(
            session,
            work.video_id,
            work.stage,
            lease_until=None,
            due_at=utc_now() + timedelta(seconds=STORAGE_PAUSE),
            waiting_reason=f"{reason} It is fetched again until that is mended.",
        )
