"""Security and cache headers; whoever set one before keeps it."""

from urllib.parse import urlsplit

from flask import Flask, Response, request

from aivideo.config import Settings

FOR_EVER = "public, max-age=31536000, immutable"
HSTS = "max-age=31536000; includeSubDomains"


def init_app(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    policy = content_security_policy(settings)

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("X-Content-Type-Options", "nosniff")
        if settings.force_https:
            headers.setdefault("Strict-Transport-Security", HSTS)
        if request.endpoint == "static":
            if "v" in request.args and response.status_code in (200, 304):
                headers["Cache-Control"] = FOR_EVER
            return response
        headers.setdefault("Content-Security-Policy", policy)
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        if response.mimetype == "text/html":
            # A page holds its user's things and a one-time key: the back button may show it, a shared cache may not.
            headers.setdefault("Cache-Control", "private, no-cache")
        return response


def content_security_policy(settings: Settings) -> str:
    """Everything from here and nothing inline; videos also from the bucket, a form also to Google's sign-in."""
    storage = [origin(settings.s3_endpoint_url)] if settings.s3_endpoint_url else []
    if settings.s3_bucket and not storage:
        storage = ["https://*.amazonaws.com"]
    sign_in = [origin(settings.google_discovery_url)] if settings.google_client_id else []
    rules = {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:", *storage],
        "media-src": ["'self'", "blob:", *storage],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'", *sign_in],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in rules.items())


def origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
