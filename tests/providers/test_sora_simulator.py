"""The client and the simulator are made for each other: the whole way, inside one process."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from aivideo.core.catalogue import load
from aivideo.media import check, fit_picture, read_picture
from aivideo.providers.base import CreateRequest, ProviderError, ProviderJob
from aivideo.providers.simulator import SimulatorAdapter, create_simulator
from aivideo.providers.sora import SoraClient

CATALOGUE = """
[[models]]
id = "sora-2"
seconds = [1]
sizes = [{ size = "160x90", credits_per_second = 1 }]
capabilities = ["input_reference", "remix"]

[plans.free]
name = "Free"
can_generate = false
under_way = 0
"""
ORDER = CreateRequest("A fox in the snow at dawn", "sora-2", "160x90", 1)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[SoraClient]:
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    simulator = create_simulator(tmp_path / "simulator", render_seconds=0, catalogue=load(tmp_path / "catalogue.toml"))
    client = SoraClient("http://simulator.invalid/v1", name="simulator", adapter=SimulatorAdapter(simulator))
    yield client
    client.close()
    simulator.close()


def followed(client: SoraClient, job: ProviderJob) -> ProviderJob:
    """The job when it has ended."""
    tick = threading.Event()
    for _ in range(1200):
        if job.state not in ("queued", "in_progress"):
            return job
        tick.wait(0.05)
        job = client.retrieve(job.id)
    raise AssertionError(f"{job.id} never ended")


def test_a_video_goes_the_whole_way(client: SoraClient, tmp_path: Path) -> None:
    asked: list[Any] = []
    bought = client.create(ORDER, deadline=30, before_send=lambda: asked.append(1))
    assert asked == [1]
    done = followed(client, bought)
    assert (done.state, done.progress, done.prompt) == ("completed", 100, ORDER.prompt)
    assert [job.id for job in client.list().jobs] == [bought.id]
    got = client.content(done, tmp_path / "clip.mp4")
    clip = check(got.path)
    assert (clip.width, clip.height, round(clip.seconds)) == (160, 90, 1)
    client.delete(bought.id)
    with pytest.raises(ProviderError) as caught:
        client.retrieve(bought.id)
    assert caught.value.kind == "not_found"


def test_a_fitted_picture_is_taken(client: SoraClient, tmp_path: Path) -> None:
    Image.effect_noise((500, 700), 90).save(tmp_path / "upload.png")
    picture = tmp_path / "picture"
    picture.write_bytes(fit_picture(read_picture(tmp_path / "upload.png"), "160x90"))
    bought = client.create(replace(ORDER, picture=picture), deadline=30)
    assert followed(client, bought).state == "completed"


def test_a_finished_video_is_remixed(client: SoraClient) -> None:
    first = followed(client, client.create(ORDER, deadline=30))
    remix = client.create(replace(ORDER, prompt="The same at night", remix_of=first.id), deadline=30)
    assert remix.id != first.id
    assert followed(client, remix).state == "completed"


def test_a_bad_order_is_refused_for_good(client: SoraClient) -> None:
    with pytest.raises(ProviderError) as caught:
        client.create(replace(ORDER, size="161x90"), deadline=30)
    error = caught.value
    assert (error.kind, error.permanent, error.ambiguous, error.status) == ("refused", True, False, 400)
