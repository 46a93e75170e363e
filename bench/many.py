"""Many at once: 200 videos of 10 users through one `worker.py`, beside a single one."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from processes import Api, Installation
from servers import RedisServer, wait_until

from aivideo.extensions import upgrade_database
from bench.run import table

USERS, EACH = 10, 20
RENDER_SECONDS = 8
CREDITS = 2100
TARGET = 4.0


def run(folder: Path) -> None:
    redis = RedisServer().start()
    house = Installation(
        folder,
        redis.url,
        f"sqlite:///{folder / 'many.sqlite3'}",
        SORA_POLL_SECONDS=2,
        WEB_CONCURRENCY=2,
        SUBMIT_RATE="10000 per second",
        LOG_LEVEL="WARNING",
    )
    try:
        clip = folder / "clip.mp4"
        subprocess.run(  # drawn beforehand, so that the simulator's drawing does not count
            [sys.executable, "-m", "aivideo.providers.simulator", "--make-clip", str(clip)], check=True
        )
        house.start_simulator("--seconds", str(RENDER_SECONDS), "--clip", str(clip))
        upgrade_database(house.app)
        house.start_web()
        house.settings["LOG_LEVEL"] = "INFO"
        house.start_worker()
        apis = [
            house.api(house.user(f"{number}@example.com", None, plan="studio", credits=CREDITS))
            for number in range(USERS)
        ]
        single = _time(apis[:1], 1)
        crowd = _time(apis, EACH)
        worker = psutil.Process(house.running["worker"].pid)
        memory = f"{worker.memory_info().rss / 1e6:.0f} MB"
        charged = all(api.credits() == CREDITS - 100 * (EACH + (number == 0)) for number, api in enumerate(apis))
        table(
            ("", "seconds", "times a single one", "worker memory"),
            [
                ("1 video", f"{single:.1f}", "1.0", ""),
                (f"{USERS * EACH} videos of {USERS} users", f"{crowd:.1f}", f"{crowd / single:.1f}", memory),
            ],
        )
        print(f"each charged once: {'yes' if charged else 'NO'}; target: at most {TARGET:.0f} times a single one")
    finally:
        house.stop()
        redis.stop()


def _time(apis: list[Api], each: int) -> float:
    """Seconds from the first submission until every video has completed."""
    started = time.monotonic()

    def submit(api: Api) -> None:
        for _ in range(each):
            answer = api.generate()
            assert answer.status_code == 202, answer.text

    crowd = [threading.Thread(target=submit, args=(api,)) for api in apis]
    for member in crowd:
        member.start()
    for member in crowd:
        member.join()
    print(f"  {len(apis) * each} accepted in {time.monotonic() - started:.1f} s")
    wait_until(lambda: not any(_open(api) for api in apis), 200, "the end of all videos")
    return time.monotonic() - started


def _open(api: Api) -> bool:
    page: dict[str, Any] = api.http.get(f"{api.url}/videos", params={"limit": 100}, timeout=30).json()
    states = [video["status"] for video in page["data"]]
    assert "failed" not in states, [video["error"] for video in page["data"] if video["error"]]
    if any(state != "completed" for state in states):
        time.sleep(0.2)
        return True
    return False
