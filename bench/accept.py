"""What accepting a video costs: `POST /api/v1/videos/generate` beside a bare view, with 1 client and with 20."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
from processes import Installation, free_port
from servers import RedisServer, wait_until

from aivideo.extensions import upgrade_database
from bench.run import ROOT, table

CLIENTS = (1, 20)
ROUNDS = 15
WARM_UP = 2
SECONDS = {1: 0.3, 20: 0.6}
TARGET = 2.5
BODY = {"prompt": "A cat walks slowly through the rain", "model": "sora-2", "seconds": 8, "size": "1280x720"}
CREDITS = 100_000_000


def run(folder: Path) -> None:
    redis = RedisServer().start()
    house = Installation(folder, redis.url, f"sqlite:///{folder / 'house.sqlite3'}", SUBMIT_RATE="1000000 per second")
    bare = Installation(folder / "bare", redis.url, f"sqlite:///{folder / 'bare.sqlite3'}")
    # One process each: of two, sometimes one would get most connections, and that would be measured.
    for each in (house, bare):
        each.settings |= {"LOG_LEVEL": "WARNING", "WEB_CONCURRENCY": 1}
    bare.folder.mkdir()
    try:
        tokens = _prepare(house, bare)
        _start_bare(bare)
        house.start_web()
        variants: dict[str, dict[str, Any]] = {
            "bare view": {"port": bare.port, "path": "/rows"},
            "accept": {"port": house.port, "path": "/api/v1/videos/generate"},
            "accept with key": {"port": house.port, "path": "/api/v1/videos/generate", "key": True},
        }
        _show(_measure(variants, tokens))
    finally:
        house.stop()
        bare.stop()
        redis.stop()


def _prepare(house: Installation, bare: Installation) -> list[str]:
    """Tables in both databases, and a user for each client; returns their tokens."""
    upgrade_database(house.app)
    tables = "from bench.bare import create_app, db\nwith create_app().app_context(): db.create_all()"
    bare._start("tables", sys.executable, "-c", tables)
    assert bare.running.pop("tables").wait(30) == 0, bare.log("tables")
    return [house.user(f"user{number}@example.com", plan="studio", credits=CREDITS) for number in range(max(CLIENTS))]


def _start_bare(bare: Installation) -> None:
    bare.port = free_port()
    place = ["--bind", f"127.0.0.1:{bare.port}"]
    bare._start("web", sys.executable, "-m", "gunicorn", "bench.bare:create_app()", *place)
    wait_until(lambda: _up(f"http://127.0.0.1:{bare.port}/readyz"), 30, f"the bare view\n{bare.log('web')}")


def _up(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def _measure(variants: dict[str, dict[str, Any]], tokens: list[str]) -> dict[tuple[str, int], list[list[float]]]:
    """What each request took, in seconds, by variant and number of clients, by round."""
    found = {}
    for clients in CLIENTS:
        headers = [{"Authorization": f"Bearer {token}"} for token in tokens[:clients]]
        plan = {"targets": list(variants.values()), "clients": headers, "body": BODY}
        plan |= {"rounds": ROUNDS + WARM_UP, "seconds": SECONDS[clients]}
        done = subprocess.run(
            [sys.executable, "-m", "bench.clients"],
            input=json.dumps(plan),
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for name, rounds in zip(variants, json.loads(done.stdout), strict=True):
            found[name, clients] = [took for took in rounds[WARM_UP:] if took]
    return found


def _show(found: dict[tuple[str, int], list[list[float]]]) -> None:
    """Medians over the rounds, also of the ratio: each round is compared with what the bare view did next to it.

    The mean counts: with many clients, some are served before others.
    """
    rows: list[tuple[object, ...]] = []
    worst = 0.0
    for (name, clients), rounds in found.items():
        means = [statistics.fmean(took) * 1000 for took in rounds]
        beside = [statistics.fmean(took) * 1000 for took in found["bare view", clients]]
        times = statistics.median(ours / theirs for ours, theirs in zip(means, beside, strict=True))
        mean, median = statistics.median(means), statistics.median(statistics.median(took) * 1000 for took in rounds)
        spread = f"{min(means):.1f} to {max(means):.1f}"
        per_second = clients * 1000 / mean
        rows.append((name, clients, f"{median:.2f}", f"{mean:.2f}", spread, f"{per_second:.0f}", f"{times:.2f}"))
        if name == "accept":
            worst = max(worst, times)
    table(("variant", "clients", "median ms", "mean ms", "of the rounds", "requests/s", "times bare"), rows)
    print(f"\naccept takes {worst:.2f} times as long as the bare view at worst; at most {TARGET} is the aim.")
