"""How a video ends. State, refund and event are one transaction; the published rule says what comes back."""

from datetime import datetime

from sqlalchemy.orm import Session

from aivideo.core.errors import AlreadyEnded
from aivideo.core.failures import CANCELLED_AFTER, CANCELLED_BEFORE, FAILURES, Failure, explain
from aivideo.core.ledger import Kind
from aivideo.core.video import UNDER_WAY, Line, Stage, Status, Step
from aivideo.events import EventLog, error_of
from aivideo.models import Attempt, Video
from aivideo.services import credits, notices
from aivideo.services.videos.moves import RING_AGAIN, change, move, ring, utc_now
from aivideo.services.videos.shelf import get
from aivideo.services.videos.waiting import place_freed
from aivideo.transaction import transaction

STEP_OF = {
    Stage.QUEUED: Step.VALIDATING,
    Stage.SUBMITTING: Step.SUBMIT,
    Stage.RECONCILING: Step.SUBMIT,
    Stage.RENDERING: Step.PROCESSING,
    Stage.SAVING: Step.SAVING,
}


def fail(
    session: Session,
    video: Video,
    code: str,
    *,
    provider_code: str | None = None,
    says: str | None = None,
    instead: str | None = None,
    look_again_at: datetime | None = None,
) -> bool:
    """End a video badly, inside the open transaction, and give back what the published rule gives back.

    `says` is a sentence of the provider that helps to mend the request, `instead` one of ours that says more exactly
    what happened; `look_again_at` keeps an eye on a job that may still finish. A video whose user wished to cancel it
    is cancelled instead. False where it was no longer there.
    """
    before = Stage(video.stage)
    if video.cancel_requested_at is not None and before is not Stage.SAVING:
        paid = session.scalar(Attempt.accepted(video.id)) is not None
        return _cancelled(session, video, paid=paid, look_again_at=look_again_at if paid else None)
    failure = FAILURES[code]
    message = explain(failure, video.credits, instead)
    if says:
        message = f"{message} The provider said: “{says[:200]}”"
    now = utc_now()
    ended = move(
        session,
        video.id,
        before,
        Stage.ENDED,
        ended_as=Status.FAILED,
        error_code=code,
        error_message=message,
        provider_code=provider_code[:120] if provider_code else None,
        completed_at=now,
        due_at=look_again_at,
        lease_until=None,
        failed_looks=0,
        waiting_reason=None,
    )
    if ended is None:
        return False
    with EventLog(ended, _refund(session, ended, failure)) as lines:
        lines.record(STEP_OF[before], Line.failed(message), status=Status.FAILED, error=error_of(ended))
    notices.note(session, ended)
    place_freed(ended.user_id)
    return True


def cancel(user_id: int, video_id: int) -> Video:
    """Cancel a video of this user. Before it is sent that is free; while its sending is in doubt it is a wish that is
    decided with the outcome; after it, the video is paid for and only not shown.

    Raises:
        NotFound, AlreadyEnded.
    """
    with transaction() as session:
        stop(session, get(user_id, video_id))
    return get(user_id, video_id)


def stop(session: Session, video: Video) -> None:
    """Cancel a video inside the open transaction, by the rules of `cancel`.

    Raises:
        AlreadyEnded.
    """
    now = utc_now()
    stage = Stage(video.stage)
    if stage is Stage.QUEUED:
        if not _cancelled(session, video, paid=False):
            stop(session, _reread(session, video))
    elif stage in (Stage.SUBMITTING, Stage.RECONCILING):
        wished = change(
            session, video.id, stage, Video.cancel_requested_at.is_(None), cancel_requested_at=now, updated_at=now
        )
        if wished is not None:
            with EventLog(wished) as lines:
                lines.record(Step.SUBMIT, Line.CANCEL_WISHED)
        elif (again := _reread(session, video)).stage != stage:
            stop(session, again)
    elif stage in UNDER_WAY:
        if not _cancelled(session, video, paid=True):
            stop(session, _reread(session, video))
    else:
        raise AlreadyEnded


def accepted_after_all(session: Session, video: Video) -> bool:
    """Decide a wish to cancel, now that the provider has taken the job. False where there was no such wish."""
    return video.cancel_requested_at is not None and _cancelled(session, video, paid=True)


def cancelled_unsent(session: Session, video: Video) -> bool:
    """Decide a wish to cancel, now that it is certain that nothing was bought. False where there was no such wish."""
    return video.cancel_requested_at is not None and _cancelled(session, video, paid=False)


def _reread(session: Session, video: Video) -> Video:
    session.refresh(video)
    return video


def _cancelled(session: Session, video: Video, *, paid: bool, look_again_at: datetime | None = None) -> bool:
    before = Stage(video.stage)
    now = utc_now()
    ended = move(
        session,
        video.id,
        before,
        Stage.ENDED,
        ended_as=Status.CANCELLED,
        cancel_requested_at=video.cancel_requested_at or now,
        completed_at=now,
        due_at=max(now + RING_AGAIN, video.hidden_at or now) if paid or video.hidden_at else None,
        lease_until=None,
        waiting_reason=None,
    )
    if ended is None:
        return False
    with EventLog(ended, _refund(session, ended, CANCELLED_AFTER if paid else CANCELLED_BEFORE)) as lines:
        lines.record(STEP_OF[before], Line.CANCELLED_PAID if paid else Line.CANCELLED_FREE, status=Status.CANCELLED)
    if paid or ended.hidden_at:
        ring("discard", ended)
    place_freed(ended.user_id)
    return True


def _refund(session: Session, video: Video, failure: Failure) -> int | None:
    """Book what the rule gives back; the new balance, or None where nothing moved."""
    if not failure.refunded:
        return None
    return credits.book(session, video.user_id, Kind.REFUND, video.credits, video_id=video.id, note=failure.title)
