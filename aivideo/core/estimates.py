"""How long a video is likely to take: by the last runs of its model, and by its own progress."""

from collections.abc import Sequence
from statistics import median

ENOUGH = 3
"""Runs of the very same length that make all others needless."""
FIXED = 0.5
"""The part of a run's time that does not grow with the length of its clip, as far as one can tell for all models."""
FIRST_TELLING, LAST_TELLING = 5, 95
"""Percent from which on progress alone says something, and up to which it does: many servers stay at 99 for long."""


def typical(runs: Sequence[tuple[int, float]], seconds: int) -> float | None:
    """How long a clip of `seconds` takes, by `(clip's length, time it took)` of finished ones; None without any."""
    same = [took for length, took in runs if length == seconds]
    if len(same) >= ENOUGH:
        return median(same)
    return median(took * (FIXED + (1 - FIXED) * seconds / length) for length, took in runs) if runs else None


def refined(expected: float | None, age: float, progress: int) -> float | None:
    """A new estimate of the whole time, from the last one and what has come about in `age` seconds.

    The further it is, the more its own pace counts.
    """
    if expected is None:
        return age * 100 / progress if progress >= FIRST_TELLING else None
    if progress > LAST_TELLING:
        return expected
    own = progress / 100
    return expected * (1 - own) + (age * 100 / progress) * own if progress > 0 else expected
