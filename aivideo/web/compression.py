"""Our own static text, compressed: many places this runs at have no proxy that would.

Pages are not: they hold secrets beside what a visitor can put there, and the size of the two compressed together tells.
"""

import gzip
from typing import Any, cast

from flask import Flask, Response, request

KINDS = frozenset({"text/css", "text/javascript", "application/javascript", "image/svg+xml"})
WORTH_IT = 1000
"""Bytes below which it saves nothing."""


def init_app(app: Flask) -> None:
    packed: dict[tuple[str, str], bytes] = {}

    @app.after_request
    def compress(response: Response) -> Response:
        whole = response.status_code == 200 and (response.content_length or 0) > WORTH_IT
        if request.endpoint != "static" or response.mimetype not in KINDS or not whole:
            return response
        response.vary.add("Accept-Encoding")
        if not request.accept_encodings.quality("gzip"):
            return response
        etag = response.get_etag()[0] or ""
        key = (request.path, etag)
        body = cast(Any, response.response)
        if key not in packed:
            packed[key] = gzip.compress(b"".join(body), mtime=0)
        body.close()
        response.direct_passthrough = False
        response.set_data(packed[key])
        response.set_etag(etag, weak=True)
        response.content_encoding = "gzip"
        return response
