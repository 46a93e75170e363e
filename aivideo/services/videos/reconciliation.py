"""Settling a doubt by looking: the provider's own list says whether it took a job, or nobody does."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select, update

from aivideo.adapters import provider, settings
from aivideo.core.video import Line, Stage, Step
from aivideo.events import EventLog
from aivideo.extensions import db
from aivideo.models import Attempt, Video
from aivideo.models.attempts import NOT_SENT, OPEN, UNKNOWN
from aivideo.providers.base import ProviderError, ProviderJob
from aivideo.services.videos import acceptance, matching, refusal
from aivideo.services.videos.endings import fail
from aivideo.services.videos.matching import CLOCK_TOLERANCE, RIVALS_SINCE
from aivideo.services.videos.moves import change, utc_now
from aivideo.transaction import transaction

FEWEST_LOOKS = 3
MOST_PAGES = 20
LONGEST_PAUSE = 15.0
LIST_AWAY = timedelta(minutes=15)
"""How long a provider that cannot be reached is asked for its list."""
LIST_FAILING = timedelta(seconds=45)
"""How long one is that answers with errors, at least: a passing 502 must not cost a video that was bought."""
NO_SUCH_ROUTE = frozenset({400, 403, 404, 405, 410, 422, 501})
"""A list that will never be there; anything else may be better at the next look."""


class NoList(Exception):
    """This server has no list that could settle anything."""


@dataclass
class Listing:
    """What one walk through the provider's list showed."""

    jobs: list[ProviderJob] = field(default_factory=list)
    complete: bool = False
    reaches_back: bool = False
    """Newest first, to a job older than all that is looked for."""
    shows_ours: bool = False
    """A job we know we bought is in it, so it shows this account's jobs."""

    @property
    def proves_absence(self) -> bool:
        return self.complete or (self.reaches_back and self.shows_ours)


def reconcile(video_ids: Sequence[int]) -> None:
    """Look for the unknown attempts of these videos in the provider's list, once for all of them."""
    unknown = db.session.scalars(
        select(Attempt).where(Attempt.video_id.in_(video_ids), Attempt.outcome == UNKNOWN).order_by(Attempt.id)
    ).all()
    if not unknown:
        return
    since = min(map(matching.sent, unknown)) - RIVALS_SINCE - CLOCK_TOLERANCE
    account = (provider().base_url, provider().account)
    db.session.close()
    try:
        listing = _walk(since)
    except NoList:
        for attempt in unknown:
            _give_up(attempt.id)
        return
    except ProviderError as error:
        for attempt in unknown:
            _look_again_later(attempt.id, LIST_AWAY if error.status is None else LIST_FAILING)
        return
    for attempt in unknown:
        if (attempt.base_url, attempt.account) == account:
            _judge(attempt.id, listing)
        else:
            _look_again_later(attempt.id)  # bought from another account than today's


def _walk(since: datetime) -> Listing:
    """Read the list back to `since`, or to its end.

    Raises:
        NoList: there is none, or it has no prompts to tell jobs apart by.
        ProviderError: it does not answer right now.
    """
    listing = Listing()
    after: str | None = None
    for _ in range(MOST_PAGES):
        try:
            page = provider().list(after=after)
        except ProviderError as error:
            if error.status in NO_SUCH_ROUTE:
                raise NoList from error
            raise
        if any(job.prompt is None for job in page.jobs):
            raise NoList
        listing.jobs += page.jobs
        moments = [job.created_at for job in listing.jobs if job.created_at is not None]
        listing.complete = page.complete
        listing.reaches_back = _newest_first(moments) and moments[-1] < since
        if page.complete or not page.jobs or page.last_id in (None, after) or listing.reaches_back:
            break
        after = page.last_id
    held = _held([job.id for job in listing.jobs])
    listing.shows_ours = bool(held)
    listing.jobs = [job for job in {job.id: job for job in listing.jobs}.values() if job.id not in held]
    return listing


def _newest_first(moments: Sequence[datetime]) -> bool:
    """Whether a list is told in that order for certain: some servers do not care how they are asked."""
    return len(moments) > 1 and moments[0] > moments[-1] and list(moments) == sorted(moments, reverse=True)


def _held(job_ids: Sequence[str]) -> set[str]:
    if not job_ids:
        return set()
    account = provider()
    rows = db.session.scalars(
        select(Attempt.provider_job_id).where(
            Attempt.provider_job_id.in_(job_ids),
            Attempt.base_url == account.base_url,
            Attempt.account == account.account,
        )
    ).all()
    db.session.close()
    return {row for row in rows if row}


def _judge(attempt_id: int, listing: Listing) -> None:
    attempt = db.session.get(Attempt, attempt_id, populate_existing=True)
    if attempt is None or attempt.outcome != UNKNOWN:
        return
    rivals = matching.rivals(attempt)
    db.session.close()
    if attempt.id not in {rival.id for rival in rivals}:
        return  # its answer has just come
    since = min(map(matching.sent, rivals)) - CLOCK_TOLERANCE  # theirs as well: what may be one's may be the other's
    alike = [job for job in listing.jobs if matching.resembles(attempt, job, since)]
    held = _held([job.id for job in alike])
    alike = [job for job in alike if job.id not in held]
    found = (job for job in alike if matching.may_be(attempt, job, since))
    candidates = sorted(found, key=lambda job: (job.created_at or utc_now(), job.id))
    mine = matching.mine(attempt, rivals, candidates)
    if mine is not None and acceptance.accepted(attempt.id, mine, by="list"):
        return
    decided = _looked_long_enough(attempt) and not any(rival.outcome == OPEN for rival in rivals)
    may_have_arrived = bool(alike) or attempt.error_kind == acceptance.ANOTHERS_JOB
    if decided and may_have_arrived:
        _give_up(attempt.id)
    elif decided and listing.proves_absence:
        _never_arrived(attempt.id)
    else:
        _look_again_later(attempt.id, looked=True)


def _looked_long_enough(attempt: Attempt) -> bool:
    since = attempt.unknown_at or attempt.created_at
    return attempt.looks + 1 >= FEWEST_LOOKS and utc_now() >= since + timedelta(seconds=settings().reconcile_seconds)


def _look_again_later(attempt_id: int, patience: timedelta = LIST_AWAY, *, looked: bool = False) -> None:
    pause = min(LONGEST_PAUSE, max(0.2, settings().reconcile_seconds / 4))
    with transaction() as session:
        attempt = session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        if attempt is None or attempt.outcome != UNKNOWN:
            return
        attempt.looks += looked
        session.flush()
        now = utc_now()
        if now >= (attempt.unknown_at or attempt.created_at) + max(
            patience, timedelta(seconds=settings().reconcile_seconds)
        ):
            _end_unknown(attempt.video_id)
        else:
            change(session, attempt.video_id, Stage.RECONCILING, due_at=now + timedelta(seconds=pause))


def _never_arrived(attempt_id: int) -> None:
    with transaction() as session:
        settled = session.scalars(
            update(Attempt)
            .where(Attempt.id == attempt_id, Attempt.outcome == UNKNOWN)
            .values(outcome=NOT_SENT, settled_by="list")
            .returning(Attempt)
        ).one_or_none()
        if settled is None:
            return
        video = change(session, settled.video_id, Stage.RECONCILING, lease_until=None)
        if video is not None:
            with EventLog(video) as lines:
                lines.record(Step.SUBMIT, Line.NOT_TAKEN)
            refusal.settle_unsent(session, video, provider_code=settled.error_code)


def _give_up(attempt_id: int) -> None:
    with transaction() as session:
        attempt = session.get(Attempt, attempt_id, with_for_update=True, populate_existing=True)
        if attempt is not None and attempt.outcome == UNKNOWN:
            _end_unknown(attempt.video_id)


def _end_unknown(video_id: int) -> None:
    """Inside the open transaction: the credits come back, and the attempt stays unknown for the operator to check."""
    session = db.session()
    video = session.scalar(
        select(Video)
        .where(Video.id == video_id, Video.stage == Stage.RECONCILING)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if video is not None:
        fail(session, video, "outcome_unknown")
