"""Pictures drawn from clips: posters, the frame of a moment, moving previews."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from aivideo import media
from aivideo.media import (
    UnplayableVideo,
    check,
    check_and_draw,
    frame,
    poster,
    preview,
    read_picture,
    stills,
    thumbnail,
)
from aivideo.media.stills import PREVIEW_BYTES, PREVIEW_PICTURES

WIDTH, HEIGHT, RATE = 320, 180, 24
Make = Callable[..., Path]


def grey(number: int) -> Image.Image:
    """A picture whose left half tells its number; its right half lets no two be taken for one."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (37 * number % 256,) * 3)
    picture.paste((16 + 4 * number,) * 3, (0, 0, WIDTH // 2 + 16, HEIGHT))
    return picture


def number_of(image: Image.Image) -> int:
    half = image.crop((0, 0, image.width // 2, image.height))
    return round((ImageStat.Stat(half.convert("L")).mean[0] - 16) / 4)


def test_the_poster_is_a_webp_of_the_clip(make: Make, tmp_path: Path) -> None:
    poster(make(), tmp_path / "still.webp")
    with Image.open(tmp_path / "still.webp") as still:
        assert (still.format, still.size) == ("WEBP", (WIDTH, HEIGHT))


def test_the_poster_is_no_wider_than_asked(make: Make, tmp_path: Path) -> None:
    poster(make(), tmp_path / "still.webp", max_width=160)
    with Image.open(tmp_path / "still.webp") as still:
        assert still.size == (160, 90)


def test_the_poster_shows_the_first_picture_that_is_not_black(make: Make, tmp_path: Path) -> None:
    poster(make(black=20), tmp_path / "still.webp")
    with Image.open(tmp_path / "still.webp") as still:
        assert ImageStat.Stat(still.convert("L")).mean[0] > 60


def test_a_clip_that_is_black_throughout_has_a_poster_too(make: Make, tmp_path: Path) -> None:
    poster(make(black=48), tmp_path / "still.webp")
    with Image.open(tmp_path / "still.webp") as still:
        assert still.size == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    "options", [{}, {"audio": True}, {"black": 20}, {"codec": "mpeg4"}, {"flags": "frag_keyframe+empty_moov"}]
)
def test_one_look_at_a_clip_finds_what_two_find(options: dict[str, Any], make: Make, tmp_path: Path) -> None:
    path, once, twice = make(**options), tmp_path / "once.webp", tmp_path / "twice.webp"
    assert check_and_draw(path, once) == check(path)
    poster(path, twice)
    assert once.read_bytes() == twice.read_bytes()


def test_a_clip_that_is_not_whole_gets_no_poster(make: Make, tmp_path: Path) -> None:
    path = make()
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UnplayableVideo, match="truncated"):
        check_and_draw(path, tmp_path / "still.webp")
    assert not (tmp_path / "still.webp").exists()


def test_without_a_picture_there_is_no_poster(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"<html>")
    with pytest.raises(UnplayableVideo):
        poster(tmp_path / "clip.mp4", tmp_path / "still.webp")
    assert not (tmp_path / "still.webp").exists()


@pytest.mark.parametrize("options", [{}, {"key_every": 250}, {"flags": "frag_keyframe+empty_moov"}])
def test_the_frame_of_a_moment_is_the_one_that_a_player_shows_then(options, make: Make, tmp_path: Path) -> None:
    path = make(draw=grey, **options)
    for number in (0, 1, 2, 11, 12, 13, 30, 47):
        assert number_of(frame(path, (number + 0.5) / RATE)) == number
    assert number_of(frame(path, 0)) == 0
    assert number_of(frame(path, 12 / RATE + 0.001)) == 12
    assert number_of(frame(path, 99)) == 47
    with Image.open(io.BytesIO(media.still(path, 30.5 / RATE, max_width=160))) as shown:
        assert (shown.format, shown.size, number_of(shown)) == ("JPEG", (160, 90), 30)
    poster(path, tmp_path / "still.webp", 30.5 / RATE)
    with Image.open(tmp_path / "still.webp") as still:
        assert (number_of(still), still.size) == (30, (WIDTH, HEIGHT))


def test_a_preview_shows_the_whole_clip_small_and_in_few_pictures(make: Make, tmp_path: Path) -> None:
    path = make(draw=lambda number: grey(number // 4), frames=200)
    preview(path, tmp_path / "preview.webp")
    with Image.open(tmp_path / "preview.webp") as moving:
        assert (moving.format, moving.size, moving.info["loop"]) == ("WEBP", (320, 180), 0)
        assert moving.n_frames == PREVIEW_PICTURES
        seen, length = [], 0
        for number in range(moving.n_frames):
            moving.seek(number)
            moving.load()
            seen.append(number_of(moving))
            length += moving.info["duration"]
    assert seen == pytest.approx([50 * number / PREVIEW_PICTURES for number in range(PREVIEW_PICTURES)], abs=1.5)
    assert 3000 <= length <= 4000
    assert (tmp_path / "preview.webp").stat().st_size < PREVIEW_BYTES


def test_the_preview_of_a_short_or_a_tall_clip_is_no_longer_and_no_wider(make: Make, tmp_path: Path) -> None:
    preview(make(frames=1), tmp_path / "one.webp")
    with Image.open(tmp_path / "one.webp") as still:
        assert getattr(still, "n_frames", 1) == 1
    preview(make(frames=24), tmp_path / "short.webp")
    with Image.open(tmp_path / "short.webp") as moving:
        assert moving.n_frames == 8


def test_a_preview_stays_small_whatever_the_clip_shows(make: Make, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(stills, "PREVIEW_BYTES", 100_000)
    preview(make(frames=84), tmp_path / "preview.webp")
    assert (tmp_path / "preview.webp").stat().st_size <= 100_000
    with Image.open(tmp_path / "preview.webp") as moving:
        assert moving.n_frames > 1


@pytest.mark.parametrize("act", [preview, lambda path, to: poster(path, to, 1.0)])
def test_of_what_is_no_clip_nothing_is_drawn(act, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"<html>")
    with pytest.raises(UnplayableVideo):
        act(tmp_path / "clip.mp4", tmp_path / "made.webp")
    assert not (tmp_path / "made.webp").exists()


def test_a_thumbnail_is_small_and_keeps_the_shape(tmp_path: Path) -> None:
    Image.effect_noise((1400, 700), 90).convert("RGB").save(tmp_path / "large.png")
    (tmp_path / "kept.jpg").write_bytes(read_picture(tmp_path / "large.png"))
    (tmp_path / "small.webp").write_bytes(thumbnail(tmp_path / "kept.jpg"))
    with Image.open(tmp_path / "small.webp") as small:
        assert (small.format, small.size) == ("WEBP", (640, 320))
