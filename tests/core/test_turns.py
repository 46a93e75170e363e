"""Whose turn it is: many of one user do not stand before one of another."""

from hypothesis import given
from hypothesis import strategies as st

from aivideo.core.turns import line

ANN, BEN = 1, 2


def test_a_hundred_of_one_do_not_stand_before_one_of_another():
    waiting = [(video, ANN) for video in range(100)] + [(100, BEN)]
    assert list(line(waiting, {}))[:3] == [0, 100, 1]
    assert next(line(waiting, {ANN: 1})) == 100
    assert list(line(waiting, {BEN: 2}))[:4] == [0, 1, 2, 100], "who has two already waits until the other has as many"


def test_who_may_have_no_more_is_passed_over():
    waiting = [(1, ANN), (2, ANN), (3, BEN), (4, BEN)]
    assert list(line(waiting, {}, {ANN: 1, BEN: 5})) == [1, 3, 4]
    assert list(line(waiting, {}, {ANN: -1})) == []


@given(owners=st.lists(st.integers(1, 4), max_size=30), busy=st.dictionaries(st.integers(1, 4), st.integers(0, 5)))
def test_each_place_goes_to_the_one_with_the_fewest_and_there_to_the_oldest(owners, busy):
    waiting = list(enumerate(owners))
    places, left = dict.fromkeys(owners, 0) | busy, dict(waiting)
    for video in line(waiting, busy):
        user = left[video]
        assert (places[user], video) == min((places[other], number) for number, other in left.items())
        places[user] += 1
        del left[video]
    assert not left, "everybody has a place in line, once"
