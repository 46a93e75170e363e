"""The words of each refusal that the simulator can be told to give."""

from typing import Any

from aivideo.providers.simulator.errors import INVALID, ApiError
from aivideo.providers.simulator.faults import Fault

SENTINEL = "Hmmm something didn't look right with your request. Please try again later."
GONE = "The video is no longer available. Downloads expire after 1 hours."
LIMIT = "Rate limit reached for requests per min."
SLOW = "Too many running tasks. Please slow down."
BUSY = "The server is overloaded. Please try again later."
BROKEN = "The server had an error while processing your request."
QUOTA = "You exceeded your current quota, please check your plan and billing details."

WORDS: dict[str, tuple[int, str, str | None, str, dict[str, Any]]] = {
    "invalid": (400, INVALID, "invalid_value", "Invalid value for 'prompt'.", {"param": "prompt"}),
    "sentinel_block": (400, INVALID, "sentinel_block", SENTINEL, {}),
    "unauthorised": (401, INVALID, "invalid_api_key", "Incorrect API key provided.", {}),
    "forbidden": (403, INVALID, "organization_must_be_verified", "Your organization must be verified.", {}),
    "inaccessible": (403, INVALID, None, "Files [file_0] are not accessible", {}),
    "not_found": (404, INVALID, "not_found", "Video not found.", {"param": "video_id"}),
    "no_route": (404, INVALID, "unknown_url", "Invalid URL", {}),
    "expired": (404, INVALID, None, GONE, {"style": "text"}),
    "not_ready": (404, INVALID, None, "Generation is still in-progress", {"style": "detail"}),
    "conflict": (409, INVALID, None, "Video output is not saved yet.", {"style": "detail"}),
    "rate_limited": (429, "requests", "rate_limit_exceeded", LIMIT, {"retry_after": 1}),
    "slow_down": (429, "rate_limit_error", "slow_down", SLOW, {"retry_after": 1}),
    "quota": (429, "insufficient_quota", "insufficient_quota", QUOTA, {}),
    "refused_error": (502, "server_error", None, "Bad Gateway", {"style": "html"}),
    "overloaded": (503, "service_unavailable_error", "server_is_overloaded", BUSY, {}),
    "server_error": (500, "server_error", "server_error", BROKEN, {}),
}
"""HTTP status, type, code, message, and what else an ApiError takes."""


def refusal(fault: Fault) -> ApiError:
    """The error that `fault` stands for, with its own arguments in place of the usual ones."""
    status, kind, code, message, more = WORDS[fault.kind]
    given = {"type": kind, "code": code, **more, **fault.arguments}
    return ApiError(given.pop("status", status), given.pop("message", message), **given)
