"""Run benchmarks by name, each in a folder of its own, and print their tables."""

import importlib
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCHES = {
    "accept": "what accepting a video costs, beside a bare view that writes one row and enqueues one job",
    "click": "from the click to the first log line on the page, in a real browser",
    "many": "200 videos at once through one worker process, beside a single one",
}
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def main(arguments: list[str]) -> int:
    unknown = [name for name in arguments if name not in BENCHES]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}. Allowed: {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    for name in list(os.environ):  # neither the caller's settings nor keys
        if name not in KEPT:
            del os.environ[name]
    os.environ["ENV_FILE"] = ""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    for name in arguments or BENCHES:
        print(f"\n{name}: {BENCHES[name]}\n", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="aivideo-bench-") as folder:
            importlib.import_module(f"bench.{name}").run(Path(folder))
        print(f"\n({time.monotonic() - began:.0f} s)")
    return 0


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Print rows under their heads: words to the left, numbers to the right."""
    cells = [tuple(str(cell) for cell in row) for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for number, row in enumerate(cells):
        first, *others = zip(row, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]))
        if number == 0:
            print("  ".join("-" * width for width in widths))
