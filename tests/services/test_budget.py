"""The operator's monthly budget is a limit that nobody gets past."""

import pytest
from marks import on_both_databases
from threads import at_once

from aivideo.core.errors import BudgetSpent
from aivideo.services import accounts, budget, credits, videos


@pytest.fixture
def overrides(overrides):
    return {**overrides, "MONTHLY_BUDGET_USD": 2.5}  # three videos of 0.80


@on_both_databases
def test_what_would_exceed_the_budget_is_refused_before_anything_is_charged(app, alice, caplog):
    order = app.extensions["catalogue"].order("A cat walks slowly through the rain")
    for _ in range(3):
        videos.request(alice.id, order)
    assert "80 %" in caplog.text
    with pytest.raises(BudgetSpent, match="Nothing was charged"):
        videos.request(alice.id, order)
    assert credits.history(alice.id)[0].balance == 700
    assert budget.current().spent == pytest.approx(2.4)
    assert budget.current().warns


@on_both_databases
def test_a_crowd_does_not_get_past_the_budget(app):
    order = app.extensions["catalogue"].order("A cat walks slowly through the rain")
    people = [accounts.create(f"{n}@example.com", None) for n in range(10)]
    answers = at_once(app, 10, lambda n: videos.request(people[n].id, order))
    assert sum(isinstance(answer, BudgetSpent) for answer in answers) == 7
    assert sum(isinstance(answer, videos.Receipt) for answer in answers) == 3


def test_a_video_that_was_cancelled_unsent_gives_its_share_back(app, alice):
    order = app.extensions["catalogue"].order("A cat walks slowly through the rain")
    first = videos.request(alice.id, order)
    videos.cancel(alice.id, first.video_id)
    assert budget.current().spent == 0
