"""Sending a video to the provider: one attempt row, one POST, and its answer stored whatever else has happened."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from aivideo.adapters import provider
from aivideo.core.failures import SOURCE_LOST
from aivideo.core.video import Line, Stage, Status, Step
from aivideo.events import EventLog
from aivideo.extensions import db
from aivideo.models import Attempt, User, Video
from aivideo.models.attempts import MARK_SENT, TRIES
from aivideo.providers.base import CreateRequest, ProviderError
from aivideo.services.videos import acceptance, leases, line, pictures, refusal, sequels, waiting
from aivideo.services.videos.endings import fail
from aivideo.services.videos.moves import change, move, utc_now
from aivideo.transaction import transaction

log = logging.getLogger(__name__)
CREATE_SECONDS = 120.0
"""Total deadline of the paid call: from connecting to the whole answer, picture included."""
SEND_WITHIN = timedelta(seconds=20)
DATABASE_AWAY_SECONDS = 180.0


_OWNER = (
    select(User.id, User.plan)
    .join(Video, Video.user_id == User.id)
    .where(Video.id == bindparam("video"), Video.stage == Stage.QUEUED)
)
Opened = tuple[int, CreateRequest]
"""The id of an attempt, and what it is to send."""


class SendTooLate(Exception):
    """The moment to send has passed, or somebody has settled the attempt: not a byte must leave."""


def submit(video_id: int) -> None:
    """Send a pending video, if it is its turn; otherwise say why it waits. Safe to run any number of times."""
    video, opened = _claim(video_id)
    if video is None:
        return
    with ExitStack() as held:
        if video.picture_name:  # to fit it takes a while
            held.enter_context(leases.kept(video_id, Stage.SUBMITTING))
            try:
                picture = pictures.fitted(video, held)
            except pictures.NOT_THERE as error:
                pictures.wait_or_give_up(video_id, error)
                return
            opened = _open_attempt(video_id, picture)
        if opened is None:
            return
        attempt_id, create = opened
        with leases.kept(video_id, Stage.SUBMITTING, attempt_id):
            _send(attempt_id, create)


def _claim(video_id: int) -> tuple[Video | None, Opened | None]:
    """Pending → submitting, counted under the user's lock; None where it is not this video's turn.

    Without a picture there is nothing to prepare, so the attempt is opened at once.
    """
    now = utc_now()
    found = db.session.execute(_OWNER, {"video": video_id}).one_or_none()
    if found is None:
        return None, None
    user_id, plan = found
    provider()  # built before the transaction: that reads files
    with transaction() as session:
        waiting.one_at_a_time(session, user_id)
        wait = waiting.why(session, video_id, user_id, plan, now)
        if wait is not None:
            _keep_waiting(session, video_id, wait)
        video = _take_place(session, video_id, now) if wait is None else None
        opened = _open(session, video, None) if video is not None and not video.picture_name else None
    if wait is not None and wait.for_a_place:
        waiting.wake(user_id)  # one may have become free meanwhile, whose owner could not see that we wait for it
    return video, opened


def _take_place(session: Session, video_id: int, now: datetime) -> Video | None:
    until = now + leases.LEASE
    video = move(
        session,
        video_id,
        Stage.QUEUED,
        Stage.SUBMITTING,
        line.may_be_sent(now),
        lease_until=until,
        due_at=until,
        waiting_reason=None,
    )
    if video is None:
        return None
    with EventLog(video) as lines:
        if video.tries == 0:
            lines.record(Step.VALIDATING, Line.VALIDATING, status=Status.PROCESSING)
        if video.picture_name:
            lines.record(Step.IMAGE, Line.IMAGE, status=Status.PROCESSING)
    return video


def _keep_waiting(session: Session, video_id: int, wait: waiting.Wait) -> None:
    video = session.scalar(
        select(Video)
        .where(Video.id == video_id, Video.stage == Stage.QUEUED)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if video is None:
        return
    deadline = waiting.deadline(video)
    if utc_now() >= deadline:
        fail(session, video, "queue_timeout")
        return
    if video.send_after is not None and video.send_after > utc_now():
        return  # it has a reason of its own to wait, and is rung for when that is over
    told, reason = video.waiting_reason, wait.reason or video.waiting_reason
    changed = change(session, video_id, Stage.QUEUED, due_at=min(wait.until, deadline), waiting_reason=reason)
    if changed is not None and reason is not None and told != reason:
        with EventLog(changed) as lines:
            lines.record(Step.VALIDATING, Line.waiting(reason), status=Status.PENDING)


def _open_attempt(video_id: int, picture: Path) -> Opened | None:
    """Open the attempt of a video whose picture is ready; None where the video was taken away meanwhile."""
    until = utc_now() + leases.LEASE
    with transaction() as session:
        video = change(session, video_id, Stage.SUBMITTING, lease_until=until, due_at=until)
        return _open(session, video, picture) if video is not None else None


def _open(session: Session, video: Video, picture: Path | None) -> Opened | None:
    """Write down what is about to be bought, before it is, inside the open transaction that holds the video's row."""
    now, account, video_id = utc_now(), provider(), video.id
    if video.cancel_requested_at is not None:
        refusal.settle_unsent(session, video)
        return None
    tries, others = session.execute(TRIES, {"video": video_id}).one()
    if others:
        return None  # we were frozen for so long that somebody else took it up, and is sending it
    source = sequels.source_of(session, video)
    job_id = sequels.job_of(session, source.id) if source is not None else None
    if source is not None and job_id is None:
        fail(session, video, "provider_lost", instead=SOURCE_LOST)
        return None
    create = CreateRequest(
        prompt=video.prompt,
        model=video.model,
        size=video.size,
        seconds=video.seconds,
        picture=picture,
        remix_of=job_id if video.remixed_from_id is not None else None,
        extend_of=job_id if video.extended_from_id is not None else None,
    )
    attempt = Attempt(
        video_id=video_id,
        number=(tries or 0) + 1,
        provider=account.name,
        base_url=account.base_url,
        account=account.account,
        request={
            "prompt": video.prompt,
            "model": video.model,
            "size": video.size,
            "seconds": video.seconds,
            "picture": video.picture_name,
            "picture_hash": video.picture_hash,
            "picture_place": [video.picture_fit, video.picture_focus] if video.picture_name else None,
            "remix_of": create.remix_of,
            "extend_of": create.extend_of,
            "whole_seconds": video.seconds + (sequels.whole_seconds(source) if source and create.extend_of else 0),
        },
        signature=signature(video.model, video.size, video.prompt),
        send_before=now + SEND_WITHIN,
        lease_until=now + leases.LEASE,
    )
    session.add(attempt)
    session.flush()
    with EventLog(video) as lines:
        if picture is not None:
            lines.record(Step.IMAGE, Line.IMAGE_READY)
        lines.record(Step.SUBMIT, Line.calling(video.model))
    return attempt.id, create


def _send(attempt_id: int, create: CreateRequest) -> None:
    try:
        job = provider().create(create, deadline=CREATE_SECONDS, before_send=lambda: _mark_sent(attempt_id))
    except (SendTooLate, SQLAlchemyError) as error:  # the database is asked before the first byte only
        log.warning("attempt %s was not sent: %s", attempt_id, error or "its moment has passed")
        _persistently(lambda: refusal.not_sent(attempt_id), f"attempt {attempt_id} was not sent")
    except ProviderError as error:
        said = error
        _persistently(lambda: refusal.refused(attempt_id, said), f"attempt {attempt_id}: {said}")
    else:
        _persistently(lambda: acceptance.accepted(attempt_id, job), f"attempt {attempt_id} bought job {job.id}")


def _mark_sent(attempt_id: int) -> None:
    """Right before the first byte: note that it goes out now, unless its time has passed or it was settled.

    An attempt without this note provably never left, however its sender ended.
    """
    with transaction() as session:
        marked = session.scalar(MARK_SENT, {"attempt": attempt_id, "now": utc_now()})
    if marked is None or utc_now() >= marked:
        raise SendTooLate


def signature(model: str, size: str, prompt: str) -> str:
    """What two requests share whose jobs may be taken for each other's: see `matching`."""
    return hashlib.sha256(json.dumps([model, size, prompt]).encode()).hexdigest()


def _persistently(store: Callable[[], object], what: str) -> None:
    """Store an answer even where the database is away for a while: it was paid for. `what` it is goes to the log."""
    limit = time.monotonic() + DATABASE_AWAY_SECONDS
    pause = 0.2
    while True:
        try:
            store()
            return
        except SQLAlchemyError as error:
            if time.monotonic() > limit:
                raise
            log.error("not stored, trying again in %.1f s: %s (%s)", pause, what, error)
            db.session.remove()
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
