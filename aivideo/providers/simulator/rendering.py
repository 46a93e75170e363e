"""Draws the clips of jobs beside the requests: a thread or two per process, and never one clip twice."""

import fcntl
import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aivideo.providers.simulator.jobs import Job, Jobs

log = logging.getLogger(__name__)


class Rendering:
    """Gives each job its clip. With `ready_made`, every job's clip is that file and nothing is drawn."""

    def __init__(self, jobs: Jobs, clock: Callable[[], float], ready_made: Path | None, threads: int = 1) -> None:
        self.ready_made = ready_made
        self._jobs, self._clock, self._threads = jobs, clock, threads
        self._lock = threading.Lock()
        self._wanted: deque[Job] = deque()
        self._in_hand: set[str] = set()
        self._running: list[threading.Thread] = []
        self._stopping = threading.Event()

    def clip(self, job: Job) -> Path:
        """Where the clip of a job is, or will be."""
        return self.ready_made or self._jobs.clip(job)

    def ensure(self, job: Job) -> None:
        """See to it that the clip of `job` is being drawn by somebody. Returns at once."""
        if job.drawn_at is not None or job.failed_after is not None:
            return
        with self._lock:
            if job.id in self._in_hand or self._stopping.is_set():
                return
            self._in_hand.add(job.id)
            self._wanted.append(job)
            self._running = [thread for thread in self._running if thread.is_alive()]  # none lives past a fork
            if len(self._running) < self._threads:
                thread = threading.Thread(target=self._work, name="simulator-drawing", daemon=True)
                self._running.append(thread)
                thread.start()

    def stop(self) -> None:
        """Give up what is being drawn and return when that has happened; a later poll has it drawn anew."""
        self._stopping.set()
        for thread in list(self._running):
            thread.join()
        with self._lock:
            self._wanted.clear()
            self._in_hand.clear()
            self._stopping.clear()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._wanted or self._stopping.is_set():
                    self._running.remove(threading.current_thread())
                    return
                job = self._wanted.popleft()
            try:
                self._draw(job)
            except Exception:
                log.exception("drawing %s failed", job.id)
                with suppress(sqlite3.Error):  # the folder itself may be gone
                    self._jobs.fail(job, 0, "video_generation_failed", "The video could not be rendered.")
            finally:
                with self._lock:
                    self._in_hand.discard(job.id)

    def _draw(self, job: Job) -> None:
        from aivideo.providers.simulator.drawing import Shot, draw_shots

        clip = self._jobs.clip(job)
        with _sole(clip.with_suffix(".part")) as part:
            if part is None or self._jobs.find(job.id) is None:  # another process is at it, or nobody wants it any more
                return
            if not clip.exists():
                shots, shown = [], 0
                for each in self._jobs.line(job):
                    caption = f"Simulated clip · {each.model} · {each.size.replace('x', '×')} · {each.seconds} s"
                    picture = self._jobs.picture(each)
                    if each is not job and picture and not picture.exists():
                        picture = None  # swept, after a day
                    shots.append(Shot(each.prompt, each.seconds - shown, picture, caption, each.seed))
                    shown = each.seconds
                if not draw_shots(part, shots, size=job.size, keep_on=lambda: not self._stopping.is_set()):
                    return
                os.rename(part, clip)
                log.info("drew %s", job.id)
        if self._jobs.find(job.id) is None:  # deleted meanwhile
            clip.unlink(missing_ok=True)
            return
        self._jobs.drawn(job, self._clock())
        self._jobs.sweep(self._clock())


@contextmanager
def _sole(path: Path) -> Iterator[Path | None]:
    """`path`, locked against every other process until it is renamed or left; None where one has it.

    The lock is on the unfinished file itself and ends with its holder, so a killed one blocks nobody.
    """
    with open(path, "ab") as part:
        try:
            fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.fstat(part.fileno()).st_ino == path.stat().st_ino  # not one renamed or removed just now
        except (BlockingIOError, FileNotFoundError):
            mine = False
        if not mine:
            yield None
            return
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
