"""The only file that spells a header of htmx."""

from flask import Request, Response


def is_htmx(request: Request) -> bool:
    """Whether htmx asks and wants fragments; a page restored from history or reached by a link is a whole page."""
    headers = request.headers
    return headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in headers


def redirect(url: str) -> Response:
    """Send the whole page elsewhere; a plain redirect would be followed inside the fragment."""
    return Response(status=204, headers={"HX-Redirect": url})
