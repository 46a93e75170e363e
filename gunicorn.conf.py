"""How gunicorn serves the web process; the command line may override any of it (`make run` binds to 127.0.0.1)."""

import _thread
import gc
import resource
import signal
import socket
import sys
import weakref

from aivideo.config import ConfigError, load, require_deployable

try:
    _settings = load()
except ConfigError as error:
    sys.exit(f"aivideo: {error}")

wsgi_app = "wsgi:app"
worker_class = "gevent"
bind = f"0.0.0.0:{_settings.port}"
workers = _settings.web_concurrency
# Every stream holds a connection; pages, files and the API need some besides.
worker_connections = _settings.stream_max_per_process + 1000
# Not before the fork: gevent replaces parts of the standard library first, and the hub's threads would stay behind.
preload_app = False
graceful_timeout = 8
keepalive = 2
accesslog = None
errorlog = "-"
control_socket_disable = True  # it would be one file in the home folder for all copies


def on_starting(server):
    """Refuse what cannot be deployed, in one line; say what is unwise."""
    try:
        warnings = require_deployable(_settings)
    except ConfigError as error:
        sys.exit(f"aivideo: {error}")
    for warning in [] if _settings.demo_password else warnings:  # under `make run` all of it is meant so
        server.log.warning(warning)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def post_worker_init(worker):
    """On SIGTERM end the streams at once; otherwise the worker waits for them until `graceful_timeout`."""
    stop_gracefully = signal.getsignal(signal.SIGTERM)

    def on_term(number, frame):
        stop_gracefully(number, frame)
        _drain(worker)

    signal.signal(signal.SIGTERM, on_term)
    gc.collect()
    gc.freeze()  # what was built at the start stays: no collection has to walk through it again


_waiting = weakref.WeakSet()
"""Connections that browsers keep open for a next request; the worker would wait for each of them before it ends."""


def pre_request(worker, req):
    _waiting.discard(req.unreader.sock)
    if req.path.endswith("/stream"):
        req.force_close()  # it ends with the stream; a proxy that is not told might send a request into its end


def post_request(worker, req, environ, resp):
    if "gunicorn.socket" in environ:
        _waiting.add(environ["gunicorn.socket"])


def worker_int(worker):
    """On SIGINT and SIGQUIT there is a tenth of a second for it."""
    _drain(worker)


def _drain(worker):
    # A signal handler may not wait, and under gevent not even switch: so on its own, without waiting for its start.
    _thread.start_new_thread(_end_what_waits, (worker.wsgi,))


def _end_what_waits(app):
    from aivideo import stream
    from aivideo.stream.sockets import shut

    stream.drain(app)
    for connection in list(_waiting):
        shut(connection, socket.SHUT_RD)  # a request that has arrived is still read and answered
