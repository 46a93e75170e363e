"""Draws a clip: H.264 with a silent AAC track, in an MP4 that can start to play before it is whole."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from aivideo.providers.simulator.drawing.scenes import Words, scene

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.plane import VideoPlane
    from PIL import Image

FRAMES_PER_SECOND = 24
SAMPLES_PER_SECOND = 48_000
AAC_FRAME = 1024


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
    """Write a clip of `size` (`1280x720`, both even) and `seconds` to `path`; False if `keep_on` stopped it.

    It shows the prompt over a landscape, whose shapes `seed` decides (the prompt if None) and whose light the prompt,
    or over `picture` (anything Pillow reads), which moves slowly. Raises OSError where the picture cannot be read
    or the disk is full.
    """
    width, height = (int(side) for side in size.split("x"))
    moving = scene(prompt if seed is None else seed, prompt, picture, width, height, seconds)
    words = Words(prompt, caption, moving.shade, width, height)
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
        for number in range(round(seconds * FRAMES_PER_SECOND)):
            if not keep_on():
                return False
            planes = moving.at(number / FRAMES_PER_SECOND)
            words.put(planes)
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane, image in zip(frame.planes, planes, strict=True):
                _fill(plane, image)
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            container.mux(video.encode(frame))
            sound.until((number + 1) / FRAMES_PER_SECOND)
        container.mux(video.encode(None))
        sound.end(seconds)
    return True


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
