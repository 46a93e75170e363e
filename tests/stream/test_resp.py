"""What Redis says is understood however the network cuts it up."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivideo.stream.resp import Reader, RespError

WIRE = (
    b"*3\r\n$9\r\nsubscribe\r\n$7\r\nvideo:1\r\n:1\r\n"
    b'*3\r\n$7\r\nmessage\r\n$7\r\nvideo:1\r\n$12\r\n{"id":\r\n1}\r\n\r\n'
    b"*2\r\n$4\r\npong\r\n$0\r\n\r\n"
    b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n"
    b"+OK\r\n"
)
ANSWERS: list[Any] = [
    [b"subscribe", b"video:1", 1],
    [b"message", b"video:1", b'{"id":\r\n1}\r\n'],
    [b"pong", b""],
    [b"unsubscribe", None, 0],
    b"OK",
]


@given(st.lists(st.integers(0, len(WIRE)), max_size=12))
def test_pieces_of_any_size_give_whole_answers(cuts: list[int]) -> None:
    reader, answers = Reader(), []
    edges = [0, *sorted(cuts), len(WIRE)]
    for start, end in itertools.pairwise(edges):
        answers += reader.feed(WIRE[start:end])
    assert answers == ANSWERS


def test_an_error_is_one() -> None:
    with pytest.raises(RespError, match="NOAUTH"):
        Reader().feed(b"-NOAUTH Authentication required.\r\n")
