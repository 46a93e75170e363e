"""Error envelopes of every known server, and what each proves about a create."""

import json
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from aivideo.providers.http import Answer
from aivideo.providers.refusals import refusal, retry_after, unreadable, words


def answered(status: int, body: Any = None, **headers: str) -> Answer:
    named = CaseInsensitiveDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer(status, named, body if isinstance(body, bytes) else json.dumps(body).encode())


def openai(code: Any, message: str = "No.", type_: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


PERMANENT, PASSING, DOUBTFUL = (True, False), (False, False), (False, True)

CREATES = [
    (401, openai("invalid_api_key"), "unauthorised", PERMANENT),
    (403, {"error": {"message": "Your organization must be verified to use this model."}}, "unauthorised", PERMANENT),
    (403, openai(None, "Country not supported"), "refused", PERMANENT),
    (403, openai("insufficient_user_quota"), "quota", PASSING),
    (403, openai(None, "用户额度不足"), "quota", PASSING),
    (402, {"detail": "Payment required"}, "quota", PASSING),
    (400, openai("invalid_type"), "refused", PERMANENT),
    (400, openai(None, "Inpaint image must match the requested width and height"), "refused", PERMANENT),
    (400, openai("sentinel_block", "Hmmm something didn't look right with your request."), "moderation", PERMANENT),
    (400, openai("moderation_blocked"), "moderation", PERMANENT),
    (400, openai("400", "litellm.BadRequestError: content_policy_violation"), "moderation", PERMANENT),
    (400, openai("billing_hard_limit_reached"), "quota", PASSING),
    (400, {"detail": "Model mismatch: this server has only wan"}, "refused", PERMANENT),
    (404, {"detail": "Not Found"}, "not_found", PERMANENT),
    (405, {"detail": "Method Not Allowed"}, "refused", PERMANENT),
    (413, b"<html>Too large</html>", "refused", PERMANENT),
    (
        422,
        {"detail": [{"loc": ["body", "seconds"], "msg": "no integer", "type": "int"}]},
        "refused",
        PERMANENT,
    ),
    (429, openai("rate_limit_exceeded", type_="requests"), "rate_limited", PASSING),
    (429, b"", "rate_limited", PASSING),
    (429, openai("insufficient_quota"), "quota", PASSING),
    (
        429,
        openai(None, "You exceeded your current quota, check your plan and billing."),
        "quota",
        PASSING,
    ),
    (429, openai("slow_down", type_="rate_limit_error"), "overloaded", PASSING),
    (429, {"code": "x", "message": "Too many running tasks", "data": None}, "overloaded", PASSING),
    (503, openai("server_is_overloaded", type_="service_unavailable_error"), "overloaded", PASSING),
    (503, openai("slow_down"), "overloaded", PASSING),
    (503, {"error": "scheduler is dead"}, "server", DOUBTFUL),
    (503, openai("503", "overloaded"), "server", DOUBTFUL),
    (503, b"<html>Service Unavailable</html>", "server", DOUBTFUL),
    (500, openai("sentinel_block"), "server", DOUBTFUL),
    (500, b"", "server", DOUBTFUL),
    (502, b"<html>Bad gateway</html>", "server", DOUBTFUL),
    (504, None, "server", DOUBTFUL),
    (524, None, "server", DOUBTFUL),
    (408, None, "server", DOUBTFUL),
    (409, {"detail": "video routes need one api server"}, "server", DOUBTFUL),
    (425, None, "server", DOUBTFUL),
    (301, None, "refused", PERMANENT),
    (307, None, "refused", PERMANENT),
    (302, None, "refused", (True, True)),
    (303, None, "refused", (True, True)),
]


@pytest.mark.parametrize(("status", "body", "kind", "flags"), CREATES)
def test_a_refused_create_is_put_in_its_place(status: int, body: Any, kind: str, flags: tuple[bool, bool]) -> None:
    error = refusal(answered(status, body), "create")
    assert (error.kind, (error.permanent, error.ambiguous), error.sent) == (kind, flags, True)
    assert error.status == status


@pytest.mark.parametrize(("status", "body", "kind", "flags"), CREATES)
def test_only_a_create_can_be_in_doubt(status: int, body: Any, kind: str, flags: tuple[bool, bool]) -> None:
    assert not refusal(answered(status, body), "retrieve").ambiguous


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (openai("invalid_type", "Wrong."), "invalid_type", "Wrong."),
        ({"error": {"message": "No code here"}}, None, "No code here"),
        ({"error": "plain"}, None, "plain"),
        ({"error": 17}, "17", None),
        ({"detail": "Video not found"}, None, "Video not found"),
        ({"detail": [{"loc": ["body", "size"], "msg": "bad", "type": "value_error"}]}, "value_error", "size: bad"),
        ({"detail": [{"msg": "bad"}, "worse"]}, None, "bad; worse"),
        ({"detail": {"code": "c", "message": "m"}}, "c", "m"),
        ({"code": "fail_to_fetch_task", "message": "upstream", "data": None}, "fail_to_fetch_task", "upstream"),
        ({"object": "error", "message": "m", "type": "BadRequestError", "param": None, "code": 400}, "400", "m"),
        ({"error": {}}, None, None),
        ({"error": None}, None, None),
        (None, None, None),
        ([], None, None),
        (True, None, None),
    ],
)
def test_words_are_found_in_every_envelope(body: Any, code: Any, message: Any) -> None:
    said = words(body)
    assert (said.code, said.message) == (code, message)


def test_what_the_provider_said_and_its_request_id_are_kept() -> None:
    error = refusal(answered(400, openai("invalid_type", "Wrong."), X_Request_Id="req_1"), "create")
    assert (error.code, error.message, error.request_id, str(error)) == ("invalid_type", "Wrong.", "req_1", "Wrong.")


def test_without_words_the_status_is_told() -> None:
    assert refusal(answered(502, b"<html>"), "create").message == "The provider answered with HTTP 502."
    moved = refusal(answered(301, None, Location="https://new.example/v1/videos"), "create")
    assert "https://new.example/v1/videos" in moved.message


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry_After": "20"}, 20),
        ({"Retry_After": "1.5"}, 1.5),
        ({"retry_after_ms": "250", "Retry_After": "20"}, 0.25),
        ({"Retry_After": "Sun, 22 Nov 2026 12:01:00 GMT", "Date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 60),
        ({"Retry_After": "Sun, 22 Nov 2026 11:00:00 GMT", "Date": "Sun, 22 Nov 2026 12:00:00 GMT"}, 0),
        ({"Retry_After": "99999999"}, 86400),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-3"}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": "Sun, 22 Nov 2026 12:01:00 GMT", "Date": "rubbish"}, None),
        ({}, None),
    ],
)
def test_the_wait_comes_in_seconds_milliseconds_or_as_a_date(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after(answered(429, None, **headers).headers) == wait


def test_a_date_without_a_clock_beside_it_counts_from_now() -> None:
    assert retry_after(answered(429, None, Retry_After="Sun, 22 Nov 2020 12:00:00 GMT").headers) == 0


@pytest.mark.parametrize(
    ("status", "body", "kind", "permanent"),
    [
        (404, {"detail": "Generation is still in-progress"}, "not_ready", False),
        (400, {"message": "Video video_1 is not ready (status: queued)", "code": 400}, "not_ready", False),
        (400, openai(None, "Task is not completed yet, current status: IN_PROGRESS"), "not_ready", False),
        (404, openai(None, "The video is no longer available. Downloads expire after 1 hours."), "expired", True),
        (410, None, "expired", True),
        (404, {"detail": "Video not found"}, "not_found", False),
        (403, openai(None, "Files [file_1] are not accessible"), "refused", False),
        (422, {"detail": "generation failed"}, "refused", False),
        (401, openai("invalid_api_key"), "unauthorised", False),
        (400, openai("moderation_blocked"), "moderation", True),
        (502, openai(None, "Failed to fetch video content"), "server", False),
        (500, openai(None, "upstream request expired"), "server", False),
        (429, None, "rate_limited", False),
    ],
)
def test_a_refused_download_may_pass_unless_the_file_has_gone(
    status: int, body: Any, kind: str, permanent: bool
) -> None:
    error = refusal(answered(status, body), "content")
    assert (error.kind, error.permanent, error.ambiguous) == (kind, permanent, False)


def test_words_from_elsewhere_are_not_the_providers() -> None:
    elsewhere = Answer(401, {}, b'{"error": {"code": "invalid_api_key", "message": "secret"}}', own=False)
    error = refusal(elsewhere, "content")
    assert (error.kind, error.permanent, error.code) == ("content", False, None)
    assert "secret" not in error.message


@pytest.mark.parametrize("status", [400, 404, 405, 429, 500, 503])
def test_any_list_that_is_not_clean_is_no_list(status: int) -> None:
    assert refusal(answered(status, {"detail": "no"}), "list").kind == "refused"
    assert unreadable(answered(200, {"object": "list"}), "list").kind == "refused"


@pytest.mark.parametrize("doing", ["remix", "extend"])
def test_a_server_without_remixes_or_extensions_is_told_from_one_that_lost_the_video(doing: str) -> None:
    for status, body in (
        (404, {"detail": "Not Found"}),
        (404, openai("unknown_url", "Invalid URL (POST /v1/videos/extensions)")),
        (405, {"detail": "Method Not Allowed"}),
        (501, b""),
    ):
        error = refusal(answered(status, body), doing)
        assert (error.kind, error.permanent, error.ambiguous) == ("unsupported", True, False)
    lost = refusal(answered(404, openai("not_found", "Video with id 'video_1' not found.")), doing)
    assert (lost.kind, lost.permanent, lost.ambiguous) == ("not_found", True, False)
    assert refusal(answered(502, b""), doing).ambiguous
    assert refusal(answered(400, openai("moderation_blocked")), doing).kind == "moderation"


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_delete_without_a_route_is_not_found(status: int) -> None:
    assert refusal(answered(status), "delete").kind == "not_found"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, None),
        (400, {"code": "task_not_exist", "message": "task_not_exist"}),
        (400, {"detail": "Video x not found"}),
    ],
)
def test_a_forgotten_job_is_not_found_in_every_wording(status: int, body: Any) -> None:
    error = refusal(answered(status, body), "retrieve")
    assert (error.kind, error.permanent) == ("not_found", True)


def test_a_poll_refused_for_a_while_is_not_permanent() -> None:
    for status in (408, 409, 429, 500, 502, 503, 504):
        assert not refusal(answered(status), "retrieve").permanent
