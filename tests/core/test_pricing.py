"""Prices are whole credits, rounded up, and exact."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from aivideo.core.pricing import credits_for

PRICES = st.fractions(min_value=0, max_value=10_000, max_denominator=1000)


def test_half_credits_a_second_add_up_before_they_are_rounded():
    assert credits_for(Fraction("12.5"), 8) == 100
    assert credits_for(Fraction("12.5"), 5) == 63
    assert credits_for(Fraction("0.1"), 30) == 3  # three times 0.1 is more than 0.3 in binary
    assert credits_for(Fraction(0), 8) == 0


@given(PRICES, st.integers(1, 3600))
def test_a_price_is_never_less_than_exact_nor_a_whole_credit_more(per_second, seconds):
    price = credits_for(per_second, seconds)
    assert isinstance(price, int)
    assert per_second * seconds <= price < per_second * seconds + 1
