"""A real Chromium against a real installation: gunicorn, worker and simulator as processes."""

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from processes import Installation
from servers import RedisServer, wait_until
from states import finished_files
from streams import Writer
from visitor import PASSWORD

from aivideo.core.catalogue import BUILT_IN

NUMBERS = itertools.count(1)
PROMPT = "A paper boat drifts down a rainy street at night"
SMALL = "320 × 180"


def _runs(program: str | None) -> bool:
    """False also for what only stands in for a package that is not installed: it cannot tell its version."""
    return program is not None and subprocess.run([program, "--version"], capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium from PATH, else the one that Playwright downloaded."""
    path = next(filter(_runs, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all browser tests of this process, with a Redis that no other test empties."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(sqlite_template, folder / "aivideo.sqlite3")
    (folder / "catalogue.toml").write_text(_with_a_small_size(BUILT_IN.read_text()))
    redis = RedisServer().start()
    whole = Installation(
        folder,
        redis.url,
        f"sqlite:///{folder / 'aivideo.sqlite3'}",
        CATALOGUE_FILE=folder / "catalogue.toml",
        MOCK_SORA_SECONDS=3,
        SORA_POLL_SECONDS=0.5,
        WORKER_CONCURRENCY=4,  # all the others would do is look for work
    )
    try:
        yield whole.start()
        wait_until(lambda: not under_way(whole), 60, "the end of the last videos")
    finally:
        whole.stop()
        redis.stop()


def _with_a_small_size(catalogue: str) -> str:
    """The first model also makes videos of a sixteenth of the pixels, which are drawn and watched at little cost."""
    last = '{ size = "720x1280", credits_per_second = 12.5, usd_per_second = 0.10 },'
    assert catalogue.count(last) == 1
    return catalogue.replace(last, f"{last} {last.replace('720x1280', SMALL.replace(' × ', 'x'))}")


@pytest.fixture
def hand(house: Installation) -> Writer:
    """Writes videos and their logs as the services do."""
    return Writer(house.app)


@pytest.fixture
def files(house: Installation) -> dict[str, Any]:
    """Columns of a finished video whose files are there: this test's own, as the house deletes them with its videos."""
    return finished_files(house)


def under_way(house: Installation) -> list[tuple[int, int]]:
    """The videos that have not ended, each with its user."""
    from sqlalchemy import select

    from aivideo.core.video import Stage
    from aivideo.extensions import db
    from aivideo.models import Video

    with house.app.app_context():
        rows = db.session.execute(select(Video.user_id, Video.id).where(Video.stage != Stage.ENDED)).all()
        db.session.remove()
    return [(user_id, video_id) for user_id, video_id in rows]


def cancel_all(house: Installation) -> None:
    """What nobody waits for any more would be drawn before what the next test waits for."""
    from aivideo.core.errors import AlreadyEnded
    from aivideo.extensions import db
    from aivideo.services import videos

    for user_id, video_id in under_way(house):
        with house.app.app_context(), suppress(AlreadyEnded):
            videos.cancel(user_id, video_id)
        with house.app.app_context():
            db.session.remove()


class Visit:
    """Somebody at a browser. Whatever the console complains of, and every request to another host, is kept."""

    def __init__(self, context: BrowserContext, house: Installation, email: str) -> None:
        self.house, self.email, self.context = house, email, context
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        context.on("console", lambda message: self._hear(message.type, message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", lambda request: self._watch(request.url))
        self.page: Page = context.new_page()

    def go(self, path: str = "/") -> Page:
        self.page.goto(f"{self.house.url}{path}")
        return self.page

    def sign_in(self) -> "Visit":
        page = self.go("/login")
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url(f"{self.house.url}/")
        return self

    def make_video(self, prompt: str = PROMPT, *, seconds: int = 4, size: str | None = SMALL) -> int:
        """Send the form; returns the number of the video, whose card is then on the page.

        Short and small, it is drawn soon; `size` None leaves the size as it was chosen before.
        """
        before = self.page.locator("#now > .card").count()
        self.page.get_by_label("Describe your video").fill(prompt)
        self.page.get_by_role("radio", name=f"{seconds} s").check()
        if size is not None:
            self.page.get_by_role("radio", name=size).check()
        self.page.get_by_role("button", name="Generate").click()
        self.page.wait_for_function("count => document.querySelectorAll('#now > .card').length > count", arg=before)
        return int(self.page.locator("#now > .card").first.get_attribute("id").removeprefix("video-"))  # type: ignore[union-attr]

    def wait_for_status(self, video_id: int, status: str = "completed") -> None:
        self.page.wait_for_selector(f"#live-{video_id}[data-status='{status}']", timeout=60_000)

    def credits(self) -> int:
        return int(self.page.locator("#balance").get_attribute("data-credits"))  # type: ignore[arg-type]

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _watch(self, url: str) -> None:
        if not url.startswith((self.house.url, "data:", "blob:")):
            self.foreign.append(url)


@pytest.fixture
def visit(browser: Browser, house: Installation) -> Iterator[Callable[..., Visit]]:
    """`visit()` is a new user in a browser of their own, signed in; options are those of a Playwright context."""
    contexts: list[BrowserContext] = []

    def arrive(
        email: str = "", *, at: Installation = house, plan: str = "creator", credits: int = 1000, **options: Any
    ) -> Visit:
        if not email:
            email = f"visitor-{next(NUMBERS)}@example.com"
            at.user(email, PASSWORD, plan=plan, credits=credits)
        options.setdefault("viewport", {"width": 1280, "height": 900})
        context = browser.new_context(**options)
        context.set_default_timeout(30_000)
        contexts.append(context)
        return Visit(context, at, email).sign_in()

    yield arrive
    for context in contexts:
        context.close()
    cancel_all(house)
