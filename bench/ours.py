"""Our own server, with everything it does for a user: tokens are checked, events are rows, every viewer is counted."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from processes import Installation
from sqlalchemy import insert, update

from aivideo.extensions import upgrade_database
from bench import publisher
from bench.machine import Redis
from bench.variants import Variant

AT_A_TIME = 5000
VIDEO = {"prompt": "A paper boat on a river", "model": "sora-2", "size": "1280x720", "seconds": 8, "credits": 100}


class Detached(Variant):
    name = "ours"
    page = "/login"
    patience = 20.0  # the look at every heartbeat, after 15 s, is the last that heals
    hold = "detached"

    def __init__(self, folder: Path, programs: Path, redis: Redis) -> None:
        super().__init__(folder, programs, redis)
        self.house = Installation(
            self.folder,
            f"{redis.url}/0",
            f"sqlite:///{self.folder / 'house.sqlite3'}",
            STREAM_HOLD=self.hold,
            STREAM_MAX_PER_USER=100_000,
            STREAM_MAX_PER_PROCESS=20_000,
            WEB_CONCURRENCY=1,
            LOG_LEVEL="WARNING",
        )
        upgrade_database(self.house.app)
        self.header = f"Authorization: Bearer {self.house.user(credits=0)}"

    def channels(self, count: int) -> list[int]:
        from aivideo.models import Video

        numbers = super().channels(count)
        now = datetime.now(UTC)
        state = {"stage": "rendering", "status": "processing", "seq": 0, "created_at": now, "updated_at": now}
        rows = [{"id": number, "user_id": 1, **VIDEO, **state} for number in numbers]
        self._execute(insert(Video.__table__), rows)
        return numbers

    def path(self, channel: int, after: int = 0) -> str:
        return f"/api/v1/videos/{channel}/stream" + (f"?after={after}" if after else "")

    def record(self, channels: list[int], numbers: list[int], size: int, at: int) -> None:
        from sqlalchemy import bindparam

        from aivideo.models import Video
        from aivideo.models.events import NEW_EVENT

        now = datetime.fromisoformat(publisher.TIMESTAMP)
        same = {"step": 5, "created_at": now} | dict.fromkeys(("progress", "status", "video_url", "error"))
        rows = [
            {"video_id": channel, "seq": number, "message": publisher.text(number, at, size), **same}
            for channel, number in zip(channels, numbers, strict=True)
        ]
        last = dict(zip(channels, numbers, strict=True))
        table = Video.__table__
        seqs = update(table).where(table.c.id == bindparam("video")).values(seq=bindparam("last"))
        self._execute(NEW_EVENT, rows, seqs, [{"video": channel, "last": number} for channel, number in last.items()])

    def close(self) -> None:
        super().close()
        self.house.stop()

    def _execute(self, *statements: Any) -> None:
        """Statements and their rows, alternately, in one transaction."""
        from aivideo.extensions import db

        with self.house.app.app_context(), db.engine.begin() as connection:
            for statement, rows in zip(statements[::2], statements[1::2], strict=True):
                for start in range(0, len(rows), AT_A_TIME):
                    connection.execute(statement, rows[start : start + AT_A_TIME])

    def _run(self) -> "subprocess.Popen[bytes]":
        self.house.start_web("--bind", f"127.0.0.1:{self.port}")
        return self.house.running.pop("web")


class Generator(Detached):
    name = "ours, generator"
    hold = "generator"
