"""The API, described: as OpenAPI for programs, as a page for people. Open to everybody."""

from flask import Blueprint, Response, jsonify, render_template

from aivideo.adapters import catalogue, settings
from aivideo.core.failures import rules
from aivideo.web import errors
from aivideo.web.openapi import describe

bp = Blueprint("api_docs", __name__)


@bp.get("/api/v1/openapi.json")
def spec() -> Response:
    return jsonify(describe(catalogue()))


@bp.get("/api/docs")
@bp.get("/api/v1/docs", endpoint="versioned_docs")
def docs() -> str:
    return render_template(
        "api/docs.html",
        api=describe(catalogue()),
        refunds=rules(),
        domain_errors=[
            (status, errors.name(kind), errors.uri(kind).partition("#")[2]) for kind, status in errors.STATUS.items()
        ],
        submit_rate=settings().submit_rate,
    )
