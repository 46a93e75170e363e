"""What stands before every view: proxies in front, HTTPS, CSRF, and limits on guessing."""

from flask import Flask, redirect, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from aivideo.config import Settings
from aivideo.doorbell import ANSWER_SECONDS, CONNECT_SECONDS
from aivideo.extensions import csrf, limiter

PROBES = ("/healthz", "/readyz", "/metrics")
"""Asked by the platform from inside, in plain http."""


def init_app(app: Flask) -> None:
    settings: Settings = app.config["SETTINGS"]
    hops = settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=hops)  # type: ignore[method-assign]
    if settings.force_https:
        app.before_request(_to_https)
    app.config.update(
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a studio stays open for hours
        RATELIMIT_STORAGE_URI=_storage(settings.redis_address),
        RATELIMIT_STORAGE_OPTIONS=_redis_options(),
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,
        RATELIMIT_SWALLOW_ERRORS=True,
    )
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_count_sign_in)


def _to_https() -> Response | None:
    if request.is_secure or request.path in PROBES:
        return None
    return redirect(request.url.replace("http://", "https://", 1), 308)


def _storage(redis_address: str) -> str:
    """A Redis address in the spelling of the limiter."""
    return f"redis+{redis_address}" if redis_address.startswith("unix://") else redis_address


def _redis_options() -> dict[str, object]:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return {
        "socket_connect_timeout": CONNECT_SECONDS,
        "socket_timeout": ANSWER_SECONDS,
        "retry": Retry(NoBackoff(), 0),
    }


def client_address() -> str:
    """Who asks, as far as the network knows; a Unix socket knows nobody."""
    return request.remote_addr or "unknown"


def _account() -> str:
    return f"account-{request.form.get('email', '').strip().lower()[:255]}"


@limiter.limit("20 per minute", key_func=client_address)
@limiter.limit("10 per minute", key_func=_account)
def _sign_in() -> None:
    """Does nothing but count: passwords tried, per address and per account."""


@limiter.limit("20 per minute", key_func=client_address)
def _registration() -> None:
    """Does nothing but count."""


@limiter.limit("10 per minute", key_func=client_address)
@limiter.limit("5 per minute", key_func=_account)
def _mail_wanted() -> None:
    """Does nothing but count: what sends a mail to whoever it names."""


@limiter.limit("10 per minute", key_func=client_address)
def _password_wanted() -> None:
    """Does nothing but count: passwords tried by somebody who is signed in, and links tried."""


@limiter.limit("60 per minute", key_func=client_address)
def _demo() -> None:
    """Does nothing but count."""


_COUNTED = {
    "security.login": _sign_in,
    "accounts.demo": _demo,
    "security.register": _registration,
    "security.forgot_password": _mail_wanted,
    "security.send_confirmation": _mail_wanted,
    "security.change_password": _password_wanted,
    "security.verify": _password_wanted,
    "security.reset_password": _password_wanted,
}


def _count_sign_in() -> None:
    count = _COUNTED.get(request.endpoint or "")
    if count is not None and request.method == "POST":
        count()
