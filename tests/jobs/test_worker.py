"""The worker as a process: how much it takes until it works."""

import os
import signal
from itertools import count

import psutil
import yardstick


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
