"""The simulator in this process, behind `requests` and behind our own client."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from servers import wait_until

from aivideo.core.catalogue import Catalogue
from aivideo.providers.base import CreateRequest, ProviderError
from aivideo.providers.simulator import Simulator, SimulatorAdapter, create_simulator
from aivideo.providers.sora import SoraClient

BODY = {"prompt": "A fox", "size": "160x90", "seconds": "1"}


@pytest.fixture
def simulator(tmp_path: Path, catalogue: Catalogue) -> Iterator[Simulator]:
    """Draws small clips and renders for no time."""
    simulator = create_simulator(tmp_path / "state", render_seconds=0, catalogue=catalogue)
    yield simulator
    simulator.close()


@pytest.fixture
def sora(simulator: Simulator) -> Iterator[SoraClient]:
    client = SoraClient("http://simulator.invalid/v1", name="simulator", adapter=SimulatorAdapter(simulator))
    yield client
    client.close()


def test_our_client_takes_a_video_from_words_to_file(
    sora: SoraClient, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    (tmp_path / "first.jpg").write_bytes(picture(160, 90))
    order = CreateRequest("It begins to move", "sora-2", "160x90", 1, tmp_path / "first.jpg")
    made = sora.create(order, deadline=10)
    assert (made.state, made.model, made.prompt) == ("queued", "sora-2", "It begins to move")
    done = wait_until(lambda: (job := sora.retrieve(made.id)).state == "completed" and job)
    download = sora.content(done, tmp_path / "clip.mp4")
    assert (download.content_type, download.size) == ("video/mp4", (tmp_path / "clip.mp4").stat().st_size)
    assert [job.id for job in sora.list().jobs] == [made.id]
    remix = sora.create(CreateRequest("now at night", "sora-2", "160x90", 1, remix_of=made.id), deadline=10)
    assert remix.id != made.id
    sora.delete(made.id)
    with pytest.raises(ProviderError) as unknown:
        sora.retrieve(made.id)
    assert unknown.value.kind == "not_found"


def test_a_drop_is_a_doubt_to_our_client_and_a_refusal_is_none(sora: SoraClient, simulator: Simulator) -> None:
    order = CreateRequest("A fox in doubt", "sora-2", "160x90", 1)
    simulator.faults.tell("drop", operation="create", count=1)
    with pytest.raises(ProviderError) as doubt:
        sora.create(order, deadline=10)
    assert (doubt.value.ambiguous, doubt.value.sent) == (True, True)
    simulator.faults.tell("overloaded", operation="create", count=1, retry_after=9)
    with pytest.raises(ProviderError) as refused:
        sora.create(order, deadline=10)
    assert (refused.value.ambiguous, refused.value.kind, refused.value.retry_after) == (False, "overloaded", 9)
    assert len(simulator.purchases()) == 1


def test_our_client_finds_its_file_behind_a_redirect(sora: SoraClient, simulator: Simulator, tmp_path: Path) -> None:
    made = sora.create(CreateRequest("Kept elsewhere", "sora-2", "160x90", 1), deadline=10)
    done = wait_until(lambda: (job := sora.retrieve(made.id)).state == "completed" and job)
    simulator.faults.tell("redirect", operation="content", count=1)
    assert sora.content(done, tmp_path / "clip.mp4").size > 1000


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(BODY),
        json.dumps(BODY).encode(),
        pytest.param(lambda: iter([json.dumps(BODY)[:9], json.dumps(BODY)[9:].encode()]), id="generator"),
        pytest.param(lambda: BytesIO(json.dumps(BODY).encode()), id="file"),
    ],
)
def test_bodies_of_any_kind_arrive(call: Any, body: Any) -> None:
    given = body() if callable(body) else body
    answer = call("POST", "/v1/videos", data=given, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200


def test_a_body_streams_and_can_be_left(call: Any, time: Any) -> None:
    job_id = call.create().json()["id"]
    time.now += 10
    with call("GET", f"/v1/videos/{job_id}/content", stream=True) as answer:
        first = next(answer.iter_content(16))
        assert first[4:8] == b"ftyp"
        assert int(answer.headers["Content-Length"]) > 1000
    assert answer.raw.closed


def test_a_head_has_no_body(call: Any, time: Any) -> None:
    job_id = call.create().json()["id"]
    time.now += 10
    answer = call("HEAD", f"/v1/videos/{job_id}/content")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 1000


def test_a_simulator_costs_little_to_import() -> None:
    import subprocess
    import sys

    code = "import sys; import aivideo.providers.simulator; print({'av', 'PIL', 'flask', 'numpy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
