"""Fetching the finished file: whole or not at all, without leaking the key, from wherever it is."""

import errno
import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hostile_server import Request, Wire, answer

from aivideo.providers.base import ProviderError, ProviderJob

KEY = "sk-secret-of-ours"
CLIP = b"\x00\x00\x00\x18ftypisom" + bytes(range(256)) * 4000
JOB = ProviderJob("video_1", "completed")
MP4 = {"Content-Type": "video/mp4"}


def fetch_error(client: Any, to: Path, job: ProviderJob = JOB) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        client.content(job, to)
    return caught.value


class Files:
    """Serves CLIP with ranges; breaks off after `cut` bytes while there are cuts left."""

    def __init__(self, *cuts: int, etag: str | None = '"one"', ranges: bool = True) -> None:
        self.cuts, self.etag, self.ranges, self.clip = list(cuts), etag, ranges, CLIP

    def __call__(self, request: Request, wire: Wire) -> None:
        headers, start, status = dict(MP4), 0, 200
        asked = re.match(r"bytes=(\d+)-", request.headers.get("range", ""))
        unchanged = request.headers.get("if-range", self.etag) == self.etag
        if asked and self.ranges and unchanged:
            start, status = int(asked[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(self.clip) - 1}/{len(self.clip)}"
        if self.etag:
            headers["ETag"] = self.etag
        body = self.clip[start:]
        whole = answer(status, body, headers)
        wire.send(whole[: len(whole) - len(body) + self.cuts.pop(0)] if self.cuts else whole)


def test_a_file_is_streamed_to_disk(serve: Any, sora: Any, tmp_path: Path) -> None:
    server = serve(Files())
    got = sora(server).content(JOB, tmp_path / "clip.mp4")
    assert (got.path, got.size, got.content_type) == (tmp_path / "clip.mp4", len(CLIP), "video/mp4")
    assert got.path.read_bytes() == CLIP
    assert os.listdir(tmp_path) == ["clip.mp4"]
    assert server.requests[0].target == "/v1/videos/video_1/content"


@pytest.mark.parametrize("content_type", ["", "application/octet-stream", "binary/octet-stream", "video/mp4; x=y"])
def test_a_file_may_be_called_nothing_in_particular(content_type: str, serve: Any, sora: Any, tmp_path: Path) -> None:
    server = serve(lambda request, wire: answer(200, CLIP, {"Content-Type": content_type}))
    assert sora(server).content(JOB, tmp_path / "clip.mp4").size == len(CLIP)


def test_a_compressed_answer_is_unpacked(serve: Any, sora: Any, tmp_path: Path) -> None:
    server = serve(lambda request, wire: answer(200, gzip.compress(CLIP), MP4 | {"Content-Encoding": "gzip"}))
    assert sora(server).content(JOB, tmp_path / "clip.mp4").path.read_bytes() == CLIP


def test_a_redirect_to_another_host_is_followed_without_the_key(serve: Any, sora: Any, tmp_path: Path) -> None:
    cloud = serve(Files())
    server = serve(lambda request, wire: answer(302, b"", {"Location": f"{cloud.url}/signed?sig=a%2Fb"}))
    assert sora(server, KEY).content(JOB, tmp_path / "clip.mp4").size == len(CLIP)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert cloud.requests[0].target == "/signed?sig=a%2Fb"
    assert KEY not in str(cloud.requests[0])


def test_a_broken_download_goes_on_where_it_stopped(serve: Any, sora: Any, tmp_path: Path) -> None:
    server, to = serve(Files(300_000, 200_000)), tmp_path / "clip.mp4"
    client = sora(server)
    assert fetch_error(client, to).kind == "connection"
    first = to.stat().st_size
    assert 0 < first <= 300_000
    assert fetch_error(client, to).kind == "connection"
    second = to.stat().st_size
    assert first < second <= first + 200_000
    assert client.content(JOB, to).path.read_bytes() == CLIP
    assert [request.headers.get("range") for request in server.requests] == [
        None,
        f"bytes={first}-",
        f"bytes={second}-",
    ]
    assert server.requests[1].headers["if-range"] == '"one"'
    assert os.listdir(tmp_path) == ["clip.mp4"]


def test_without_an_etag_the_length_must_agree(serve: Any, sora: Any, tmp_path: Path) -> None:
    files = Files(300_000, etag=None)
    server, to = serve(files), tmp_path / "clip.mp4"
    client = sora(server)
    assert fetch_error(client, to).kind == "connection"
    files.clip = CLIP[::-1] + b"longer"
    assert client.content(JOB, to).path.read_bytes() == files.clip
    assert [request.headers.get("range") is None for request in server.requests] == [True, False, True]


def test_a_file_that_changed_is_fetched_from_the_start(serve: Any, sora: Any, tmp_path: Path) -> None:
    files = Files(300_000)
    server, to = serve(files), tmp_path / "clip.mp4"
    client = sora(server)
    fetch_error(client, to)
    files.clip, files.etag = CLIP[::-1], '"two"'
    assert client.content(JOB, to).path.read_bytes() == CLIP[::-1]


def test_a_part_that_starts_elsewhere_is_not_appended(serve: Any, sora: Any, tmp_path: Path) -> None:
    files = Files(300_000)

    def confused(request: Request, wire: Wire) -> bytes | None:
        if "range" not in request.headers:
            return files(request, wire)
        span = f"bytes 0-{len(CLIP) - 1}/{len(CLIP)}"
        return answer(206, CLIP, MP4 | {"Content-Range": span, "ETag": '"one"'})

    client, to = sora(serve(confused)), tmp_path / "clip.mp4"
    fetch_error(client, to)
    assert client.content(JOB, to).path.read_bytes() == CLIP


def test_a_server_without_ranges_is_asked_from_the_start(serve: Any, sora: Any, tmp_path: Path) -> None:
    server, to = serve(Files(300_000, ranges=False)), tmp_path / "clip.mp4"
    client = sora(server)
    fetch_error(client, to)
    assert client.content(JOB, to).path.read_bytes() == CLIP
    assert len(server.requests) == 2


def test_bytes_of_unknown_origin_are_not_built_upon(serve: Any, sora: Any, tmp_path: Path) -> None:
    to = tmp_path / "clip.mp4"
    to.write_bytes(b"left by somebody else")
    server = serve(Files())
    assert sora(server).content(JOB, to).path.read_bytes() == CLIP
    assert "range" not in server.requests[0].headers


def test_a_file_that_is_whole_but_whose_note_survived_is_fetched_again(serve: Any, sora: Any, tmp_path: Path) -> None:
    def unsatisfiable(request: Request, wire: Wire) -> bytes:
        return answer(416) if "range" in request.headers else answer(200, CLIP, MP4)

    to = tmp_path / "clip.mp4"
    to.write_bytes(CLIP)
    (tmp_path / "clip.mp4.resume").write_text(json.dumps({"etag": None, "length": len(CLIP)}))
    assert sora(serve(unsatisfiable)).content(JOB, to).path.read_bytes() == CLIP


@pytest.mark.parametrize("content_type", ["text/html", "text/plain; charset=utf-8", "image/jpeg", "audio/mp4"])
def test_what_is_not_a_video_is_refused(content_type: str, serve: Any, sora: Any, tmp_path: Path) -> None:
    server = serve(lambda request, wire: answer(200, b"<html>Sign in</html>", {"Content-Type": content_type}))
    error = fetch_error(sora(server), tmp_path / "clip.mp4")
    assert (error.kind, error.permanent, error.status) == ("content", False, 200)
    assert os.listdir(tmp_path) == []


def test_an_empty_file_is_refused(serve: Any, sora: Any, tmp_path: Path) -> None:
    error = fetch_error(sora(serve(lambda request, wire: answer(200, b"", MP4))), tmp_path / "clip.mp4")
    assert (error.kind, error.permanent) == ("content", False)


def test_an_error_in_json_under_a_success_is_told(serve: Any, sora: Any, tmp_path: Path) -> None:
    server = serve(lambda request, wire: answer(200, {"error": {"code": "filtered", "message": "Filtered out"}}))
    error = fetch_error(sora(server), tmp_path / "clip.mp4")
    assert (error.kind, error.code, error.message) == ("content", "filtered", "Filtered out")


@pytest.mark.parametrize(
    "said",
    [
        answer(404, {"detail": "Generation is still in-progress"}),
        answer(400, {"error": {"message": "Task is not completed yet, current status: QUEUED"}}),
        answer(202, {"status": "in_progress"}),
        answer(204, b""),
        answer(200, {"id": "video_1", "status": "processing"}),
    ],
)
def test_a_file_that_is_not_there_yet_is_not_ready(said: bytes, serve: Any, sora: Any, tmp_path: Path) -> None:
    server = serve(lambda request, wire: said)
    job = ProviderJob("video_1", "completed", file_url=f"{server.url}/elsewhere")
    error = fetch_error(sora(server), tmp_path / "clip.mp4", job)
    assert (error.kind, error.permanent, len(server.requests)) == ("not_ready", False, 1)


@pytest.mark.parametrize(
    "said",
    [
        answer(404, {"error": {"message": "The video is no longer available. Downloads expire after 1 hours."}}),
        answer(410, b""),
    ],
)
def test_a_file_that_is_gone_is_expired_for_good(said: bytes, serve: Any, sora: Any, tmp_path: Path) -> None:
    error = fetch_error(sora(serve(lambda request, wire: said)), tmp_path / "clip.mp4")
    assert (error.kind, error.permanent) == ("expired", True)


def test_sglang_with_cloud_storage_names_the_address_in_its_error(serve: Any, sora: Any, tmp_path: Path) -> None:
    cloud = serve(Files())
    text = f"Video has been uploaded to cloud storage. Please use the cloud URL: {cloud.url}/bucket/x.mp4?sig=1"
    server = serve(lambda request, wire: answer(400, {"detail": text}))
    assert sora(server, KEY).content(JOB, tmp_path / "clip.mp4").size == len(CLIP)
    assert cloud.requests[0].target == "/bucket/x.mp4?sig=1"
    assert KEY not in str(cloud.requests[0])


def test_the_jobs_own_address_is_the_way_out(serve: Any, sora: Any, tmp_path: Path) -> None:
    cloud = serve(Files())
    server = serve(lambda request, wire: answer(502, {"error": {"message": "Failed to fetch video content"}}))
    job = ProviderJob("video_1", "completed", file_url=f"{cloud.url}/x.mp4")
    assert sora(server, KEY).content(job, tmp_path / "clip.mp4").size == len(CLIP)
    assert KEY not in str(cloud.requests[0])


def test_an_address_on_the_same_server_gets_the_key(serve: Any, sora: Any, tmp_path: Path) -> None:
    files = Files()

    def handler(request: Request, wire: Wire) -> bytes | None:
        return files(request, wire) if request.path == "/files/x.mp4" else answer(404, {"detail": "no route"})

    server = serve(handler)
    job = ProviderJob("video_1", "completed", file_url=f"{server.url}/files/x.mp4")
    assert sora(server, KEY).content(job, tmp_path / "clip.mp4").size == len(CLIP)
    assert server.requests[1].headers["authorization"] == f"Bearer {KEY}"


def test_an_address_below_the_server_s_root_is_resolved(serve: Any, sora: Any, tmp_path: Path) -> None:
    files = Files()

    def handler(request: Request, wire: Wire) -> bytes | None:
        return files(request, wire) if request.path == "/files/x.mp4" else answer(200, {"url": "/files/x.mp4"})

    assert sora(serve(handler)).content(JOB, tmp_path / "clip.mp4").size == len(CLIP)


def test_where_the_way_out_fails_too_the_first_error_counts(serve: Any, sora: Any, tmp_path: Path) -> None:
    cloud = serve(lambda request, wire: answer(403, b"<Error>AccessDenied</Error>"))
    server = serve(lambda request, wire: answer(422, {"detail": "generation failed"}))
    job = ProviderJob("video_1", "completed", file_url=f"{cloud.url}/x.mp4")
    error = fetch_error(sora(server), tmp_path / "clip.mp4", job)
    assert (error.message, error.status) == ("generation failed", 422)


def test_a_way_out_that_cannot_be_reached_is_worth_another_try(serve: Any, sora: Any, tmp_path: Path) -> None:
    cloud = serve()
    cloud.stop()
    server = serve(lambda request, wire: answer(410, b""))
    job = ProviderJob("video_1", "completed", file_url=f"{cloud.url}/x.mp4")
    error = fetch_error(sora(server), tmp_path / "clip.mp4", job)
    assert (error.kind, error.permanent) == ("connection", False)


def test_a_download_that_trickles_ends_and_keeps_what_came(serve: Any, sora: Any, tmp_path: Path) -> None:
    def trickle(request: Request, wire: Wire) -> None:
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 900000\r\n\r\n" + CLIP[:300_000])
        wire.trickle(b"x" * 5000)

    to = tmp_path / "clip.mp4"
    error = fetch_error(sora(serve(trickle), download_seconds=1.5), to)
    assert (error.kind, error.permanent, error.ambiguous) == ("deadline", False, False)
    assert 0 < to.stat().st_size <= 300_000


def test_a_full_disk_is_told_as_it_is(serve: Any, sora: Any, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").symlink_to("/dev/full")
    with pytest.raises(OSError) as caught:
        sora(serve(Files())).content(JOB, tmp_path / "clip.mp4")
    assert caught.value.errno == errno.ENOSPC
