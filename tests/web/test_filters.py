"""Words and numbers as the pages show them."""

from datetime import UTC, datetime, timedelta

import pytest

from aivideo.core.failures import FAILURES
from aivideo.core.video import Line, Stage, Status
from aivideo.web import filters

NOON = datetime(2026, 11, 22, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (9, "0:09"), (72, "1:12"), (3599, "59:59"), (3723, "1:02:03"), (-5, "0:00")]
)
def test_elapsed_time_reads_like_a_clock(seconds, shown):
    assert filters.elapsed(NOON, NOON + timedelta(seconds=seconds)) == shown
    assert filters.elapsed(NOON.isoformat(), (NOON + timedelta(seconds=seconds)).isoformat()) == shown


@pytest.mark.parametrize(
    ("before", "shown"),
    [
        (timedelta(seconds=-2), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=5, seconds=30), "5 min ago"),
        (timedelta(hours=23, minutes=59), "23 h ago"),
        (timedelta(days=1), "21 Nov"),
        (timedelta(days=20), "2 Nov"),
        (timedelta(days=330), "27 Dec 2025"),
    ],
)
def test_a_time_is_relative_within_a_day(before, shown):
    assert filters.ago(NOON - before, NOON) == shown


def test_an_exact_time_names_its_zone():
    assert filters.exact("2026-11-02T13:00:05.000+01:00") == "2 November 2026, 12:00:05 UTC"
    assert filters.clock("2026-11-22T12:00:05.000Z") == "12:00:05"


def test_numbers_have_units():
    assert [filters.count(number, "credit") for number in (0, 1, 1200)] == ["0 credits", "1 credit", "1,200 credits"]
    assert filters.dimensions("1280x720") == "1280 × 720"
    assert [filters.shape(size) for size in ("1280x720", "720x1280", "1024x1024")] == [
        "landscape",
        "portrait",
        "square",
    ]


@pytest.mark.parametrize("line", [Line.CANCELLED_FREE, Line.NOT_TAKEN, Line.waiting("The provider is busy."), "Plain."])
def test_words_are_a_line_without_its_sign(line):
    words = filters.words(line)
    assert words[0].isalpha()
    assert line.endswith(words)


def test_every_state_and_failure_has_words():
    assert filters.STATUS_WORDS.keys() == set(Status)
    assert filters.STAGE_WORDS.keys() == set(Stage) - {Stage.ENDED}
    assert filters.FAILURE_WORDS.keys() == FAILURES.keys()
