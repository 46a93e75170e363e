"""A deploy of two web processes behind nginx, one after the other, while people watch: nobody misses a line."""

import random
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from followers import LogFollower, StateFollower, account
from nginx import Nginx
from processes import Installation
from servers import RedisServer, wait_until
from streams import Writer

USERS, VIDEOS_EACH = 3, 2
JSON_EACH, HTML_EACH, STATE_EACH = 5, 3, 2
SETTINGS = {"STREAM_HEARTBEAT_SECONDS": 2, "WEB_CONCURRENCY": 1, "LOG_LEVEL": "WARNING", "TRUSTED_PROXIES": 1}


class Deployment:
    """Two web processes on one database and one Redis, with nginx before them; each holds viewers in its way."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        database = f"sqlite:///{folder / 'aivideo.sqlite3'}"
        self.web = []
        for way in ("detached", "generator"):
            (folder / way).mkdir()
            settings = {**SETTINGS, "DATA_DIR": folder, "STREAM_HOLD": way}
            self.web.append(Installation(folder / way, redis.url, database, **settings))
        (folder / "nginx").mkdir()
        self.nginx = Nginx(folder / "nginx", *(web.port for web in self.web))
        self.writer = Writer(self.web[0].app)

    def start(self) -> "Deployment":
        starting = [threading.Thread(target=web.start_web) for web in self.web]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        assert all(web.is_ready() for web in self.web)
        self.nginx.start()
        return self

    def stop(self) -> None:
        self.nginx.stop()
        for web in self.web:
            web.stop()


@pytest.fixture
def deployment(sqlite_template: Path, tmp_path: Path) -> Iterator[Deployment]:
    shutil.copy(sqlite_template, tmp_path / "aivideo.sqlite3")
    redis = RedisServer().start()
    found = Deployment(tmp_path, redis)
    try:
        yield found.start()
    finally:
        found.stop()
        redis.stop()


class Author(threading.Thread):
    """Writes lines to videos in turn until told to stop; then each has its end."""

    def __init__(self, writer: Writer, videos: list[int]) -> None:
        super().__init__()
        self.written = dict.fromkeys(videos, 0)
        self._writer = writer
        self._finish = threading.Event()

    def run(self) -> None:
        while not self._finish.wait(0.01):
            video = random.choice(list(self.written))
            self._writer.line(video, f"line {self.written[video] + 1}", progress=5)
            self.written[video] += 1
        for video in self.written:
            self._writer.end(video)
            self.written[video] += 1

    def finish(self) -> None:
        self._finish.set()
        self.join()


def test_everybody_comes_back_by_themselves_and_has_every_event_once(deployment: Deployment) -> None:
    writer, nginx = deployment.writer, deployment.nginx
    logs: list[LogFollower] = []
    states: list[StateFollower] = []
    videos: dict[int, list[int]] = {}
    for _ in range(USERS):
        user, token = writer.user()
        videos[user] = [writer.video(user) for _ in range(VIDEOS_EACH)]
        for video in videos[user]:
            paths = [f"/api/v1/videos/{video}/stream"] * JSON_EACH + [f"/videos/{video}/stream"] * HTML_EACH
            logs += [LogFollower(nginx.url + path, token, nginx.tls) for path in paths]
        states += [StateFollower(f"{nginx.url}/stream", token, nginx.tls, user=user) for _ in range(STATE_EACH)]
    author = Author(writer, [video for some in videos.values() for video in some])
    everybody = [*logs, *states]
    for follower in everybody:
        follower.start()
    author.start()
    try:
        wait_until(lambda: all(follower.messages() for follower in everybody), 60, "the first event for everybody")
        for web in deployment.web:
            process = web.running.pop("web")
            process.terminate()
            assert process.wait(60) == 0
            web.start_web()
    finally:
        author.finish()
    last = author.written
    for follower in states:
        final = {video: (last[video], "completed") for video in videos[follower.user]}
        wait_until(lambda f=follower, final=final: f.latest() == final, 60, "the last state of every video")
        follower.leave()
    for follower in everybody:
        follower.join(60)
        assert not follower.is_alive(), follower.url
    assert account(logs, lambda url: last[int(url.split("/")[-2])]) == {}
    assert [follower.steps_back() for follower in states] == [[]] * len(states)
    assert min(follower.connections for follower in everybody) >= 2, "every viewer was sent away at least once"
    assert [follower.refused for follower in everybody] == [[]] * len(everybody), "the other process took them in"
    for web in deployment.web:
        assert "Traceback" not in web.log("web")
        assert "graceful timeout" not in web.log("web")
