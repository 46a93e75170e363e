"""A charge takes credits, a grant or a refund gives them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aivideo.core.ledger import Kind, signed


@given(st.integers(min_value=1))
def test_a_refund_undoes_its_charge(credits):
    assert signed(Kind.CHARGE, credits) == -credits
    assert signed(Kind.CHARGE, credits) + signed(Kind.REFUND, credits) == 0
    assert signed(Kind.GRANT, credits) == credits


@given(st.sampled_from(Kind), st.integers(max_value=-1))
def test_negative_credits_move_nothing(kind, credits):
    with pytest.raises(ValueError):
        signed(kind, credits)


def test_a_video_may_be_free_but_nobody_is_granted_nothing():
    assert signed(Kind.CHARGE, 0) == signed(Kind.REFUND, 0) == 0
    with pytest.raises(ValueError):
        signed(Kind.GRANT, 0)
