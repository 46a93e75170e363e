"""What the stream is to be, beside what was measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Promise:
    """`figure` of ours is at most (or, where `least`, at least) `limit`, times the peer's where there is one."""

    words: str
    figure: str
    limit: float
    peer: str = ""
    least: bool = False


PROMISES = (
    Promise("memory per viewer, KB", "memory KB", 1.5),
    Promise("Redis connections", "redis connections", 6),
    Promise("processor per delivery / sse-starlette's", "cpu us", 1 / 3, "sse-starlette"),
    Promise("processor per delivery / the floor's", "cpu us", 1.5, "floor"),
    Promise("p50 / the floor's", "p50 ms", 4, "floor"),
    Promise("p99 / sse-starlette's", "p99 ms", 1 / 5, "sse-starlette"),
    Promise("p99 / flask-sse's", "p99 ms", 1 / 5, "flask-sse"),
    Promise("burst / flask-sse's", "burst", 8, "flask-sse", least=True),
    Promise("burst / sse-starlette's", "burst", 8, "sse-starlette", least=True),
    Promise("burst / the floor's", "burst", 0.7, "floor", least=True),
    Promise("last viewer of one channel / the floor's", "last of channel ms", 1.6, "floor"),
    Promise("slowest page / with a connection each", "slowest page ms", 1 / 10, "each"),
    Promise("lost, viewers cut and returning", "lost", 0),
    Promise("doubled", "doubled", 0),
    Promise("lost, Redis restarted empty besides", "lost with Redis", 0),
    Promise("doubled", "doubled with Redis", 0),
    Promise("SIGTERM, s", "sigterm s", 2),
    Promise("a stuck viewer, KB", "stuck KB", 256),
    Promise("a stuck viewer is cut", "stuck is cut", 1, least=True),
)


def kept(found: dict[str, dict[str, float]]) -> list[tuple[object, ...]]:
    """A row for each promise whose peer was measured: words, limit, measured, ok or not."""
    rows: list[tuple[object, ...]] = []
    for promise in PROMISES:
        if promise.peer and promise.peer not in found:
            continue
        measured = found["ours"][promise.figure]
        if promise.peer:
            measured /= max(found[promise.peer][promise.figure], 1e-9)
        well = measured >= promise.limit if promise.least else measured <= promise.limit
        sign = "≥" if promise.least else "≤"
        rows.append((promise.words, f"{sign} {promise.limit:.3g}", f"{measured:.3g}", "ok" if well else "not ok"))
    return rows
