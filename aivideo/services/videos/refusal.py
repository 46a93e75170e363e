"""A paid call that bought nothing, or of which nobody knows: what that means for its attempt and its video."""

import logging
from datetime import timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from aivideo.adapters import settings
from aivideo.core.failures import CANNOT_EXTEND, CANNOT_REMIX, SOURCE_LOST
from aivideo.core.video import Line, Stage, Status, Step
from aivideo.events import EventLog
from aivideo.models import Attempt, Video
from aivideo.models.attempts import NOT_SENT, OPEN, REFUSED, UNKNOWN
from aivideo.providers.base import ProviderError
from aivideo.services.videos import waiting
from aivideo.services.videos.endings import cancelled_unsent, fail
from aivideo.services.videos.moves import change, move, ring, utc_now
from aivideo.transaction import transaction

log = logging.getLogger(__name__)
GATE_KINDS = frozenset({"rate_limited", "overloaded", "quota", "unauthorised"})
FIRST_LOOK = timedelta(seconds=1)


def refused(attempt_id: int, error: ProviderError) -> None:
    """The provider did not take the job, or nobody knows whether it did."""
    if error.ambiguous:
        return _unknown(attempt_id, error)
    with transaction() as session:
        attempt = _settle(session, attempt_id, NOT_SENT if not error.sent else REFUSED, error, from_=(OPEN, UNKNOWN))
        wait = None
        if error.sent and error.kind in GATE_KINDS:
            wait = waiting.close_gate(session, error, utc_now())
            if error.kind in waiting.OPERATOR_KINDS:
                log.error("the provider refuses our account: %s (%s)", error.message, error.code or error.status)
        video = _video_of(session, attempt) if attempt is not None else None
        if video is None or cancelled_unsent(session, video):
            return None
        if wait is not None:
            back_to_queue(session, video, wait.reason, (wait.until - utc_now()).total_seconds(), counts=False)
        elif error.kind == "moderation":
            fail(session, video, "moderation_blocked", provider_code=error.code)
        elif error.kind == "unsupported":
            cannot = CANNOT_EXTEND if video.extended_from_id is not None else CANNOT_REMIX
            fail(session, video, "invalid_input", provider_code=error.code, instead=cannot)
        elif error.kind == "not_found" and (video.remixed_from_id or video.extended_from_id) is not None:
            fail(session, video, "provider_lost", provider_code=error.code, instead=SOURCE_LOST)
        elif error.permanent:
            bad_input = error.status in (400, 404, 413, 415, 422)
            code = "invalid_input" if bad_input else "provider_error"
            fail(session, video, code, provider_code=error.code, says=error.message if bad_input else None)
        else:
            settle_unsent(session, video, provider_code=error.code)


def not_sent(attempt_id: int) -> None:
    """The sender itself kept the call back: nothing left this machine."""
    with transaction() as session:
        attempt = _settle(session, attempt_id, NOT_SENT, None, from_=(OPEN,))
        video = _video_of(session, attempt) if attempt is not None else None
        if video is not None and not cancelled_unsent(session, video):
            back_to_queue(session, video, None, 0.0, counts=False)


def settle_unsent(session: Session, video: Video, *, provider_code: str | None = None) -> None:
    """It is certain that this try bought nothing: cancel, send again, or give up, inside the open transaction."""
    if cancelled_unsent(session, video):
        return
    retries, pause = settings().generation_retries, settings().generation_retry_seconds
    if video.tries >= retries:
        fail(session, video, "provider_error", provider_code=provider_code)
        return
    reason = "The provider could not be reached."
    back_to_queue(session, video, reason, pause, counts=True)


def _unknown(attempt_id: int, error: ProviderError) -> None:
    with transaction() as session:
        attempt = _settle(session, attempt_id, UNKNOWN, error, from_=(OPEN,))
        if attempt is not None:
            doubt(session, attempt)


def doubt(session: Session, attempt: Attempt) -> None:
    """Nobody knows whether the provider took this attempt: look for it before anything else happens to the video."""
    now = utc_now()
    attempt.unknown_at, attempt.looks = now, 0
    session.flush()
    video = move(
        session,
        attempt.video_id,
        Stage.SUBMITTING,
        Stage.RECONCILING,
        due_at=now + FIRST_LOOK,
        lease_until=None,
        failed_looks=0,
    )
    if video is not None:
        waiting.place_freed(video.user_id)
        with EventLog(video) as lines:
            lines.record(Step.SUBMIT, Line.RECONCILING, status=Status.PROCESSING)


def _settle(
    session: Session, attempt_id: int, outcome: str, error: ProviderError | None, *, from_: tuple[str, ...]
) -> Attempt | None:
    values: dict[str, object] = {"outcome": outcome, "settled_by": "answer", "answered_at": utc_now()}
    if error is not None:
        values |= {
            "http_status": error.status,
            "error_kind": error.kind,
            "error_code": error.code,
            "error_message": error.message,
            "provider_request_id": error.request_id,
        }
    return session.scalars(
        update(Attempt).where(Attempt.id == attempt_id, Attempt.outcome.in_(from_)).values(**values).returning(Attempt),
        execution_options={"populate_existing": True},
    ).one_or_none()


def _video_of(session: Session, attempt: Attempt) -> Video | None:
    """The video of an attempt, locked, if it still waits for this attempt's outcome."""
    for stage in (Stage.SUBMITTING, Stage.RECONCILING):
        video = change(session, attempt.video_id, stage, lease_until=None)
        if video is not None:
            return None if is_superseded(session, attempt) else video
    return None


def back_to_queue(session: Session, video: Video, reason: str | None, pause: float, *, counts: bool) -> None:
    """Let a video wait for `pause` seconds before it is sent again, inside the open transaction."""
    number = video.tries + 1 if counts else video.tries
    again_at = utc_now() + timedelta(seconds=pause)
    longest = video.created_at + timedelta(seconds=settings().sora_queue_seconds)
    told = video.waiting_reason
    queued = move(
        session,
        video.id,
        Stage(video.stage),
        Stage.QUEUED,
        due_at=min(again_at, longest),
        send_after=again_at,
        lease_until=None,
        waiting_reason=reason,
        tries=number,
    )
    if queued is None:
        return
    waiting.place_freed(queued.user_id)
    if reason is not None and told != reason:
        retries = settings().generation_retries
        line = Line.trying_again(reason, pause, number, retries) if counts else Line.waiting(reason)
        with EventLog(queued) as lines:
            lines.record(Step.SUBMIT, line, status=Status.PENDING)
    if pause <= 0:
        ring("submit", queued)


def is_superseded(session: Session, attempt: Attempt) -> bool:
    """Whether a later attempt was made for the same video."""
    return session.scalar(_NEWER, {"video": attempt.video_id, "number": attempt.number}) is not None


_NEWER = select(Attempt.id).where(Attempt.video_id == bindparam("video"), Attempt.number > bindparam("number")).limit(1)
