"""Looking at what is under way: one sweep asks for many videos in threads, and one thread writes."""

import logging
from datetime import datetime, timedelta

from aivideo.adapters import provider, settings
from aivideo.core.schedule import backoff, next_late_look, poll_pause
from aivideo.core.video import Line, Stage, Step
from aivideo.events import EventLog
from aivideo.models import Video
from aivideo.providers.base import ProviderError, ProviderJob
from aivideo.services.videos import estimates, looking
from aivideo.services.videos.endings import fail
from aivideo.services.videos.looking import Look
from aivideo.services.videos.moves import change, move, ring, utc_now
from aivideo.services.videos.reconciliation import reconcile
from aivideo.services.videos.waiting import place_freed
from aivideo.transaction import release, transaction

log = logging.getLogger(__name__)
LOST_AFTER_LOOKS = 3
LOST_AFTER = timedelta(seconds=15)
"""How old a job is at least: some servers know a new one in all their parts only after a while."""
LONGEST_BACKOFF = 45.0
"""Of looks that fail: a provider that is back is found within a minute."""
LATE_FOR = timedelta(days=1)


def poll() -> int:
    """Take the videos that are due for a look, ask the provider, write what it said. Returns how many were looked at.

    Sweeps may overlap: each takes its rows by compare-and-set on the moment they were due.
    """
    claimed = looking.claim()
    doubtful = [video_id for video_id, stage in claimed if stage is Stage.RECONCILING]
    account = provider()
    looks = looking.looks([video_id for video_id, stage in claimed if stage is not Stage.RECONCILING], account)
    release()
    here = [look for look in looks if look.base_url == account.base_url]
    for look in looks:
        if look not in here:
            _elsewhere(look)
    if here:
        for look, answer in looking.ask(account, here):
            try:
                _absorb(look, answer)
            except Exception:  # one video must not keep the others from being looked at
                log.exception("video %s: what the provider said could not be written", look.video_id)
    if doubtful:
        reconcile(doubtful)
    return len(claimed)


def _absorb(look: Look, answer: ProviderJob | ProviderError) -> None:
    if isinstance(answer, ProviderError):
        _not_seen(look, answer)
    elif look.stage is Stage.ENDED:
        _late(look, answer)
    elif answer.state in ("queued", "in_progress"):
        _still_rendering(look, answer)
    elif answer.state == "completed":
        _ready(look, answer)
    else:
        _ended_badly(look, answer)


def _still_rendering(look: Look, job: ProviderJob) -> None:
    now = utc_now()
    age = (now - look.accepted_at).total_seconds()
    if age >= settings().sora_timeout_seconds:
        return _time_out(look)
    pause = poll_pause(settings().poll_seconds, age, job.poll_after)
    values: dict[str, object] = {"due_at": now + timedelta(seconds=pause), "failed_looks": 0}
    if job.expires_at is not None:
        values["expires_at"] = job.expires_at
    with transaction() as session:
        video = change(session, look.video_id, Stage.RENDERING, **values)
        if video is None:
            return None
        if job.progress is not None:  # never backwards: servers are known to jump
            video.progress = max(video.progress, min(99, job.progress))
            estimates.refine(video, look.accepted_at, now)
        with EventLog(video) as lines:
            lines.record(Step.PROCESSING, Line.processing(age), progress=video.progress)


def _ready(look: Look, job: ProviderJob) -> None:
    now = utc_now()
    with transaction() as session:
        video = move(
            session,
            look.video_id,
            Stage.RENDERING,
            Stage.SAVING,
            progress=100,
            ready_at=now,
            expires_at=job.expires_at,
            due_at=now + timedelta(seconds=15),
            lease_until=None,
            failed_looks=0,
        )
        if video is None:
            return
        with EventLog(video) as lines:
            lines.record(Step.DOWNLOADING, Line.DOWNLOADING, progress=100)
        ring("save", video)
        if settings().sora_max_concurrent is not None:
            place_freed(video.user_id)


def _ended_badly(look: Look, job: ProviderJob) -> None:
    code = "provider_error"
    if job.state == "expired":
        code = "expired"
    elif job.error_kind == "moderation":
        code = "moderation_blocked"
    _fail(look, code, provider_code=job.error_code)


def _not_seen(look: Look, error: ProviderError) -> None:
    """The look itself failed: the job is forgotten, or the provider is merely away."""
    now = utc_now()
    if look.stage is Stage.ENDED:
        return _late(look, None)
    if (now - look.accepted_at).total_seconds() >= settings().sora_timeout_seconds:
        return _time_out(look)
    with transaction() as session:
        video = change(session, look.video_id, Stage.RENDERING, failed_looks=Video.failed_looks + 1)
        if video is None:
            return None
        lost = look.same_account and error.kind in ("not_found", "expired")
        if lost and video.failed_looks >= LOST_AFTER_LOOKS and now >= look.accepted_at + LOST_AFTER:
            again = next_late_look(now, 0, now, now + LATE_FOR)  # a server may find again what it had mislaid
            fail(session, video, "provider_lost", provider_code=error.code, look_again_at=again)
            return None
        pause = max(error.retry_after or 0.0, backoff(video.failed_looks, settings().poll_seconds, LONGEST_BACKOFF))
        video.due_at = now + timedelta(seconds=min(pause, LONGEST_BACKOFF * 5))
        session.flush()
        if video.failed_looks == 2 and error.kind not in ("not_found", "expired"):
            with EventLog(video) as lines:
                lines.record(Step.PROCESSING, Line.provider_away(pause), progress=video.progress)
    return None


def _elsewhere(look: Look) -> None:
    """Bought from a server that is not today's: no other knows the job. It waits for the operator, or for its time."""
    log.warning("video %s was bought at %s, which is not today's server", look.video_id, look.base_url)
    if look.stage is Stage.ENDED:
        return _late(look, None)
    if (utc_now() - look.accepted_at).total_seconds() >= settings().sora_timeout_seconds:
        return _time_out(look)
    with transaction() as session:
        change(session, look.video_id, Stage.RENDERING, due_at=utc_now() + timedelta(seconds=LONGEST_BACKOFF))
    return None


def _time_out(look: Look) -> None:
    now = utc_now()
    _fail(look, "timeout", look_again_at=next_late_look(now, 0, now, now + LATE_FOR))


def _fail(look: Look, code: str, *, provider_code: str | None = None, look_again_at: datetime | None = None) -> None:
    with transaction() as session:
        video = change(session, look.video_id, Stage.RENDERING, lease_until=None)
        if video is not None:
            fail(session, video, code, provider_code=provider_code, look_again_at=look_again_at)


def _late(look: Look, job: ProviderJob | None) -> None:
    """A look at a video that was given up and refunded: it may have finished after all."""
    now = utc_now()
    with transaction() as session:
        video = change(session, look.video_id, Stage.ENDED, Video.given_up(), due_at=None)
        if video is None or video.completed_at is None:
            return
        if job is not None and job.state == "completed":
            video.ready_at, video.expires_at = now, job.expires_at
            video.due_at = now + timedelta(seconds=15)
            ring("save", video)
        elif job is None or job.state in ("queued", "in_progress"):
            video.failed_looks += 1
            until = max(video.expires_at or video.completed_at + LATE_FOR, video.completed_at)
            video.due_at = next_late_look(video.completed_at, video.failed_looks, now, until)
        session.flush()
