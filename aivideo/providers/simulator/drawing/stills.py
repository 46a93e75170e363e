"""Stills of a finished clip, as the content route serves them beside it."""

from io import BytesIO
from pathlib import Path

import av
from PIL import Image

COLUMNS, ROWS = 5, 4


def thumbnail(clip: Path) -> bytes:
    """WebP of the frame in the middle, at the size of the clip. Raises OSError where the clip cannot be read."""
    return _encoded(_frames(clip, 1)[0], "WEBP", quality=82)


def spritesheet(clip: Path) -> bytes:
    """JPEG of 5 × 4 frames spread over the clip, each 240 pixels wide. Raises OSError as `thumbnail` does."""
    frames = _frames(clip, COLUMNS * ROWS)
    width, height = 240, round(240 * frames[0].height / frames[0].width)
    sheet = Image.new("RGB", (width * COLUMNS, height * ROWS))
    for number, frame in enumerate(frames):
        sheet.paste(frame.resize((width, height)), (number % COLUMNS * width, number // COLUMNS * height))
    return _encoded(sheet, "JPEG", quality=80)


def _frames(clip: Path, count: int) -> list[Image.Image]:
    frames: list[Image.Image] = []
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        wanted = [int((number + 0.5) / count * stream.frames) for number in range(count)]
        for number, frame in enumerate(container.decode(stream)):
            while len(frames) < count and wanted[len(frames)] <= number:
                frames.append(frame.to_image())  # type: ignore[no-untyped-call]
            if len(frames) == count:
                break
    return frames


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
