"""Ridges of a landscape: silhouettes one behind the other that pass by, the near ones faster, firs on the nearest."""

import random
from itertools import pairwise
from typing import Any, NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageMath

from aivideo.providers.simulator.drawing.colours import Palette, ease, mix, yuv
from aivideo.providers.simulator.drawing.sky import Planes

DEPTHS = (0.0, 0.24, 0.46, 0.72, 1.0)
PHASES = 4
"""Steps between two pixels: a far ridge moves less than a pixel a frame and would jerk in whole ones."""


class Style(NamedTuple):
    """How the land is shaped: 0.4 rolls, 0.55 is craggy; whether firs grow on it."""

    rough: float
    firs: bool


STYLES = (Style(0.52, True), Style(0.40, False), Style(0.50, True), Style(0.46, True))


class Ridge:
    """One silhouette at `depth` (0 farthest, 1 nearest), wide enough for a clip of `seconds`."""

    def __init__(
        self,
        chance: random.Random,
        palette: Palette,
        style: Style,
        depth: float,
        size: tuple[int, int],
        seconds: float,
        direction: int,
    ) -> None:
        width, height = size
        self._speed = direction * width * (0.004 + 0.026 * depth**1.5)
        self._span = abs(self._speed) * seconds
        strip = int(width + self._span + 8) // 2 * 2 + 4
        base = height * (0.54 + 0.34 * depth**1.1)
        tall = min(height, width * 0.8) * (0.165 - 0.105 * depth + 0.025 * depth**2)
        fir = min(height, width) * (0.012 + 0.022 * depth**2) if style.firs and depth > 0.6 else 0
        self._top = max(0, int(base - tall - fir * 2) // 2 * 2)
        line = [base - self._top - tall * point for point in _contour(chance, strip, style.rough)]
        mask = _silhouette(chance, line, height - self._top, fir)
        self._masks = (_phases(mask), _phases(mask.reduce(2)))
        # Mist gathers at the foot of what is far away.
        rock = mix(palette.far, palette.near, depth**0.8)
        mist = mix(rock, mix(palette.far, palette.horizon, 0.5), 0.62 * (1 - depth) ** 0.7)
        self._fills = [
            _gradient(top, foot, width // (1 + (plane > 0)), (height - self._top) // (1 + (plane > 0)))
            for plane, (top, foot) in enumerate(zip(yuv(rock), yuv(mist), strict=True))
        ]

    def put(self, planes: Planes, moment: float) -> None:
        """Lay the ridge over `planes` as it stands at `moment` (seconds)."""
        offset = self._speed * moment if self._speed >= 0 else self._span + self._speed * moment
        for plane, fill, shrink in zip(planes, self._fills, (1, 2, 2), strict=True):
            whole, phase = divmod(round(offset / shrink * PHASES), PHASES)
            mask = self._masks[shrink - 1][phase].crop((whole, 0, whole + fill.width, fill.height))
            plane.paste(fill, (0, self._top // shrink), mask)


def _contour(chance: random.Random, length: int, rough: float) -> list[float]:
    """`length` heights between -1 and 1: a line broken in the middle again and again, each time by less."""
    points = [chance.uniform(-0.5, 0.5), chance.uniform(-0.5, 0.5)]
    reach = 1.0
    while len(points) < length:
        finer = []
        for left, right in pairwise(points):
            finer += [left, (left + right) / 2 + chance.uniform(-reach, reach)]
        points = [*finer, points[-1]]
        reach *= rough
    low, high = min(points), max(points)
    last = len(points) - 1
    contour = []
    for column in range(length):
        place = column / (length - 1) * last
        index = min(int(place), last - 1)
        value = points[index] + (points[index + 1] - points[index]) * (place - index)
        contour.append((value - low) / (high - low) * 2 - 1)
    return contour


def _silhouette(chance: random.Random, line: list[float], height: int, fir: float) -> Image.Image:
    """A mask `len(line)` wide: 255 below the line, with firs about `fir` pixels tall on it (0: none).

    Drawn at twice the size, so that edges come out smooth.
    """
    width = len(line)
    mask = Image.new("L", (width * 2, height * 2))
    draw = ImageDraw.Draw(mask)
    outline = [(column * 2, down * 2) for column, down in enumerate(line)]
    draw.polygon([*outline, (width * 2, height * 2), (0, height * 2)], fill=255)
    groves = _contour(chance, 1024, 0.62)
    x = 0.0
    while fir and x < width:
        dense = (groves[int(x / width * 1023)] + 1) / 2
        tall = fir * (0.45 + 0.75 * chance.random()) * (0.5 + dense)
        _fir(chance, draw, x * 2, line[int(x)] * 2 + 4, tall * 2)
        x += chance.uniform(0.12, 0.5) * fir + max(0.0, 0.55 - dense) * fir * 6 * chance.random()
    return mask.reduce(2)


def _fir(chance: random.Random, draw: ImageDraw.ImageDraw, x: float, foot: float, tall: float) -> None:
    wide = tall * chance.uniform(0.2, 0.27)
    draw.rectangle((x - tall * 0.02, foot - tall * 0.2, x + tall * 0.02, foot + tall * 0.1), fill=255)
    left, right = [], []
    for branch in range(1, 6):
        reach = wide * branch / 5 * chance.uniform(0.85, 1.1)
        down = foot - tall + tall * 0.93 * branch / 5
        right += [(x + reach, down), (x + reach * 0.55, down - tall * 0.02)]
        left += [(x - reach, down), (x - reach * 0.55, down - tall * 0.02)]
    draw.polygon([(x, foot - tall), *right, *left[::-1]], fill=255)


def _phases(mask: Image.Image) -> list[Image.Image]:
    beside = ImageChops.offset(mask, -1, 0)
    return [Image.blend(mask, beside, phase / PHASES) for phase in range(PHASES)]


def _gradient(top: float, foot: float, width: int, height: int) -> Image.Image:
    column = Image.new("F", (1, height))
    column.putdata([top + (foot - top) * ease(row / (height * 0.75)) for row in range(height)])
    grain = Image.effect_noise((width, height), 64).convert("F")

    def dithered(bands: dict[str, Any]) -> Any:
        return bands["smooth"] + (bands["grain"] - 128.0) / 128.0 + 0.5

    return ImageMath.lambda_eval(dithered, smooth=column.resize((width, height)), grain=grain).convert("L")
