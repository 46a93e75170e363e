"""The doorbell under many hands at once."""

import threading

import redis

from aivideo.doorbell import MOST_AT_ONCE, Doorbell

CALLERS = 150  # more than the client library's own limit of connections


def test_many_callers_share_few_connections_and_all_are_answered(redis_url, monkeypatch):
    monkeypatch.setattr("aivideo.doorbell.ANSWER_SECONDS", 60)  # for a turn: a slow machine is not the point
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
