"""The clips: what players need of them, what they show, what they cost."""

import time as clock
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
import yardstick
from PIL import Image, ImageChops, ImageStat

from aivideo.providers.simulator.drawing import draw, spritesheet, thumbnail
from aivideo.providers.simulator.drawing.lettering import title


def boxes(path: Path) -> list[str]:
    """The names of the top-level boxes of an MP4."""
    data, names, place = path.read_bytes(), [], 0
    while place < len(data):
        names.append(data[place + 4 : place + 8].decode())
        place += int.from_bytes(data[place : place + 4], "big")
    return names


def frames(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as container:
        return [frame.to_image() for frame in container.decode(video=0)]


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean difference of two pictures, 0–255."""
    return sum(ImageStat.Stat(ImageChops.difference(a, b)).mean) / 3


@pytest.mark.parametrize(
    ("size", "seconds"), [("160x90", 1), ("90x160", 2), ("1280x720", 0.5), ("1024x1792", 0.25), ("1792x1024", 0.25)]
)
def test_a_clip_has_the_size_and_length_ordered_and_plays_anywhere(tmp_path: Path, size: str, seconds: float) -> None:
    path = tmp_path / "clip.mp4"
    assert draw(path, "A fox crosses the frozen lake", size=size, seconds=seconds)
    assert boxes(path)[:2] == ["ftyp", "moov"]
    with av.open(str(path)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert f"{video.width}x{video.height}" == size
        assert (video.codec_context.name, video.pix_fmt, video.average_rate) == ("h264", "yuv420p", 24)
        assert (sound.codec_context.name, sound.rate, sound.channels) == ("aac", 48_000, 2)
        assert video.frames == seconds * 24
        assert float(video.duration * video.time_base) == pytest.approx(seconds, abs=0.001)
        assert float(container.duration / av.time_base) == pytest.approx(seconds, abs=0.03)
        loudest = max(max(map(abs, memoryview(bytes(frame.planes[0])).cast("f"))) for frame in container.decode(sound))
    assert loudest < 1e-4


def test_eight_seconds_of_720p_take_at_most_five_seconds_of_one_core(tmp_path: Path) -> None:
    def half() -> float:
        started = clock.process_time()
        draw(tmp_path / "clip.mp4", "An old lighthouse keeper climbs the stairs at dusk", size="1280x720", seconds=4)
        return clock.process_time() - started

    yardstick.costs_at_most(5, lambda: half() * 2, lambda: yardstick.drawing(tmp_path))
    assert (tmp_path / "clip.mp4").stat().st_size < 2_000_000


def test_the_picture_moves_all_the_time(tmp_path: Path) -> None:
    draw(tmp_path / "clip.mp4", "A fox", size="320x180", seconds=2)
    shown = frames(tmp_path / "clip.mp4")
    assert all(difference(shown[start], shown[start + 12]) > 0.2 for start in range(0, 36, 12))
    assert difference(shown[0], shown[-1]) > 1


def test_a_prompt_always_looks_the_same_and_another_does_not(tmp_path: Path) -> None:
    pictures = []
    for number, prompt in enumerate(("A fox in the snow", "A fox in the snow", "A ship in a bottle")):
        draw(tmp_path / f"{number}.mp4", prompt, size="160x90", seconds=0.5)
        pictures.append(frames(tmp_path / f"{number}.mp4")[0])
    assert difference(pictures[0], pictures[1]) < 1.5
    assert difference(pictures[0], pictures[2]) > 5


def test_a_reference_picture_is_what_moves(tmp_path: Path, picture: Callable[..., bytes]) -> None:
    (tmp_path / "reference").write_bytes(picture(320, 180, "PNG"))
    draw(tmp_path / "clip.mp4", "It moves", size="320x180", seconds=2, picture=tmp_path / "reference")
    shown = frames(tmp_path / "clip.mp4")
    for frame in (shown[0], shown[-1]):
        assert max(frame.getpixel((20, 20))) < 30
        assert frame.getpixel((300, 20)) == pytest.approx((240, 140, 20), abs=14)
    assert difference(shown[0], shown[-1]) > 0.2


@pytest.mark.parametrize(
    "prompt",
    ["Zoë läuft über die Brücke", "Ελληνικά και Русский", "ế ộ ữ ğ ş ő ł č", "— “quoted”… ‘so’ – 100 €"],
)
def test_european_letters_are_set_as_they_are(prompt: str) -> None:
    def ink(text: str) -> Image.Image:
        return title(text, "", 640, 360)

    assert ink(prompt).getbbox()
    for letter in set(prompt) - {" "}:
        assert ImageChops.difference(ink(prompt), ink(prompt.replace(letter, ""))).getbbox(), letter


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "你好，世界",
        "🚀🎉 👩‍👩‍👧",
        "\x00\u200b\ud800\U0010ffff",
        "العربية",
        "x" * 32_000,
        "a\n\t b" * 2_000,
        "é" * 500,
    ],
)
def test_no_prompt_is_too_odd_to_be_drawn(prompt: str, tmp_path: Path) -> None:
    assert title(prompt, "Simulated clip", 1280, 720).getbbox()
    assert draw(tmp_path / "clip.mp4", prompt, size="160x90", seconds=0.1)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (720, 1280), (160, 90), (1792, 1024)])
def test_words_stay_within_the_picture(width: int, height: int) -> None:
    margin = round(min(width, height) * 0.075)
    for prompt in ("Fox", "A fox crosses the frozen lake at dawn " * 3, "W" * 500, "words " * 400):
        left, top, right, bottom = title(prompt, "Simulated clip", width, height).getbbox()
        assert left >= margin - 2
        assert right <= width - margin + 2
        assert top >= height * 0.4
        assert bottom <= height


def test_drawing_stops_when_told(tmp_path: Path) -> None:
    asked: list[int] = []

    def keep_on() -> bool:
        asked.append(1)
        return len(asked) < 5

    assert not draw(tmp_path / "clip.mp4", "A fox", size="160x90", keep_on=keep_on)
    assert len(asked) == 5


def test_stills_show_the_clip(ready_made: Path, tmp_path: Path) -> None:
    for name, data in (("thumbnail.webp", thumbnail(ready_made)), ("sheet.jpg", spritesheet(ready_made))):
        (tmp_path / name).write_bytes(data)
    with Image.open(tmp_path / "thumbnail.webp") as still:
        assert (still.format, still.size) == ("WEBP", (160, 90))
        assert difference(still.convert("RGB"), frames(ready_made)[12]) < 4
    with Image.open(tmp_path / "sheet.jpg") as sheet:
        assert (sheet.format, sheet.size) == ("JPEG", (240 * 5, 135 * 4))


def test_the_command_line_makes_a_clip(tmp_path: Path) -> None:
    from aivideo.providers.simulator.__main__ import main

    path = tmp_path / "bench.mp4"
    options: list[Any] = ["--make-clip", path, "--size", "160x90", "--clip-seconds", "1", "--prompt", "For a bench"]
    assert main([str(option) for option in options]) == 0
    assert len(frames(path)) == 24
