"""The published table of failures is complete, and says what happens to the credits."""

import pytest

from aivideo.core import failures
from aivideo.core.failures import CANCELLED_AFTER, CANCELLED_BEFORE, FAILURES, explain

PUBLISHED = {
    "invalid_input",
    "moderation_blocked",
    "provider_error",
    "timeout",
    "outcome_unknown",
    "provider_lost",
    "expired",
    "queue_timeout",
    "internal",
}


def test_the_codes_are_the_published_ones():
    assert FAILURES.keys() == PUBLISHED
    assert all(code == failure.code for code, failure in FAILURES.items())


def test_only_a_cancel_after_submission_costs_something():
    assert [rule.code for rule in failures.rules() if not rule.refunded] == ["cancelled_after_submission"]


def test_the_table_has_every_rule_once():
    codes = [rule.code for rule in failures.rules()]
    assert set(codes) == PUBLISHED | {"cancelled", "cancelled_after_submission"}
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("rule", failures.rules(), ids=lambda rule: rule.code)
def test_every_failure_is_told_in_plain_sentences_with_what_happened_to_the_credits(rule):
    told = explain(rule, 100)
    assert told.startswith(rule.message)
    assert rule.message.endswith(".")
    assert "Oops" not in told
    assert told.endswith("Your 100 credits are back." if rule.refunded else "Your 100 credits are spent.")


def test_one_credit_is_singular():
    assert explain(CANCELLED_BEFORE, 1).endswith("Your 1 credit is back.")
    assert explain(CANCELLED_AFTER, 1).endswith("Your 1 credit is spent.")
