"""When to look again: pauses in seconds, as functions of plain values."""

from datetime import datetime, timedelta

LATE_LOOKS_MINUTES = (5, 15, 60)
LONGEST_STRETCH = 3.0
STRETCH_FROM_SECONDS = 120.0
STRETCH_TO_SECONDS = 600.0


def poll_pause(base: float, age: float, hint: float | None = None) -> float:
    """Pause until the next look at a rendering, in seconds.

    Never below `base` (SORA_POLL_SECONDS); a provider's hint and a job's age lengthen it, up to three times `base`.
    """
    grown = (age - STRETCH_FROM_SECONDS) / (STRETCH_TO_SECONDS - STRETCH_FROM_SECONDS)
    stretch = 1 + (LONGEST_STRETCH - 1) * min(1.0, max(0.0, grown))
    return min(base * LONGEST_STRETCH, max(base * stretch, hint or 0.0))


def backoff(failures: int, base: float, longest: float) -> float:
    """Pause after the n-th failure in a row: base, 2·base, 4·base … up to `longest` seconds."""
    return min(longest, base * 2.0 ** min(failures - 1, 30)) if failures > 0 else 0.0


def next_late_look(timed_out_at: datetime, looks: int, now: datetime, until: datetime) -> datetime | None:
    """When a timed-out video is looked at again: after 5, 15 and 60 minutes, then hourly until `until`."""
    if looks < len(LATE_LOOKS_MINUTES):
        at = timed_out_at + timedelta(minutes=LATE_LOOKS_MINUTES[looks])
    else:
        at = max(now, timed_out_at) + timedelta(hours=1)
    return at if at <= until else None
