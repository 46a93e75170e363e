"""The Videos API client over real HTTP: what it sends, and what it makes of loose answers."""

import email.parser
import email.policy
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hostile_server import Request, Wire, answer

from aivideo.providers.base import CreateRequest, ProviderError
from aivideo.providers.sora import fingerprint

PROMPT = "A fox — 狐狸 — in the “snow”\nat dawn"
ORDER = CreateRequest(prompt=PROMPT, model="sora-2", size="1280x720", seconds=8)
VIDEO = {"id": "video_1", "object": "video", "status": "queued", "progress": 0, "model": "sora-2"}
AWKWARD_ID = "video_YWJj+/==" + "x" * 900


def parts(request: Request) -> dict[str, Any]:
    """The parts of a multipart request by field name."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + request.body)
    return {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}


def says(*answers: bytes) -> Callable[[Request, Wire], bytes]:
    """A handler that gives one answer after the other."""
    waiting = list(answers)
    return lambda request, wire: waiting.pop(0)


def create_error(client: Any, order: CreateRequest = ORDER) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        client.create(order, deadline=5)
    return caught.value


def test_a_create_is_multipart_also_without_a_picture(serve: Any, sora: Any) -> None:
    server = serve(says(answer(200, VIDEO)))
    job = sora(server).create(ORDER, deadline=5)
    assert (job.id, job.state, job.progress) == ("video_1", "queued", 0)
    request = server.requests[0]
    assert (request.method, request.target) == ("POST", "/v1/videos")
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    sent = parts(request)
    assert {name: part.get_payload(decode=True).decode() for name, part in sent.items()} == {
        "prompt": PROMPT,
        "model": "sora-2",
        "size": "1280x720",
        "seconds": "8",
    }
    assert not any(part.get_filename() for part in sent.values())


def test_a_picture_goes_with_its_type_and_a_file_name(serve: Any, sora: Any, tmp_path: Path) -> None:
    picture = tmp_path / "upload of a user"
    picture.write_bytes(b"\xff\xd8\xff picture")
    server = serve(says(answer(200, VIDEO)))
    order = CreateRequest(PROMPT, "sora-2", "1280x720", 8, picture=picture, picture_type="image/jpeg")
    sora(server).create(order, deadline=5)
    part = parts(server.requests[0])["input_reference"]
    assert (part.get_content_type(), part.get_filename()) == ("image/jpeg", "reference.jpg")
    assert part.get_payload(decode=True) == b"\xff\xd8\xff picture"


def test_an_empty_model_is_not_sent(serve: Any, sora: Any) -> None:
    server = serve(says(answer(200, VIDEO)))
    sora(server).create(CreateRequest(PROMPT, "", "1280x720", 8), deadline=5)
    assert "model" not in parts(server.requests[0])


def test_a_remix_posts_the_prompt_as_json_below_the_first_video(serve: Any, sora: Any) -> None:
    server = serve(says(answer(200, {**VIDEO, "id": "video_2"})))
    order = CreateRequest(PROMPT, "sora-2", "1280x720", 8, remix_of="video_a/b=")
    assert sora(server).create(order, deadline=5).id == "video_2"
    request = server.requests[0]
    assert request.target == "/v1/videos/video_a%2Fb%3D/remix"
    assert json.loads(request.body) == {"prompt": PROMPT}


def test_an_extension_posts_its_video_and_the_seconds_as_text(serve: Any, sora: Any) -> None:
    server = serve(says(answer(200, {**VIDEO, "id": "video_2", "seconds": "12"})))
    order = CreateRequest(PROMPT, "sora-2", "1280x720", 4, extend_of="video_a/b=")
    made = sora(server).create(order, deadline=5)
    assert (made.id, made.seconds) == ("video_2", "12")
    request = server.requests[0]
    assert request.target == "/v1/videos/extensions"
    assert json.loads(request.body) == {"prompt": PROMPT, "seconds": "4", "video": {"id": "video_a/b="}}


@pytest.mark.parametrize(
    ("status", "body", "job_id"),
    [
        (200, {"id": "video_1", "status": "queued", "created_at": 1701234567}, "video_1"),
        (201, {"id": "video_1"}, "video_1"),
        (202, {"id": "video_1", "object": "video", "status": "queued", "duration": 8.0, "error": None}, "video_1"),
        (200, {"task_id": "task_1", "status": "NOT_START"}, "task_1"),
        (200, {"id": "task_1", "task_id": "task_1", "status": "unknown"}, "task_1"),
        (200, {"code": "success", "message": "", "data": {"id": 7, "task_id": "task_1"}}, "task_1"),
        (200, {"data": {"id": "video_1", "status": "pending"}}, "video_1"),
        (200, {"id": 42, "status": "queued"}, "42"),
        (200, {"id": AWKWARD_ID, "status": "processing"}, AWKWARD_ID),
    ],
)
def test_a_create_takes_the_id_from_wherever_it_is(status: int, body: Any, job_id: str, serve: Any, sora: Any) -> None:
    assert sora(serve(says(answer(status, body)))).create(ORDER, deadline=5).id == job_id


def test_a_create_that_failed_at_once_is_a_job_also_as_an_http_error(serve: Any, sora: Any) -> None:
    failed = {**VIDEO, "status": "failed", "error": {"code": "moderation_blocked", "message": "Blocked."}}
    for status in (200, 400, 500):
        job = sora(serve(says(answer(status, failed)))).create(ORDER, deadline=5)
        assert (job.id, job.state, job.error_kind) == ("video_1", "failed", "moderation")


@pytest.mark.parametrize(
    "said",
    [
        answer(200, b""),
        answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"}),
        answer(200, b'{"id": "vid'),
        answer(200, {"status": "queued"}),
        answer(200, {"id": None}),
        answer(200, {"id": ""}),
        answer(200, []),
        answer(200, "video_1"),
        answer(200, {"error": {"code": "oops", "message": "Something"}}),
        answer(204, b""),
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
)
def test_a_success_without_an_id_leaves_the_create_in_doubt(said: bytes, serve: Any, sora: Any) -> None:
    def once(request: Request, wire: Wire) -> None:
        wire.send(said)

    error = create_error(sora(serve(once)))
    assert (error.kind, error.ambiguous, error.permanent, error.sent) == ("unreadable", True, False, True)


def test_words_and_status_of_an_unreadable_success_are_kept(serve: Any, sora: Any) -> None:
    said = answer(200, {"code": "oops", "message": "Something", "data": None}, {"X-Request-Id": "req_1"})
    error = create_error(sora(serve(says(said))))
    assert (error.code, error.message, error.status, error.request_id) == ("oops", "Something", 200, "req_1")


def test_a_refused_create_tells_what_the_provider_said(serve: Any, sora: Any) -> None:
    body = {"error": {"message": "Slow down.", "type": "rate_limit_error", "code": "rate_limit_exceeded"}}
    error = create_error(sora(serve(says(answer(429, body, {"Retry-After": "20", "X-Request-Id": "req_1"})))))
    assert (error.kind, error.ambiguous, error.retry_after, error.request_id) == ("rate_limited", False, 20, "req_1")


def test_a_dropped_create_is_sent_once_and_in_doubt(serve: Any, sora: Any) -> None:
    server = serve(lambda request, wire: None)
    error = create_error(sora(server))
    assert (error.kind, error.ambiguous) == ("connection", True)
    assert len(server.requests) == 1


def test_a_create_may_take_as_long_as_its_deadline(serve: Any, sora: Any) -> None:
    def slow(request: Request, wire: Wire) -> bytes:
        wire.leaving.wait(0.4)
        return answer(200, VIDEO)

    assert sora(serve(slow), read_seconds=0.1).create(ORDER, deadline=10).id == "video_1"


def test_a_create_with_a_picture_that_is_gone_sends_nothing(serve: Any, sora: Any, tmp_path: Path) -> None:
    server = serve()
    with pytest.raises(FileNotFoundError):
        sora(server).create(CreateRequest(PROMPT, "m", "1x1", 4, picture=tmp_path / "gone"), deadline=5)
    assert server.connections == 0


def test_a_look_keeps_the_id_that_was_asked_for(serve: Any, sora: Any) -> None:
    server = serve(says(answer(200, {**VIDEO, "id": "video_other", "status": "Processing", "progress": None})))
    job = sora(server).retrieve(AWKWARD_ID)
    assert (job.id, job.state, job.progress) == (AWKWARD_ID, "in_progress", None)
    assert server.requests[0].target == "/v1/videos/video_YWJj%2B%2F%3D%3D" + "x" * 900


def test_a_look_takes_an_answer_without_any_id(serve: Any, sora: Any) -> None:
    job = sora(serve(says(answer(200, {"status": "succeeded", "url": "https://cdn/x.mp4"})))).retrieve("v")
    assert (job.id, job.state, job.file_url) == ("v", "completed", "https://cdn/x.mp4")


@pytest.mark.parametrize("status", [400, 422, 500, 503])
def test_a_failed_job_comes_back_out_of_an_http_error(status: int, serve: Any, sora: Any) -> None:
    failed = {**VIDEO, "id": "video_gen_1", "status": "failed", "error": {"code": status, "message": "CUDA OOM"}}
    job = sora(serve(says(answer(status, failed)))).retrieve("video_gen_1")
    assert (job.state, job.error_code, job.error_message) == ("failed", str(status), "CUDA OOM")


@pytest.mark.parametrize(
    "body",
    [
        {"id": "req_1", "status": "error", "message": "bad gateway"},
        {"status": "failed", "error": "gateway"},
        {**VIDEO, "status": "in_progress"},
    ],
)
def test_an_http_error_that_is_no_failed_job_is_an_error(body: Any, serve: Any, sora: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        sora(serve(says(answer(502, body)))).retrieve("video_1")
    assert (caught.value.kind, caught.value.permanent) == ("server", False)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer(404, {"detail": "Video not found"}), "not_found"),
        (answer(200, {"code": "task_not_exist", "message": "task_not_exist"}), "not_found"),
        (answer(200, b"<html>Sign in</html>"), "unreadable"),
        (answer(200, {"hello": "world"}), "unreadable"),
        (answer(401, {"error": {"code": "invalid_api_key", "message": "no"}}), "unauthorised"),
        (answer(429, b""), "rate_limited"),
    ],
)
def test_a_look_that_fails_says_why(said: bytes, kind: str, serve: Any, sora: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        sora(serve(says(said))).retrieve("video_1")
    assert (caught.value.kind, caught.value.ambiguous) == (kind, False)


def test_a_look_honours_the_pause_asked_for(serve: Any, sora: Any) -> None:
    job = sora(serve(says(answer(200, VIDEO, {"openai-poll-after-ms": "4000"})))).retrieve("video_1")
    assert job.poll_after == 4


@pytest.mark.parametrize("job_id", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_not_asked_for(job_id: str, serve: Any, sora: Any) -> None:
    server = serve()
    with pytest.raises(ProviderError) as caught:
        sora(server).retrieve(job_id)
    assert (caught.value.kind, server.connections) == ("not_found", 0)


def test_the_list_is_read_page_by_page(serve: Any, sora: Any) -> None:
    first = {"object": "list", "data": [{**VIDEO, "prompt": PROMPT, "seconds": "8"}], "has_more": True}
    last = {"object": "list", "data": [{**VIDEO, "id": "video_0"}], "has_more": False}
    server = serve(says(answer(200, first), answer(200, last)))
    client = sora(server)
    page = client.list(limit=1)
    assert (page.jobs[0].prompt, page.jobs[0].seconds, page.complete) == (PROMPT, "8", False)
    assert client.list(after=page.last_id, limit=1).complete
    asked = [parse_qs(urlsplit(request.target).query) for request in server.requests]
    assert asked == [
        {"limit": ["1"], "order": ["desc"]},
        {"limit": ["1"], "order": ["desc"], "after": ["video_1"]},
    ]


@pytest.mark.parametrize(
    "said",
    [
        answer(400, {"error": {"code": "400", "message": "no list"}}),
        answer(404, b"404 page not found"),
        answer(500, b""),
        answer(200, b"<html>"),
        answer(200, {"object": "list"}),
        answer(200, {"data": [{"status": "queued"}]}),
        answer(202, {"data": []}),
    ],
)
def test_a_list_that_is_not_clean_is_refused(said: bytes, serve: Any, sora: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        sora(serve(says(said))).list()
    assert (caught.value.kind, caught.value.ambiguous) == ("refused", False)


def test_a_list_that_cannot_be_reached_is_not_refused(serve: Any, sora: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        sora(serve(lambda request, wire: None)).list()
    assert caught.value.kind == "connection"


@pytest.mark.parametrize(
    "said",
    [
        answer(200, {"id": "video_1", "object": "video.deleted", "deleted": True}),
        answer(200, {**VIDEO, "status": "deleted"}),
        answer(204, b""),
    ],
)
def test_a_delete_that_worked_says_nothing(said: bytes, serve: Any, sora: Any) -> None:
    server = serve(says(said))
    sora(server).delete("a/b")
    assert (server.requests[0].method, server.requests[0].target) == ("DELETE", "/v1/videos/a%2Fb")


@pytest.mark.parametrize(("status", "kind"), [(404, "not_found"), (405, "not_found"), (409, "server"), (500, "server")])
def test_a_delete_that_did_not_work_says_why(status: int, kind: str, serve: Any, sora: Any) -> None:
    with pytest.raises(ProviderError) as caught:
        sora(serve(says(answer(status, {"detail": "no"})))).delete("video_1")
    assert caught.value.kind == kind


def test_the_account_is_a_fingerprint_and_never_the_key(serve: Any, sora: Any) -> None:
    client = sora(serve(), key="sk-secret-of-ours")
    assert client.account == fingerprint(" sk-secret-of-ours ")
    assert len(client.account) == 12
    assert "secret" not in client.account
    assert fingerprint("sk-another") != client.account
    assert fingerprint("") == "none"


def test_name_and_base_url_are_told(serve: Any, sora: Any) -> None:
    server = serve()
    client = sora(server, name="simulator")
    assert (client.name, client.base_url) == ("simulator", f"{server.url}/v1")


def test_a_provider_that_is_away_was_not_sent_anything(sora: Any, serve: Any) -> None:
    server = serve()
    server.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", server.port)) != 0
    error = create_error(sora(server))
    assert (error.kind, error.sent, error.ambiguous) == ("connection", False, False)
