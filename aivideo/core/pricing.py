"""What a video costs. The number on the button is this function's, and so is the charge."""

import math
from fractions import Fraction


def credits_for(credits_per_second: Fraction, seconds: int) -> int:
    """Whole credits for a clip, rounded up: 12.5 a second and 8 seconds make 100."""
    return math.ceil(credits_per_second * seconds)
