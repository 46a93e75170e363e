"""Whose job is it? What a provider's list says of a job, held against what was sent and never answered.

A list has no name for a request of ours, only its words, model, size and length and, at some servers, the job that a
remix was made from. So there are two questions: may this job be the attempt's (then it must not be sent again), and
can it be nobody's but the attempt's (then its video may have it).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select

from aivideo.extensions import db
from aivideo.models import Attempt
from aivideo.models.attempts import OPEN, UNKNOWN
from aivideo.providers.base import ProviderJob

CLOCK_TOLERANCE = timedelta(minutes=2)
RIVALS_SINCE = CLOCK_TOLERANCE + timedelta(minutes=3)
"""How much earlier an attempt may have been sent whose job could be taken for this one's."""

SHORTEST_BEGINNING = 20
"""Characters of a prompt that a server cut off, to be taken for its beginning."""


def sent(attempt: Attempt) -> datetime:
    return attempt.sent_at or attempt.created_at


def rivals(attempt: Attempt) -> Sequence[Attempt]:
    """Unsettled attempts with the same signature, itself included, in the order they were sent."""
    return db.session.scalars(
        select(Attempt)
        .where(
            Attempt.signature == attempt.signature,
            Attempt.outcome.in_((OPEN, UNKNOWN)),
            Attempt.created_at >= sent(attempt) - RIVALS_SINCE,
            Attempt.base_url == attempt.base_url,
            Attempt.account == attempt.account,
        )
        .order_by(Attempt.sent_at, Attempt.id)
    ).all()


def may_be(attempt: Attempt, job: ProviderJob, since: datetime) -> bool:
    """Whether nothing speaks against it, freely as servers differ: while there is such a job, none is bought anew."""
    wanted = attempt.request
    return (
        job.prompt == wanted["prompt"]
        and job.model in (None, wanted["model"])
        and job.size in (None, wanted["size"])
        and (job.created_at is None or job.created_at >= since)
        and (_source(attempt) is not None or _fits(attempt, job))
    )


def resembles(attempt: Attempt, job: ProviderJob, since: datetime) -> bool:
    """Whether it has the words that were sent, as a server may retell them, whatever model, size or length it names.

    Too little to adopt it by, but enough to say that the call may have arrived.
    """
    told, wanted = _words(job.prompt or ""), _words(attempt.request["prompt"])
    same = told == wanted or (len(told) >= SHORTEST_BEGINNING and wanted.startswith(told.rstrip(" .…")))
    return same and (job.created_at is None or job.created_at >= since)


def mine(attempt: Attempt, others: Sequence[Attempt], jobs: Sequence[ProviderJob]) -> ProviderJob | None:
    """The job that can only be this attempt's, or is as good as its own; else None.

    `others` are its rivals, `jobs` those that may be its own, oldest first. Not while the call of a rival is still out:
    its answer will name its job. Not with fewer or more jobs than rivals: then nobody knows whose they are. Several
    must have asked for the very same; they are served in the order they were sent.
    """
    fitting = [job for job in jobs if _fits(attempt, job)]
    competing = [other for other in others if any(_fits(other, job) for job in fitting)]
    if not fitting or len(fitting) != len(competing) or any(other.outcome == OPEN for other in competing):
        return None
    if any(other.request != attempt.request for other in competing):
        return None
    return fitting[[other.id for other in competing].index(attempt.id)]


def _fits(attempt: Attempt, job: ProviderJob) -> bool:
    """Whether what the list says of length and source is what this attempt would make it say.

    A plain video has no source; a remix names its own, where the server tells; of an extension only some say that it
    has one, and its length is told with or without what it goes on with.
    """
    wanted, source = attempt.request, _source(attempt)
    lengths = {None, str(wanted["seconds"]), str(wanted.get("whole_seconds", wanted["seconds"]))}
    sources = {None, source or ""} | ({""} if wanted.get("extend_of") else set())
    return job.seconds in lengths and job.made_from in sources


def _words(prompt: str) -> str:
    return " ".join(prompt.split()).casefold()


def _source(attempt: Attempt) -> str | None:
    source: str | None = attempt.request.get("remix_of") or attempt.request.get("extend_of")
    return source
