"""Files of the JSON API: the reference picture that comes in, the MP4 that goes out."""

import io
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from aivideo.adapters import storage
from aivideo.core.video import Stage, Status
from aivideo.models import Video
from aivideo.services import accounts, videos
from aivideo.transaction import transaction

PROMPT = "A cat walks slowly through the rain"
CLIP = bytes(range(256)) * 40


def bearer(user):
    return {"Authorization": f"Bearer {accounts.issue_token(user.id)}"}


@pytest.fixture
def hers(alice):
    return bearer(alice)


@pytest.fixture
def his(bob):
    return bearer(bob)


def picture(colour: str = "teal", size: tuple[int, int] = (640, 360), form: str = "PNG") -> tuple[io.BytesIO, str]:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, form)
    data.seek(0)
    return data, f"cat.{form.lower()}"


def send(client, headers, *, key=None, **fields):
    named = {**headers, "Idempotency-Key": key} if key else headers
    form = {"data": {"prompt": PROMPT, **fields}, "content_type": "multipart/form-data"}
    return client.post("/api/v1/videos/generate", headers=named, **form)


def finish(video_id: int, tmp_path, name: str = "user_1_video_1.mp4") -> None:
    """Put a clip in place and the video into its closing state."""
    (tmp_path / "clip").write_bytes(CLIP)
    storage().save(name, tmp_path / "clip", "video/mp4")
    _complete(video_id, name)


def _complete(video_id: int, name: str) -> None:
    with transaction() as session:
        video = session.get(Video, video_id)
        video.stage, video.status, video.due_at, video.file_name = Stage.ENDED, Status.COMPLETED, None, name


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_picture_comes_in_beside_the_prompt(client, alice, hers, form):
    answer = send(client, hers, seconds="4", size="720x1280", input_reference=picture(form=form))
    assert answer.status_code == 202, answer.text
    assert answer.get_json()["credits_charged"] == 50
    video = videos.get(alice.id, 1)
    assert (video.seconds, video.size) == (4, "720x1280")
    assert storage().exists(video.picture_name)


def test_a_form_without_a_picture_is_accepted(client, alice, hers):
    assert send(client, hers, input_reference=(io.BytesIO(b""), "")).status_code == 202
    assert videos.get(alice.id, 1).picture_name is None


def test_the_same_key_and_picture_get_the_same_answer(client, hers):
    first = send(client, hers, key="boat-1", input_reference=picture())
    again = send(client, hers, key="boat-1", input_reference=picture())
    assert (again.status_code, again.get_json()) == (202, first.get_json())


@pytest.mark.parametrize("other", [{"input_reference": "red"}, {}])
def test_the_same_key_with_another_picture_or_none_is_refused(client, hers, other):
    send(client, hers, key="boat-1", input_reference=picture("teal"))
    changed = {name: picture(colour) for name, colour in other.items()}
    assert send(client, hers, key="boat-1", **changed).status_code == 422


@pytest.mark.parametrize(
    "file", [(b"not a picture", "cat.png"), (b"", "cat.png"), (b"GIF89a", "cat.gif"), (b"%PDF-1.7", "cat.jpg")]
)
def test_what_is_no_picture_is_refused_and_nothing_is_charged(client, hers, file):
    answer = send(client, hers, input_reference=(io.BytesIO(file[0]), file[1]))
    assert answer.status_code == 422
    assert answer.get_json()["errors"]["input_reference"]
    assert client.get("/api/v1/account", headers=hers).get_json()["credits"] == 1000


def test_of_a_request_that_cannot_be_paid_no_picture_is_kept(client, app):
    poor = accounts.create("poor@example.com", None, credits=100)
    token = bearer(poor)
    assert send(client, token, key="boat-1", input_reference=picture("teal")).status_code == 202
    kept = list(storage().names())
    assert send(client, token, input_reference=picture("red")).status_code == 402
    assert send(client, token, key="boat-1", input_reference=picture("teal")).status_code == 202
    free = accounts.create("free@example.com", None, plan="free", credits=100)
    assert send(client, bearer(free), input_reference=picture("red")).status_code == 403
    assert list(storage().names()) == kept


def test_two_pictures_are_refused(client, hers):
    answer = send(client, hers, input_reference=[picture("teal"), picture("red")])
    assert answer.status_code == 422
    assert answer.get_json()["errors"]["input_reference"] == ["Send one picture."]


def test_a_picture_that_is_an_address_is_refused_rather_than_ignored(client, hers):
    answer = send(client, hers, input_reference="https://example.com/cat.png")
    assert answer.status_code == 422
    assert "input_reference" in answer.get_json()["errors"]


def test_the_file_of_a_video_comes_whole_and_in_parts(client, hers, tmp_path):
    send(client, hers)
    finish(1, tmp_path)

    def fetch(headers, method="GET"):
        return client.open("/api/v1/videos/1/file", method=method, headers=headers, buffered=True)

    whole = fetch(hers)
    assert (whole.status_code, whole.mimetype, whole.data) == (200, "video/mp4", CLIP)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert "private" in whole.headers["Cache-Control"]
    part = fetch({**hers, "Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, CLIP[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(CLIP)}"
    assert fetch({**hers, "Range": "bytes=-10"}).data == CLIP[-10:]
    beyond = fetch({**hers, "Range": "bytes=99999-"})
    assert (beyond.status_code, beyond.content_type) == (416, "application/problem+json")
    for odd in ("items=0-3", "bytes=abc", "bytes=", "bytes=0-1,4-5"):
        assert fetch({**hers, "Range": odd}).status_code == 200
    fresh = fetch({**hers, "If-None-Match": whole.headers["ETag"]})
    assert fresh.status_code == 304
    head = fetch(hers, method="HEAD")
    assert (head.status_code, head.content_length, head.data) == (200, len(CLIP), b"")


def test_a_video_that_is_not_finished_has_no_file(client, hers):
    send(client, hers)
    answer = client.get("/api/v1/videos/1/file", headers=hers)
    assert answer.status_code == 404
    assert "not finished" in answer.get_json()["detail"]


def test_a_strangers_file_does_not_exist(client, hers, his, tmp_path):
    send(client, hers)
    finish(1, tmp_path)
    assert client.get("/api/v1/videos/1/file", headers=his).status_code == 404
    assert client.get("/api/v1/videos/1/file").status_code == 401


def test_a_deleted_video_has_no_file(client, hers, tmp_path):
    send(client, hers)
    finish(1, tmp_path)
    client.delete("/api/v1/videos/1", headers=hers)
    assert client.get("/api/v1/videos/1/file", headers=hers).status_code == 404


class TestInABucket:
    @pytest.fixture
    def overrides(self, overrides, monkeypatch):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "of-the-tests")
        return {**overrides, "S3_BUCKET": "clips", "S3_ENDPOINT_URL": "http://127.0.0.1:9"}

    def test_the_file_is_fetched_from_a_signed_address_of_the_bucket(self, client, hers):
        send(client, hers)
        _complete(1, "user_1_video_1.mp4")
        answer = client.get("/api/v1/videos/1/file", headers=hers)
        assert answer.status_code == 302
        address = urlsplit(answer.location)
        assert (address.netloc, address.path) == ("127.0.0.1:9", "/clips/user_1_video_1.mp4")
        assert "X-Amz-Signature" in parse_qs(address.query)
        assert "no-store" in answer.headers["Cache-Control"]

    def test_a_bucket_that_is_away_is_a_503_and_nothing_is_charged(self, client, hers):
        answer = send(client, hers, input_reference=picture())
        assert answer.status_code == 503
        assert answer.content_type == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
        assert client.get("/api/v1/account", headers=hers).get_json()["credits"] == 1000
