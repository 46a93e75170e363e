"""Run benchmarks by name, each in a folder of its own, and print their tables."""

import argparse
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
    "stream": "viewers of the live stream, beside peers and beside the least a server can do",
    "many": "200 videos at once through one worker process, beside a single one",
}
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def main(arguments: list[str]) -> int:
    wanted = _parser().parse_args(arguments)
    for name in list(os.environ):  # neither the caller's settings nor keys
        if name not in KEPT:
            del os.environ[name]
    os.environ["ENV_FILE"] = ""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    for name in wanted.names or BENCHES:
        print(f"\n{name}: {BENCHES[name]}\n", flush=True)
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="aivideo-bench-") as folder:
            bench = importlib.import_module(f"bench.{name}")
            options = [wanted] if name == "stream" else []
            bench.run(Path(folder), *options)
        print(f"\n({time.monotonic() - began:.0f} s)")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES), type=_name)
    stream = parser.add_argument_group("for stream")
    stream.add_argument("--full", action="store_true", help="all peers, viewers up to the file limit, three rounds")
    stream.add_argument("--viewers", type=int, metavar="N", help="so many viewers")
    stream.add_argument("--rounds", type=int, metavar="N", help="so many rounds; the table has their medians")
    stream.add_argument("--seconds", type=float, metavar="S", help="about so long for each part that takes a time")
    stream.add_argument("--only", metavar="A,B", help="these servers")
    return parser


def _name(name: str) -> str:
    if name not in BENCHES:
        raise argparse.ArgumentTypeError(f"there is no benchmark {name}; allowed: {', '.join(BENCHES)}")
    return name


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    """Print rows under their heads: words to the left, numbers to the right."""
    cells = [tuple(str(cell) for cell in row) for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    for number, row in enumerate(cells):
        first, *others = zip(row, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]))
        if number == 0:
            print("  ".join("-" * width for width in widths))
