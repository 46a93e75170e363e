"""Estimates: honest where there is something to go by, None where there is not."""

from hypothesis import given
from hypothesis import strategies as st

from aivideo.core.estimates import refined, typical


def test_runs_of_the_same_length_tell_most():
    assert typical([], 8) is None
    assert typical([(8, 60), (8, 80), (8, 500), (4, 1)], 8) == 80, "one that took long does not count for more"
    assert typical([(4, 60)], 4) == 60
    assert 60 < typical([(4, 60)], 8) < 120, "longer, though not twice as long"


def test_the_further_a_video_is_the_more_its_own_pace_counts():
    assert refined(None, 10, 2) is None
    assert refined(None, 10, 50) == 20
    assert refined(100, 10, 0) == 100
    assert refined(100, 10, 10) == 100
    assert refined(100, 80, 40) == 140
    assert round(refined(100, 190, 95)) == 195
    assert refined(100, 198, 99) == 100, "the last percents are not counted: what is left then is over"


@given(expected=st.none() | st.floats(0, 1e4), age=st.floats(0, 1e4), progress=st.integers(0, 99))
def test_an_estimate_is_between_the_one_before_and_the_pace(expected, age, progress):
    now = refined(expected, age, progress)
    bounds = [value for value in (expected, age * 100 / progress if progress else None) if value is not None]
    assert now is None or min(bounds) - 1e-6 <= now <= max(bounds) + 1e-6
