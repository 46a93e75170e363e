"""HTTP ENTRY POINTS: who, parse, one service call, render."""

from flask import Flask

from aivideo.extensions import csrf
from aivideo.web import (
    access,
    accounts,
    api,
    api_docs,
    back_office,
    compression,
    errors,
    filters,
    headers,
    library,
    notices,
    operations,
    pictures,
    prompts,
    protection,
    receipts,
    reference,
    request_ids,
    routing,
    stream,
    studio,
    videos,
    waiting,
    websocket,
)

MOST_UPLOADED = 22 * 1024 * 1024
"""Bytes of a request: a picture of 20 MB, and the form around it."""


def init_app(app: Flask) -> None:
    """Bind what only the web needs and register every blueprint."""
    app.config.update(MAX_CONTENT_LENGTH=MOST_UPLOADED)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the order of an answer is the order of its schema
    for part in (request_ids, errors, headers, compression, filters, routing, protection, access, notices):
        part.init_app(app)
    csrf.exempt(api.bp)
    pages = (studio, prompts, reference, library, videos, pictures, waiting, receipts, accounts, notices, operations)
    for module in (*pages, back_office, stream, websocket, api, api_docs):
        app.register_blueprint(module.bp)
