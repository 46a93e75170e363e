"""Half a minute of kills and a misbehaving provider: nobody pays twice, nothing paid for is lost.

The long version is `make chaos`.
"""

import random

import pytest
from chaos import Chaos
from marks import on_both_databases


@on_both_databases
@pytest.mark.timeout(600)
def test_nothing_is_lost_or_bought_twice_while_everything_is_killed(database, redis_server, redis_url, tmp_path):
    seed = random.randrange(1_000_000)
    report = Chaos(tmp_path, redis_server, database, seed=seed).run(12, 30)
    assert report.videos == 30
    assert sum(report.kills.values()) > 0
    assert report.sound, (seed, report)
