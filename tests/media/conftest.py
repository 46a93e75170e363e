"""Clips to look into, made when they are asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

WIDTH, HEIGHT, RATE = 320, 180, 24
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a clip of moving noise, of which the first pictures may be black; or of what `draw` gives for a number."""

    def write(
        name: str = "clip.mp4",
        *,
        frames: int = 48,
        black: int = 0,
        codec: str = "libx264",
        key_every: int = 12,
        audio: bool = False,
        flags: str = "+faststart",
        draw: Callable[[int], Image.Image] | None = None,
    ) -> Path:
        noise = Image.effect_noise((WIDTH * 2, HEIGHT), 90).convert("RGB")
        options = {"movflags": flags} if flags and name.endswith(".mp4") else {}
        with av.open(str(tmp_path / name), "w", options=options) as file:
            video: Any = file.add_stream(codec, rate=RATE, options={"g": str(key_every)})
            video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            sound: Any = file.add_stream("aac", rate=48000, layout="mono") if audio else None
            for number in range(frames):
                picture = noise.crop((number * 2, 0, number * 2 + WIDTH, HEIGHT))
                if number < black:
                    picture = Image.new("RGB", (WIDTH, HEIGHT))
                if draw is not None:
                    picture = draw(number)
                file.mux(video.encode(av.VideoFrame.from_image(picture)))
            file.mux(video.encode())
            if sound is not None:
                for number in range(frames * 2):
                    silence = av.AudioFrame(format="fltp", layout="mono", samples=1000)
                    for plane in silence.planes:
                        plane.update(bytes(plane.buffer_size))
                    silence.sample_rate, silence.pts = 48000, number * 1000
                    file.mux(sound.encode(silence))
                file.mux(sound.encode())
        return tmp_path / name

    return write
