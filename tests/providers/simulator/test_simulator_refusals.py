"""What the simulator refuses, and in which words."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from aivideo.providers.simulator import SimulatorAdapter, create_simulator


@pytest.mark.parametrize(
    ("fields", "code", "param", "words"),
    [
        ({"prompt": None}, "missing_required_parameter", "prompt", "Missing required parameter"),
        ({"prompt": ""}, "missing_required_parameter", "prompt", "Missing required parameter"),
        ({"prompt": 7}, "invalid_type", "prompt", "expected a string, but got an integer"),
        ({"prompt": "x" * 32_001}, "string_above_max_length", "prompt", "at most 32000"),
        ({"model": "sora-9"}, "invalid_value", "model", "'sora-9'. Supported values are: 'sora-2', and 'sora-2-pro'"),
        ({"size": "10x10"}, "invalid_value", "size", "'10x10'"),
        ({"size": "320x180"}, "invalid_value", "size", "'320x180'"),
        ({"seconds": "3"}, "invalid_value", "seconds", "Supported values are: '1', '2', and '4'"),
        ({"seconds": 1}, "invalid_type", "seconds", "but got an integer instead"),
        ({"input_reference": "https://example.com/a.png"}, "invalid_type", "input_reference", "got a string"),
        ({"input_reference": ["a"]}, "invalid_type", "input_reference", "expected an object"),
        ({"input_reference": {"file_id": "file_1"}}, "invalid_value", "input_reference", "Failed to download"),
        ({"input_reference": {"image_url": "data:image/png;base64,!"}}, "invalid_value", "input_reference", "base64"),
    ],
)
def test_a_bad_field_is_refused_in_the_servers_words(
    call: Any, app: Any, fields: dict[str, object], code: str, param: str, words: str
) -> None:
    answer = call.create(**fields)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", code, param)
    assert words in error["message"]
    assert app.purchases() == []


def test_what_is_left_out_takes_the_usual_value(tmp_path: Path) -> None:
    simulator = create_simulator(tmp_path, clip=tmp_path / "any.mp4")
    with requests.Session() as session:
        session.mount("http://simulator.invalid/", SimulatorAdapter(simulator))
        video = session.post("http://simulator.invalid/v1/videos", json={"prompt": "A fox"}).json()
        answer = session.post("http://simulator.invalid/v1/videos", json={"prompt": "A fox", "size": "1792x1024"})
        models = session.get("http://simulator.invalid/v1/models").json()["data"]
    simulator.close()
    assert (video["model"], video["size"], video["seconds"]) == ("sora-2", "720x1280", "4")
    assert "'720x1280', and '1280x720'" in answer.json()["error"]["message"]
    assert [model["id"] for model in models][:2] == ["sora-2", "sora-2-pro"]


def upload(call: Any, content: bytes, kind: str | None, size: str = "160x90") -> requests.Response:
    part = ("first.jpg", content, kind) if kind else ("first", content)
    fields = {"prompt": "It moves", "size": size, "seconds": "1"}
    return call("POST", "/v1/videos", data=fields, files={"input_reference": part})


def test_a_picture_of_another_size_is_refused(call: Any, picture: Callable[..., bytes]) -> None:
    answer = upload(call, picture(100, 90), "image/jpeg")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Inpaint image must match the requested width and height"


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "image/gif"])
def test_a_picture_without_an_image_type_is_refused(call: Any, picture: Callable[..., bytes], kind: str | None) -> None:
    answer = upload(call, picture(160, 90), kind)
    assert answer.status_code == 400
    assert "unsupported mimetype" in answer.json()["error"]["message"]


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"\xff\xd8\xff\xe0 no picture"])
def test_a_file_that_is_no_picture_is_refused(call: Any, content: bytes) -> None:
    answer = upload(call, content, "image/jpeg")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_image_file")


def test_a_picture_cut_short_is_refused(call: Any, picture: Callable[..., bytes]) -> None:
    answer = upload(call, picture(160, 90)[:400], "image/jpeg")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_image_file")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_of_the_right_size_is_taken(call: Any, picture: Callable[..., bytes], kind: str) -> None:
    content = picture(160, 90, kind)
    assert upload(call, content, f"image/{kind.lower()}").status_code == 200
    address = f"data:image/{kind.lower()};base64,{base64.b64encode(content).decode()}"
    assert call.create(input_reference={"image_url": address}).status_code == 200
    fields = {"prompt": "It moves", "size": "160x90", "seconds": "1", "input_reference[image_url]": address}
    assert call("POST", "/v1/videos", files={name: (None, text) for name, text in fields.items()}).status_code == 200


def test_a_text_in_place_of_the_file_is_refused(call: Any) -> None:
    fields = {"prompt": "It moves", "size": "160x90", "seconds": "1", "input_reference": "https://example.com/a.png"}
    answer = call("POST", "/v1/videos", files={name: (None, text) for name, text in fields.items()})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_type")


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{", "application/json"), (b"[]", "application/json"), (b"hello", "text/plain"), (b"", "")],
)
def test_a_body_that_cannot_be_read_is_refused(call: Any, body: bytes, kind: str) -> None:
    answer = call("POST", "/v1/videos", data=body, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/nothing"),
        ("GET", "/"),
        ("PUT", "/v1/videos"),
        ("POST", "/v1/videos/video_1"),
        ("GET", "/v1/faults"),
        ("GET", "/v1/purchases"),
        ("GET", "/v1/videos/video_1"),
        ("GET", "/v1/videos/video_1/content"),
        ("DELETE", "/v1/videos/video_1"),
        ("GET", "/v1/videos/video_a%2Fb%3D%3D"),
    ],
)
def test_what_does_not_exist_is_404(call: Any, method: str, path: str) -> None:
    answer = call(method, path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (404, "invalid_request_error")


@pytest.mark.parametrize("query", ["limit=101", "limit=-1", "limit=x", "order=up", "after=video_0"])
def test_a_bad_list_query_is_refused(call: Any, query: str) -> None:
    assert call("GET", f"/v1/videos?{query}").status_code == 400


def test_an_unknown_variant_is_refused(call: Any, time: Any) -> None:
    job_id = call.create().json()["id"]
    time.now += 10
    assert call("GET", f"/v1/videos/{job_id}/content?variant=audio").json()["error"]["param"] == "variant"


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[requests.Session]:
    simulator = create_simulator(tmp_path, key="sk-right", clip=tmp_path / "any.mp4")
    with requests.Session() as session:
        session.mount("http://simulator.invalid/", SimulatorAdapter(simulator))
        yield session
    simulator.close()


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer sk-wrong", "Bearer sk-right-and-more", "Bearer schlüssel"])
def test_a_wrong_key_is_401_where_one_is_configured(locked: requests.Session, header: str | None) -> None:
    headers = {"Authorization": header.encode("latin-1")} if header else {}
    answer = locked.get("http://simulator.invalid/v1/videos", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_the_right_key_is_let_in(locked: requests.Session) -> None:
    headers = {"Authorization": "Bearer sk-right"}
    assert locked.get("http://simulator.invalid/v1/videos", headers=headers).json()["data"] == []


def test_any_key_will_do_where_none_is_configured(call: Any) -> None:
    assert call("GET", "/v1/videos", headers={"Authorization": "Bearer whatever"}).status_code == 200
