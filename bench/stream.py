"""The live stream beside its peers: what a viewer costs, how fast messages come, and what is lost."""

import argparse
import platform
import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bench import machine, programs, promises
from bench.rounds import Round, Scale
from bench.run import table
from bench.variants import known

SMALL = Scale(1000, 1000, 1000, rounds=1, steady_seconds=3, crowd_messages=3, returning_seconds=3, stuck_bytes=8 << 20)
FEW = ("ours", "sse-starlette", "floor")
ROWS = {
    "memory KB": ("memory per viewer, KB", "{:.2f}"),
    "redis connections": ("Redis connections", "{:.0f}"),
    "connects per second": ("connects per second", "{:.0f}"),
    "cpu us": ("server µs per delivery at 5,000/s", "{:.0f}"),
    "p50 ms": ("p50 at 5,000/s, ms", "{:.2f}"),
    "p99 ms": ("p99 at 5,000/s, ms", "{:.1f}"),
    "burst": ("deliveries per second, burst", "{:.0f}"),
    "last of channel ms": ("one channel: last viewer after, ms", "{:.0f}"),
    "slowest page ms": ("slowest page meanwhile, ms", "{:.0f}"),
    "lost": ("lost, viewers cut and returning", "{:.2%}"),
    "doubled": ("doubled", "{:.0f}"),
    "lost with Redis": ("lost, Redis restarted empty besides", "{:.2%}"),
    "doubled with Redis": ("doubled", "{:.0f}"),
    "sigterm s": ("SIGTERM, s", "{:.2f}"),
    "stuck KB": ("a stuck viewer costs, KB", "{:.0f}"),
    "stuck is cut": ("and is cut (1) or not (0)", "{:.0f}"),
}
Found = dict[str, dict[str, float]]


def full() -> Scale:
    most = machine.most_viewers()
    return Scale(most, min(5000, most), min(1000, most), rounds=3)


def run(folder: Path, wanted: argparse.Namespace) -> None:
    machine.needs()
    scale = full() if wanted.full else SMALL
    if wanted.viewers:
        scale = replace(scale, viewers=wanted.viewers, crowd=wanted.viewers, returning=wanted.viewers)
    if wanted.seconds:
        stuck_bytes = int(scale.stuck_bytes * min(1, wanted.seconds))
        scale = replace(scale, steady_seconds=wanted.seconds, returning_seconds=wanted.seconds, stuck_bytes=stuck_bytes)
    if wanted.rounds:
        scale = replace(scale, rounds=wanted.rounds)
    names = wanted.only.split(",") if wanted.only else (tuple(known()) if wanted.full else FEW)
    if unknown := set(names) - known().keys():
        raise SystemExit(f"There is no server {', '.join(unknown)} to measure; allowed: {', '.join(known())}.")
    found = measure(folder, scale, names)
    if not found:
        raise SystemExit("Nothing could be measured.")
    _print(found, scale)
    if "ours" in found:
        print()
        table(("what was promised", "at most or least", "measured", ""), promises.kept(found))


def measure(folder: Path, scale: Scale, names: Sequence[str]) -> Found:
    compiled = programs.compiled(folder)
    redis = machine.Redis().start()
    kinds = {name: kind for name, kind in known().items() if name in names and kind.is_here()}
    variants = {name: kind(folder, compiled, redis) for name, kind in kinds.items()}
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    try:
        for number in range(scale.rounds):  # in turn, so that whatever else the machine does falls on all alike
            for name, variant in variants.items():
                print(f"  round {number + 1} of {scale.rounds}: {variant.name}", flush=True)
                try:
                    rounds[name].append(Round(variant, scale).measure())
                except AssertionError as error:  # the others are worth measuring all the same
                    print(f"  {variant.name} has failed in this round: {error}", flush=True)
    finally:
        for variant in variants.values():
            variant.close()
        redis.stop()
    return {name: _medians(some) for name, some in rounds.items() if some}


def _medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Of what every round has found; of what must never happen, the worst."""
    figures = {}
    for name in rounds[0]:
        middle = max if name.startswith(("lost", "doubled")) else statistics.median
        figures[name] = middle([found[name] for found in rounds])
    return figures


def _print(found: Found, scale: Scale) -> None:
    kinds = known()
    cores = len(machine.ALL_CORES)
    print(
        f"\n{scale.viewers} viewers, 10 to a channel, messages of 200 bytes; one channel: {scale.crowd} viewers; "
        f"returning and SIGTERM: {scale.returning}; medians of {scale.rounds}. One core for the server, of {cores}; "
        f"Python {platform.python_version()}, {platform.system()} {platform.release()}, {datetime.now(UTC):%Y-%m-%d}.\n"
    )
    head = ("", *(kinds[name].name for name in found))
    rows = [
        (words, *(form.format(figures[key]) if key in figures else "–" for figures in found.values()))
        for key, (words, form) in ROWS.items()
    ]
    table(head, rows)
