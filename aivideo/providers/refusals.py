"""What a server's refusal means: may the call be sent again, is a create in doubt, is it the user's to mend.

Error envelopes met: OpenAI `{"error": {"message", "type", "param", "code"}}`; LiteLLM the same with the HTTP status
as text for a code; FastAPI (vLLM-Omni, SGLang) `{"detail": text or list}`; SGLang `{"error": text}`; New API
`{"code", "message", "data"}`; TensorRT-LLM `{"message", "type", "code": 400}`. A code may be a number.

A create, a remix or an extension was provably not taken where the server says so with 4xx (408, 409 and 425 apart),
with 503 and one of the documented codes, or with 501, having no such route. Any other 5xx leaves a doubt: gateways
answer 502 and 504 for what upstream goes on with.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from aivideo.providers.base import ProviderError
from aivideo.providers.http import Answer

MODERATION = re.compile(
    r"sentinel_block|moderation|content_?policy|content policy|content_?filter|policy_violation|safety[._ ]"
    r"|datainspectionfailed|inappropriate|responsibleai"
)
QUOTA = re.compile(
    r"insufficient[_ ]([a-z]+[_ ])?(quota|balance|funds|credit)|billing|exceeded_current_quota|quota_exceeded"
    r"|out of credits|payment required|余额不足|额度不足"
)
NO_ROOM = re.compile(r"slow_down|overloaded|too many running|too many concurrent|concurrency")
KEY_TROUBLE = re.compile(r"api[ _]key|must be verified|not_verified|unauthori[sz]ed|invalid token|permission")
NOT_TAKEN_AT_503 = ("server_is_overloaded", "slow_down")
NOT_READY = re.compile(
    r"not (yet )?(been )?(ready|complete|finish|available yet)|in[-_ ]progress|not yet|status:? *(queued|pending)"
    r"|still (being |in |process|generat|render|run|queue)|(is|being|currently) (process|generat|render|queued|pending)"
)
GONE = re.compile(r"task_not_exist|(task|video|job|generation)[^.]{0,80}(not found|not exist)|no such (task|video|job)")
EXPIRED = re.compile(r"expire|no longer available")
DOUBTFUL = (408, 409, 425)
REDIRECTED_AFTERWARDS = (302, 303)
PAID = ("create", "remix", "extend")
MESSAGE_LIMIT = 1000
LONGEST_WAIT = 86400.0
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-oneapi-request-id", "x-litellm-call-id", "apim-request-id")


@dataclass(frozen=True)
class Words:
    """What a server said about a failure, in whichever envelope."""

    code: str | None = None
    type: str | None = None
    message: str | None = None

    @property
    def text(self) -> str:
        return " ".join(part for part in (self.code, self.type, self.message) if part).lower()

    @property
    def about_moderation(self) -> bool:
        return MODERATION.search(self.text) is not None


def words(body: Any) -> Words:
    """The error in any envelope named above, a bare text, number or list; empty where there is none."""
    if isinstance(body, str):
        return Words(message=clean(body) or None)
    if isinstance(body, list):
        return _validation_errors(body)
    if not isinstance(body, dict):
        return Words(code=scalar(body))
    inner = next((words(body[key]) for key in ("error", "detail", "errors") if body.get(key)), Words())
    messages = (body.get(key) for key in ("message", "msg", "error_message", "fail_reason", "failure", "reason"))
    return Words(
        inner.code or scalar(body.get("code")) or scalar(body.get("error_code")) or scalar(body.get("failureCode")),
        inner.type or scalar(body.get("type")),
        inner.message or next((clean(text) for text in messages if isinstance(text, str) and text), None),
    )


def _validation_errors(items: list[Any]) -> Words:
    told, code = [], None
    for item in items:
        said = words(item)
        code = code or said.code or said.type
        place = item.get("loc") if isinstance(item, dict) else None
        told.append(f"{place[-1]}: {said.message}" if isinstance(place, list) and place else said.message or "")
    return Words(code=code, message=clean("; ".join(filter(None, told))) or None)


def refusal(answer: Answer, doing: str) -> ProviderError:
    """The error for an answer outside 2xx.

    `doing` is `create`, `remix`, `extend`, `retrieve`, `list`, `content` or `delete`.
    """
    said = words(answer.json()) if answer.own else Words()
    kind, permanent, doubt = _judge(answer.status, said)
    if doing == "content":
        # Elsewhere a 401 or 404 is about a signed address, not about our key or the job.
        kind, permanent = _judge_content(answer.status, said, kind) if answer.own else ("content", False)
    elif doing == "delete" and answer.status in (405, 501):
        kind = "not_found"
    elif doing in ("remix", "extend") and answer.status in (404, 405, 501):
        gone = answer.status == 404 and GONE.search(said.text)
        kind, permanent, doubt = ("not_found" if gone else "unsupported"), True, False
    elif doing == "retrieve" and answer.status < 500 and GONE.search(said.text):
        kind, permanent = "not_found", True
    elif doing == "list" and kind != "unauthorised":
        kind = "refused"
    return ProviderError(
        kind,
        said.message or _describe(answer),
        permanent=permanent,
        ambiguous=doubt and doing in PAID,
        code=said.code or said.type,
        status=answer.status,
        request_id=request_id(answer.headers),
        retry_after=retry_after(answer.headers),
    )


def unreadable(answer: Answer, doing: str) -> ProviderError:
    """The error for a success that makes no sense; a create may have been taken all the same."""
    error = refusal(replace(answer, status=400 if doing == "retrieve" else 500), doing)
    if error.kind != "not_found":
        error.kind, error.permanent = ("refused" if doing == "list" else "unreadable"), False
    if not words(answer.json()).message:
        error.message = "The provider's answer could not be understood."
    error.status = answer.status
    return error


def _describe(answer: Answer) -> str:
    if 300 <= answer.status < 400 and "Location" in answer.headers:
        return f"The provider is elsewhere: it redirects to {clean(answer.headers['Location'])[:200]}."
    return f"The provider answered with HTTP {answer.status}."


def _judge(status: int, said: Words) -> tuple[str, bool, bool]:
    """Kind, permanent, and whether a create with this answer may have been taken."""
    code = (said.code or "").lower()
    if status == 503 and code in NOT_TAKEN_AT_503:
        return "overloaded", False, False
    if status >= 500 or status in DOUBTFUL:
        return "server", False, True
    if status < 400:
        return "refused", True, status in REDIRECTED_AFTERWARDS
    if status in (401, 407):
        return "unauthorised", True, False
    if status != 429 and said.about_moderation:
        return "moderation", True, False
    if status == 402 or (status in (400, 403, 429) and QUOTA.search(said.text)):
        return "quota", False, False
    if status == 429:
        return ("overloaded" if NO_ROOM.search(said.text) else "rate_limited"), False, False
    if status == 403 and KEY_TROUBLE.search(said.text):
        return "unauthorised", True, False
    return ("not_found" if status == 404 else "refused"), True, False


def _judge_content(status: int, said: Words, kind: str) -> tuple[str, bool]:
    """The clip is paid for: whatever may pass is tried again until it expires."""
    if kind == "moderation":
        return kind, True
    if status == 410 or (status < 500 and EXPIRED.search(said.text)):
        return "expired", True
    if status < 500 and status != 429 and NOT_READY.search(said.text):
        return "not_ready", False
    return kind, False


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from `retry-after-ms` or `Retry-After` (seconds or a date), at most a day."""
    milliseconds = seconds(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_WAIT)
    value = headers.get("Retry-After", "")
    wait = seconds(value)
    if wait is None and value:
        try:
            now = parsedate_to_datetime(headers["Date"]) if "Date" in headers else datetime.now(UTC)
            wait = max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
        except (ValueError, TypeError):  # not a date, or one with a zone beside one without
            return None
    return None if wait is None else min(wait, LONGEST_WAIT)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id under which the provider's support finds this call."""
    return next((clean(headers[name]) for name in REQUEST_ID_HEADERS if headers.get(name)), None)


def seconds(value: Any) -> float | None:
    """A number that is not negative, given as number or text; None for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number >= 0 and not isinstance(value, bool) else None


def scalar(value: Any) -> str | None:
    """A code as text, whether it came as text or as a number."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return clean(str(value)) or None


def clean(text: str) -> str:
    """Printable text on one line, of bearable length."""
    return "".join(mark if mark.isprintable() else " " for mark in text).strip()[:MESSAGE_LIMIT]
