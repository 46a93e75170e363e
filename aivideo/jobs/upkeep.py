"""Jobs that keep the house in order."""

from aivideo.services import audit as books
from aivideo.services import videos


def recover() -> dict[str, int]:
    return videos.recover()


def audit() -> int:
    """Check the books; what does not add up is logged as an error. Returns how many things that are."""
    return books.report()
