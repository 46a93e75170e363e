"""The doorbell under many hands at once."""

import socket
import threading
import time

import pytest
import redis

from aivideo.doorbell import MOST_AT_ONCE, TURN_SECONDS, Doorbell, DoorbellAway

CALLERS = 150  # more than the client library's own limit of connections


def test_many_callers_share_few_connections_and_all_are_answered(redis_url, monkeypatch):
    monkeypatch.setattr("aivideo.doorbell.TURN_SECONDS", 60)  # a slow machine is not the point
    bell = Doorbell(redis_url)
    together = threading.Barrier(CALLERS)
    answers = []

    def ring():
        together.wait()
        answers.append(bell.call(lambda client: client.incr("rung")))

    callers = [threading.Thread(target=ring) for _ in range(CALLERS)]
    with redis.Redis.from_url(redis_url) as other:
        before = len(other.client_list())
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert len(answers) == CALLERS
        assert len(other.client_list()) <= before + MOST_AT_ONCE
    bell.client.close()


def test_a_redis_that_keeps_silent_is_found_out_once_for_all_that_wait():
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        bell = Doorbell(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        turned_away = []

        def ring():
            with pytest.raises(DoorbellAway):
                bell.call(lambda client: client.ping())
            turned_away.append(time.monotonic())

        callers = [threading.Thread(target=ring) for _ in range(5 * MOST_AT_ONCE)]
        began = time.monotonic()
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert len(turned_away) == len(callers)
        assert max(turned_away) - began < TURN_SECONDS  # and not one answer's wait after the other
        bell.client.close()
