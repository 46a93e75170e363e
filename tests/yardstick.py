"""CPU seconds as they would be on the machine that our promises are made for, however slow this one is at the moment.

On a busy machine the same work takes two or three times the CPU: neighbours empty the caches, and two of its CPUs may
be one core. So a fixed piece of work of the same kind is done before and after, and whatever it takes longer than it
should, all takes longer.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageChops

ROUNDS = 5
IMPORTS = (
    "import argparse, asyncio, concurrent.futures, ctypes, decimal, difflib, doctest, email.mime.text, ftplib,"
    " http.server, imaplib, logging.config, multiprocessing.pool, optparse, pydoc, smtplib, sqlite3, ssl, statistics,"
    " tarfile, unittest.mock, xml.dom.minidom, zipfile"
)


def costs_at_most(limit: float, cost: Callable[[], float], yardstick: Callable[[], float]) -> None:
    """Assert that `cost()`, in CPU seconds of the usual machine, is below `limit` in the mean of a few rounds.

    `yardstick()` is how many times longer than on that machine work of this kind takes right now. Most often one round
    is enough.
    """
    found: list[float] = []
    before = yardstick()
    while not found or (sum(found) / len(found) >= limit and len(found) < ROUNDS):
        spent = cost()
        after = yardstick()
        found.append(spent * 2 / (before + after))
        before = after
    assert sum(found) / len(found) < limit, found


def starting() -> float:
    """Of a process that starts, which is mostly imports. Those of the standard library take 0.2 s."""
    before = _spent_by_children()
    for _ in range(2):
        subprocess.run([sys.executable, "-I", "-S", "-c", IMPORTS], check=True)
    return (_spent_by_children() - before) / 2 / 0.2


def drawing(folder: Path) -> float:
    """Of drawing and encoding. Two seconds of grain that drifts past take 0.57 s."""
    grain = Image.effect_noise((1280, 720), 24).resize((1280, 720), box=(0, 0, 320, 180)).convert("RGB")
    began = time.process_time()
    with av.open(str(folder / "yardstick.mp4"), "w") as file:
        video: Any = file.add_stream("libx264", rate=24, options={"preset": "veryfast"})
        video.width, video.height, video.pix_fmt, video.thread_count = 1280, 720, "yuv420p", 1
        for number in range(48):
            file.mux(video.encode(av.VideoFrame.from_image(ImageChops.offset(grain, number * 3, number))))
        file.mux(video.encode())
    return (time.process_time() - began) / 0.57


def _spent_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
