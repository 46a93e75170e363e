"""The Procfile runs as it is: each line starts what it says, makes videos, and refuses what cannot be deployed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from processes import Api, free_port
from servers import wait_until

from aivideo.config import ROOT

LINES = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
PROGRAMS = Path(sys.executable).parent


def _environment(folder: Path, **settings: str) -> dict[str, str]:
    """What a PaaS gives its processes."""
    return {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(folder),
        "ENV_FILE": "",
        "DATA_DIR": str(folder / "data"),
        "PORT": str(free_port()),
        "SIGNUP_PLAN": "creator",
        "SIGNUP_CREDITS": "1000",
        "MOCK_SORA_SECONDS": "1",
        "SORA_POLL_SECONDS": "0.3",
        "WEB_CONCURRENCY": "1",
        **settings,
    }


def _run(line: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", line], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def platform(tmp_path: Path, redis_url: str) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """Honcho running web and worker after the release line, as a PaaS does, against a Redis started separately."""
    environment = _environment(tmp_path, REDIS_URL=redis_url, SECRET_KEY="k" * 32)
    release = _run(LINES["release"], environment)
    assert release.returncode == 0, release.stderr
    command = [sys.executable, "-m", "honcho", "-e", os.devnull, "start", "web", "worker"]
    with (tmp_path / "log").open("wb") as log:
        honcho = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    yield honcho, environment
    honcho.terminate()
    honcho.wait(20)


@pytest.mark.timeout(300)
def test_the_procfile_makes_a_video_and_ends_on_sigterm(platform, tmp_path):
    import psutil

    honcho, environment = platform
    url = f"http://127.0.0.1:{environment['PORT']}"

    def ready() -> bool:
        assert honcho.poll() is None, (tmp_path / "log").read_text()
        try:
            return requests.get(f"{url}/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    wait_until(ready, 60, "the web process")
    made = _run("flask --app wsgi users create alice@example.com --password 'correct horse battery'", environment)
    assert made.returncode == 0, made.stderr
    token = _run("flask --app wsgi tokens create alice@example.com", environment).stdout.splitlines()[-1]
    api = Api(url, token)
    accepted = api.generate(seconds=4)
    assert accepted.status_code == 202, accepted.text
    video = api.until_ended(accepted.json()["video_id"], 60)
    assert video["status"] == "completed", video
    assert api.credits() == 950

    family = psutil.Process(honcho.pid).children(recursive=True)
    assert len(family) >= 3  # gunicorn, its worker process, worker.py
    honcho.send_signal(signal.SIGTERM)
    assert honcho.wait(20) in (0, -signal.SIGTERM, 128 + signal.SIGTERM)
    wait_until(lambda: not [process for process in family if process.is_running()], 20, f"the end of {family}")
    assert not (tmp_path / ".gunicorn").exists()


@pytest.mark.parametrize("name", ["web", "worker"])
def test_without_a_secret_key_it_refuses_in_one_line(name, tmp_path):
    done = _run(LINES[name], _environment(tmp_path))
    assert done.returncode != 0
    said = [line for line in (done.stdout + done.stderr).splitlines() if "Starting gunicorn" not in line]
    assert said == ["aivideo: SECRET_KEY is not set: allowed is at least 32 random characters"]


@pytest.mark.parametrize("name", ["release", "web", "worker"])
def test_a_bad_setting_is_one_line_in_each_process(name, tmp_path):
    done = _run(LINES[name], _environment(tmp_path, SECRET_KEY="k" * 32, GENERATION_RETRIES="many"))
    assert done.returncode != 0
    assert done.stdout + done.stderr == (
        "aivideo: GENERATION_RETRIES is 'many': allowed is a number of tries, 0 to 20\n"
    )
