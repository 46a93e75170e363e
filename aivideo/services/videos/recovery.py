"""Taking up what stands still. The ticker does this every second, on the strength of the database alone."""

import logging
import time
from collections import Counter
from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select, update

from aivideo.core.video import Stage
from aivideo.extensions import db
from aivideo.models import Attempt, Video
from aivideo.models.attempts import NOT_SENT, OPEN, UNKNOWN
from aivideo.queue import enqueue
from aivideo.services import notice_mail
from aivideo.services.videos import refusal
from aivideo.services.videos.deletion import TO_DISCARD
from aivideo.services.videos.leases import hold
from aivideo.services.videos.looking import SWEEP
from aivideo.services.videos.moves import RING_AGAIN, change, utc_now
from aivideo.transaction import release, transaction

log = logging.getLogger(__name__)
TICKER = "ticker"
TICKER_LEASE = timedelta(seconds=5)
RENEW_SECONDS = 1.0
AUDIT = "audit"
AUDIT_EVERY = timedelta(days=1)
AT_ONCE = 500


class Ticker:
    """Rings what is due, in the one process that holds the lease on ringing."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self._held = False
        self._asked = -RENEW_SECONDS

    def tick(self) -> bool:
        """One pass, if this process holds the lease; asks for it once a second. True where it does."""
        now = time.monotonic()
        if now >= self._asked + RENEW_SECONDS:
            self._held, self._asked = hold(TICKER, self.holder, TICKER_LEASE), now
            if self._held and hold(AUDIT, uuid4().hex, AUDIT_EVERY):  # a new name each time: nobody renews it
                enqueue("audit", job_id=f"audit-{utc_now():%Y-%m-%d}")
        if self._held:
            recover()
            notice_mail.ring()
        return self._held


def recover() -> dict[str, int]:
    """One pass over everything that is due: ring for it, and settle sendings whose sender is gone.

    Returns how many of each were rung: `submit`, `poll`, `save`, `discard`, and `abandoned` sendings.
    """
    done: Counter[str] = Counter()
    now = utc_now()
    due = db.session.execute(
        select(Video.id, Video.stage, Video.status, Video.seq, Video.ready_at, Video.hidden_at)
        .where(Video.due_at <= now)
        .order_by(Video.due_at)
        .limit(AT_ONCE)
    ).all()
    release()
    looks = 0
    for row in due:
        match Stage(row.stage):
            case Stage.QUEUED:
                done["submit"] += _ring_later("submit", row.id, row.seq)
            case Stage.SAVING:
                done["save"] += _ring_later("save", row.id, row.seq)
            case Stage.SUBMITTING:
                done["abandoned"] += _abandoned(row.id)
            case Stage.ENDED if row.hidden_at or row.status in TO_DISCARD:
                done["discard"] += _ring_later("discard", row.id, row.seq)
            case Stage.ENDED if row.ready_at is not None:
                done["save"] += _ring_later("save", row.id, row.seq)
            case _:
                looks += 1
    for number in range(0, looks, SWEEP):
        if enqueue("poll", job_id=f"poll-{int(now.timestamp())}-{number // SWEEP}"):
            done["poll"] += min(SWEEP, looks - number)
    return {verb: done[verb] for verb in ("submit", "poll", "save", "discard", "abandoned")}


def _ring_later(verb: str, video_id: int, seq: int) -> bool:
    """Ring once, and again in a while should that get lost; False where Redis is away or another process rang."""
    now = utc_now()
    with transaction() as session:
        taken = session.scalar(
            update(Video)
            .where(Video.id == video_id, Video.due_at <= now)
            .values(due_at=now + RING_AGAIN)
            .returning(Video.id)
            .execution_options(synchronize_session=False)
        )
    return taken is not None and enqueue(verb, video_id, job_id=f"{verb}-{video_id}-{seq}")


def _abandoned(video_id: int) -> bool:
    """A sending whose sender let its lease run out: without the note that it was sent, nothing ever left."""
    now = utc_now()
    with transaction() as session:
        attempt = session.scalar(  # locked before its video, as everywhere
            select(Attempt)
            .where(Attempt.video_id == video_id)
            .order_by(Attempt.number.desc())
            .limit(1)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        video = change(session, video_id, Stage.SUBMITTING, Video.unleased(now), due_at=now + RING_AGAIN)
        if video is None:
            return False
        if attempt is not None and attempt.outcome == OPEN:
            if attempt.sent_at is not None:
                attempt.outcome, attempt.settled_by = UNKNOWN, "time"
                refusal.doubt(session, attempt)
                return True
            attempt.outcome, attempt.settled_by = NOT_SENT, "time"
            session.flush()
        elif attempt is not None and attempt.outcome == UNKNOWN:
            refusal.doubt(session, attempt)
            return True
        refusal.back_to_queue(session, video, None, 0.0, counts=False)
    return True
