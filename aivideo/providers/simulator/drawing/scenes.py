"""What moves in a clip, and the words in front of it."""

import hashlib
import random
from pathlib import Path
from typing import Protocol

import av
from PIL import Image, ImageChops, ImageFilter, ImageOps

from aivideo.providers.simulator.drawing.colours import PALETTES, Colour, Palette, ease, mix, yuv
from aivideo.providers.simulator.drawing.lettering import title
from aivideo.providers.simulator.drawing.ridges import DEPTHS, STYLES, Ridge
from aivideo.providers.simulator.drawing.sky import Planes, Sky, planes_of

ZOOM = 1.14
"""How much larger than the clip a photograph is kept, so that it can be moved about without being enlarged."""


class Scene(Protocol):
    shade: Colour
    """RGB of what words are set against."""

    def at(self, moment: float) -> Planes:
        """The picture `moment` seconds from the start; the caller may draw on it."""


def scene(seed: str, prompt: str, picture: Path | None, width: int, height: int, seconds: float) -> Scene:
    """What moves in a clip: `picture` if there is one, else the landscape of `seed` in the light of `prompt`."""
    if picture:
        return Photograph(_chance(seed), picture, width, height, seconds)
    return Landscape(_chance(seed), _chance(prompt).choice(PALETTES), width, height, seconds)


def _chance(text: str) -> random.Random:
    return random.Random(hashlib.sha256(text.encode("utf-8", "replace")).digest())  # noqa: S311 - scenery


class Landscape:
    """Sky and ridges, drifting past."""

    def __init__(self, chance: random.Random, palette: Palette, width: int, height: int, seconds: float) -> None:
        self._seconds = max(seconds, 8.0)  # short clips move no faster
        style, direction = chance.choice(STYLES), chance.choice((-1, 1))
        self.shade = mix(palette.near, (0, 0, 0), 0.35)
        self._sky = Sky(chance, palette, width, height)
        self._ridges = [Ridge(chance, palette, style, depth, (width, height), seconds, direction) for depth in DEPTHS]

    def at(self, moment: float) -> Planes:
        planes = self._sky.at(moment / self._seconds)
        for ridge in self._ridges:
            ridge.put(planes, moment)
        return planes


class Photograph:
    """A picture that is slowly drawn nearer, or let go, and to one side."""

    shade: Colour = (10, 10, 12)

    def __init__(self, chance: random.Random, picture: Path, width: int, height: int, seconds: float) -> None:
        with Image.open(picture) as source:
            upright = ImageOps.exif_transpose(source).convert("RGB")
        self._size, self._seconds = (width, height), seconds
        large = (int(width * ZOOM) // 2 * 2, int(height * ZOOM) // 2 * 2)
        frame = av.VideoFrame.from_image(  # type: ignore[no-untyped-call]
            ImageOps.fit(upright, large, Image.Resampling.LANCZOS)
        )
        self._planes = planes_of(frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"))
        self._nearer = chance.random() < 0.7
        self._aim = (chance.uniform(0.25, 0.75), chance.uniform(0.3, 0.6))

    def at(self, moment: float) -> Planes:
        progress = ease(moment / self._seconds) if self._seconds else 0.0
        scale = 1 - (1 - 1 / ZOOM) * (progress if self._nearer else 1 - progress)
        planes = []
        for plane, shrink in zip(self._planes, (1, 2, 2), strict=True):
            width, height = plane.width * scale, plane.height * scale
            left, top = (plane.width - width) * self._aim[0], (plane.height - height) * self._aim[1]
            size = (self._size[0] // shrink, self._size[1] // shrink)
            box = (left, top, left + width, top + height)
            planes.append(plane.resize(size, Image.Resampling.BICUBIC, box=box))
        return planes


class Words:
    """The prompt like a title at the lower left, a line under it, and a shade that keeps both legible."""

    def __init__(self, prompt: str, caption: str, shade: Colour, width: int, height: int) -> None:
        ink = title(prompt, caption, width, height)
        box = ink.getbbox() or (0, height - 2, 2, height)
        top = max(0, box[1] - height // 6) // 2 * 2
        self._top = top
        ink = ink.crop((0, top, width, height))
        ramp = Image.linear_gradient("L").point([round(170 * ease(step / 255)) for step in range(256)])
        blur = ink.filter(ImageFilter.GaussianBlur(min(width, height) / 90)).point(lambda value: value * 0.7)
        veil = ImageChops.lighter(ramp.resize(ink.size, Image.Resampling.BICUBIC), blur)
        self._masks = [(veil, ink), (veil.reduce(2), ink.reduce(2)), (veil.reduce(2), ink.reduce(2))]
        self._shade = [round(part) for part in yuv(shade)]
        self._light = [round(part) for part in yuv((255, 252, 246))]

    def put(self, planes: Planes) -> None:
        """Set the words on `planes`."""
        for number, (plane, (veil, ink)) in enumerate(zip(planes, self._masks, strict=True)):
            place = (0, self._top // (2 if number else 1))
            plane.paste(self._shade[number], place, veil)
            plane.paste(self._light[number], place, ink)
