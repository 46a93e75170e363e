"""Video objects and lists as each of the known servers words them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from aivideo.providers.parsing import ENDED, job, page, state_of, unwrap

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(video: dict[str, Any], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return job(video, CaseInsensitiveDict(named), job_id="asked")


@pytest.mark.parametrize(
    ("spelling", "state"),
    [
        *[(word, "queued") for word in ("queued", "pending", "submitted", "not_start", "NOT_START", "unknown", "")],
        *[(word, "in_progress") for word in ("in_progress", "IN_PROGRESS", "in-progress", "In Progress")],
        *[(word, "in_progress") for word in ("preparing", "processing", "running", "generating", "dreaming")],
        *[(word, "completed") for word in ("completed", "success", "SUCCESS", "Succeeded", "finished", "done")],
        *[(word, "failed") for word in ("failed", "FAILED", "failure", "FAILURE", "fail", "error")],
        *[(word, "cancelled") for word in ("cancelled", "canceled", "CANCELLED", "deleted")],
        ("expired", "expired"),
        (None, "queued"),
        (3, "queued"),
    ],
)
def test_a_status_is_known_in_every_spelling(spelling: Any, state: str) -> None:
    assert state_of(spelling) == state


def test_a_job_has_the_id_that_was_asked_for() -> None:
    assert read({"id": "another", "status": "completed"}).id == "asked"


def test_a_server_says_what_a_job_is_a_remix_of_or_that_it_is_none_or_nothing() -> None:
    assert read({"remixed_from_video_id": "video_1"}).made_from == "video_1"
    assert read({"remixed_from_video_id": None}).made_from == ""
    assert read({}).made_from is None


def test_an_object_with_nothing_in_it_is_a_queued_job() -> None:
    found = read({})
    assert (found.state, found.progress, found.prompt, found.created_at, found.error_kind) == (
        *("queued", None, None, None),
        None,
    )


@pytest.mark.parametrize(
    ("value", "progress"),
    [
        *[(None, None), (0, 0), (54, 54), ("54", 54), ("54%", 54), (54.6, 54), (0.54, 54), (1, 1), (250, 100)],
        *[(-1, None), ("soon", None), (True, None), (float("nan"), None), ([], None)],
    ],
)
def test_progress_is_a_percentage_or_none(value: Any, progress: int | None) -> None:
    assert read({"progress": value}).progress == progress


@pytest.mark.parametrize(
    "value", [NOON.timestamp(), int(NOON.timestamp()) * 1000, str(int(NOON.timestamp())), "2026-11-22T12:00:00Z"]
)
def test_a_moment_comes_in_seconds_milliseconds_or_iso(value: Any) -> None:
    assert read({"created_at": value, "expires_at": value}).created_at == NOON
    assert read({"expires_at": value}).expires_at == NOON


@pytest.mark.parametrize("value", [None, 0, -5, 1e30, float("inf"), "yesterday", True, {}, []])
def test_a_moment_that_makes_no_sense_is_none(value: Any) -> None:
    assert read({"created_at": value}).created_at is None


@pytest.mark.parametrize(
    "video", [{"seconds": "8"}, {"seconds": 8}, {"seconds": 8.0}, {"duration": 8}, {"duration": "8s"}]
)
def test_seconds_are_text_also_where_they_are_called_duration(video: dict[str, Any]) -> None:
    assert read(video).seconds == "8"


@pytest.mark.parametrize("video", [{"size": "1280x720"}, {"size": "1280*720"}, {"width": 1280, "height": 720}])
def test_a_size_is_width_x_height(video: dict[str, Any]) -> None:
    assert read(video).size == "1280x720"


def test_a_size_that_is_none_of_ours_is_none() -> None:
    assert read({"size": "720p"}).size is None


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"code": "moderation_blocked", "message": "Blocked."}, "moderation_blocked", "Blocked."),
        ({"code": 500, "message": "CUDA error"}, "500", "CUDA error"),
        ({"message": "out of memory"}, None, "out of memory"),
        ({"error": {"code": "x", "message": "deep"}}, "x", "deep"),
        ("RuntimeError: boom", None, "RuntimeError: boom"),
        (422, "422", None),
        ({"code": None, "message": "", "type": "server_error"}, "server_error", None),
        ({"message": "two\nlines\x00"}, None, "two lines"),
    ],
)
def test_the_error_of_a_failed_job_comes_as_object_text_or_number(error: Any, code: Any, message: Any) -> None:
    found = read({"status": "failed", "error": error})
    assert (found.error_code, found.error_message) == (code, message)


def test_a_failed_job_may_tell_its_reason_beside_the_error() -> None:
    found = read({"status": "FAILURE", "error": None, "fail_reason": "upstream said no"})
    assert (found.error_message, found.error_kind) == ("upstream said no", "server")


@pytest.mark.parametrize(
    "code", ["moderation_blocked", "sentinel_block", "content_policy_violation", "SAFETY.OUTPUT.X"]
)
def test_a_job_that_moderation_stopped_says_so(code: str) -> None:
    assert read({"status": "failed", "error": {"code": code, "message": "No."}}).error_kind == "moderation"


def test_a_job_that_runs_has_no_kind_of_error() -> None:
    assert read({"status": "in_progress"}).error_kind is None


@pytest.mark.parametrize(
    "video",
    [
        {"url": "https://cdn/x.mp4"},
        {"output_url": "https://cdn/x.mp4", "url": ""},
        {"video_url": "https://cdn/x.mp4"},
        {"metadata": {"url": "https://cdn/x.mp4", "duration": 8}},
        {"urls": ["https://cdn/x.mp4", "https://cdn/y.mp4"]},
        {"video": {"url": "https://cdn/x.mp4"}},
        {"url": None, "output": ["https://cdn/x.mp4"]},
    ],
)
def test_the_address_of_the_file_is_found_wherever_it_is(video: dict[str, Any]) -> None:
    assert read(video).file_url == "https://cdn/x.mp4"


@pytest.mark.parametrize(
    "url", ["data:video/mp4;base64,AAAA", "file:///etc/passwd", "//host/x", "javascript:x", 7, "x y"]
)
def test_an_address_that_is_none_is_left_out(url: Any) -> None:
    assert read({"url": url}).file_url is None


def test_the_pause_that_the_provider_asks_for_is_kept_in_seconds() -> None:
    assert read({}, openai_poll_after_ms="2500").poll_after == 2.5
    assert read({}, Retry_After="7").poll_after == 7
    assert read({}).poll_after is None


def test_wrapped_objects_are_unwrapped() -> None:
    inner = {"task_id": "task_1", "status": "SUCCESS", "data": {"id": "upstream"}}
    assert unwrap({"code": "success", "message": "", "data": inner}) == inner
    assert unwrap({"id": "video_1", "data": {"id": "other"}}) == {"id": "video_1", "data": {"id": "other"}}
    assert unwrap(["a"]) is None


def test_all_states_that_end_are_states() -> None:
    assert {state_of(state) for state in ENDED} == set(ENDED)


def listed(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"id": f"v{first + number}", "status": "queued"} for number in range(count)]


def test_a_page_says_whether_it_is_the_last() -> None:
    first = page({"data": listed(2), "has_more": True}, {}, limit=2)
    last = page({"data": listed(2), "has_more": False}, {}, limit=2)
    assert first is not None
    assert last is not None
    assert ([job.id for job in first.jobs], first.last_id, first.complete) == (["v0", "v1"], "v1", False)
    assert last.complete


def test_without_has_more_only_an_empty_page_is_the_last() -> None:
    some, none = page({"data": listed(2)}, {}, limit=100), page({"data": []}, {}, limit=100, after="v1")
    assert some is not None
    assert none is not None
    assert (some.complete, some.last_id, none.complete) == (False, "v1", True)


def test_a_server_without_cursors_is_not_asked_for_ever() -> None:
    whole, cut = (page({"data": listed(count)}, {}, limit=3, after="v1") for count in (2, 3))
    assert whole is not None
    assert cut is not None
    assert (whole.jobs, whole.last_id, whole.complete) == ([], None, True)
    assert (cut.jobs, cut.last_id, cut.complete) == ([], None, False)


@pytest.mark.parametrize(
    "body", [None, {}, {"data": None}, {"data": {"id": "v1"}}, {"data": [{"status": "x"}]}, {"data": [7]}]
)
def test_what_is_not_a_clean_list_is_none(body: Any) -> None:
    assert page(body, {}, limit=10) is None
