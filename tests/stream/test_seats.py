"""A user's streams are counted over all processes, and the seats of a process that died fall free."""

import pytest
from servers import wait_until

from aivideo import stream
from aivideo.app import create_app
from aivideo.stream.seats import Seats
from aivideo.stream.viewer import QueueViewer


class Nothing:
    """An audience: these viewers are never sent anything."""

    name = "nothing"


@pytest.fixture
def overrides(overrides):
    return {**overrides, "STREAM_MAX_PER_USER": 2}


@pytest.fixture
def other(app, overrides):
    """The same installation, as another process sees it."""
    return create_app(overrides)


def seats(app, beat=15.0):
    return Seats(stream.hub(), app.extensions["doorbell"], beat)


def viewer(user_id=1):
    return QueueViewer(Nothing(), user_id)


def test_two_processes_count_together(app, other):
    here, there = seats(app), Seats(stream.hub(), other.extensions["doorbell"], 15.0)
    first = viewer()
    assert here.take(first, 2)
    assert there.take(viewer(), 2)
    assert not here.take(viewer(), 2)
    assert not there.take(viewer(), 2)
    assert there.take(viewer(user_id=2), 2), "somebody else's"
    here.start()
    here.leave([first])
    wait_until(lambda: there.take(viewer(), 2), what="the seat that was given back")
    here.stop()
    here.join()
    other.extensions["doorbell"].client.close()


def test_the_seats_of_a_process_that_died_fall_free(app):
    dead = seats(app, beat=-5 / 3)  # kept for no time at all, and nobody is left to keep them
    assert dead.take(viewer(), 1)
    assert seats(app).take(viewer(), 1)


def test_with_redis_away_nobody_is_turned_away(overrides, tmp_path):
    lonely = create_app({**overrides, "REDIS_URL": f"unix://{tmp_path}/nobody"})
    with lonely.app_context():
        alone = Seats(stream.hub(), lonely.extensions["doorbell"], 15.0)
        assert alone.take(viewer(), 1)
        assert alone.take(viewer(), 1)
        stream.close(lonely)
