"""What docs/nginx.conf promises, with a real nginx that runs this very file."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from nginx import CONFIGURATION, Nginx
from servers import RedisServer, wait_until
from stream_servers import House, gunicorn
from streams import Listener, Writer, targets
from talks import HANDSHAKE, Page, Talk

from aivideo.config import Settings

SETTINGS = {
    "SECRET_KEY": "s" * 32,
    "STREAM_HEARTBEAT_SECONDS": 55,  # nothing but what was written pushes bytes through the proxy
    "TRUSTED_PROXIES": 1,
    "FORCE_HTTPS": True,
    "TRUSTED_HOSTS": "127.0.0.1",
    "WEB_CONCURRENCY": 1,
    "LOG_LEVEL": "WARNING",
}
MEGABYTE = 1024 * 1024


class Site:
    """A web process, and nginx before it."""

    def __init__(self, web: House, nginx: Nginx) -> None:
        self.web, self.nginx = web, nginx
        self.writer: Writer = web.writer

    def listen(self, path: str, token: str, last_event_id: str | None = None) -> Listener:
        return Listener(self.nginx.url + path, token, last_event_id=last_event_id, tls=self.nginx.tls)

    def ask(self, method: str, path: str, token: str = "", **more: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(  # type: ignore[arg-type]
            method,
            self.nginx.url + path,
            headers=headers,
            verify=self.nginx.certificate,
            allow_redirects=False,
            timeout=60,
            **more,
        )


@pytest.fixture(scope="module", params=["detached", "generator"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(f"site-{request.param}")
    shutil.copy(sqlite_template, folder / "aivideo.sqlite3")
    (folder / "nginx").mkdir()
    redis = RedisServer().start()
    settings = {
        **SETTINGS,
        "DATA_DIR": folder,
        "DATABASE_URL": f"sqlite:///{folder / 'aivideo.sqlite3'}",
        "REDIS_URL": redis.url,
        "STREAM_HOLD": request.param,
    }
    try:
        with gunicorn(folder, redis, settings) as web:
            nginx = Nginx(folder / "nginx", int(web.url.rpartition(":")[2]))
            try:
                nginx.start()
                yield Site(web, nginx)
            finally:
                nginx.stop()
    finally:
        redis.stop()


def test_a_program_gets_the_first_byte_and_every_event_at_once_and_204_after_the_end(site: Site) -> None:
    user, token = site.writer.user()
    video = site.writer.video(user)
    path = f"/api/v1/videos/{video}/stream"
    with site.listen(path, token) as stream:
        stream.until(lambda stream: stream.raw)  # with nothing else on its way, buffered bytes would not come
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert "no-transform" in stream.headers["cache-control"]
        assert "content-encoding" not in stream.headers
        for number in range(1, 4):
            site.writer.line(video, "one line")
            stream.until(lambda stream, number=number: len(stream.messages) == number)
        site.writer.end(video)
        assert stream.until_end().ids == [1, 2, 3, 4]
    with site.listen(path, token, "2") as again:
        assert again.until_end().ids == [3, 4]
    with site.listen(path, token, "4") as after:
        assert (after.status, after.body()) == (204, b"")


def test_both_streams_of_a_page_come_at_once(site: Site) -> None:
    user, token = site.writer.user()
    video = site.writer.video(user, lines=1)
    with site.listen(f"/videos/{video}/stream?after=1", token) as lines, site.listen("/stream", token) as states:
        lines.until(lambda stream: stream.raw)
        states.until(lambda stream: f"#live-{video} outerMorph" in targets(stream))
        site.writer.line(video, "one more")
        lines.until(lambda stream: len(stream.messages) == 1)
        states.until(lambda stream: any('data-seq="2"' in (message.data or "") for message in stream.messages))
        site.writer.end(video)
        assert lines.until_end().named == ["done"]


def test_a_websocket_passes_and_a_page_is_known_by_where_it_came_from(site: Site) -> None:
    user, token = site.writer.user()
    video = site.writer.video(user, lines=1)
    url, tls = site.nginx.url, site.nginx.tls
    page = Page(site.writer.app, user, url)
    with (
        Talk(f"{url}/ws?video={video}", token, tls=tls) as log,
        Talk(f"{url}/ws", headers=page.headers, tls=tls) as states,
    ):
        log.until(lambda talk: talk.news)
        states.until(lambda talk: len(talk.news) == 2)
        assert states.ask({"type": "cancel", "video_id": video, "csrf_token": page.csrf_token})["type"] == "result"
        assert log.until_closed().about == ["cursor", "done"]
    foreign = {**page.headers, **HANDSHAKE, "Origin": url.replace("https", "http")}
    assert requests.get(f"{url}/ws", headers=foreign, verify=site.nginx.certificate, timeout=60).status_code == 403


@pytest.mark.parametrize("site", ["detached"], indirect=True)  # the other way notices when it next has something to say
def test_the_web_process_hears_when_a_visitor_has_left(site: Site) -> None:
    user, token = site.writer.user()
    video = site.writer.video(user, lines=1)
    wait_until(lambda: site.web.viewers() == 0, 60, "the end of earlier streams")
    with site.listen(f"/api/v1/videos/{video}/stream", token) as stream:
        stream.until(lambda stream: stream.messages)
        assert site.web.viewers() == 1
    wait_until(lambda: site.web.viewers() == 0, 60, "the end of the stream")


def test_nginx_waits_longer_than_any_heartbeat() -> None:
    limits = Settings.model_fields["stream_heartbeat_seconds"].metadata
    (longest,) = [limit.le for limit in limits if hasattr(limit, "le")]
    timeouts = re.findall(r"(?:proxy_read|proxy_send|[^_]send)_timeout (\d+)s;", CONFIGURATION.read_text())
    assert len(timeouts) == 3
    assert min(map(int, timeouts)) > longest


def test_while_the_web_process_is_away_an_event_source_is_told_to_come_back(tmp_path: Path) -> None:
    unused = Nginx(tmp_path, 1)
    try:
        unused.start()
        with Listener(f"{unused.url}/api/v1/videos/1/stream", tls=unused.tls) as stream:
            assert stream.status == 200, "any other status ends an EventSource for good"
            assert stream.headers["content-type"] == "text/event-stream"
            assert stream.until_end().blocks[0].retry == 3000
            assert stream.messages == []
        assert requests.get(f"{unused.url}/stream", verify=unused.certificate, timeout=60).status_code == 502
    finally:
        unused.stop()


def test_visitors_are_led_to_https_and_the_web_process_knows_that_they_are_there(site: Site) -> None:
    answer = requests.get(f"{site.nginx.plain_url}/videos?status=failed", allow_redirects=False, timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (308, f"{site.nginx.url}/videos?status=failed")
    page = site.ask("GET", "/videos?status=failed")
    assert page.status_code == 302, "not sent to https once more"
    assert page.headers["location"].startswith("/login")
    sign_in = site.ask("GET", "/login")
    assert "max-age" in sign_in.headers["strict-transport-security"]
    assert "; Secure;" in sign_in.headers["set-cookie"]


def test_a_picture_of_20_mb_passes_and_a_larger_one_is_refused_in_words(site: Site) -> None:
    _, token = site.writer.user()
    for megabytes, status in ((20, 422), (23, 413)):
        files = {"input_reference": ("large.png", b"x" * (megabytes * MEGABYTE), "image/png")}
        answer = site.ask("POST", "/api/v1/videos", token, files=files, data={"prompt": "A picture that is no picture"})
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json", answer.text[:200]


def test_what_never_changes_is_kept_by_nginx_and_nothing_else_is(site: Site) -> None:
    page = site.ask("GET", "/login").text
    script = re.search(r'src="(/static/js/page.js\?v=[^"]+)"', page)
    assert script
    answers = [site.ask("GET", script[1]) for _ in range(2)]
    assert [answer.headers["x-cache"] for answer in answers] == ["MISS", "HIT"]
    assert answers[0].text == answers[1].text
    assert [answer.headers["content-encoding"] for answer in answers] == ["gzip", "gzip"]
    plain = site.ask("GET", script[1].partition("?")[0])
    assert plain.headers["x-cache"] != "HIT"
