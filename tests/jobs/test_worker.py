"""The worker as a process: how much it takes until it works."""

import os
import signal
import threading
from itertools import count

import psutil
import pytest
import yardstick
from rq.exceptions import StopRequested
from servers import wait_until

from aivideo import doorbell, queue
from aivideo.jobs import worker


def test_a_worker_is_ready_within_a_second_and_a_half_of_cpu(installation):
    installation.settings["WORKER_CONCURRENCY"] = 16
    names = (f"worker{number}" for number in count())

    def ready() -> float:
        name = next(names)
        installation.start_worker(name)
        spent = sum(psutil.Process(installation.running[name].pid).cpu_times()[:2])
        installation.kill(name)
        return spent

    yardstick.costs_at_most(1.5, ready, yardstick.starting)


def test_a_worker_stops_whichever_of_its_threads_gets_the_signal(installation):
    installation.start_worker()
    process = installation.running.pop("worker")
    others = [thread.id for thread in psutil.Process(process.pid).threads() if thread.id != process.pid]
    os.kill(others[-1], signal.SIGTERM)
    assert process.wait(20) == 0


def test_a_worker_can_stop_while_redis_is_away(redis_server, app):
    stopping = threading.Event()
    thread = threading.Thread(target=worker._work, args=(app, 1, stopping, set()), daemon=True)
    thread.start()
    redis = doorbell.connect(redis_server.url)
    wait_until(lambda: [key for key in redis.smembers("rq:workers") if redis.hget(key, "state") == b"idle"])
    redis_server.kill()
    try:
        stopping.set()
        thread.join(worker.STOP_SECONDS)
        assert not thread.is_alive()
    finally:
        redis_server.start()


class OneLook(threading.Event):
    """Lets the worker wait once for a job, then sends it home."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = count()

    def is_set(self) -> bool:
        return next(self.looks) > 0


def test_a_preview_is_drawn_when_nobody_waits_for_the_cores(app, monkeypatch):
    monkeypatch.setattr(worker, "IDLE_SECONDS", 1)
    at_work = set(range(1, worker.CORES + 1))
    connection = doorbell.connect(app.config["SETTINGS"].redis_address)

    def next_job(*, patient_for: float = 0.0) -> str:
        one = worker.ThreadWorker(app, 0, OneLook(), at_work, connection=connection)
        one.leisure_at -= patient_for
        job, _ = one.dequeue_job_and_maintain_ttl(1)
        return job.id

    for name in ("first", "second"):
        queue.enqueue("preview", 1, job_id=name)
    with pytest.raises(StopRequested):
        next_job()
    assert next_job(patient_for=worker.PATIENCE_SECONDS) == "first"
    queue.enqueue("submit", 1, job_id="waited-for")
    assert next_job() == "waited-for"
    at_work.pop()
    assert next_job() == "second"
    connection.close()
