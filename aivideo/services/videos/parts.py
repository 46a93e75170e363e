"""Where a video is fetched to, until it is checked and stored."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aivideo.adapters import settings


def part_of(video_id: int) -> Path:
    return settings().data_dir / "downloads" / f"{video_id}.part"


@contextmanager
def alone(part: Path) -> Iterator[None]:
    """One at a time writes to `part`: after a while without the database, two may believe that they hold the lease.

    Raises:
        BlockingIOError: somebody does. The kernel lets go of a killed one's lock.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    with part.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def sweep(video_id: int) -> None:
    """Remove what was fetched so far, and the notes beside it."""
    for path in part_of(video_id).parent.glob(f"{video_id}.*"):
        path.unlink(missing_ok=True)
