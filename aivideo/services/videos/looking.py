"""What is due for a look: claimed, told apart by where it was bought, and asked for in threads that only do HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update

from aivideo.core.video import Stage
from aivideo.extensions import db
from aivideo.models import Attempt, Video
from aivideo.models.attempts import ACCEPTED
from aivideo.providers.base import Provider, ProviderError, ProviderJob
from aivideo.services.videos.moves import utc_now
from aivideo.transaction import transaction

SWEEP = 100
THREADS = 16
CLAIM = timedelta(seconds=30)


@dataclass(frozen=True)
class Look:
    """What is looked at: a video and the provider's id of its job."""

    video_id: int
    stage: Stage
    provider_job_id: str
    accepted_at: datetime
    base_url: str
    """Where it was bought."""
    same_account: bool
    """Whether it was bought with today's key: only then does a server that does not know it prove that it is lost."""


def claim() -> list[tuple[int, Stage]]:
    """Take what is due, at most SWEEP of it, by compare-and-set on the moment it was due: sweeps may overlap."""
    now = utc_now()
    late = Video.given_up() & Video.ready_at.is_(None)
    wanted = or_(Video.stage.in_((Stage.RENDERING, Stage.RECONCILING)), late)
    due = select(Video.id).where(wanted, Video.due_at <= now).order_by(Video.due_at).limit(SWEEP)
    with transaction() as session:
        rows = session.execute(
            update(Video)
            .where(Video.id.in_(due.scalar_subquery()), Video.due_at <= now)
            .values(due_at=now + CLAIM)
            .returning(Video.id, Video.stage)
            .execution_options(synchronize_session=False)
        ).all()
    return [(row.id, Stage(row.stage)) for row in rows]


def looks(video_ids: list[int], account: Provider) -> list[Look]:
    """The jobs of these videos, as far as they have one."""
    rows = db.session.execute(
        select(
            Video.id,
            Video.stage,
            Video.accepted_at,
            Video.created_at,
            Attempt.provider_job_id,
            Attempt.base_url,
            Attempt.account,
        )
        .join(Attempt, Attempt.video_id == Video.id)
        .where(Video.id.in_(video_ids), Attempt.outcome == ACCEPTED)
        .order_by(Video.id, Attempt.number)
    ).all()
    found = {
        row.id: Look(
            row.id,
            Stage(row.stage),
            row.provider_job_id,
            row.accepted_at or row.created_at,
            row.base_url,
            row.account == account.account,
        )
        for row in rows
    }
    return list(found.values())


def ask(account: Provider, due: list[Look]) -> Iterator[tuple[Look, ProviderJob | ProviderError]]:
    """What the provider says of each, as the answers come."""

    def one(look: Look) -> tuple[Look, ProviderJob | ProviderError]:
        try:
            return look, account.retrieve(look.provider_job_id)
        except ProviderError as error:
            return look, error

    with ThreadPoolExecutor(min(THREADS, len(due)), thread_name_prefix="look") as pool:
        for future in as_completed([pool.submit(one, look) for look in due]):
            yield future.result()
