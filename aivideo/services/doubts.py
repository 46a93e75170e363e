"""What the operator has to mend or to decide: attempts that nobody could settle, jobs elsewhere, a refused account."""

from collections.abc import Sequence

from sqlalchemy import select, update

from aivideo.adapters import provider
from aivideo.core.errors import InvalidInput, NotFound
from aivideo.core.video import Stage
from aivideo.extensions import db
from aivideo.models import Attempt, Gate, Video
from aivideo.models.attempts import ACCEPTED, NOT_SENT, UNKNOWN
from aivideo.providers.base import ProviderJob
from aivideo.services.videos.acceptance import accepted
from aivideo.transaction import transaction

LONGEST_ID = 1024


def to_check() -> Sequence[Attempt]:
    """Unknown attempts whose video has ended without them, newest first."""
    return db.session.scalars(
        select(Attempt)
        .join(Video, Video.id == Attempt.video_id)
        .where(Attempt.outcome == UNKNOWN, Video.stage == Stage.ENDED)
        .order_by(Attempt.id.desc())
    ).all()


def elsewhere() -> Sequence[Attempt]:
    """Jobs under way that were bought from another server than today's: nobody can follow them until it is back."""
    return db.session.scalars(
        select(Attempt)
        .join(Video, Video.id == Attempt.video_id)
        .where(
            Attempt.outcome == ACCEPTED,
            Attempt.base_url != provider().base_url,
            Video.stage.in_((Stage.RENDERING, Stage.SAVING)),
        )
        .order_by(Attempt.id)
    ).all()


def refused_account() -> Gate | None:
    """The gate of today's account, where the provider refuses its key or its money; None where it does not."""
    account = provider()
    gate = db.session.get(Gate, (account.name, account.base_url, account.account), populate_existing=True)
    return gate if gate is not None and gate.needs_operator else None


def adopt(attempt_id: int, provider_job_id: str) -> None:
    """The provider did take it, as this job: the video is followed again and given to its user, at no charge.

    Raises:
        NotFound: there is no such attempt to check.
        InvalidInput: the id is missing, or belongs to another attempt.
    """
    job_id = provider_job_id.strip()
    _open(attempt_id)
    if not 0 < len(job_id) <= LONGEST_ID:
        raise InvalidInput({"job": [f"Enter the provider's id of the job, 1 to {LONGEST_ID} characters."]})
    if not accepted(attempt_id, ProviderJob(id=job_id, state="queued"), by="operator"):
        raise InvalidInput({"job": ["Another video already holds this job."]})


def dismiss(attempt_id: int) -> None:
    """The provider never took it: nothing was bought, and nothing is left to check.

    Raises:
        NotFound: there is no such attempt to check.
    """
    _open(attempt_id)
    with transaction() as session:
        session.execute(
            update(Attempt)
            .where(Attempt.id == attempt_id, Attempt.outcome == UNKNOWN)
            .values(outcome=NOT_SENT, settled_by="operator")
        )


def _open(attempt_id: int) -> None:
    if attempt_id not in {attempt.id for attempt in to_check()}:
        raise NotFound("attempt to check")
