"""What the simulator says when it refuses, in the envelopes of the servers that speak this protocol."""

import json
from http import HTTPStatus

from werkzeug.wrappers import Response

INVALID = "invalid_request_error"
STYLES = ("openai", "string", "detail", "data", "litellm", "text", "html")
"""How an error is wrapped: by OpenAI, TensorRT-LLM, FastAPI, New API, LiteLLM, as plain text, as a proxy's page."""

PAGE = "<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1><hr>nginx</body></html>\n"


class Dropped(ConnectionError):
    """The connection is to be closed at once, with no answer or in the middle of one."""


class TimedOut(Dropped):
    """The caller in this process would have stopped waiting by now."""


class ApiError(Exception):
    """A refusal. `status` is HTTP's, the rest OpenAI's envelope; `style` is one of STYLES."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = INVALID,
        style: str = "openai",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param, self.type = status, message, code, param, type
        self.style, self.retry_after = style, retry_after

    def response(self) -> Response:
        """The refusal as a client gets it."""
        headers = {} if self.retry_after is None else {"Retry-After": f"{self.retry_after:g}"}
        if self.style == "html":
            title = f"{self.status} {_reason(self.status)}"
            return Response(PAGE.format(title=title), self.status, headers, mimetype="text/html")
        if self.style == "text":
            return Response(self.message, self.status, headers, mimetype="text/plain")
        return Response(json.dumps(self._body()), self.status, headers, mimetype="application/json")

    def _body(self) -> object:
        if self.style == "string":
            return {"error": self.message}
        if self.style == "detail":
            return {"detail": self.message}
        if self.style == "data":
            return {"code": self.code or str(self.status), "message": self.message, "data": None}
        if self.style == "litellm":
            return {"error": {"message": self.message, "type": None, "param": None, "code": str(self.status)}}
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}


def missing(param: str) -> ApiError:
    return ApiError(400, f"Missing required parameter: '{param}'.", code="missing_required_parameter", param=param)


def wrong_type(param: str, expected: str, got: str) -> ApiError:
    message = f"Invalid type for '{param}': expected {expected}, but got {got} instead."
    return ApiError(400, message, code="invalid_type", param=param)


def wrong_value(param: str, value: object, allowed: list[str]) -> ApiError:
    listed = ", ".join(f"'{choice}'" for choice in allowed[:-1])
    listed = f"{listed}, and '{allowed[-1]}'" if listed else f"'{allowed[-1]}'"
    message = f"Invalid value: '{value}'. Supported values are: {listed}."
    return ApiError(400, message, code="invalid_value", param=param)


def unknown_video(job_id: str) -> ApiError:
    return ApiError(404, f"Video with id '{job_id}' not found.", code="not_found", param="video_id")


def no_route(method: str, path: str) -> ApiError:
    return ApiError(404, f"Invalid URL ({method} {path})", code="unknown_url")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
