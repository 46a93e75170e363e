"""Each misbehaviour does what its name says, in this process."""

import json
from typing import Any

import pytest
import requests
from PIL import Image

from aivideo.providers.simulator.faults import ARGUMENTS, REFUSALS, REQUIRED
from aivideo.providers.simulator.refusals import WORDS


@pytest.fixture
def tell(app: Any) -> Any:
    return app.faults.tell


@pytest.fixture
def finished(call: Any, time: Any) -> str:
    """The id of a completed job."""
    job_id = str(call.create().json()["id"])
    time.now += 10
    return job_id


def content(call: Any, job_id: str, **options: Any) -> requests.Response:
    answer: requests.Response = call("GET", f"/v1/videos/{job_id}/content", **options)
    return answer


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("invalid", 400, "invalid_value"),
        ("sentinel_block", 400, "sentinel_block"),
        ("unauthorised", 401, "invalid_api_key"),
        ("forbidden", 403, "organization_must_be_verified"),
        ("rate_limited", 429, "rate_limit_exceeded"),
        ("slow_down", 429, "slow_down"),
        ("quota", 429, "insufficient_quota"),
        ("overloaded", 503, "server_is_overloaded"),
    ],
)
def test_a_refused_create_buys_nothing(call: Any, app: Any, tell: Any, kind: str, status: int, code: str) -> None:
    tell(kind, operation="create", count=1)
    answer = call.create()
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert app.purchases() == []
    assert call.create().status_code == 200


def test_every_refusal_has_its_words_and_every_fault_its_arguments() -> None:
    assert set(WORDS) == {*REFUSALS, "server_error"}
    assert all(needed in ARGUMENTS[kind] for kind, needed in REQUIRED.items())


def test_a_rate_limit_says_when_to_come_back(call: Any, tell: Any) -> None:
    tell("rate_limited", retry_after=2.5)
    assert call.create().headers["Retry-After"] == "2.5"
    assert "Retry-After" not in call("GET", "/purchases").headers


@pytest.mark.parametrize(
    ("style", "body"),
    [
        ("openai", {"error": {"message": "No.", "type": "server_error", "param": None, "code": "x"}}),
        ("string", {"error": "No."}),
        ("detail", {"detail": "No."}),
        ("data", {"code": "x", "message": "No.", "data": None}),
        ("litellm", {"error": {"message": "No.", "type": None, "param": None, "code": "502"}}),
    ],
)
def test_errors_come_in_the_envelope_of_any_server(call: Any, tell: Any, style: str, body: object) -> None:
    tell("server_error", status=502, message="No.", code="x", style=style)
    answer = call.create()
    assert (answer.status_code, answer.json()) == (502, body)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_after_acceptance_leaves_a_job_behind(call: Any, app: Any, tell: Any, status: int) -> None:
    tell("server_error", operation="create", count=1, status=status, style="html")
    answer = call.create(prompt="Bought all the same")
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (status, "text/html")
    assert [bought["prompt"] for bought in app.purchases()] == ["Bought all the same"]


def test_a_dropped_connection_may_have_bought_or_not(call: Any, app: Any, tell: Any) -> None:
    tell("drop_before", operation="create", count=1)
    with pytest.raises(requests.ConnectionError):
        call.create(prompt="Not taken")
    tell("drop", operation="create", count=1)
    with pytest.raises(requests.ConnectionError):
        call.create(prompt="Taken")
    assert [bought["prompt"] for bought in app.purchases()] == ["Taken"]


def test_a_late_answer_is_late_and_may_be_too_late(call: Any, app: Any, tell: Any, time: Any) -> None:
    tell("stall", operation="create", count=1, seconds=20)
    assert call.create().status_code == 200
    assert time.slept == 20
    tell("stall", operation="create", count=1, seconds=20)
    with pytest.raises(requests.ReadTimeout):
        call("POST", "/v1/videos", json={"prompt": "A fox", "size": "160x90", "seconds": "1"}, timeout=(1, 5))
    assert time.slept == 25
    assert len(app.purchases()) == 2


def test_an_answer_can_stop_for_a_while_in_the_middle(call: Any, tell: Any, time: Any, finished: str) -> None:
    whole = content(call, finished).content
    tell("stall_body", operation="content", seconds=7)
    assert (content(call, finished).content, time.slept) == (whole, 7)
    with pytest.raises(requests.ConnectionError, match=r"[Tt]imed? ?out|told to answer later"):
        content(call, finished, timeout=(1, 3))


def test_an_answer_can_be_unreadable(call: Any, app: Any, tell: Any) -> None:
    tell("html", operation="create", count=1)
    page = call.create()
    assert (page.status_code, page.text[:15]) == (200, "<!doctype html>")
    tell("truncated", operation="create", count=1)
    half = call.create()
    assert (half.status_code, half.text[:6]) == (200, '{"id":')
    with pytest.raises(ValueError):
        half.json()
    tell("break_off", operation="create", count=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        call.create()
    assert len(app.purchases()) == 3


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_server_may_have_no_list(call: Any, tell: Any, status: int) -> None:
    tell("no_route", operation="list", status=status)
    assert call.create().status_code == 200
    assert call("GET", "/v1/videos").status_code == status


def test_a_list_may_lack_prompts_or_jobs(call: Any, tell: Any) -> None:
    for prompt in ("Red fox", "Blue fox", "Green fox"):
        call.create(prompt=prompt)
    tell("no_prompts", operation="list", match="Blue")
    tell("hide", operation="list", match="Red")
    listed = call("GET", "/v1/videos").json()["data"]
    assert [video.get("prompt") for video in listed] == ["Green fox", None]
    assert call.video(listed[1]["id"])["prompt"] == "Blue fox"


def test_a_forgotten_job_is_404_for_good_and_still_bought(call: Any, app: Any, tell: Any) -> None:
    job_id = call.create().json()["id"]
    tell("forget", operation="retrieve", count=1)
    for _ in range(2):
        assert call("GET", f"/v1/videos/{job_id}").status_code == 404
    assert call("GET", "/v1/videos").json()["data"] == []
    assert [bought["gone"] for bought in app.purchases()] == ["forgotten"]


def test_a_job_may_be_forgotten_the_moment_it_is_bought(call: Any, app: Any, tell: Any) -> None:
    tell("forget", operation="create", count=1)
    made = call.create()
    assert made.status_code == 200
    assert call("GET", f"/v1/videos/{made.json()['id']}").status_code == 404
    assert len(app.purchases()) == 1


@pytest.mark.parametrize("spelling", ["succeeded", "SUCCESS", "processing", "unknown", "FAILED", "NOT_START"])
def test_statuses_are_spelled_as_told(call: Any, tell: Any, finished: str, spelling: str) -> None:
    tell("statuses", names={"completed": spelling})
    assert call.video(finished)["status"] == spelling
    assert call("GET", "/v1/videos").json()["data"][0]["status"] == spelling
    assert call.create().json()["status"] == "queued"


def test_later_answers_may_carry_an_id_that_leads_nowhere(call: Any, tell: Any, finished: str) -> None:
    tell("other_id", operation="retrieve")
    other = call.video(finished)["id"]
    assert other.startswith("video_")
    assert other != finished
    assert call("GET", f"/v1/videos/{requests.utils.quote(other, safe='')}").status_code == 404


def test_fields_may_be_missing_or_others(call: Any, tell: Any) -> None:
    job_id = call.create().json()["id"]
    tell("edit", set={"progress": None, "task_id": "task_1"}, remove=["prompt", "created_at", "size"])
    video = call.video(job_id)
    assert (video["progress"], video["task_id"]) == (None, "task_1")
    assert not {"prompt", "created_at", "size"} & set(video)


def test_times_may_be_in_milliseconds_or_from_a_wrong_clock(call: Any, tell: Any, time: Any, finished: str) -> None:
    made = int(time.now) - 10
    tell("milliseconds", operation="retrieve", count=1)
    video = call.video(finished)
    assert (video["created_at"], video["expires_at"]) == (made * 1000, (made + 3610) * 1000)
    tell("clock", operation="retrieve", seconds=-61)
    assert call.video(finished)["created_at"] == made - 61


def test_a_job_may_fail_while_it_renders(call: Any, tell: Any, time: Any) -> None:
    tell("moderation_blocked", operation="create", count=1, after=3)
    tell("fail", operation="create", match="broken", code="internal_error", message="It broke.")
    moderated, broken = call.create().json()["id"], call.create(prompt="a broken one").json()["id"]
    time.now += 2.9
    assert [call.video(job)["status"] for job in (moderated, broken)] == ["in_progress", "in_progress"]
    time.now += 2.1
    assert call.video(moderated)["error"]["code"] == "moderation_blocked"
    assert call.video(broken)["error"] == {"code": "internal_error", "message": "It broke."}
    assert content(call, moderated).status_code == 400


@pytest.mark.parametrize(
    ("style", "error"),
    [
        ("string", "It broke."),
        ("no_code", {"message": "It broke."}),
        ("integer_code", {"code": 500, "message": "It broke."}),
    ],
)
def test_a_failed_video_tells_why_in_any_form(call: Any, tell: Any, style: str, error: object) -> None:
    tell("fail", operation="create", message="It broke.", after=0)
    tell("error_style", operation="retrieve", style=style)
    assert call.video(call.create().json()["id"])["error"] == error


def test_a_failed_video_may_come_as_an_http_error(call: Any, tell: Any, finished: str) -> None:
    tell("failed_as_http_error", operation="retrieve")
    tell("fail", operation="create", count=1, after=0)
    failed = call.create().json()["id"]
    answer = call("GET", f"/v1/videos/{failed}")
    assert (answer.status_code, answer.json()["status"], answer.json()["error"]["code"]) == (500, "failed", 500)
    assert call("GET", f"/v1/videos/{finished}").status_code == 200


def test_a_job_may_finish_late(call: Any, tell: Any, time: Any) -> None:
    tell("render", operation="create", count=1, seconds=5_000)
    job_id = call.create().json()["id"]
    time.now += 4_999
    assert call.video(job_id)["status"] == "in_progress"
    time.now += 1
    assert call.video(job_id)["status"] == "completed"
    assert content(call, job_id).status_code == 200


def test_hints_come_as_headers(call: Any, tell: Any, finished: str) -> None:
    tell("headers", operation="retrieve", headers={"openai-poll-after-ms": 500, "Retry-After": "3"})
    headers = call("GET", f"/v1/videos/{finished}").headers
    assert (headers["openai-poll-after-ms"], headers["Retry-After"]) == ("500", "3")


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("expired", 404, "The video is no longer available. Downloads expire after 1 hours."),
        ("not_ready", 404, json.dumps({"detail": "Generation is still in-progress"})),
    ],
)
def test_content_may_be_refused(call: Any, tell: Any, finished: str, kind: str, status: int, body: str) -> None:
    tell(kind, operation="content", count=1)
    answer = content(call, finished)
    assert (answer.status_code, answer.text) == (status, body)
    tell("inaccessible", operation="content", count=1)
    assert content(call, finished).status_code == 403
    assert content(call, finished).status_code == 200


def test_content_may_be_something_else(call: Any, tell: Any, finished: str) -> None:
    from io import BytesIO

    whole = content(call, finished).content
    tell("html", operation="content", count=1)
    assert content(call, finished).text.startswith("<!doctype html>")
    tell("truncated", operation="content", count=1)
    assert content(call, finished).content == whole[: len(whole) // 2]
    tell("break_off", operation="content", count=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        content(call, finished)
    tell("wrong_type", operation="content", count=1, content_type="application/json")
    labelled = content(call, finished)
    assert (labelled.headers["Content-Type"], labelled.content) == ("application/json", whole)
    tell("wrong_file", operation="content", count=1)
    other = content(call, finished)
    with Image.open(BytesIO(other.content)) as image:
        assert (other.headers["Content-Type"], image.format) == ("video/mp4", "WEBP")


def test_content_may_be_kept_by_a_host_that_wants_no_key(call: Any, tell: Any, finished: str) -> None:
    tell("redirect", operation="content", to="http://files.example")
    answer = content(call, finished)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"http://files.example/files/{finished}.mp4")
    path = f"/files/{finished}.mp4"
    assert call("GET", path).content[4:8] == b"ftyp"
    assert call("GET", path, headers={"Authorization": "Bearer sk-leaked"}).status_code == 400
    assert call("GET", path, headers={"api-key": "sk-leaked"}).status_code == 400


def test_content_comes_in_ranges_unless_told_otherwise(call: Any, tell: Any, finished: str) -> None:
    whole = content(call, finished).content
    total = len(whole)
    for asked, start, stop in (("0-9", 0, 10), ("100-", 100, total), ("-20", total - 20, total)):
        part = content(call, finished, headers={"Range": f"bytes={asked}"})
        assert (part.status_code, part.content) == (206, whole[start:stop])
        assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{total}"
    assert content(call, finished, headers={"Range": f"bytes={total}-"}).status_code == 416
    other = {"Range": "bytes=5-", "If-Range": '"something else"'}
    assert content(call, finished, headers=other).content == whole
    tell("no_range", operation="content")
    ignored = content(call, finished, headers={"Range": "bytes=5-"})
    assert (ignored.status_code, ignored.content) == (200, whole)


def test_a_fault_strikes_as_often_as_told(call: Any, tell: Any, app: Any) -> None:
    tell("invalid", operation="create", count=2)
    assert [call.create().status_code for _ in range(3)] == [400, 400, 200]
    assert app.faults.all() == []


def test_a_fault_strikes_only_the_prompts_it_is_meant_for(call: Any, tell: Any) -> None:
    tell("invalid", operation="create", match="wolf")
    assert [call.create(prompt=prompt).status_code for prompt in ("a wolf", "a fox")] == [400, 200]


def test_a_fault_strikes_with_its_probability(call: Any, tell: Any, app: Any) -> None:
    app.faults.chance.seed(7)
    tell("invalid", operation="create", probability=0.3)
    refused = [call.create().status_code for _ in range(200)].count(400)
    assert 40 < refused < 80


def test_a_remix_is_a_create_to_faults(call: Any, tell: Any, finished: str) -> None:
    tell("quota", operation="create", match="snow")
    assert call("POST", f"/v1/videos/{finished}/remix", json={"prompt": "with snow"}).status_code == 429
    assert call("POST", f"/v1/videos/{finished}/remix", json={"prompt": "with rain"}).status_code == 200


def test_faults_are_told_over_http_and_outlive_a_restart(call: Any, app: Any, time: Any) -> None:
    told = call("POST", "/faults", json={"kind": "drop", "operation": "create", "count": 1, "match": "x"}).json()
    [fault] = call("GET", "/faults").json()["data"]
    assert fault == {
        "id": told["id"],
        "kind": "drop",
        "operation": "create",
        "count": 1,
        "probability": None,
        "match": "x",
        "arguments": {},
    }
    app.close()
    assert [again.id for again in app.faults.all()] == [told["id"]]
    assert call("DELETE", "/faults").json() == {"data": []}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "sulk"},
        {"kind": "drop", "operation": "sleep"},
        {"kind": "drop", "count": 0},
        {"kind": "drop", "count": "1"},
        {"kind": "drop", "probability": 2},
        {"kind": "drop", "seconds": 1},
        {"kind": "stall"},
        {"kind": "server_error", "style": "sarcastic"},
        {},
        [],
    ],
)
def test_a_fault_that_is_not_known_is_refused(call: Any, app: Any, body: object) -> None:
    assert call("POST", "/faults", json=body).status_code == 400
    assert app.faults.all() == []


def test_what_was_bought_is_counted(call: Any, time: Any) -> None:
    made = call.create(prompt="First").json()
    call("DELETE", f"/v1/videos/{made['id']}")
    [bought] = call("GET", "/purchases").json()["data"]
    assert bought == {
        "id": made["id"],
        "prompt": "First",
        "model": "sora-2",
        "size": "160x90",
        "seconds": 1,
        "created_at": time.now,
        "remixed_from": None,
        "extended_from": None,
        "gone": "deleted",
    }
