"""Palettes, and colours as the three planes of a video picture want them."""

from typing import NamedTuple

Colour = tuple[float, float, float]


class Palette(NamedTuple):
    """RGB, 0–255: the sky from the top down, its light, the farthest and the nearest ridge; whether stars are out."""

    top: Colour
    middle: Colour
    horizon: Colour
    light: Colour
    far: Colour
    near: Colour
    stars: bool = False


PALETTES = (
    Palette((38, 52, 96), (150, 98, 130), (247, 168, 122), (255, 226, 176), (186, 118, 128), (24, 20, 40)),
    Palette((74, 128, 178), (158, 192, 212), (246, 226, 196), (255, 244, 214), (150, 176, 190), (18, 40, 50)),
    Palette((8, 12, 34), (24, 38, 82), (72, 92, 142), (220, 228, 255), (52, 68, 116), (5, 8, 20), stars=True),
    Palette((30, 74, 86), (88, 150, 142), (242, 206, 150), (255, 238, 190), (106, 146, 136), (10, 30, 34)),
    Palette((92, 54, 74), (204, 104, 82), (252, 186, 96), (255, 230, 160), (192, 98, 78), (42, 18, 26)),
    Palette((96, 106, 150), (176, 164, 196), (244, 204, 208), (255, 240, 232), (164, 152, 184), (36, 34, 62)),
    Palette((12, 28, 44), (20, 76, 92), (86, 168, 150), (196, 255, 226), (40, 100, 108), (4, 16, 24), stars=True),
    Palette((70, 86, 98), (142, 156, 160), (226, 216, 200), (255, 250, 236), (140, 148, 150), (28, 32, 38)),
)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """`a` at share 0, `b` at share 1."""
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share)


def yuv(colour: Colour) -> Colour:
    """BT.709, limited range: what players assume of pictures of this size."""
    red, green, blue = (channel / 255 for channel in colour)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (16 + 219 * luma, 128 + 224 * (blue - luma) / 1.8556, 128 + 224 * (red - luma) / 1.5748)


def ease(share: float) -> float:
    """0 to 1 without a corner at either end."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
