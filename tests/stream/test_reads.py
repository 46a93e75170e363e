"""What streams ask the database, on both databases."""

from datetime import UTC, datetime, timedelta

from flask import Flask
from marks import on_both_databases
from sqlalchemy.pool import QueuePool
from streams import Writer

from aivideo.extensions import db
from aivideo.stream import reads
from aivideo.stream.reads import LogLook, Watched, balance


def connections_in_use() -> int:
    pool = db.engine.pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


@on_both_databases
def test_a_look_finds_what_several_logs_have_more_and_whether_they_are_over(app: Flask) -> None:
    writer = Writer(app)
    user, _ = writer.user()
    behind, told, ended, hidden = (writer.video(user, lines=3) for _ in range(4))
    writer.end(ended)
    writer.hide(hidden)
    looks = reads.look_at_logs(app, {behind: 1, told: 3, ended: 3, hidden: 4, 10**6: 7})
    assert {key: (look.last, look.over, [line["id"] for line in look.messages]) for key, look in looks.items()} == {
        behind: (3, False, [2, 3]),
        told: (3, False, []),
        ended: (4, True, [4]),
        hidden: (4, True, []),
        10**6: (7, True, []),
    }
    assert looks[told] == LogLook(3, over=False)
    assert [line["id"] for line in reads.log_page(app, behind, 1)] == [2, 3]
    assert connections_in_use() == 0


@on_both_databases
def test_a_look_finds_the_videos_of_several_users_that_went_on(app: Flask) -> None:
    writer = Writer(app)
    (one, _), (two, _) = writer.user(credits=10), writer.user(credits=20)
    mine, other, theirs = writer.video(one, lines=2), writer.video(one, lines=2), writer.video(two, lines=1)
    now = datetime.now(UTC)
    found = reads.look_at_states(app, {one: Watched(now, {mine: 1, other: 2}), two: Watched(now, {})})
    assert [(state["id"], state["seq"]) for state in found[one][:-1]] == [(mine, 2)]
    assert [(state["id"], state["seq"]) for state in found[two][:-1]] == [(theirs, 1)]
    assert (found[one][-1], found[two][-1]) == (balance(10), balance(20))
    later = Watched(now + timedelta(hours=1), {})
    assert reads.look_at_states(app, {one: later}) == {one: [balance(10)]}
    assert connections_in_use() == 0


@on_both_databases
def test_a_new_viewer_of_states_is_told_what_is_under_way_and_what_changed(app: Flask) -> None:
    writer = Writer(app)
    user, _ = writer.user(credits=10)
    running, ended, hidden = (writer.video(user, lines=1) for _ in range(3))
    writer.end(ended)
    writer.hide(hidden)
    now = datetime.now(UTC)

    def told(since: datetime | None) -> list[int | None]:
        ids = []
        for some in reads.states(app, user, since):
            assert connections_in_use() == 0, "its reader may be slow"
            ids += [message["id"] for message in some]
        return ids

    assert told(None) == [running, None]
    assert told(now + timedelta(hours=1)) == [running, None]
    assert told(now) == [running, ended, hidden, None]
