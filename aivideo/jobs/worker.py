"""Many RQ workers in one process, as threads, and the ticker that rings what is due.

Each worker is an RQ `SimpleWorker`: visible in rq-dashboard, without signal handlers of its own, its jobs' time limits
enforced by a timer. The process holds hundreds of videos under way, because no job waits for one.
"""

import logging
import os
import secrets
import signal
import socket
import threading
import time
from typing import Any

from flask import Flask
from rq import SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty
from sqlalchemy.exc import SQLAlchemyError

from aivideo import doorbell
from aivideo.extensions import db
from aivideo.logs import log_context
from aivideo.queue import AT_LEISURE, QUEUES
from aivideo.services import videos

log = logging.getLogger(__name__)
TICK_SECONDS = 0.25
AWAY_SECONDS = 1.0
"""Pause of the ticker while the database is away."""
IDLE_SECONDS = 2
WORKER_TTL_SECONDS = IDLE_SECONDS + 15
"""RQ waits 15 s less than this for a job."""
BEAT_SECONDS = 1.0
"""Between two signs of life of a worker at least."""
STOP_SECONDS = 6.0
HEAR_SECONDS = 1.0
CORES = os.cpu_count() or 1
PATIENCE_SECONDS = 20.0
"""After so long without leisure, one of the jobs that wait for it is taken all the same."""


class ThreadWorker(SimpleWorker):
    """An RQ worker that lives in a thread of ours."""

    death_penalty_class = TimerDeathPenalty
    max_connection_wait_time = 2.0

    def __init__(self, app: Flask, number: int, stopping: threading.Event, at_work: set[int], **options: Any) -> None:
        self.app, self.number, self.stopping, self.at_work = app, number, stopping, at_work
        self.leisure_at = time.monotonic()
        self.beat_at = -BEAT_SECONDS
        super().__init__(
            [name for name in QUEUES if name != AT_LEISURE or number == 0],
            name=f"{_own_name()}-{number}",
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL_SECONDS,
            log_job_description=False,
            **options,
        )

    def _install_signal_handlers(self) -> None:
        """Signals belong to the main thread."""

    def subscribe(self) -> None:
        """No remote commands: that would be one more connection and thread for each worker."""

    def unsubscribe(self) -> None:
        pass

    @property
    def should_run_maintenance_tasks(self) -> bool:
        return False  # nothing rests on RQ's registries

    def check_for_suspension(self, burst: bool) -> None:
        """Nobody suspends these workers: stopping the process is enough."""

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """Wait for a job, but look every two seconds whether the process is to stop, and whether there is leisure."""
        while not self.stopping.is_set():
            leisure = self._has_leisure()
            self._ordered_queues = [queue for queue in self.queues if leisure or queue.name != AT_LEISURE]
            found = super().dequeue_job_and_maintain_ttl(timeout, IDLE_SECONDS)
            if found is not None:
                return found
        raise StopRequested

    def _has_leisure(self) -> bool:
        """Whether there are cores to spare: drawing a preview would take one from the videos that are waited for."""
        now = time.monotonic()
        if len(self.at_work) >= CORES and now - self.leisure_at < PATIENCE_SECONDS:
            return False
        self.leisure_at = now
        return True

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Three commands as one round trip, and those that RQ would send before, after and amid a short job as one.

        RQ waits for a Redis that is away in a loop of its own; this is where that loop can be left.
        """
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        if time.monotonic() - self.beat_at < BEAT_SECONDS:
            return
        try:
            with self.connection.pipeline(transaction=False) as together:
                super().heartbeat(timeout, together)
                together.execute()
        except doorbell.AWAY:
            if self.stopping.is_set():
                raise StopRequested from None
            raise
        self.beat_at = time.monotonic()

    def perform_job(self, job: Job, *arguments: Any) -> bool:
        with self.app.app_context(), log_context(job=job.id):
            self.at_work.add(self.number)
            try:
                return bool(super().perform_job(job, *arguments))
            finally:
                self.at_work.discard(self.number)
                db.session.remove()


def _own_name() -> str:
    """Another one each time: RQ lets nobody in under the name of a killed one, and in a container ids come again."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"


def run(app: Flask, threads: int) -> None:
    """Work until SIGTERM or SIGINT; then let the jobs at hand end and return."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    at_work: set[int] = set()
    crew = [
        threading.Thread(target=_work, args=(app, number, stopping, at_work), daemon=True) for number in range(threads)
    ]
    crew.append(threading.Thread(target=_tick, args=(app, stopping), daemon=True))
    for member in crew:
        member.start()
    log.info("worker ready: %d jobs at once", threads)
    while not stopping.wait(HEAR_SECONDS):
        pass  # a signal that the system gave to another thread is acted on when this one wakes
    limit = time.monotonic() + STOP_SECONDS
    for member in crew:
        member.join(max(0.0, limit - time.monotonic()))
    left = sum(member.is_alive() for member in crew)
    log.info("worker stopped%s", f"; {left} jobs are taken up again when their leases run out" if left else "")


def _work(app: Flask, number: int, stopping: threading.Event, at_work: set[int]) -> None:
    """One worker, started again whenever Redis sends it home."""
    url = app.config["SETTINGS"].redis_address
    while not stopping.is_set():
        try:
            connection = doorbell.connect(url, answer_seconds=30)
            worker = ThreadWorker(app, number, stopping, at_work, connection=connection)
            worker.work(logging_level="WARNING")
        except doorbell.AWAY as error:
            log.debug("worker %d waits for Redis: %s", number, error)
        except Exception:  # a worker that dies must be replaced, whatever it died of
            log.exception("worker %d died", number)
        stopping.wait(1.0)


def _tick(app: Flask, stopping: threading.Event) -> None:
    ticker = videos.Ticker(_own_name())
    pause, away_since = TICK_SECONDS, 0.0
    while not stopping.wait(pause):
        with app.app_context():
            try:
                ticker.tick()
                if away_since:
                    log.warning("the database answers again, after %.0f s", time.monotonic() - away_since)
                pause, away_since = TICK_SECONDS, 0.0
            except SQLAlchemyError as error:
                if not away_since:
                    log.error("the database does not answer: %s", error)
                pause, away_since = AWAY_SECONDS, away_since or time.monotonic()
            except Exception:  # the ticker must outlive whatever one pass runs into
                log.exception("a pass of the ticker failed")
                pause = AWAY_SECONDS
            finally:
                db.session.remove()
