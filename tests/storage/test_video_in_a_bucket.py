"""A video whose files live in a bucket: other machines find all of it there, and it leaves with the video."""

import io

import pytest
import requests
from bucket import BUCKET
from PIL import Image
from provider_inside import time_passes, work_off

from aivideo.services import accounts, audit

ORDER = {"prompt": "A cat walks slowly through the rain", "seconds": "4"}


@pytest.fixture
def overrides(overrides, s3, s3_server):
    return {**overrides, "S3_BUCKET": BUCKET, "S3_ENDPOINT_URL": s3_server}


def go_on(app):
    for _ in range(5):
        work_off(app)
        time_passes(16)


def test_picture_clip_and_poster_are_in_the_bucket_and_gone_with_the_video(app, client, simulator, alice, s3, tmp_path):
    token = {"Authorization": f"Bearer {accounts.issue_token(alice.id)}"}
    picture = io.BytesIO()
    Image.new("RGB", (640, 360), "teal").save(picture, "PNG")
    picture.seek(0)
    form = {"data": {**ORDER, "input_reference": (picture, "cat.png")}, "content_type": "multipart/form-data"}
    assert client.post("/api/v1/videos/generate", headers=token, **form).status_code == 202
    go_on(app)
    reference, *made = sorted(s3.names())
    assert reference.startswith("reference_")
    assert made == [f"user_1_video_1{rest}" for rest in (".mp4", ".webp", "_preview.webp")]
    assert audit.check() == []

    for address, kind in (("file", "video/mp4"), ("poster", "image/webp")):
        answer = client.get(f"/videos/1/{address}", headers=token)
        assert answer.status_code == 302
        part = requests.get(answer.location, headers={"Range": "bytes=0-99"}, timeout=10)
        assert (part.status_code, len(part.content), part.headers["Content-Type"]) == (206, 100, kind)

    assert client.delete("/api/v1/videos/1", headers=token).status_code == 204
    go_on(app)
    assert list(s3.names()) == []
    assert not (tmp_path / "files").exists()
    assert audit.check() == []
