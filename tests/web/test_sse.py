"""Server-Sent Events, byte for byte."""

import pytest
from streams import Parser

from aivideo.web import sse


def read(*blocks: bytes) -> Parser:
    parser = Parser()
    parser.feed(b"".join(blocks).decode())
    return parser


def test_a_block_has_its_fields_one_a_line_and_ends_with_an_empty_line() -> None:
    assert sse.block("x", id=7, event="e", retry=5, comment="c") == b": c\nevent: e\nretry: 5\nid: 7\ndata: x\n\n"


@pytest.mark.parametrize(
    "text", ["", " ", "a", " leads with a space", "two\nlines", "\n", "id: 9\n\ndata: no", "🚀 ü\u2028x"]
)
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    (block,) = read(sse.block(text, id=1)).blocks
    assert (block.data, block.id, block.event) == (text, "1", "")


@pytest.mark.parametrize("text", ["a\rid: 9\rb", "a\r\n\r\nid: 9"])
def test_no_kind_of_line_end_gets_out_of_the_data(text: str) -> None:
    encoded = sse.block(text, id=1)
    assert b"\r" not in encoded
    assert [line[:5] for line in encoded.split(b"\n")[1:-2]] == [b"data:"] * (encoded.count(b"\n") - 2)


def test_the_opening_says_where_the_replay_starts_and_is_no_message() -> None:
    parser = read(sse.opening(7))
    assert parser.comments == ["ok"]
    assert [(block.data, block.id) for block in parser.blocks] == [(None, "7")]


def test_a_heartbeat_and_a_comment_are_no_blocks_to_any_reader() -> None:
    parser = read(sse.block("x", id=1), sse.HEARTBEAT, sse.comment("reconnecting"), sse.block("y", id=2))
    assert [block.data for block in parser.blocks] == ["x", "y"]
    assert parser.comments == ["hb", "reconnecting"]
    assert b"\n\n" not in sse.HEARTBEAT + sse.comment("reconnecting")


def test_a_drain_names_its_pause_in_the_block_of_an_event_and_moves_no_cursor() -> None:
    pauses = set()
    for _ in range(50):
        (block,) = read(sse.drain()).blocks
        assert (block.event, block.has_id) == ("drain", False)
        pauses.add(block.retry)
    assert len(pauses) > 25
    assert all(500 <= (pause or 0) <= 5000 for pause in pauses)


def test_too_many_streams_is_a_pause_of_a_quarter_of_a_minute() -> None:
    (block,) = read(sse.busy()).blocks
    assert (block.retry, block.data, block.has_id) == (15_000, None, False)


@pytest.mark.parametrize(
    ("values", "position"),
    [
        (("7", "3"), 7),
        ((None, "3"), 3),
        (("", "3"), 3),
        ((None, None), 0),
        (("x", "3"), 0),
        (("-1",), 0),
        (("1.5",), 0),
        (("²",), 0),
        ((" 7",), 0),
        (("9" * 16,), 0),
        (("9" * 5000,), 0),
        (("007",), 7),
    ],
)
def test_a_position_is_a_number_that_we_could_have_sent_or_the_start(
    values: tuple[str | None, ...], position: int
) -> None:
    assert sse.position(*values) == position
