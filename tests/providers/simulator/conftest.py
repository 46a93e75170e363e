from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
from PIL import Image
from simulator_process import SimulatorProcess

from aivideo.core.catalogue import Catalogue, load
from aivideo.providers.simulator import Simulator, SimulatorAdapter, create_simulator
from aivideo.providers.simulator.drawing import draw

SMALL = """
[[models]]
id = "sora-2"
seconds = [1, 2, 4]
sizes = [{ size = "160x90", credits_per_second = 1 }, { size = "90x160", credits_per_second = 1 },
         { size = "1280x720", credits_per_second = 1 }]

[[models]]
id = "sora-2-pro"
seconds = [1]
sizes = [{ size = "320x180", credits_per_second = 1 }]

[plans.free]
name = "Free"
can_generate = false
under_way = 0
"""


class Time:
    """A clock that stands still until told, and sleeps by moving on."""

    def __init__(self) -> None:
        self.now, self.slept = 1_800_000_000.0, 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


@pytest.fixture(scope="session")
def catalogue_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small sizes and short clips."""
    path = tmp_path_factory.mktemp("catalogue") / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def catalogue(catalogue_file: Path) -> Catalogue:
    return load(catalogue_file)


@pytest.fixture(scope="session")
def ready_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of 160x90 and one second."""
    path = tmp_path_factory.mktemp("clip") / "ready.mp4"
    draw(path, "Ready-made", size="160x90", seconds=1)
    return path


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def app(tmp_path: Path, ready_made: Path, catalogue: Catalogue, time: Time) -> Iterator[Simulator]:
    """A simulator in this process that draws nothing and renders for ten seconds of `time`."""
    simulator = create_simulator(tmp_path / "state", render_seconds=10, clip=ready_made, catalogue=catalogue)
    simulator.clock, simulator.sleep = time, time.sleep
    yield simulator
    simulator.close()


class Client:
    """Calls a simulator in this process."""

    url = "http://simulator.invalid"

    def __init__(self, simulator: Simulator) -> None:
        self.session = requests.Session()
        self.session.mount(self.url, SimulatorAdapter(simulator))

    def __call__(self, method: str, path: str, **options: object) -> requests.Response:
        options = {"allow_redirects": False, "timeout": (5, 30), **options}
        return self.session.request(method, f"{self.url}{path}", **options)

    def create(self, prompt: str = "A small red fox", **fields: object) -> requests.Response:
        body = {"prompt": prompt, "size": "160x90", "seconds": "1", **fields}
        return self("POST", "/v1/videos", json={name: value for name, value in body.items() if value is not None})

    def video(self, job_id: str) -> dict[str, object]:
        found: dict[str, object] = self("GET", f"/v1/videos/{job_id}").json()
        return found


@pytest.fixture
def call(app: Simulator) -> Iterator[Client]:
    client = Client(app)
    yield client
    client.session.close()


@pytest.fixture(scope="session")
def _alone(tmp_path_factory: pytest.TempPathFactory, catalogue_file: Path) -> Iterator[SimulatorProcess]:
    folder = tmp_path_factory.mktemp("alone")
    process = SimulatorProcess(folder, "--seconds", "0.3", "--catalogue", str(catalogue_file))
    yield process
    process.stop()


@pytest.fixture
def alone(_alone: SimulatorProcess) -> Iterator[SimulatorProcess]:
    """The simulator as a process: draws small clips, renders for 0.3 s; behaves when a test begins."""
    _alone.behave()
    yield _alone
    _alone.behave()


@pytest.fixture(scope="session")
def picture() -> Callable[..., bytes]:
    """Make pictures of a size and format: black on the left, orange on the right."""

    def make(width: int, height: int, kind: str = "JPEG") -> bytes:
        image = Image.new("RGB", (width, height))
        image.paste((240, 140, 20), (width // 2, 0, width, height))
        buffer = BytesIO()
        image.save(buffer, kind)
        return buffer.getvalue()

    return make
