"""The sky of a landscape: a gradient, clouds that drift through its light, a sun or a moon that climbs.

It is worked out on 160 × 90 points in 16 bits and scaled up by the video library, which dithers on the way to 8 bits:
cheaper than painting it in full, and dusk shows no bands.
"""

import random
from typing import Any

import av
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageMath

from aivideo.providers.simulator.drawing.colours import Colour, Palette, ease, mix, yuv

Planes = list[Image.Image]
"""One picture as Y, U and V (4:2:0): luma at full size, chroma at half of it, each an image of mode L."""

LONG, SHORT = 160, 90
"""Points along the longer and the shorter side."""


class Sky:
    """`width` × `height` pixels of sky, the same for the same state of `chance`."""

    def __init__(self, chance: random.Random, palette: Palette, width: int, height: int) -> None:
        self._size = (width, height)
        self._grid = grid = (LONG, SHORT) if width >= height else (SHORT, LONG)
        self._drift = chance.choice((-1, 1))
        self._light_at = (chance.uniform(0.3, 0.72), chance.uniform(0.27, 0.38))
        rows = [yuv(_row(palette, row / (grid[1] * 0.72))) for row in range(grid[1])]
        self._rows = [_column([row[plane] for row in rows], grid[0]) for plane in range(3)]
        self._light = yuv(palette.light)
        self._cloud = yuv(mix(palette.light, palette.horizon, 0.45))
        self._disc = yuv(mix(palette.light, (255, 255, 255), 0.5))
        self._glow = _glow()
        self._clouds = _clouds(chance, grid)
        self._stars = _stars(chance, width, height) if palette.stars else None

    def at(self, progress: float) -> Planes:
        """The sky when `progress` (0–1) of the clip is over."""
        across = self._light_at[0] + self._drift * 0.06 * (progress - 0.5)
        down = self._light_at[1] - 0.06 * progress
        glow = self._glow.transform(
            self._grid, Image.Transform.EXTENT, self._around(across, down), Image.Resampling.BILINEAR
        )
        wide, high = self._grid
        left, top = wide * 0.45 + self._drift * 34 * (progress - 0.5), high * 0.2 + 4 * progress
        box = (left, top, left + wide, top + high)
        clouds = self._clouds.resize(self._grid, Image.Resampling.BICUBIC, box=box)
        planes = self._full_size([self._plane(plane, clouds, glow) for plane in range(3)])
        if self._stars:
            planes[0].paste(230, (0, 0), self._stars)
        self._put_disc(planes, across, down)
        return planes

    def _plane(self, plane: int, clouds: Image.Image, glow: Image.Image) -> Image.Image:
        cloud, light = self._cloud[plane], self._light[plane]

        def lit(bands: dict[str, Any]) -> Any:
            base, share, near = bands["base"], bands["clouds"], bands["glow"]
            clouded = base + (cloud - base) * share * (0.4 + 0.75 * near)
            return 256.0 * (clouded + (light - clouded) * (near * 0.6 + near**4 * 0.32))

        return ImageMath.lambda_eval(lit, base=self._rows[plane], clouds=clouds, glow=glow)

    def _full_size(self, grids: list[Image.Image]) -> Planes:
        small = av.VideoFrame(*self._grid, "yuv444p16le")
        for plane, grid in zip(small.planes, grids, strict=True):
            plane.update(grid.convert("I").convert("I;16").tobytes("raw", "I;16", plane.line_size, 1))
        return planes_of(small.reformat(*self._size, "yuv420p", interpolation="BICUBIC"))

    def _around(self, across: float, down: float) -> tuple[float, float, float, float]:
        # The glow is 256 wide; on the grid it is to be nearly as wide as the longer side, and round the light.
        scale = 256 / (0.95 * LONG)
        wide, high = (side * scale for side in self._grid)
        left, top = 128 - across * wide, 128 - down * high
        return (left, top, left + wide, top + high)

    def _put_disc(self, planes: Planes, across: float, down: float) -> None:
        for plane, colour in zip(planes, self._disc, strict=True):
            radius = max(plane.size) / 46
            side = int(radius * 2 + 6)
            x, y = across * plane.width, down * plane.height
            left, top = int(x - side / 2), int(y - side / 2)
            middle, reach = ((x - left) * 4, (y - top) * 4), radius * 4
            disc = Image.new("L", (side * 4, side * 4))
            ImageDraw.Draw(disc).ellipse(
                (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach), fill=236
            )
            plane.paste(round(colour), (left, top), disc.reduce(4))


def planes_of(frame: av.VideoFrame) -> Planes:
    """The three planes of a yuv420p frame as images."""
    return [
        Image.frombuffer("L", (plane.width, plane.height), bytes(plane), "raw", "L", plane.line_size, 1)
        for plane in frame.planes
    ]


def _row(palette: Palette, share: float) -> Colour:
    if share < 0.5:
        return mix(palette.top, palette.middle, ease(share * 2))
    return mix(palette.middle, palette.horizon, ease(share * 2 - 1))


def _column(values: list[float], wide: int) -> Image.Image:
    column = Image.new("F", (1, len(values)))
    column.putdata(values)
    return column.resize((wide, len(values)))


def _glow() -> Image.Image:
    fall = ImageChops.invert(Image.radial_gradient("L")).convert("F")
    return ImageMath.lambda_eval(lambda bands: (bands["fall"] / 255.0) ** 3, fall=fall)


def _clouds(chance: random.Random, grid: tuple[int, int]) -> Image.Image:
    """The density of clouds on twice the grid: noise at four scales, each cell three times as wide as high."""
    octaves = {}
    for name, cell in (("a", 32), ("b", 14), ("c", 6.4), ("d", 3)):
        across, down = round(grid[0] * 2 / cell), round(grid[1] * 6 / cell)
        noise = Image.new("F", (across, down))
        noise.putdata([chance.random() for _ in range(across * down)])
        octaves[name] = noise.resize((grid[0] * 2, grid[1] * 2), Image.Resampling.BICUBIC)

    def gather(bands: dict[str, Any]) -> Any:
        density = bands["a"] * 0.5 + bands["b"] * 0.27 + bands["c"] * 0.15 + bands["d"] * 0.08
        return bands["max"](density - 0.5, 0.0) * 2.4

    return ImageMath.lambda_eval(gather, **octaves)


def _stars(chance: random.Random, width: int, height: int) -> Image.Image:
    stars = Image.new("L", (width, height))
    draw = ImageDraw.Draw(stars)
    for _ in range(170):
        x, y = chance.uniform(0, width), height * 0.62 * chance.random() ** 1.3
        bright = int(40 + 190 * chance.random() ** 3 * (1 - y / height))
        reach = (0.6 + 0.7 * chance.random() ** 4) * max(width, height) / 1280
        draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=bright)
    return stars.filter(ImageFilter.GaussianBlur(0.6))
