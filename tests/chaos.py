"""Chaos: a whole installation whose processes are killed while its provider misbehaves.

    python tests/chaos.py --seconds 600 --videos 200 [--postgres]

Videos are submitted as a careful client does, again with the same key until there is an answer. At the end everything
is left in peace, and then every video must have ended, every job that was bought must belong to one video, and the
books must add up.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import requests
from processes import CHECKOUT, Installation
from servers import PostgresServer, RedisServer, wait_until

PEACE_SECONDS = 240.0
READY_SECONDS = 1.0
USERS = 5
WORKERS = ("worker", "worker1")
FAULTS: list[dict[str, Any]] = [
    {"kind": "drop", "operation": "create", "count": 3},
    {"kind": "drop_before", "operation": "create", "count": 3},
    {"kind": "server_error", "operation": "create", "count": 3},
    {"kind": "html", "operation": "create", "count": 2},
    {"kind": "truncated", "operation": "create", "count": 2},
    {"kind": "stall", "operation": "create", "count": 2, "seconds": 3},
    {"kind": "rate_limited", "operation": "create", "count": 2, "retry_after": 1},
    {"kind": "overloaded", "operation": "create", "count": 2, "retry_after": 1},
    {"kind": "moderation_blocked", "operation": "create", "count": 1},
    {"kind": "sentinel_block", "operation": "create", "count": 1},
    {"kind": "server_error", "operation": "list", "count": 3},
    {"kind": "drop", "operation": "list", "count": 3},
    {"kind": "drop", "operation": "retrieve", "count": 20},
    {"kind": "server_error", "operation": "retrieve", "count": 20},
    {"kind": "html", "operation": "retrieve", "count": 10},
    {"kind": "other_id", "operation": "retrieve", "count": 30},
    {
        "kind": "statuses",
        "operation": "retrieve",
        "count": 50,
        "names": {"completed": "SUCCEEDED", "queued": "unknown"},
    },
    {"kind": "break_off", "operation": "content", "count": 2},
    {"kind": "html", "operation": "content", "count": 2},
    {"kind": "not_ready", "operation": "content", "count": 2},
    {"kind": "milliseconds", "operation": "list", "count": 5},
]


@dataclass
class Report:
    """What happened, and what must be zero: `bought_twice`, `lost`, `strays`, `not_ended`, `books`."""

    videos: int = 0
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    paid_calls: int = 0
    refunds: int = 0
    completed: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    bought_twice: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    not_ended: list[int] = field(default_factory=list)
    books: str = ""
    longest_recovery: float = 0.0

    @property
    def sound(self) -> bool:
        return not (self.bought_twice or self.strays or self.lost or self.not_ended or self.books)

    def rows(self) -> list[tuple[str, str]]:
        return [
            ("videos", str(self.videos)),
            ("kills", ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))),
            ("faults told to the provider", str(self.faults)),
            ("paid calls", str(self.paid_calls)),
            ("completed", str(self.completed)),
            ("failed with a refund", ", ".join(f"{code} {count}" for code, count in self.failed.items()) or "0"),
            ("bought twice", str(len(self.bought_twice))),
            ("bought for nobody", str(len(self.strays))),
            ("lost", str(len(self.lost))),
            ("not ended", str(len(self.not_ended))),
            ("refunds", str(self.refunds)),
            ("longest recovery", f"{self.longest_recovery:.0f} s"),
            ("books", self.books or "add up"),
        ]


class Chaos:
    """One run: `seconds` of trouble, then peace."""

    def __init__(self, folder: Path, redis: RedisServer, database_url: str, *, seed: int = 0) -> None:
        self.redis = redis
        self.chance = random.Random(seed)
        self.report = Report()
        self.house = Installation(
            folder,
            redis.url,
            database_url,
            SORA_POLL_SECONDS=0.5,
            GENERATION_RETRY_SECONDS=1,
            RECONCILE_SECONDS=4,
            SIGNUP_PLAN="studio",
            SIGNUP_CREDITS=10_000_000,
            SUBMIT_RATE="100000 per second",
            LOG_LEVEL="INFO",
            WORKER_CONCURRENCY=8,
        )
        self.ready_since: dict[str, float] = {}
        self.killed_at: list[float] = []

    def run(self, seconds: float, videos: int) -> Report:
        try:
            self._start()
            started = time.time()
            crowd = [
                threading.Thread(target=self._submit, args=(n, videos, seconds), daemon=True) for n in range(USERS)
            ]
            for member in crowd:
                member.start()
            for number in count():
                if time.time() >= started + seconds:
                    break
                self._trouble(number)
                time.sleep(self.chance.uniform(0.5, 2.5))  # a schedule of kills, not a wait for a condition
            self._peace()
            for member in crowd:
                member.join(60)
            self._wait_for_the_end()
            self.report.seconds = time.time() - started
            self._count()
        finally:
            self.house.stop()
        return self.report

    def _start(self) -> None:
        house = self.house
        clip = house.folder / "clip.mp4"
        maker = ["--make-clip", str(clip), "--size", "320x180", "--clip-seconds", "1"]
        subprocess.run([sys.executable, "-m", "aivideo.providers.simulator", *maker], check=True, cwd=CHECKOUT)
        base = house.start_simulator("--seconds", "3", "--clip", str(clip))
        self.simulator = base.removesuffix("/v1")
        self.tokens = [house.user(f"{number}@example.com") for number in range(USERS)]
        house.start_web()
        for name in WORKERS:
            house.start_worker(name)
        self.ready_since = dict.fromkeys(("web", *WORKERS), time.time())

    def _submit(self, user: int, videos: int, seconds: float) -> None:
        """As a careful client: the same request with the same key, until there is an answer."""
        api = self.house.api(self.tokens[user])
        mine = range(user, videos, USERS)
        pause = seconds * 0.7 / max(1, len(mine))
        for number in mine:
            while True:
                try:
                    answer = api.generate(
                        f"Video number {number} of a long night", seconds=4, headers={"Idempotency-Key": f"n{number}"}
                    )
                    if answer.status_code == 202:
                        self.report.videos += 1
                        break
                except requests.RequestException:
                    pass
                time.sleep(0.2)
            time.sleep(pause)  # the pace of submissions

    def _trouble(self, number: int) -> None:
        if number % 5 > 1:  # two kills, three faults
            fault = self.chance.choice(FAULTS)
            requests.post(f"{self.simulator}/faults", json=fault, timeout=10).raise_for_status()
            self.report.faults += 1
            return
        victims = [name for name, since in self.ready_since.items() if time.time() > since + READY_SECONDS]
        name = self.chance.choice([*victims, "redis"])
        self.report.kills[name.rstrip("1")] += 1
        self.killed_at.append(time.time())
        if name == "redis":
            self.redis.kill()
            self.redis.start()
        else:
            self.house.kill(name)
            self._revive(name)

    def _revive(self, name: str) -> None:
        if name == "web":
            self.house.start_web()
        else:
            (self.house.folder / f"{name}.log").unlink()
            self.house.start_worker(name)
        self.ready_since[name] = time.time()

    def _peace(self) -> None:
        requests.delete(f"{self.simulator}/faults", timeout=10).raise_for_status()

    def _wait_for_the_end(self) -> None:
        def ended() -> bool:
            return not self._rows("SELECT id FROM videos WHERE stage <> 'ended'")

        try:
            wait_until(ended, PEACE_SECONDS, "the end of all videos")
        except AssertionError:
            self.report.not_ended = [row[0] for row in self._rows("SELECT id FROM videos WHERE stage <> 'ended'")]

    def _count(self) -> None:
        report = self.report
        purchases = requests.get(f"{self.simulator}/purchases", timeout=30).json()["data"]
        report.paid_calls = len(purchases)
        prompts = Counter(purchase["prompt"] for purchase in purchases)
        report.bought_twice = [prompt for prompt, count in prompts.items() if count > 1]
        held = Counter(row[0] for row in self._rows("SELECT provider_job_id FROM attempts WHERE outcome = 'accepted'"))
        report.strays = [purchase["id"] for purchase in purchases if held[purchase["id"]] != 1]
        rows = self._rows("SELECT id, status, error_code, prompt FROM videos")
        report.completed = sum(row[1] == "completed" for row in rows)
        report.failed = Counter(row[2] for row in rows if row[1] == "failed")
        blameless = {"moderation_blocked", "invalid_input"}
        report.lost = [row[0] for row in rows if row[1] == "failed" and row[2] not in blameless and prompts[row[3]] > 0]
        report.refunds = self._rows("SELECT count(*) FROM ledger_entries WHERE kind = 'refund'")[0][0]
        check = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "ledger", "check"],
            cwd=CHECKOUT,
            env={"PATH": os.environ["PATH"], "ENV_FILE": "", **{k: str(v) for k, v in self.house.settings.items()}},
            capture_output=True,
            text=True,
            check=False,
        )
        report.books = "" if check.returncode == 0 else check.stdout + check.stderr
        report.longest_recovery = self._longest_standstill()

    def _longest_standstill(self) -> float:
        """The longest silence in any video's log that began around a kill, in seconds."""
        from aivideo.extensions import db
        from aivideo.models import Event

        with self.house.app.app_context():
            rows = db.session.execute(
                db.select(Event.video_id, Event.created_at).order_by(Event.video_id, Event.seq)
            ).all()
            db.session.remove()
        longest = 0.0
        for (video, before), (same, after) in pairwise(rows):
            if video == same and any(before.timestamp() <= kill <= after.timestamp() for kill in self.killed_at):
                longest = max(longest, (after - before).total_seconds())
        return longest

    def _rows(self, statement: str) -> list[Any]:
        from sqlalchemy import text

        from aivideo.extensions import db

        with self.house.app.app_context():
            rows = list(db.session.execute(text(statement)).all())
            db.session.remove()
        return rows


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill everything for a while and count what was lost.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    os.environ["ENV_FILE"] = ""
    sys.path.insert(0, str(CHECKOUT))
    from aivideo.extensions import upgrade_database

    redis = RedisServer().start()
    with tempfile.TemporaryDirectory(prefix="aivideo-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        postgres = PostgresServer(folder / "postgres").start() if options.postgres else None
        url = postgres.url("postgres") if postgres else f"sqlite:///{folder / 'chaos.sqlite3'}"
        try:
            chaos = Chaos(folder, redis, url, seed=options.seed)
            upgrade_database(chaos.house.app)
            report = chaos.run(options.seconds, options.videos)
        finally:
            redis.stop()
            if postgres:
                postgres.stop()
    width = max(len(name) for name, _ in report.rows())
    print(f"{'Postgres' if options.postgres else 'SQLite'}, {report.seconds:.0f} s, seed {options.seed}")
    for label, value in report.rows():
        print(f"  {label.ljust(width)}  {value}")
    return 0 if report.sound else 1


if __name__ == "__main__":
    sys.exit(main())
