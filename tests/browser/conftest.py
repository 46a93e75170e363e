"""A real Chromium against a real installation: gunicorn, worker and simulator as processes."""

import itertools
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from processes import Installation
from servers import RedisServer, wait_until
from visitor import PASSWORD

NUMBERS = itertools.count(1)
PROMPT = "A paper boat drifts down a rainy street at night"


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
    redis = RedisServer().start()
    whole = Installation(
        folder,
        redis.url,
        f"sqlite:///{folder / 'aivideo.sqlite3'}",
        MOCK_SORA_SECONDS=3,
        SORA_POLL_SECONDS=0.5,
        WEB_CONCURRENCY=1,
    )
    try:
        yield whole.start()
        wait_until(lambda: not under_way(whole), 60, "the end of the last videos")
    finally:
        whole.stop()
        redis.stop()


def under_way(house: Installation) -> int:
    """How many videos have not ended."""
    from sqlalchemy import func, select

    from aivideo.core.video import Stage
    from aivideo.extensions import db
    from aivideo.models import Video

    with house.app.app_context():
        count: int = db.session.scalar(select(func.count()).select_from(Video).where(Video.stage != Stage.ENDED))
        db.session.remove()
    return count


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

    def make_video(self, prompt: str = PROMPT, *, seconds: int = 4) -> int:
        """Send the form; returns the number of the video, whose card is then on the page. A short one is drawn soon."""
        before = self.page.locator("#now > .card").count()
        self.page.get_by_label("Describe your video").fill(prompt)
        self.page.get_by_role("radio", name=f"{seconds} s").check()
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
