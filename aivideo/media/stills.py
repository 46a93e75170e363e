"""Pictures drawn from a clip: its poster, the frame of a moment, a short moving preview. And small ones of stills."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aivideo.media.clip import Clip, UnplayableVideo, checked, opened

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from PIL.Image import Image

BLACK = 24
DARK_PICTURES = 60
POSTER_WIDTH = 1280
POSTER_QUALITY = 80
POSTER_EFFORT = 1
STILL_QUALITY = 92
EARLIER = 0.5
"""Seconds; far more than any coding shuffles its pictures."""

PREVIEW_SIDE = 320
PREVIEW_FPS = 8
PREVIEW_PICTURES = 28
"""3.5 s. A longer clip is shown from its beginning to its end all the same, only faster."""
PREVIEW_BYTES = 300_000
PREVIEW_QUALITIES = (60, 40, 20, 5)
"""Tried in this order, until the preview is small enough."""
THUMBNAIL_SIDE = 640


def poster(path: Path, to: Path, at: float | None = None, max_width: int = POSTER_WIDTH) -> None:
    """Write the picture at second `at`, or the first that is not black, as WebP of at most `max_width` pixels.

    Raises:
        UnplayableVideo: there is no picture to be had.
    """
    if at is not None:
        return _save(frame(path, at), to, max_width)
    with opened(path) as (container, stream):
        return _save(_first_light(container, stream), to, max_width)


def check_and_draw(path: Path, to: Path) -> Clip:
    """`check` a clip and write its `poster`, at one look into the file.

    Raises:
        UnplayableVideo: as both do.
    """
    with checked(path) as (clip, container, stream):
        _save(_first_light(container, stream), to, POSTER_WIDTH)
        return clip


def _save(image: "Image", to: Path, max_width: int) -> None:
    if image.width > max_width:
        image = image.resize((max_width, max(1, round(image.height * max_width / image.width))))
    image.save(to, "WEBP", quality=POSTER_QUALITY, method=POSTER_EFFORT)


def frame(path: Path, at: float) -> "Image":
    """The picture that a player shows at second `at`; beyond the end, the last one.

    Raises:
        UnplayableVideo: there is no picture to be had.
    """
    with opened(path) as (container, stream):
        first = (stream.start_time or 0) * float(stream.time_base or 0)
        if stream.time_base:
            # To the key picture before it. Seeking goes by when pictures are decoded, which is a little earlier.
            container.seek(int(max(0.0, at - EARLIER) / stream.time_base), stream=stream)
        shown: Any = None
        for picture in container.decode(stream):
            if shown is not None and (picture.time or 0.0) - first > at:
                break
            shown = picture
        if shown is None:
            raise UnplayableVideo("The video file has no picture in it.")
        image: Image = shown.to_image()
        return image


def still(path: Path, at: float, max_width: int | None = None) -> bytes:
    """The same as JPEG, at most `max_width` pixels wide.

    Raises:
        UnplayableVideo: there is no picture to be had.
    """
    image = frame(path, at)
    if max_width is not None and image.width > max_width:
        image = image.resize((max_width, max(1, round(image.height * max_width / image.width))))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=STILL_QUALITY)
    return out.getvalue()


def preview(path: Path, to: Path) -> None:
    """Write an animated WebP of the whole clip: some 3 seconds at 8 pictures a second, at most 300 KB.

    Raises:
        UnplayableVideo: there is no picture to be had.
    """
    pictures = list(_sampled(path))
    if not pictures:
        raise UnplayableVideo("The video file has no picture in it.")
    pause = 1000 // PREVIEW_FPS
    for quality in PREVIEW_QUALITIES:
        _animate(pictures, to, pause, quality)
        if to.stat().st_size <= PREVIEW_BYTES:
            return
    while to.stat().st_size > PREVIEW_BYTES and len(pictures) > 1:
        pictures, pause = pictures[::2], pause * 2
        _animate(pictures, to, pause, quality)


def thumbnail(path: Path) -> bytes:
    """A small WebP of a picture that we have cleaned before."""
    from PIL import Image

    with Image.open(path, formats=("JPEG",)) as image:
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=2.0)
        out = io.BytesIO()
        image.save(out, "WEBP", quality=POSTER_QUALITY, method=POSTER_EFFORT)
        return out.getvalue()


def _first_light(container: "InputContainer", stream: "VideoStream") -> "Image":
    best: tuple[float, Any] | None = None
    for number, picture in enumerate(container.decode(stream)):
        light = _light(picture)
        if best is None or light > best[0]:
            best = light, picture
        if light >= BLACK or number >= DARK_PICTURES:
            break
    if best is None:
        raise UnplayableVideo("The video file has no picture in it.")
    image: Image = best[1].to_image()
    return image


def _light(picture: Any) -> float:
    """Mean brightness of a picture, 0 to 255."""
    from PIL import ImageStat

    small = picture.reformat(width=64, height=36, format="rgb24").to_image()
    return float(ImageStat.Stat(small.convert("L")).mean[0])


def _sampled(path: Path) -> "Iterator[Image]":
    """Small pictures at even distances over the clip."""
    with opened(path) as (container, stream):
        seconds = float((stream.duration or 0) * (stream.time_base or 0)) or (container.duration or 0) / 1_000_000
        count = max(1, min(PREVIEW_PICTURES, round(seconds * PREVIEW_FPS)))
        scale = min(1.0, PREVIEW_SIDE / max(stream.width, stream.height))
        size = {"width": max(1, round(stream.width * scale)), "height": max(1, round(stream.height * scale))}
        # Small and few as they become, nobody will miss the smoothing of blocks, nor the pictures in between that no
        # other is made from: together two thirds of the work.
        stream.codec_context.options = {"skip_loop_filter": "all"}
        stream.codec_context.skip_frame = "NONREF"
        first, taken = (stream.start_time or 0) * float(stream.time_base or 0), 0
        for picture in container.decode(stream):
            if (picture.time or 0.0) - first >= seconds * taken / count and taken < count:
                taken += 1
                small: Any = picture.reformat(**size, format="rgb24", interpolation="AREA")
                yield small.to_image()


def _animate(pictures: "list[Image]", to: Path, pause: int, quality: int) -> None:
    pictures[0].save(
        to,
        "WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=pause,
        loop=0,
        quality=quality,
        method=POSTER_EFFORT,
        kmin=0,
        kmax=1,  # every picture whole: of the others, slow changes would be left out
    )
