"""rq-dashboard under /admin/rq: an application of its own, built when an admin first looks.

It knows nothing of our CSRF tokens and fills its pages with inline scripts, so it gets an Origin check and a policy of
its own. It also reads jobs by pickle unless told otherwise, and has one address that requeues on GET.
"""

import threading
from pathlib import Path
from typing import Any

from flask import Flask, current_app, request
from werkzeug.exceptions import Forbidden, MethodNotAllowed
from werkzeug.wrappers import Response

from aivideo.doorbell import Doorbell, doorbell

MOUNTED_AT = "/admin/rq"
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)
REQUEUE = "requeue/"
_building = threading.Lock()


def answer(path: str) -> Response:
    """What rq-dashboard answers to the current request; `path` is what comes after the mount point."""
    if request.method not in ("GET", "HEAD"):
        if request.headers.get("Origin") != request.host_url.rstrip("/"):
            raise Forbidden("This was sent from another site.")
    elif path.startswith(REQUEUE):
        raise MethodNotAllowed(["POST"])
    environ = {key: value for key, value in request.environ.items() if not key.startswith("werkzeug.")}
    environ["SCRIPT_NAME"] = request.environ.get("SCRIPT_NAME", "") + MOUNTED_AT
    environ["PATH_INFO"] = f"/{path}"
    response = Response.from_app(_dashboard().wsgi_app, environ, buffered=True)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def _dashboard() -> Flask:
    extensions = current_app.extensions
    with _building:
        if "rq_dashboard" not in extensions:
            extensions["rq_dashboard"] = _build(doorbell())
    dashboard: Flask = extensions["rq_dashboard"]
    return dashboard


def _build(bell: Doorbell) -> Flask:
    import redis
    from rq.exceptions import NoSuchJobError
    from rq_dashboard import web

    _speak_json(web)
    dashboard = Flask("aivideo.rq_dashboard", static_folder=str(Path(web.__file__).with_name("static")))
    dashboard.config.update(RQ_DASHBOARD_REDIS_URL=(bell.shown,), RQ_DASHBOARD_POLL_INTERVAL=5000)
    dashboard.redis_conn = bell.client  # type: ignore[attr-defined]
    dashboard.register_blueprint(web.blueprint)
    dashboard.register_error_handler(NoSuchJobError, lambda _: ("There is no such job any more.", 404))
    dashboard.register_error_handler(redis.RedisError, lambda _: ("Redis does not answer right now.", 503))
    return dashboard


def _speak_json(web: Any) -> None:
    """Make rq-dashboard use our serializer and our one Redis client, and show no arguments: mails have secrets."""
    from rq import Worker, requeue_job
    from rq.job import Job
    from rq.serializers import JSONSerializer

    class JsonJob(Job):
        @classmethod
        def fetch(cls, id: str, connection: Any = None, serializer: Any = None) -> Any:
            return super().fetch(id, connection, JSONSerializer)

        def get_call_string(self) -> str | None:
            return self.description

    class JsonWorker(Worker):
        @classmethod
        def all(cls, connection: Any = None, *_: Any, **__: Any) -> Any:
            return super().all(connection, job_class=JsonJob, serializer=JSONSerializer)

    web.config.serializer = JSONSerializer
    web.Job, web.Worker = JsonJob, JsonWorker
    web.requeue_job = lambda job_id, connection: requeue_job(job_id, connection, JSONSerializer)
    web.from_url = lambda *_, **__: (None, web.current_app.redis_conn)
