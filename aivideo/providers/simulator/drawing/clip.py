"""Draws a clip: H.264 with a silent AAC track, in an MP4 that can start to play before it is whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from aivideo.providers.simulator.drawing.scenes import Words, scene

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.plane import VideoPlane
    from PIL import Image

    from aivideo.providers.simulator.drawing.sky import Planes

FRAMES_PER_SECOND = 24
SAMPLES_PER_SECOND = 48_000
AAC_FRAME = 1024


@dataclass(frozen=True)
class Shot:
    """What is shown for `seconds`: the prompt over a landscape or over `picture` (anything Pillow reads), which moves
    slowly. The shapes of a landscape are decided by `seed` (the prompt if None), its light by the prompt.
    """

    prompt: str
    seconds: float = 8
    picture: Path | None = None
    caption: str = "Simulated clip"
    seed: str | None = None


def draw(
    path: Path,
    prompt: str,
    *,
    size: str = "1280x720",
    seconds: float = 8,
    picture: Path | None = None,
    caption: str = "Simulated clip",
    seed: str | None = None,
    keep_on: Callable[[], bool] = lambda: True,
) -> bool:
    """Write a clip of one shot to `path`; see `draw_shots`."""
    return draw_shots(path, [Shot(prompt, seconds, picture, caption, seed)], size=size, keep_on=keep_on)


def draw_shots(
    path: Path, shots: Sequence[Shot], *, size: str = "1280x720", keep_on: Callable[[], bool] = lambda: True
) -> bool:
    """Write a clip of `size` (`1280x720`, both even) to `path`, shot after shot; False if `keep_on` stopped it.

    Raises OSError where a picture cannot be read or the disk is full.
    """
    width, height = (int(side) for side in size.split("x"))
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        # One thread: drawing takes its turn behind everything else the process does.
        video.thread_count = 1
        video.options = {"preset": "veryfast", "crf": "20", "g": str(FRAMES_PER_SECOND * 2)}
        context = video.codec_context
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1  # limited
        sound = _Silence(container)
        number = 0
        for shot in shots:
            for planes in _pictures(shot, width, height):
                if not keep_on():
                    return False
                frame = av.VideoFrame(width, height, "yuv420p")
                for plane, image in zip(frame.planes, planes, strict=True):
                    _fill(plane, image)
                frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
                container.mux(video.encode(frame))
                number += 1
                sound.until(number / FRAMES_PER_SECOND)
        container.mux(video.encode(None))
        sound.end(sum(shot.seconds for shot in shots))
    return True


def _pictures(shot: Shot, width: int, height: int) -> Iterator[Planes]:
    seed = shot.prompt if shot.seed is None else shot.seed
    moving = scene(seed, shot.prompt, shot.picture, width, height, shot.seconds)
    words = Words(shot.prompt, shot.caption, moving.shade, width, height)
    for number in range(round(shot.seconds * FRAMES_PER_SECOND)):
        planes = moving.at(number / FRAMES_PER_SECOND)
        words.put(planes)
        yield planes


def _fill(plane: VideoPlane, image: Image.Image) -> None:
    plane.update(image.tobytes("raw", "L", plane.line_size, 1))


class _Silence:
    """The sound track, written beside the pictures so that the file is well interleaved."""

    def __init__(self, container: OutputContainer) -> None:
        self._container = container
        self._stream = container.add_stream("aac", rate=SAMPLES_PER_SECOND, layout="stereo")
        self._written = 0

    def until(self, seconds: float) -> None:
        while self._written + AAC_FRAME <= seconds * SAMPLES_PER_SECOND:
            self._write(AAC_FRAME)

    def end(self, seconds: float) -> None:
        self.until(seconds)
        rest = round(seconds * SAMPLES_PER_SECOND) - self._written
        if rest > 0:
            self._write(rest)
        self._container.mux(self._stream.encode(None))

    def _write(self, samples: int) -> None:
        frame = av.AudioFrame(format="fltp", layout="stereo", samples=samples)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate = SAMPLES_PER_SECOND
        frame.pts, frame.time_base = self._written, Fraction(1, SAMPLES_PER_SECOND)
        self._written += samples
        self._container.mux(self._stream.encode(frame))
