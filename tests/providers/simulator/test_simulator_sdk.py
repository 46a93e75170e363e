"""The simulator as the official SDK sees it, over real HTTP."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import openai
import pytest
from PIL import Image
from servers import wait_until
from simulator_process import SimulatorProcess

from aivideo.media import check

pytestmark = pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")


@pytest.fixture
def sdk(alone: SimulatorProcess) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{alone.url}/v1", api_key="sk-any", max_retries=0, timeout=20) as client:
        yield client


def finished(sdk: openai.OpenAI, job_id: str) -> openai.types.Video:
    def look() -> openai.types.Video | None:
        video = sdk.videos.retrieve(job_id)
        return video if video.status in ("completed", "failed") else None

    return wait_until(look, 20, "the end of the video")


def test_a_video_is_made_from_words(sdk: openai.OpenAI) -> None:
    made = sdk.videos.create(prompt="A lighthouse at dusk", model="sora-2", size="160x90", seconds="1")
    assert made.id.startswith("video_")
    assert (made.object, made.status, made.progress) == ("video", "queued", 0)
    assert (made.model, made.size, made.seconds, made.prompt) == ("sora-2", "160x90", "1", "A lighthouse at dusk")
    assert (made.completed_at, made.expires_at, made.error, made.remixed_from_video_id) == (None, None, None, None)
    video = finished(sdk, made.id)
    assert (video.status, video.progress, video.created_at) == ("completed", 100, made.created_at)
    assert video.completed_at is not None
    assert video.expires_at == video.completed_at + 3600


def test_a_video_is_made_from_a_picture(sdk: openai.OpenAI, picture: Callable[..., bytes]) -> None:
    made = sdk.videos.create(
        prompt="The picture begins to move",
        size="160x90",
        seconds="1",
        input_reference=("first.png", picture(160, 90, "PNG"), "image/png"),
    )
    assert finished(sdk, made.id).status == "completed"
    with Image.open(BytesIO(sdk.videos.download_content(made.id, variant="thumbnail").read())) as thumbnail:
        left, right = thumbnail.getpixel((10, 10)), thumbnail.getpixel((150, 10))
    assert max(left) < 40
    assert right[0] > 200 > 60 > right[2]


def test_the_sdk_polls_to_the_end(sdk: openai.OpenAI) -> None:
    video = sdk.videos.create_and_poll(
        prompt="A fox",
        size="160x90",
        seconds="1",
        poll_interval_ms=50,
    )
    assert video.status == "completed"


def test_what_was_made_is_downloaded(sdk: openai.OpenAI) -> None:
    made = sdk.videos.create(prompt="Something to keep", size="320x180", seconds="1", model="sora-2-pro")
    finished(sdk, made.id)
    clip = sdk.videos.download_content(made.id)
    assert clip.response.headers["content-type"] == "video/mp4"
    assert clip.read()[4:8] == b"ftyp"
    for variant, kind, size in (("thumbnail", "WEBP", (320, 180)), ("spritesheet", "JPEG", (1200, 540))):
        answer = sdk.videos.download_content(made.id, variant=variant)
        with Image.open(BytesIO(answer.read())) as image:
            assert (image.format, image.size) == (kind, size)
        assert answer.response.headers["content-type"] == f"image/{kind.lower()}"


def test_videos_are_listed_page_by_page(sdk: openai.OpenAI) -> None:
    made = [sdk.videos.create(prompt=f"Number {number}", size="160x90", seconds="1").id for number in range(3)]
    page = sdk.videos.list(limit=2)
    assert [video.id for video in page.data] == [made[2], made[1]]
    assert (page.has_more, page.last_id) == (True, made[1])
    newest = [video.id for _, video in zip(range(3), sdk.videos.list(limit=2), strict=False)]
    assert newest == made[::-1]
    assert [video.id for video in sdk.videos.list(after=made[0], order="asc").data] == made[1:]
    assert sdk.videos.list(limit=1, order="asc").data[0].created_at <= page.data[0].created_at


def test_a_video_is_deleted(sdk: openai.OpenAI, alone: SimulatorProcess) -> None:
    made = sdk.videos.create(prompt="Not for long", size="160x90", seconds="1")
    gone = sdk.videos.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "video.deleted")
    with pytest.raises(openai.NotFoundError):
        sdk.videos.retrieve(made.id)
    assert made.id not in [video.id for video in sdk.videos.list(limit=100).data]
    assert [bought["gone"] for bought in alone.purchases() if bought["id"] == made.id] == ["deleted"]


def test_a_finished_video_is_remixed(sdk: openai.OpenAI) -> None:
    made = sdk.videos.create(prompt="A street in the rain", size="90x160", seconds="1")
    with pytest.raises(openai.BadRequestError, match="Only a completed video"):
        sdk.videos.remix(made.id, prompt="now with snow")
    finished(sdk, made.id)
    remix = sdk.videos.remix(made.id, prompt="now with snow")
    assert (remix.remixed_from_video_id, remix.prompt, remix.size) == (made.id, "now with snow", "90x160")
    assert finished(sdk, remix.id).status == "completed"


def test_a_finished_video_is_extended_to_the_stitched_length(sdk: openai.OpenAI, tmp_path: Path) -> None:
    made = sdk.videos.create(prompt="A street in the rain", size="90x160", seconds="1")

    def extend(seconds: str, job_id: str = made.id) -> openai.types.Video:
        fields = {"prompt": "the rain stops", "seconds": seconds, "video": {"id": job_id}}
        return sdk.post("/videos/extensions", body=fields, cast_to=openai.types.Video)

    with pytest.raises(openai.BadRequestError, match="Only a completed video"):
        extend("1")
    finished(sdk, made.id)
    with pytest.raises(openai.BadRequestError, match="'1', '2', and '4'"):
        extend("3")
    with pytest.raises(openai.NotFoundError, match="not found"):
        extend("1", "video_0")
    longer = extend("2")
    assert (longer.seconds, longer.size, longer.prompt) == ("3", "90x160", "the rain stops")
    assert finished(sdk, longer.id).status == "completed"
    sdk.videos.download_content(longer.id).write_to_file(tmp_path / "clip.mp4")
    assert round(check(tmp_path / "clip.mp4").seconds, 1) == 3


def test_errors_arrive_as_the_sdks_own(sdk: openai.OpenAI, alone: SimulatorProcess) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.videos.create(prompt="A fox", size="160x90", seconds="3")
    assert (refused.value.code, refused.value.param) == ("invalid_value", "seconds")
    assert refused.value.request_id
    assert refused.value.request_id.startswith("req_")
    alone.tell("rate_limited", operation="create", count=1, retry_after=7)
    with pytest.raises(openai.RateLimitError) as limited:
        sdk.videos.create(prompt="A fox", size="160x90", seconds="1")
    assert limited.value.code == "rate_limit_exceeded"
    assert limited.value.response.headers["retry-after"] == "7"


def test_a_dropped_create_has_been_bought_all_the_same(sdk: openai.OpenAI, alone: SimulatorProcess) -> None:
    alone.tell("drop", operation="create", count=1)
    with pytest.raises(openai.APIConnectionError):
        sdk.videos.create(prompt="Bought and never told", size="160x90", seconds="1")
    assert [bought["prompt"] for bought in alone.purchases()].count("Bought and never told") == 1
    assert sdk.videos.list(limit=1).data[0].prompt == "Bought and never told"


def test_moderation_ends_a_video_while_it_renders(sdk: openai.OpenAI, alone: SimulatorProcess) -> None:
    alone.tell("moderation_blocked", operation="create", match="forbidden")
    made = sdk.videos.create(prompt="Something forbidden", size="160x90", seconds="1")
    assert made.status == "queued"
    video = finished(sdk, made.id)
    assert video.status == "failed"
    assert video.error
    assert (video.error.code, video.error.message) == (
        "moderation_blocked",
        "Your request was blocked by our moderation system.",
    )


def test_the_sdk_follows_a_redirect_to_another_host(sdk: openai.OpenAI, alone: SimulatorProcess) -> None:
    made = sdk.videos.create(prompt="Kept elsewhere", size="160x90", seconds="1")
    finished(sdk, made.id)
    alone.tell("redirect", operation="content")
    clip = sdk.videos.download_content(made.id)
    assert clip.response.url.host == "localhost"
    assert clip.read()[4:8] == b"ftyp"
