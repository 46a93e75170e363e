"""Where somebody wanted to go before they had to sign in."""

from flask import Flask, request
from werkzeug.wrappers import Response


def init_app(app: Flask) -> None:
    """Keep whoever signs in or out on this site, whatever `next` they came with."""
    app.jinja_env.globals["own_page"] = own_page

    @app.after_request
    def stay_here(response: Response) -> Response:
        if request.blueprint == "security" and response.location and not own_page(response.location):
            response.location = "/"
        return response


def own_page(target: str | None) -> str | None:
    r"""`target` where it is the address of one of our own pages, else None.

    Browsers read `//host`, `/\host` and addresses with control characters in them as other hosts.
    """
    if not target or not target.startswith("/") or target.startswith("//"):
        return None
    return target if target.isprintable() and "\\" not in target else None
