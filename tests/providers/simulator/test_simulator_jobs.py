"""Jobs: time decides, restarts change nothing, clips are drawn beside the requests and once."""

import fcntl
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from servers import wait_until
from simulator_process import SimulatorProcess

from aivideo.core.catalogue import Catalogue
from aivideo.providers.simulator import Simulator, create_simulator


def test_time_decides_how_far_a_job_is(call: Any, time: Any) -> None:
    made = call.create().json()
    seen = []
    for step in (0, 0.5, 0.6, 4.4, 4.4, 0.2):
        time.now += step
        video = call.video(made["id"])
        seen.append((video["status"], video["progress"], video["completed_at"]))
    done = int(time.now - 0.1)
    assert seen == [
        ("queued", 0, None),
        ("queued", 0, None),
        ("in_progress", 1, None),
        ("in_progress", 50, None),
        ("in_progress", 98, None),
        ("completed", 100, done),
    ]
    assert call.video(made["id"])["expires_at"] == done + 3600


def test_content_is_there_from_completion_to_expiry(call: Any, time: Any) -> None:
    job_id = call.create().json()["id"]
    early = call("GET", f"/v1/videos/{job_id}/content")
    assert (early.status_code, early.json()["error"]["code"]) == (404, "not_ready")
    time.now += 10
    assert call("GET", f"/v1/videos/{job_id}/content").content[4:8] == b"ftyp"
    time.now += 3600
    late = call("GET", f"/v1/videos/{job_id}/content")
    assert (late.status_code, late.json()["error"]["message"]) == (
        404,
        "The video is no longer available. Downloads expire after 1 hours.",
    )
    assert call.video(job_id)["status"] == "completed"


def test_every_download_tells_whose_clip_it_is(call: Any, time: Any) -> None:
    first, second = (call.create().json()["id"] for _ in range(2))
    time.now += 10
    contents = [call("GET", f"/v1/videos/{job_id}/content").content for job_id in (first, second)]
    assert first.encode() in contents[0]
    assert second.encode() in contents[1]
    assert second.encode() not in contents[0]


def test_a_ready_made_clip_serves_hundreds_and_draws_none(call: Any, app: Any, tmp_path: Path, time: Any) -> None:
    made = [call.create(prompt=f"Number {number}").json()["id"] for number in range(200)]
    time.now += 10
    assert {call.video(job_id)["status"] for job_id in made} == {"completed"}
    assert len(app.purchases()) == 200
    assert list((tmp_path / "state" / "clips").iterdir()) == []


def test_prompts_of_any_letters_are_kept(call: Any, app: Any) -> None:
    prompts = ["Zoë läuft 你好 🚀 العربية", "half a \ud83d pair", "null \x00 inside", "x" * 32_000]
    for prompt in prompts:
        assert call.create(prompt=prompt).status_code == 200
    assert [bought["prompt"] for bought in app.purchases()][::2] == [prompts[0], prompts[2]]


@pytest.fixture
def processes(tmp_path: Path, catalogue_file: Path) -> Iterator[Any]:
    """Start simulators on one folder."""
    started: list[SimulatorProcess] = []

    def start(*options: str) -> SimulatorProcess:
        usual = ("--catalogue", str(catalogue_file), "--verbose")
        started.append(SimulatorProcess(tmp_path / "shared", *usual, *options))
        return started[-1]

    yield start
    for process in started:
        process.stop()


def create(process: SimulatorProcess, **fields: str) -> str:
    body = {"prompt": "Over the hills", "size": "160x90", "seconds": "1", **fields}
    return str(requests.post(f"{process.url}/v1/videos", json=body, timeout=10).json()["id"])


def status(process: SimulatorProcess, job_id: str) -> str:
    return str(requests.get(f"{process.url}/v1/videos/{job_id}", timeout=10).json()["status"])


def test_jobs_outlive_a_killed_simulator(processes: Any) -> None:
    first = processes("--seconds", "600")
    waiting = create(first)
    first.tell("render", operation="create", seconds=0)
    ready = create(first)
    wait_until(lambda: status(first, ready) == "completed")
    first.stop(signal.SIGKILL)
    second = processes("--seconds", "600")
    assert status(second, ready) == "completed"
    assert requests.get(f"{second.url}/v1/videos/{ready}/content", timeout=10).content[4:8] == b"ftyp"
    assert status(second, waiting) in ("queued", "in_progress")
    assert [bought["id"] for bought in second.purchases()] == [waiting, ready]


def test_what_a_killed_simulator_was_drawing_is_drawn_by_the_next_look(processes: Any, tmp_path: Path) -> None:
    first = processes("--seconds", "0")
    job_id = create(first, size="1280x720", seconds="2")
    part = tmp_path / "shared" / "clips" / f"{job_id}.part"
    wait_until(lambda: part.exists() and part.stat().st_size)
    first.stop(signal.SIGKILL)
    assert part.exists()
    second = processes("--seconds", "0")
    wait_until(lambda: status(second, job_id) == "completed")
    assert not part.exists()


def test_two_simulators_draw_a_clip_once(processes: Any) -> None:
    pair = [processes("--seconds", "0"), processes("--seconds", "0")]
    made = [create(process) for process in pair * 4]
    for job_id in made:
        wait_until(lambda job_id=job_id: {status(process, job_id) for process in pair} == {"completed"})
    for process in pair:
        assert process.stop() == 0
    said = "".join(process.said() for process in pair)
    assert [said.count(f"drew {job_id}") for job_id in made] == [1] * 8


def test_sigterm_ends_a_simulator_that_is_drawing(processes: Any, tmp_path: Path) -> None:
    process = processes("--seconds", "0")
    job_id = create(process, size="1280x720", seconds="4")
    wait_until((tmp_path / "shared" / "clips" / f"{job_id}.part").exists)
    assert process.stop() == 0
    assert list((tmp_path / "shared" / "clips").iterdir()) == []


@pytest.fixture
def drawing(tmp_path: Path, catalogue: Catalogue) -> Iterator[Simulator]:
    """A simulator in this process that draws, and renders for no time at all."""
    simulator = create_simulator(tmp_path / "drawing", render_seconds=0, catalogue=catalogue)
    yield simulator
    simulator.close()


def client(simulator: Simulator, method: str, path: str, **options: Any) -> Any:
    from werkzeug.test import Client

    return Client(simulator).open(path, method=method, **options).get_json()


SMALL = {"prompt": "A fox", "size": "160x90", "seconds": "1"}


def test_a_job_is_not_completed_before_its_clip_is_there(drawing: Simulator, tmp_path: Path) -> None:
    job_id = client(drawing, "POST", "/v1/videos", json={**SMALL, "size": "1280x720"})["id"]
    clip = tmp_path / "drawing" / "clips" / f"{job_id}.mp4"
    seen = client(drawing, "GET", f"/v1/videos/{job_id}")
    assert (seen["status"], clip.exists()) == ("in_progress", False)
    wait_until(lambda: client(drawing, "GET", f"/v1/videos/{job_id}")["status"] == "completed")
    assert clip.exists()


def test_what_is_deleted_before_its_turn_is_not_drawn(drawing: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "aivideo.providers.simulator")
    orders = ({**SMALL, "size": "1280x720"}, SMALL, SMALL)  # the first takes a while
    first, second, third = (client(drawing, "POST", "/v1/videos", json=order)["id"] for order in orders)
    client(drawing, "DELETE", f"/v1/videos/{second}")
    wait_until(lambda: client(drawing, "GET", f"/v1/videos/{third}")["status"] == "completed")
    assert [message for message in caplog.messages if "drew" in message] == [f"drew {first}", f"drew {third}"]


def test_a_clip_that_another_process_draws_is_left_to_it(drawing: Simulator, tmp_path: Path) -> None:
    clips = tmp_path / "drawing" / "clips"
    drawing.faults.tell("fail", operation="create", count=1, after=1e9)  # so that nothing is drawn yet
    job_id = client(drawing, "POST", "/v1/videos", json=SMALL)["id"]
    drawing._database.change("UPDATE jobs SET failed_after = NULL")
    with open(clips / f"{job_id}.part", "w") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        client(drawing, "GET", f"/v1/videos/{job_id}")
        wait_until(lambda: not drawing._rendering._in_hand)
        assert [file.name for file in clips.iterdir()] == [f"{job_id}.part"]
    wait_until(lambda: client(drawing, "GET", f"/v1/videos/{job_id}")["status"] == "completed")


def test_what_can_no_longer_be_fetched_is_swept(drawing: Simulator, tmp_path: Path) -> None:
    clips, pictures = tmp_path / "drawing" / "clips", tmp_path / "drawing" / "pictures"
    ages = {
        clips / "old.mp4": 4,
        clips / "old.part": 4,
        clips / "new.mp4": 2,
        pictures / "old": 25,
        pictures / "new": 23,
    }
    for file, hours in ages.items():
        file.touch()
        os.utime(file, (0, drawing.clock() - hours * 3600))
    job_id = client(drawing, "POST", "/v1/videos", json=SMALL)["id"]
    wait_until(lambda: not drawing._rendering._in_hand)
    assert {file.name for file in clips.iterdir()} == {"new.mp4", f"{job_id}.mp4"}
    assert [file.name for file in pictures.iterdir()] == ["new"]


def test_a_job_whose_clip_cannot_be_drawn_fails(drawing: Simulator, tmp_path: Path) -> None:
    picture = tmp_path / "drawing" / "pictures"
    picture.rmdir()
    picture.write_bytes(b"")  # so that no file can be below it
    clips = tmp_path / "drawing" / "clips"
    clips.rmdir()
    job_id = client(drawing, "POST", "/v1/videos", json=SMALL)["id"]
    wait_until(lambda: client(drawing, "GET", f"/v1/videos/{job_id}")["status"] == "failed")
    assert client(drawing, "GET", f"/v1/videos/{job_id}")["error"]["code"] == "video_generation_failed"
