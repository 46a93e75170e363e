"""For whoever runs it: is it up, is it ready, how much of everything, and the pages of an admin."""

import os
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template
from flask.typing import ResponseReturnValue

from aivideo import __version__, stream
from aivideo.adapters import settings
from aivideo.extensions import csrf
from aivideo.services import health
from aivideo.services.health import Figures
from aivideo.web import access, rq_pages

bp = Blueprint("operations", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    """This process is up; asks nobody else."""
    return jsonify(status="up")


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    missing = health.unanswered()
    checks = {name: missing.get(name, "ok") for name in ("database", "redis")}
    answer = jsonify(status="not ready" if missing else "ready", **checks)
    answer.headers["Cache-Control"] = "no-store"
    return answer, 503 if missing else 200


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus text, counted on request: several processes of the web say the same."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.registry import Collector

    figures = health.figures()

    class Now(Collector):
        def collect(self) -> Iterator[Any]:
            return _families(figures)

    registry = CollectorRegistry()
    registry.register(Now())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@bp.get("/admin")
def admin() -> str:
    access.require_admin()
    return render_template("admin/index.html", figures=health.figures(), unanswered=health.unanswered())


@bp.get("/admin/rq")
def rq_index() -> ResponseReturnValue:
    access.require_admin()
    return redirect("/admin/rq/")


@bp.route("/admin/rq/", methods=["GET", "POST"], defaults={"path": ""})
@bp.route("/admin/rq/<path:path>", methods=["GET", "POST"])
@csrf.exempt  # type: ignore[untyped-decorator]  # its forms carry no token; rq_pages looks at the Origin
def rq(path: str) -> ResponseReturnValue:
    access.require_admin()
    return rq_pages.answer(path)


def _families(figures: Figures) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily as Gauge

    def gauge(name: str, text: str, labels: tuple[str, ...], samples: Mapping[Any, float]) -> Any:
        family = Gauge(f"aivideo_{name}", text, labels=labels)
        for values, sample in samples.items():
            family.add_metric(values, sample)
        return family

    def by(samples: dict[str, Any]) -> dict[tuple[str, ...], float]:
        return {(name,): value for name, value in samples.items()}

    now = datetime.now(UTC)
    late = {stage: max(0.0, (now - moment).total_seconds()) for stage, moment in figures.oldest_due.items()}
    yield gauge("videos", "Videos, deleted ones included", ("stage", "status"), figures.videos)
    yield gauge("oldest_due_seconds", "How long the oldest due video has waited to be looked at", ("stage",), by(late))
    yield gauge("attempts", "Calls that may cost money at the provider", ("outcome",), by(figures.attempts))
    yield gauge("ledger_credits", "Credits moved so far; a charge is negative", ("kind",), by(figures.ledger))
    yield Gauge("aivideo_balance_credits", "Credits that all users have together", figures.balances)
    yield Gauge("aivideo_users", "Accounts", figures.users)
    yield Gauge("aivideo_redis_up", "Whether Redis answers", figures.queues is not None)
    yield gauge("queue_jobs", "Jobs that wait on a queue of RQ", ("queue",), by(figures.queues or {}))
    yield gauge("stream_viewers", "Open streams of one process", ("process",), {(str(os.getpid()),): stream.viewers()})
    build = {(__version__, "simulator" if settings().simulated else "server", sys.version.split()[0]): 1.0}
    yield gauge("build_info", "What runs here", ("version", "provider", "python"), build)
