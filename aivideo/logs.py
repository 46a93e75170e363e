"""One log format. Every line carries what is known of its request, user, video and job."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

FORMAT = "%(asctime)s %(levelname)-7s %(name)s%(context)s %(message)s"
_context: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)


@contextmanager
def log_context(**values: object) -> Iterator[None]:
    """Add `request=…`, `user=…`, `video=…`, `job=…` to every line logged inside."""
    merged = {
        **(_context.get() or {}),
        **{key: str(value) for key, value in values.items() if value is not None},
    }
    token = _context.set(merged)
    try:
        yield
    finally:
        _context.reset(token)


def bind(**values: object) -> None:
    """Like `log_context`, for the rest of the current request or job."""
    _context.set({**(_context.get() or {}), **{key: str(value) for key, value in values.items() if value is not None}})


def begin(**values: object) -> None:
    """Like `bind`, forgetting what earlier work in the same thread or greenlet left behind."""
    _context.set(None)
    bind(**values)


def current(key: str) -> str | None:
    return (_context.get() or {}).get(key)


class _ContextFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        values = _context.get()
        record.context = " [" + " ".join(f"{key}={value}" for key, value in values.items()) + "]" if values else ""
        return True


def configure(level: str) -> None:
    """Send everything to standard error, once per process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.addFilter(_ContextFilter())
    root = logging.getLogger()
    if not any(getattr(existing, "aivideo", False) for existing in root.handlers):
        handler.aivideo = True  # type: ignore[attr-defined]
        root.addHandler(handler)
    root.setLevel(level)
    for chatty in ("urllib3", "botocore", "boto3", "rq.worker", "rq.scheduler", "PIL", "libav", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
