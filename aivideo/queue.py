"""Put RQ jobs on their queues, named by dotted path. Nothing else in the house knows RQ."""

import logging
from functools import lru_cache
from typing import Any

from aivideo.doorbell import Doorbell, DoorbellAway, doorbell

log = logging.getLogger(__name__)

JOBS = {
    "submit": ("videos", "aivideo.jobs.videos.submit"),
    "save": ("videos", "aivideo.jobs.videos.save"),
    "discard": ("videos", "aivideo.jobs.videos.discard"),
    "preview": ("previews", "aivideo.jobs.videos.preview"),
    "poll": ("upkeep", "aivideo.jobs.videos.poll"),
    "recover": ("upkeep", "aivideo.jobs.upkeep.recover"),
    "audit": ("upkeep", "aivideo.jobs.upkeep.audit"),
    "mail": ("upkeep", "aivideo.jobs.mail.send"),
    "tell": ("upkeep", "aivideo.jobs.mail.tell"),
}
QUEUES = ("upkeep", "videos", "previews")
"""In the order in which workers look at them: a sweep looks after hundreds of videos, so it goes first."""
AT_LEISURE = "previews"
"""Drawing takes a second of work and nobody waits for it: one thread of a process does it, when nothing else is due."""
JOB_SECONDS = 900
KEEP_RESULT_SECONDS = 600
KEEP_FAILURE_SECONDS = 7 * 86400


def enqueue(verb: str, *arguments: Any, job_id: str | None = None) -> bool:
    """Ring for one job. False where Redis is away: the database knows what is due, and recovery rings again."""
    bell = doorbell()

    def write(redis: Any) -> None:
        pipeline = redis.pipeline()
        put(pipeline, verb, *arguments, job_id=job_id)
        pipeline.execute()

    try:
        bell.call(write)
    except DoorbellAway as away:
        log.warning("%s %s not enqueued: %s", verb, job_id or "", away)
        return False
    return True


def put(pipeline: Any, verb: str, *arguments: Any, job_id: str | None = None) -> None:
    """Write one job to a Redis pipeline that the caller executes."""
    name, function = JOBS[verb]
    queue = _queue(doorbell(), name)
    job = queue.prepare_data(
        function,
        arguments,
        job_id=job_id,
        description=job_id or verb,  # RQ would write the arguments there, and a mail's have secrets in them
        timeout=JOB_SECONDS,
        result_ttl=KEEP_RESULT_SECONDS,
        failure_ttl=KEEP_FAILURE_SECONDS,
    )
    queue.enqueue_many([job], pipeline=pipeline)


def lengths() -> dict[str, int]:
    """How many jobs wait on each queue.

    Raises:
        DoorbellAway: Redis is away.
    """
    bell = doorbell()
    return bell.call(lambda _: {name: _queue(bell, name).count for name in QUEUES})


@lru_cache(maxsize=32)
def _queue(bell: Doorbell, name: str) -> Any:
    from rq import Queue
    from rq.serializers import JSONSerializer

    return Queue(name, connection=bell.client, serializer=JSONSerializer)
