"""Jobs: what was bought. Time decides how far each one is, so a restart changes nothing."""

import secrets
import sqlite3
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from aivideo.providers.simulator.database import Database

EXPIRES_SECONDS = 3600
QUEUED_SECONDS = 1.0


@dataclass(frozen=True)
class Job:
    """A row of `jobs`. Times are Unix seconds; `gone` is None, `deleted` or `forgotten`.

    `seconds` of an extension are those of the whole clip, with what it goes on with.
    """

    number: int
    id: str
    prompt: str
    model: str
    size: str
    seconds: int
    created_at: float
    render_seconds: float
    seed: str
    picture: str | None = None
    remixed_from: str | None = None
    extended_from: str | None = None
    drawn_at: float | None = None
    failed_after: float | None = None
    error_code: str | None = None
    error_message: str | None = None
    gone: str | None = None

    def status(self, now: float) -> str:
        """`queued`, `in_progress`, `completed` or `failed`, as it stands at `now`."""
        age = now - self.created_at
        if self.failed_after is not None and age >= self.failed_after:
            return "failed"
        if self.drawn_at is not None and age >= self.render_seconds and age > 0:  # never in the create's own answer
            return "completed"
        return "queued" if age <= self._queued_seconds else "in_progress"

    def progress(self, now: float) -> int:
        """Percent; 100 only for what is completed."""
        if self.status(now) == "completed":
            return 100
        rendered, all_in_all = now - self.created_at - self._queued_seconds, self.render_seconds - self._queued_seconds
        return max(0, min(99, int(100 * rendered / all_in_all))) if all_in_all > 0 else 0

    @property
    def completed_at(self) -> float | None:
        """When it was, or will be, ready; None until its clip is there."""
        return None if self.drawn_at is None else max(self.created_at + self.render_seconds, self.drawn_at)

    def expired(self, now: float) -> bool:
        return self.completed_at is not None and now >= self.completed_at + EXPIRES_SECONDS

    def document(self, now: float) -> dict[str, Any]:
        """The Video object of the protocol."""
        status = self.status(now)
        done = self.completed_at if status == "completed" else None
        failed = {"code": self.error_code, "message": self.error_message} if status == "failed" else None
        return {
            "id": self.id,
            "object": "video",
            "created_at": int(self.created_at),
            "status": status,
            "completed_at": None if done is None else int(done),
            "error": failed,
            "expires_at": None if done is None else int(done + EXPIRES_SECONDS),
            "model": self.model,
            "progress": self.progress(now),
            "prompt": self.prompt,
            "remixed_from_video_id": self.remixed_from,
            "seconds": str(self.seconds),
            "size": self.size,
        }

    @property
    def _queued_seconds(self) -> float:
        return min(QUEUED_SECONDS, self.render_seconds / 10)


COLUMNS = ", ".join(field.name for field in fields(Job))


class Jobs:
    """The jobs in a simulator's folder: rows in its database, pictures and clips as files beside it."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database
        (folder / "clips").mkdir(parents=True, exist_ok=True)
        (folder / "pictures").mkdir(parents=True, exist_ok=True)

    def clip(self, job: Job) -> Path:
        return self.folder / "clips" / f"{job.id}.mp4"

    def picture(self, job: Job) -> Path | None:
        return self.folder / "pictures" / job.picture if job.picture else None

    def add(self, *, picture: bytes | None = None, **values: Any) -> Job:
        """Buy one. `values` are the fields of a Job other than `number`, `id` and `picture`."""
        job_id = f"video_{secrets.token_hex(24)}"
        if picture is not None:
            values["picture"] = job_id
            (self.folder / "pictures" / job_id).write_bytes(picture)
        number = self._database.insert("jobs", {"id": job_id, **values})
        return Job(number=number, id=job_id, **values)

    def find(self, job_id: str) -> Job | None:
        """The job, unless it was deleted or forgotten."""
        rows = self._database.rows(f"SELECT {COLUMNS} FROM jobs WHERE id = ? AND gone IS NULL", (job_id,))  # noqa: S608
        return _job(rows[0]) if rows else None

    def line(self, job: Job) -> list[Job]:
        """What an extension goes on with, and the extension: as they follow each other in the clip, gone or not."""
        found = [job]
        query = f"SELECT {COLUMNS} FROM jobs WHERE id = ?"  # noqa: S608
        while before := self._database.rows(query, (found[0].extended_from,)):
            found.insert(0, _job(before[0]))
        return found

    def page(self, after: Job | None, limit: int, descending: bool) -> tuple[list[Job], bool]:
        """At most `limit` jobs that come after `after`, and whether there are more."""
        where, values = "gone IS NULL", []
        if after:
            where += f" AND number {'<' if descending else '>'} ?"
            values.append(after.number)
        order = "DESC" if descending else "ASC"
        query = f"SELECT {COLUMNS} FROM jobs WHERE {where} ORDER BY number {order} LIMIT ?"  # noqa: S608
        rows = self._database.rows(query, (*values, limit + 1))
        return [_job(row) for row in rows[:limit]], len(rows) > limit

    def drawn(self, job: Job, when: float) -> None:
        self._database.change("UPDATE jobs SET drawn_at = ? WHERE id = ? AND drawn_at IS NULL", (when, job.id))

    def fail(self, job: Job, after: float, code: str, message: str) -> None:
        """Let `job` fail `after` seconds from its creation."""
        statement = "UPDATE jobs SET failed_after = ?, error_code = ?, error_message = ? WHERE id = ?"
        self._database.change(statement, (after, code, message, job.id))

    def slow(self, job: Job, render_seconds: float) -> None:
        """Let `job` take `render_seconds` in all."""
        self._database.change("UPDATE jobs SET render_seconds = ? WHERE id = ?", (render_seconds, job.id))

    def remove(self, job: Job, how: str) -> None:
        """Be rid of a job: `deleted` at the client's wish, or `forgotten`. What was bought stays counted."""
        self._database.change("UPDATE jobs SET gone = ? WHERE id = ?", (how, job.id))
        self.clip(job).unlink(missing_ok=True)

    def sweep(self, now: float) -> None:
        """Remove clips that can no longer be fetched, what was left half-drawn, and pictures of yesterday's jobs."""
        for folder, seconds in (("clips", 3 * EXPIRES_SECONDS), ("pictures", 24 * EXPIRES_SECONDS)):
            for file in (self.folder / folder).iterdir():
                with suppress(FileNotFoundError):  # another process sweeps as well
                    if file.stat().st_mtime < now - seconds:
                        file.unlink()

    def purchases(self) -> list[dict[str, Any]]:
        """Everything ever bought, oldest first, whatever has become of it."""
        rows = self._database.rows(f"SELECT {COLUMNS} FROM jobs ORDER BY number")  # noqa: S608
        shown = ("id", "prompt", "model", "size", "seconds", "created_at", "remixed_from", "extended_from", "gone")
        return [{name: asdict(_job(row))[name] for name in shown} for row in rows]


def _job(row: sqlite3.Row) -> Job:
    return Job(**dict(row))
