"""A paid call that was taken: its answer settles its attempt whenever it comes, and its video follows it."""

import logging
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from aivideo.adapters import settings
from aivideo.core.schedule import poll_pause
from aivideo.core.video import Line, Stage, Status, Step
from aivideo.events import EventLog
from aivideo.models import Attempt, Video
from aivideo.models.attempts import ACCEPTED, UNKNOWN
from aivideo.providers.base import ProviderJob
from aivideo.services.videos import estimates, waiting
from aivideo.services.videos.endings import accepted_after_all
from aivideo.services.videos.moves import move, ring, utc_now
from aivideo.services.videos.refusal import FIRST_LOOK, doubt, is_superseded
from aivideo.transaction import transaction

log = logging.getLogger(__name__)
ANOTHERS_JOB = "anothers_job"
"""What broke where an answer named a job that is another video's: something may have been bought, so never again."""


def accepted(attempt_id: int, job: ProviderJob, *, by: str = "answer") -> bool:
    """The provider has the job: store its id and follow it. False where the id belongs to another attempt."""
    now = utc_now()
    with transaction() as session:
        attempt = _locked(session, attempt_id)
        if attempt is None or attempt.outcome == ACCEPTED:
            return attempt is not None and attempt.provider_job_id == job.id
        if not _take_id(session, attempt, job.id, authoritative=by == "answer"):
            if by == "answer":
                _doubt(session, attempt, job)
            return False
        attempt.outcome, attempt.settled_by = ACCEPTED, by
        attempt.provider_job_id, attempt.provider_request_id = job.id, job.request_id
        attempt.answered_at = now
        attempt.sent_at = attempt.sent_at or now
        session.flush()
        waiting.open_gate(session)
        _follow(session, attempt, job, by)
    return True


def _follow(session: Session, attempt: Attempt, job: ProviderJob, by: str) -> None:
    now = utc_now()
    first_look = now + timedelta(seconds=poll_pause(settings().poll_seconds, 0.0, job.poll_after))
    values: dict[str, Any] = {
        "accepted_at": now,
        "due_at": first_look,
        "lease_until": None,
        "failed_looks": 0,
        "waiting_reason": None,
        "expires_at": job.expires_at,
    }
    for stage in (Stage.SUBMITTING, Stage.RECONCILING, Stage.QUEUED):
        if stage is not Stage.RECONCILING and is_superseded(session, attempt):
            continue
        video = move(session, attempt.video_id, stage, Stage.RENDERING, **values)
        if video is None:
            continue
        waiting.place_freed(video.user_id)
        video.expected_at = estimates.first(video.model, video.seconds, now)
        with EventLog(video) as lines:
            if by != "answer":
                lines.record(Step.SUBMIT, Line.ADOPTED)
            lines.record(Step.SUBMIT, Line.submitted(job.id))
            lines.record(Step.WAITING, Line.WAITING, progress=0)
        accepted_after_all(session, video)
        return
    video = session.get(Video, attempt.video_id, populate_existing=True)
    assert video is not None
    if video.status == Status.FAILED:  # given up and refunded: a late success is still the user's, at no charge
        session.execute(
            update(Video)
            .where(Video.id == video.id, Video.status == Status.FAILED)
            .values(due_at=first_look, accepted_at=now)
            .execution_options(synchronize_session=False)
        )
    elif video.status == Status.CANCELLED:
        ring("discard", video)
    else:
        log.error("job %s was bought for video %s, which already follows another", job.id, video.id)


def _take_id(session: Session, attempt: Attempt, job_id: str, *, authoritative: bool) -> bool:
    """See to it that no other attempt holds this job. An authoritative answer takes it from one that adopted it."""
    account = {"provider": attempt.provider, "base_url": attempt.base_url, "account": attempt.account}
    holder = session.scalar(_HOLDER, {**account, "job": job_id, "other_than": attempt.id})
    if holder is None:
        return True
    if not authoritative or holder.settled_by == "answer":
        return False
    video = move(
        session,
        holder.video_id,
        Stage.RENDERING,
        Stage.RECONCILING,
        due_at=utc_now() + FIRST_LOOK,
        accepted_at=None,
        expected_at=None,
    )
    if video is None:
        return False  # its clip is already being shown or was given up: the exchange is between equal requests
    holder.outcome, holder.provider_job_id, holder.settled_by = UNKNOWN, None, None
    holder.unknown_at, holder.looks = utc_now(), 0
    session.flush()
    with EventLog(video) as lines:
        lines.record(Step.SUBMIT, Line.RECONCILING)
    return True


def _doubt(session: Session, attempt: Attempt, job: ProviderJob) -> None:
    """Some gateways answer equal requests with one job. Whether they bought a second one, they do not say."""
    log.error("attempt %s: the answer names job %s, which is another video's", attempt.id, job.id)
    attempt.outcome, attempt.settled_by, attempt.answered_at = UNKNOWN, None, utc_now()
    attempt.error_kind, attempt.error_message = ANOTHERS_JOB, f"The answer named {job.id}, the job of another video."
    attempt.provider_request_id = job.request_id
    doubt(session, attempt)


def _locked(session: Session, attempt_id: int) -> Attempt | None:
    return session.scalar(_ATTEMPT, {"attempt": attempt_id})


_ATTEMPT = (
    select(Attempt)
    .where(Attempt.id == bindparam("attempt"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_HOLDER = (
    select(Attempt)
    .where(
        Attempt.provider == bindparam("provider"),
        Attempt.base_url == bindparam("base_url"),
        Attempt.account == bindparam("account"),
        Attempt.provider_job_id == bindparam("job"),
        Attempt.id != bindparam("other_than"),
    )
    .with_for_update()
)
