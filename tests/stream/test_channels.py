"""A channel tells each viewer everything once and in order, however it hears of it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aivideo.stream.channels import KEPT, LogChannel, StateChannel
from aivideo.stream.viewer import Viewer


class Numbers:
    """An audience that spells a message as its number."""

    name = "numbers"
    heartbeat = b"hb "

    def message(self, key: int, data: dict[str, Any]) -> bytes:
        return f"{data['id']}:{data.get('seq', '')} ".encode()

    def position(self, number: int) -> bytes:
        return b""

    def note(self, name: str) -> bytes:
        return b""

    def over(self) -> bytes:
        return b"over "

    def drain(self) -> bytes:
        return b"drain "


class Notebook(Viewer):
    """A viewer that writes down what it was told."""

    def __init__(self) -> None:
        super().__init__(Numbers(), 1)
        self.told = b""
        self.ended = False

    @property
    def closed(self) -> bool:
        return self.ended

    def send(self, block: bytes) -> None:
        self.told += block

    def end(self, last_words: bytes = b"") -> None:
        self.ended = True

    @property
    def numbers(self) -> list[int]:
        return [int(word.split(b":")[0]) for word in self.told.split()]


def line(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, **more}


def join(channel: LogChannel, viewer: Notebook, after: int, database: int) -> None:
    """As the replay does it: join, or read the next page of the database and try again."""
    while (missing := channel.join(viewer, after)) is None:
        start = min(after, channel.last)
        page = [line(number) for number in range(start + 1, min(start + 50, database) + 1)]
        channel.offer(page)
        missing = channel.join(viewer, after)
        if missing is not None:
            break
        for message in page:
            if message["id"] > after:
                viewer.told += viewer.audience.message(1, message)
                after = message["id"]
    viewer.told += missing


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 90)),
        st.tuples(st.just("publish"), st.lists(st.floats(0, 1), max_size=6)),
        st.tuples(st.just("look"), st.none()),
        st.tuples(st.just("join"), st.floats(0, 1)),
        st.tuples(st.just("leave"), st.floats(0, 1)),
    ),
    max_size=25,
)


@given(steps, st.integers(0, 100))
def test_each_viewer_is_told_everything_after_its_number_once_and_in_order(
    steps: list[tuple[str, Any]], before: int
) -> None:
    channel = LogChannel(1, before)
    written = before
    viewers: list[tuple[Notebook, int]] = []
    for what, value in steps:
        if what == "write":
            written += value
        elif what == "publish":  # any of what is written, in any order, as often as you like
            channel.offer([line(max(1, round(part * written))) for part in value if written])
        elif what == "look":
            channel.offer([line(number) for number in range(channel.last + 1, written + 1)])
        elif what == "join":
            viewers.append((Notebook(), round(value * written)))
            join(channel, *viewers[-1], written)
        elif viewers:
            channel.drop(viewers.pop(int(value * (len(viewers) - 1)))[0])
    channel.offer([line(number) for number in range(channel.last + 1, written + 1)])
    for viewer, after in viewers:
        assert viewer.numbers == list(range(after + 1, written + 1))


def test_a_gap_is_held_back_and_asks_for_the_database() -> None:
    channel, viewer = LogChannel(1, 0), Notebook()
    assert channel.join(viewer, 0) == b""
    assert not channel.offer([line(1)])
    assert channel.offer([line(4), line(3)])
    assert viewer.numbers == [1]
    assert not channel.offer([line(2)])
    assert viewer.numbers == [1, 2, 3, 4]


def test_a_line_with_an_end_asks_the_database_whether_it_is_one_and_only_that_ends_the_stream() -> None:
    channel, viewer = LogChannel(1, 0), Notebook()
    channel.join(viewer, 0)
    assert channel.offer([line(1, status="failed")])
    assert not viewer.ended
    channel.settle(2, over=True)
    assert not viewer.ended, "there is another line to come"
    channel.offer([line(2)])
    channel.settle(2, over=True)
    assert viewer.ended

    late = Notebook()
    assert channel.join(late, 1) == b"2: "
    assert late.ended
    channel.offer([line(3)])
    later = Notebook()
    channel.join(later, 3)
    assert not later.ended, "a late success: the log goes on"


def test_many_who_come_back_with_old_numbers_need_one_page_of_the_database() -> None:
    channel = LogChannel(1, 40)
    channel.join(Notebook(), 40)
    first, second = Notebook(), Notebook()
    assert channel.join(first, 10) is None
    channel.offer([line(number) for number in range(11, 41)])
    assert channel.join(second, 10) is not None
    assert channel.join(Notebook(), 9) is None
    channel.offer([line(number) for number in range(41, 41 + KEPT)])
    assert channel.join(Notebook(), 39) is None, "it keeps the last ones only"


def state(video_id: int, seq: int) -> dict[str, Any]:
    return {"id": video_id, "seq": seq}


def test_a_viewer_of_states_gets_nothing_older_than_it_has() -> None:
    channel, viewer, later = StateChannel(1), Notebook(), Notebook()
    assert channel.join(viewer, channel.count, {}) == b""
    count = channel.count
    channel.offer([state(1, 2), state(1, 1), state(2, 5), state(1, 2), state(1, 3)])
    assert viewer.told == b"1:2 2:5 1:3 "
    assert channel.join(later, count, {1: 2, 2: 9}) == b"1:3 "
    channel.offer([state(9, number) for number in range(1, KEPT + 2)])
    assert channel.join(Notebook(), count, {}) is None, "too much has happened: read again"


def test_a_balance_is_told_when_it_moves() -> None:
    channel, viewer = StateChannel(1), Notebook()
    channel.join(viewer, 0, {})
    for credits in (900, 900, 800, 900):
        channel.offer([{"id": None, "seq": 0, "credits_left": credits}])
    assert len(viewer.told.split()) == 3
