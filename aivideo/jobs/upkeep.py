"""Jobs that keep the house in order."""

from aivideo.services import videos


def recover() -> dict[str, int]:
    return videos.recover()
