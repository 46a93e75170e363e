"""When to look again: never too early, never much too late."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aivideo.core import schedule

SECONDS = st.floats(0.1, 600)
NOW = datetime(2026, 11, 22, 20, tzinfo=UTC)


@given(base=SECONDS, age=st.floats(-60, 1e6), hint=st.none() | st.floats(0, 1e6))
def test_a_pause_is_between_the_setting_and_three_times_that(base, age, hint):
    assert base <= schedule.poll_pause(base, age, hint) <= 3 * base


@given(base=SECONDS, ages=st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)))
def test_an_older_job_is_not_looked_at_more_often(base, ages):
    assert schedule.poll_pause(base, min(ages)) <= schedule.poll_pause(base, max(ages))


def test_a_hint_of_the_provider_lengthens_the_pause_but_not_without_end():
    assert schedule.poll_pause(10, 0) == 10
    assert schedule.poll_pause(10, 0, hint=15) == 15
    assert schedule.poll_pause(10, 0, hint=5) == 10
    assert schedule.poll_pause(10, 0, hint=3600) == 30
    assert schedule.poll_pause(10, 360) == 20
    assert schedule.poll_pause(10, 3600) == 30


def test_pauses_after_failures_double_up_to_the_longest():
    assert [schedule.backoff(failures, 2, 20) for failures in range(7)] == [0, 2, 4, 8, 16, 20, 20]


@given(st.integers(0, 10_000), SECONDS, SECONDS)
def test_a_pause_after_many_failures_is_still_a_number_of_seconds(failures, base, longest):
    assert 0 <= schedule.backoff(failures, base, longest) <= longest


def _late_looks(until):
    """Minutes after the time-out at which a video is looked at, each look taking place when it is due."""
    at, looks, found = NOW, 0, []
    while (at := schedule.next_late_look(NOW, looks, at, until)) is not None:
        found.append((at - NOW).total_seconds() / 60)
        looks += 1
    return found


def test_a_timed_out_video_is_looked_at_after_5_15_and_60_minutes_then_hourly():
    assert _late_looks(NOW + timedelta(hours=4)) == [5, 15, 60, 120, 180, 240]


def test_nobody_looks_after_the_provider_has_deleted_the_file():
    assert _late_looks(NOW + timedelta(minutes=20)) == [5, 15]
    assert _late_looks(NOW) == []


def test_looks_that_were_missed_do_not_come_all_at_once():
    missed_two_days = NOW + timedelta(days=2)
    at = schedule.next_late_look(NOW, 7, missed_two_days, NOW + timedelta(days=9))
    assert at == missed_two_days + timedelta(hours=1)
