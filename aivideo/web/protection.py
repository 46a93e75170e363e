"""What stands before every view: proxies in front, HTTPS, CSRF, and limits on guessing."""

from flask import Flask, redirect, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from aivideo.config import Settings
from aivideo.extensions import csrf
from aivideo.web import rates

PROBES = ("/healthz", "/readyz", "/metrics")
"""Asked by the platform from inside, in plain http."""
_PASSWORD = ("password", "10 per minute", "")
_MAIL = ("mail", "10 per minute", "5 per minute")
COUNTED = {
    "security.login": ("sign-in", "20 per minute", "10 per minute"),
    "accounts.demo": ("demo", "60 per minute", ""),
    "security.register": ("registration", "20 per minute", ""),
    "security.forgot_password": _MAIL,
    "security.send_confirmation": _MAIL,
    "security.change_password": _PASSWORD,
    "security.verify": _PASSWORD,
    "security.reset_password": _PASSWORD,
}
"""What is counted together, by endpoint: its name, how often per address, how often per account."""


def init_app(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    hops = settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=hops)  # type: ignore[method-assign]
    if settings.force_https:
        app.before_request(_to_https)
    app.config.update(
        # A mail to somebody else must not link to whatever Host its sender put in a request.
        TRUSTED_HOSTS=[name.strip() for name in settings.trusted_hosts.split(",") if name.strip()] or None,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a studio stays open for hours
    )
    csrf.init_app(app)
    app.before_request(_count_sign_in)


def _to_https() -> Response | None:
    if request.is_secure or request.path in PROBES:
        return None
    return redirect(request.url.replace("http://", "https://", 1), 308)


def client_address() -> str:
    """Who asks, as far as the network knows; a Unix socket knows nobody."""
    return request.remote_addr or "unknown"


def _account() -> str:
    return f"account-{request.form.get('email', '').strip().lower()[:255]}"


def _count_sign_in() -> None:
    """Passwords and links tried, and what sends a mail to whoever it names: per address, and per account."""
    what, per_address, per_account = COUNTED.get(request.endpoint or "", ("", "", ""))
    if not what or request.method != "POST":
        return
    rates.count(what, client_address(), per_address)
    if per_account:
        rates.count(what, _account(), per_account)
