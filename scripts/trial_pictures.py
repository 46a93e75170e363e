"""Draw the six trial pictures: JPEGs of 1280x720 to start a video from, and small WebP thumbnails.

    python scripts/trial_pictures.py        writes static/trial/*.jpg and *.webp (Pillow only; both are committed)

Every picture is drawn in layers from far to near on a larger canvas and scaled down, so that edges are smooth.
"""

import math
import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageFilter

OUT = Path(__file__).resolve().parent.parent / "static/trial"
WIDTH, HEIGHT, SCALE = 1280, 720, 2
W, H = WIDTH * SCALE, HEIGHT * SCALE
THUMBNAIL = (192, 108)

Colour = tuple[int, int, int]


def hex_(code: str) -> Colour:
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(a: Colour, b: Colour, share: float) -> Colour:
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def sky(*stops: tuple[float, str]) -> Image.Image:
    """A vertical blend through colours at heights from 0 (top) to 1 (bottom)."""
    column = Image.new("RGB", (1, H))
    for y in range(H):
        at = y / (H - 1)
        for (low, before), (high, after) in pairwise(stops):
            if low <= at <= high:
                share = (at - low) / (high - low)
                column.putpixel((0, y), mix(hex_(before), hex_(after), share * share * (3 - 2 * share)))
                break
    return column.resize((W, H))


def wave(rng: random.Random, roughness: float, octaves: int = 7, base: float = 1.5) -> Callable[[float], float]:
    """A smooth random line of x in 0…1, about -1…1; more roughness keeps more of the fine detail."""
    parts = [(base * 2**i * rng.uniform(0.8, 1.2), roughness**i, rng.uniform(0, 2 * math.pi)) for i in range(octaves)]
    total = sum(size for _, size, _ in parts)
    return lambda x: sum(size * math.sin(2 * math.pi * f * x + phase) for f, size, phase in parts) / total


def ridge(
    rng: random.Random, level: float, height: float, roughness: float, base: float = 1.5
) -> list[tuple[int, int]]:
    """A closed outline from a random line down to the bottom; level and height are shares of the picture's height."""
    line = wave(rng, roughness, base=base)
    points = [(x, round(H * (level - height * line(x / W)))) for x in range(0, W + 8, 8)]
    return [*points, (W + 8, H), (0, H)]


def mask(draw: Callable[[ImageDraw.ImageDraw], None], blur: float = 0) -> Image.Image:
    layer = Image.new("L", (W, H), 0)
    draw(ImageDraw.Draw(layer))
    return layer.filter(ImageFilter.GaussianBlur(blur)) if blur else layer


def fade(top: float, bottom: float, strongest: int = 255) -> Image.Image:
    """A mask that is 0 above `top` and `strongest` below `bottom`, both shares of the height."""
    column = Image.new("L", (1, H))
    for y in range(H):
        share = min(1.0, max(0.0, (y / H - top) / (bottom - top)))
        column.putpixel((0, y), round(strongest * share * share * (3 - 2 * share)))
    return column.resize((W, H))


def lay(picture: Image.Image, colour: Colour | Image.Image, through: Image.Image) -> None:
    source = colour if isinstance(colour, Image.Image) else Image.new("RGB", (W, H), colour)
    picture.paste(source, (0, 0), through)


def glow(picture: Image.Image, x: float, y: float, radius: float, colour: Colour, strength: float) -> None:
    """Add light around a point; x and y in shares, the radius in shares of the height."""
    small = Image.new("L", (W // 8, H // 8), 0)
    r = radius * H / 8
    ImageDraw.Draw(small).ellipse(
        (x * W / 8 - r / 2, y * H / 8 - r / 2, x * W / 8 + r / 2, y * H / 8 + r / 2), fill=round(255 * strength)
    )
    light = small.filter(ImageFilter.GaussianBlur(r / 2.2)).resize((W, H), Image.Resampling.BICUBIC)
    picture.paste(
        ImageChops.screen(picture, Image.merge("RGB", [light.point(lambda v, c=c: v * c // 255) for c in colour]))
    )


def moved(layer: Image.Image, x: int, y: int) -> Image.Image:
    """The mask shifted; nothing comes back in on the other side."""
    empty = Image.new("L", layer.size, 0)
    empty.paste(layer, (x, y))
    return empty


def grain(picture: Image.Image, amount: float = 5) -> Image.Image:
    """The finest film grain: it keeps wide blends from showing steps."""
    noise = Image.effect_noise(picture.size, amount * 8).point(lambda v: (v - 128) * amount / 40 + 128)
    return ImageChops.overlay(picture, Image.merge("RGB", [noise] * 3)) if amount else picture


def misty_mountains() -> Image.Image:
    rng = random.Random(11)
    picture = sky((0, "35547d"), (0.26, "8eaac4"), (0.46, "f3d3b3"), (1, "f8e7d2"))
    glow(picture, 0.66, 0.40, 0.95, (255, 206, 150), 0.9)
    lay(
        picture,
        (255, 243, 222),
        mask(lambda d: d.ellipse((0.66 * W - 62, 0.40 * H - 62, 0.66 * W + 62, 0.40 * H + 62), fill=235), 2),
    )
    far, near, mist = hex_("b9c3c9"), hex_("0e2733"), hex_("efe0cf")
    layers = 8
    for i in range(layers):
        share = i / (layers - 1)
        level = 0.47 + 0.53 * share**1.25
        shape = ridge(rng, level, 0.115 - 0.02 * share, 0.60, base=1.1 + 0.5 * share)
        inside = mask(lambda d, shape=shape: d.polygon(shape, fill=255))
        lay(picture, mix(far, near, share**0.9), inside)
        if i < layers - 1:  # mist gathers at the foot of every ridge
            band = ImageChops.multiply(inside, fade(level - 0.02, level + 0.15, round(205 * (1 - share) ** 0.8)))
            lay(picture, mix(mist, hex_("7f98a4"), share), band)
    trees = random.Random(4)

    def forest(d: ImageDraw.ImageDraw) -> None:
        line = wave(random.Random(8), 0.5)
        for _ in range(420):
            x = trees.random()
            foot = H * (0.985 - 0.05 * line(x)) + trees.uniform(0, 40)
            tall = trees.uniform(60, 170) * (0.7 + 0.5 * abs(line(x * 2)))
            wide = tall * trees.uniform(0.16, 0.22)
            for step in range(5):
                top = foot - tall * (1 - step * 0.17)
                half = wide * (0.35 + 0.65 * (step + 1) / 5)
                d.polygon(
                    [(x * W, top), (x * W - half, top + tall * 0.36), (x * W + half, top + tall * 0.36)], fill=255
                )
            d.rectangle((x * W - wide, foot - 10, x * W + wide, H + 200), fill=255)

    lay(picture, hex_("0a1b24"), mask(forest))
    return picture


def desert_dusk() -> Image.Image:
    rng = random.Random(5)
    picture = sky((0, "1d2148"), (0.30, "6b3f6f"), (0.50, "d9705a"), (0.62, "f7b267"), (1, "f7b267"))
    glow(picture, 0.30, 0.60, 0.9, (255, 170, 90), 0.8)
    sun = (0.30 * W, 0.575 * H, 118)
    lay(
        picture,
        (255, 236, 196),
        mask(lambda d: d.ellipse((sun[0] - sun[2], sun[1] - sun[2], sun[0] + sun[2], sun[1] + sun[2]), fill=255), 2),
    )
    stars = ImageDraw.Draw(picture, "RGBA")
    for _ in range(120):
        x, y = rng.random() * W, rng.random() ** 1.6 * 0.33 * H
        stars.ellipse((x - 2, y - 2, x + 2, y + 2), fill=(255, 240, 230, rng.randint(60, 220)))
    dunes = [
        (0.655, 0.022, 0.034, "c9684f", "96485a", (0.05, 0.42, 0.86)),
        (0.715, 0.030, 0.060, "d97c54", "7d3b54", (0.24, 0.70)),
        (0.810, 0.038, 0.085, "e58f58", "5f2b47", (0.02, 0.52, 0.97)),
        (0.945, 0.040, 0.105, "c96f45", "3a1836", (0.30, 0.84)),
    ]
    for level, swell, height, lit, dark, peaks in dunes:
        soft = wave(rng, 0.3, octaves=3, base=0.8)

        def crest_at(
            x: float,
            level: float = level,
            swell: float = swell,
            height: float = height,
            peaks: tuple[float, ...] = peaks,
            soft: Callable[[float], float] = soft,
        ) -> float:
            """A long rise to each peak from the left, a shorter fall to its right."""
            rise = max(math.exp(-(((x - peak) / (0.20 if x < peak else 0.11)) ** 2)) for peak in peaks)
            return H * (level - swell * soft(x) - height * rise)

        crest = [(x, crest_at(x / W)) for x in range(0, W + 8, 8)]
        inside = mask(lambda d, crest=crest: d.polygon([*crest, (W + 8, H), (0, H)], fill=255))
        lay(
            picture,
            sky(
                (0, lit),
                (level - height, lit),
                (min(0.999, level + 0.22), "a3544a" if level < 0.9 else "7a3b40"),
                (1, "5b2a3a"),
            ),
            inside,
        )

        def lee(
            d: ImageDraw.ImageDraw,
            peaks: tuple[float, ...] = peaks,
            crest_at: Callable[..., float] = crest_at,
            height: float = height,
        ) -> None:
            """The side turned from the sun: right of an edge that winds down from each peak."""
            for peak in peaks:
                drop, far = height * 3.4 * H, peak + 0.30
                edge = [
                    (W * (peak - 0.10 * t + 0.055 * math.sin(t * 3.6)), crest_at(peak) + drop * t)
                    for t in (i / 40 for i in range(41))
                ]
                back = [(x, crest_at(x / W)) for x in range(round(far * W), round(peak * W), -8)]
                d.polygon([*edge, (W * (far + 0.10), crest_at(peak) + drop), *back], fill=255)

        shade = ImageChops.multiply(mask(lee, 2.5), inside)
        shade = ImageChops.multiply(shade, ImageChops.invert(fade(level + 0.02, level + height * 3.0, 190)))
        lay(picture, hex_(dark), shade)
        rim = mask(lambda d, crest=crest: d.line(crest, fill=150, width=5), 2)
        lay(picture, (255, 214, 150), ImageChops.multiply(ImageChops.multiply(rim, inside), ImageChops.invert(shade)))
    ground = fade(0.86, 1.05, 190)
    lay(picture, hex_("200f26"), ground)
    camels = [(0.60, 1.0), (0.635, 0.92), (0.668, 1.05), (0.70, 0.85)]

    def caravan(d: ImageDraw.ImageDraw) -> None:
        for x, size in camels:
            cx, cy, s = x * W, 0.668 * H, 17 * size
            d.ellipse((cx - 1.5 * s, cy - 2.0 * s, cx + 1.3 * s, cy - 0.7 * s), fill=255)
            d.ellipse((cx - 0.7 * s, cy - 2.8 * s, cx + 0.5 * s, cy - 1.3 * s), fill=255)
            d.line(
                [(cx - 1.2 * s, cy - 1.4 * s), (cx - 2.0 * s, cy - 1.9 * s), (cx - 2.2 * s, cy - 2.9 * s)],
                fill=255,
                width=round(0.42 * s),
                joint="curve",
            )
            d.ellipse((cx - 2.9 * s, cy - 3.2 * s, cx - 1.9 * s, cy - 2.65 * s), fill=255)
            for leg in (-1.15, -0.75, 0.65, 1.05):
                d.line(
                    [(cx + leg * s, cy - 1.1 * s), (cx + (leg + 0.1) * s, cy + 0.7 * s)],
                    fill=255,
                    width=max(3, round(0.22 * s)),
                )

    lay(picture, hex_("2c1530"), mask(caravan))
    return picture


def night_city() -> Image.Image:
    rng = random.Random(21)
    picture = sky((0, "0a1030"), (0.32, "232a68"), (0.58, "7a4a8c"), (0.76, "f08a7c"), (1, "1a1430"))
    glow(picture, 0.55, 0.76, 1.2, (230, 120, 140), 0.55)
    horizon = round(0.78 * H)
    for _ in range(150):
        x, y = rng.random() * W, rng.random() ** 1.5 * 0.5 * H
        ImageDraw.Draw(picture).ellipse(
            (x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=mix(hex_("14204a"), (255, 255, 255), rng.uniform(0.2, 0.9))
        )
    plans = [
        ("584a86", 0.16, 0.36, 44, 90, 0.0),
        ("2b2759", 0.18, 0.50, 60, 120, 0.26),
        ("0c0e26", 0.14, 0.60, 80, 170, 0.46),
    ]
    warm = [hex_("ffd38a"), hex_("ffbe6b"), hex_("fff0cf"), hex_("9fd3ff"), hex_("ff9b7a")]
    for colour, low, high, thin, wide, lights in plans:
        body, pen = hex_(colour), ImageDraw.Draw(picture)
        x = -rng.randint(0, 60)
        while x < W:
            width = rng.randint(thin, wide)
            middle = 1 - abs((x + width / 2) / W - 0.56) * 1.5
            tall = round(H * (low + (high - low) * max(0.08, middle) * rng.uniform(0.45, 1)))
            top = horizon - tall
            pen.rectangle((x, top, x + width, horizon), fill=body)
            style = rng.random()
            if style < 0.25:  # a step back near the top
                pen.rectangle((x + width * 0.2, top - tall * 0.10, x + width * 0.8, top), fill=body)
            if style > 0.72 and tall > 0.25 * H:
                pen.line((x + width / 2, top - tall * 0.18, x + width / 2, top), fill=body, width=6)
                pen.ellipse(
                    (x + width / 2 - 5, top - tall * 0.18 - 5, x + width / 2 + 5, top - tall * 0.18 + 5),
                    fill=hex_("ff5a4f"),
                )
            if lights:
                column, share = rng.choice([(16, 22), (14, 26), (20, 20)]), lights * rng.uniform(0.45, 1.1)
                tone = rng.choice(warm)
                for wy in range(top + 16, horizon - 10, column[1]):
                    for wx in range(x + 10, x + width - 14, column[0]):
                        if rng.random() < share:
                            pen.rectangle(
                                (wx, wy, wx + column[0] - 8, wy + column[1] - 12),
                                fill=mix(body, tone, rng.uniform(0.35, 1)),
                            )
            x += width + (rng.randint(0, 14) if lights < 0.4 else rng.randint(-4, 26))
    # The river repeats it upside down, broken by small waves.
    strip = picture.crop((0, horizon - (H - horizon), W, horizon)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    water, pen = Image.new("RGB", strip.size), random.Random(3)
    for y in range(0, strip.height, 2):
        shift = round(math.sin(y / 5) * (2 + y / 16) + pen.uniform(-1, 1) * (2 + y / 26))
        water.paste(strip.crop((0, y, W, y + 2)), (shift, y))
    water = Image.blend(water.filter(ImageFilter.GaussianBlur(3)), Image.new("RGB", strip.size, hex_("0a0d22")), 0.38)
    picture.paste(water, (0, horizon))
    ImageDraw.Draw(picture).rectangle((0, horizon - 5, W, horizon + 2), fill=hex_("090a1a"))
    bloom = picture.point(lambda v: max(0, v - 120) * 2).filter(ImageFilter.GaussianBlur(16))
    return ImageChops.screen(picture, bloom.point(lambda v: v * 0.55))


def moonlit_ocean() -> Image.Image:
    rng = random.Random(9)
    picture = sky((0, "04101f"), (0.40, "0d3550"), (0.57, "3f7f93"), (0.5801, "3f7f93"), (1, "3f7f93"))
    horizon, moon = 0.58, (0.5, 0.30, 92)
    for _ in range(260):
        x, y, r = rng.random() * W, rng.random() ** 1.4 * 0.5 * H, rng.choice((1, 1, 1.5, 2.2))
        ImageDraw.Draw(picture).ellipse(
            (x - r, y - r, x + r, y + r), fill=mix(hex_("0d3550"), (255, 255, 255), rng.uniform(0.25, 1))
        )
    glow(picture, moon[0], moon[1], 0.85, (170, 215, 230), 0.65)
    disc = mask(
        lambda d: d.ellipse(
            (moon[0] * W - moon[2], moon[1] * H - moon[2], moon[0] * W + moon[2], moon[1] * H + moon[2]), fill=255
        ),
        1.5,
    )
    lay(picture, (247, 244, 229), disc)

    def seas(d: ImageDraw.ImageDraw) -> None:
        for dx, dy, r in ((-30, -22, 26), (18, -34, 18), (30, 14, 30), (-14, 34, 20), (-44, 18, 12), (4, 4, 13)):
            d.ellipse((moon[0] * W + dx - r, moon[1] * H + dy - r, moon[0] * W + dx + r, moon[1] * H + dy + r), fill=46)

    lay(picture, hex_("9aa7a6"), ImageChops.multiply(mask(seas, 7), disc))
    for level, height, colour in ((0.545, 0.022, "1d4b5e"), (0.568, 0.030, "12323f")):  # clouds low over the water
        cloud = wave(rng, 0.6, base=2.2)
        shape = [(x, round(H * (level - height * abs(cloud(x / W)) * 1.6))) for x in range(0, W + 8, 8)]
        body = mask(lambda d, shape=shape: d.polygon([*shape, (W + 8, H * horizon), (0, H * horizon)], fill=215), 5)
        lay(picture, hex_(colour), body)
    sea = mask(lambda d: d.rectangle((0, horizon * H, W, H), fill=255))
    lay(picture, sky((0, "1f5a6c"), (0.57, "2f6f80"), (0.72, "0f3d50"), (1, "03131f")), sea)
    pen = ImageDraw.Draw(picture, "RGBA")
    for _ in range(2600):  # ripples: long and faint afar, broad near; bright on the moon's road
        depth = rng.random() ** 1.5
        y = H * (horizon + 0.004 + (1 - horizon) * depth)
        road = 0.035 + 0.16 * depth
        on_road = rng.random() < 0.62
        x = W * (rng.gauss(moon[0], road * 0.5) if on_road else rng.random())
        half, thick = rng.uniform(8, 30) + 130 * depth * rng.random(), 1 + 8 * depth * rng.random()
        closeness = max(0.0, 1 - abs(x / W - moon[0]) / road)
        colour = (
            (250, 244, 220, round(215 * closeness**0.7 * rng.uniform(0.35, 1)))
            if on_road
            else rng.choice([(120, 190, 205, 34), (2, 18, 30, 60)])
        )
        pen.polygon([(x - half, y), (x, y - thick / 2), (x + half, y), (x, y + thick / 2)], fill=colour)
    boat = (0.70 * W, 0.612 * H)
    hull = [(-74, 0), (78, 0), (56, 22), (-54, 22)]
    pen.polygon([(boat[0] + x, boat[1] + y) for x, y in hull], fill=(4, 14, 22, 255))
    pen.polygon([(boat[0] + x, boat[1] + y) for x, y in ((4, -10), (4, -168), (70, -14))], fill=(230, 232, 222, 255))
    pen.polygon([(boat[0] + x, boat[1] + y) for x, y in ((-4, -10), (-4, -140), (-58, -12))], fill=(186, 203, 205, 255))
    pen.line((boat[0], boat[1], boat[0], boat[1] - 176), fill=(4, 14, 22, 255), width=5)
    return picture


def forest_light() -> Image.Image:
    rng = random.Random(14)
    picture = sky((0, "f4efb0"), (0.30, "c3d27c"), (0.65, "5f9456"), (1, "1d4a35"))
    glow(picture, 0.60, 0.06, 1.5, (255, 250, 205), 0.95)
    plans = [("9dbb72", 46, 10, 26, 3), ("5d8b55", 30, 22, 46, 2), ("2c5b41", 17, 40, 78, 1), ("0d2c23", 8, 80, 150, 0)]
    for index, (colour, trees, thin, thick, blur) in enumerate(plans):

        def trunks(d: ImageDraw.ImageDraw, trees: int = trees, thin: int = thin, thick: int = thick) -> None:
            for number in range(trees):
                x = W * (number + rng.uniform(0.1, 0.9)) / trees
                if thick == 150 and abs(x / W - 0.57) < 0.17:
                    continue
                width, lean = rng.uniform(thin, thick), rng.uniform(-50, 50)
                d.polygon(
                    [
                        (x - width * 0.36 + lean, 0),
                        (x + width * 0.36 + lean, 0),
                        (x + width * 0.5, H * 0.8),
                        (x + width * 0.75, H),
                        (x - width * 0.75, H),
                        (x - width * 0.5, H * 0.8),
                    ],
                    fill=255,
                )
                for _ in range(rng.randint(1, 3)):
                    y, side, reach = rng.uniform(0, H * 0.5), rng.choice((-1, 1)), rng.uniform(1.5, 4.5) * width
                    start = x + lean * (1 - y / H)
                    bow = [
                        (start + side * reach * t, y - reach * (0.62 * t - 0.42 * t * t))
                        for t in (i / 8 for i in range(9))
                    ]
                    for (ax, ay), (bx, by), step in zip(bow, bow[1:], range(8), strict=False):
                        d.line([(ax, ay), (bx, by)], fill=255, width=max(2, round(width * 0.13 * (1 - step / 9))))

        body = mask(trunks, blur * 1.6)
        lay(picture, hex_(colour), body)

        def ground(d: ImageDraw.ImageDraw, index: int = index) -> None:
            line = wave(rng, 0.55, base=1.3 + index)
            level = 0.70 + 0.085 * index
            d.polygon(
                [*((x, H * (level - 0.03 * line(x / W))) for x in range(0, W + 8, 8)), (W + 8, H), (0, H)], fill=255
            )

        lay(picture, mix(hex_(colour), hex_("1d4a35"), 0.25), mask(ground, blur * 2))
        if index < 3:  # air between the rows
            lay(picture, hex_("e9efae"), fade(1.0, 0.0, 62 - 16 * index))
            shafts = Image.new("L", (W, H), 0)
            pen = ImageDraw.Draw(shafts)
            for _ in range(6):
                top, spread, slant = rng.uniform(0.25, 0.95) * W, rng.uniform(30, 110), rng.uniform(-0.55, -0.30)
                pen.polygon(
                    [
                        (top, -10),
                        (top + spread * 0.6, -10),
                        (top + spread * 2.1 + slant * H, H),
                        (top - spread * 0.8 + slant * H, H),
                    ],
                    fill=rng.randint(60, 130),
                )
            soft = ImageChops.multiply(shafts.filter(ImageFilter.GaussianBlur(24)), fade(1.02, 0.1))
            picture.paste(ImageChops.screen(picture, Image.merge("RGB", [soft, soft, soft.point(lambda v: v * 0.62)])))

    def ferns(d: ImageDraw.ImageDraw) -> None:
        for _ in range(150):
            x, y, size, turn = (
                rng.random() * W,
                H * rng.uniform(0.955, 1.04),
                rng.uniform(70, 190),
                rng.uniform(-0.9, 0.9),
            )
            for step in range(14):
                share = step / 14
                cx, cy = x + turn * size * share**1.5, y - size * share * (1 - 0.3 * share)
                leaf = size * 0.30 * (1 - share)
                for side in (-1, 1):
                    d.line([(cx, cy), (cx + side * leaf, cy - leaf * 0.35)], fill=255, width=6)

    lay(picture, hex_("08211b"), mask(ferns))
    motes = ImageDraw.Draw(picture, "RGBA")
    for _ in range(90):  # dust in the light
        x, y, r = rng.gauss(0.52, 0.16) * W, rng.uniform(0.15, 0.85) * H, rng.uniform(2, 6)
        motes.ellipse((x - r, y - r, x + r, y + r), fill=(255, 252, 214, rng.randint(70, 190)))
    return picture


def paper_craft() -> Image.Image:
    rng = random.Random(33)
    picture = Image.new("RGB", (W, H), hex_("f4d9b0"))

    def sheet(shape: Callable[[ImageDraw.ImageDraw], None], colour: str, lift: int = 16) -> None:
        """Cut paper: a soft shadow below, a lit upper edge, the faint texture of fibres."""
        body = mask(shape)
        shadow = moved(body, lift // 3, lift).filter(ImageFilter.GaussianBlur(lift)).point(lambda v: v * 0.42)
        lay(picture, hex_("3a1c2b"), shadow)
        fibre = Image.effect_noise((W // 2, H // 2), 26).resize((W, H)).point(lambda v: 128 + (v - 128) * 0.22)
        paper = ImageChops.overlay(Image.new("RGB", (W, H), hex_(colour)), Image.merge("RGB", [fibre] * 3))
        lay(picture, paper, body)
        edge = ImageChops.subtract(body, moved(body, 0, 4))
        lay(picture, (255, 255, 255), edge.point(lambda v: v * 0.5))

    def disc(x: float, y: float, r: float) -> Callable[[ImageDraw.ImageDraw], None]:
        return lambda d: d.ellipse((x * W - r * H, y * H - r * H, x * W + r * H, y * H + r * H), fill=255)

    for r, colour in ((0.47, "f7c98b"), (0.37, "f5ac6b"), (0.275, "ef8354"), (0.18, "fff1d6")):
        sheet(disc(0.62, 0.42, r), colour, 14)

    def cloud(x: float, y: float, size: float) -> Callable[[ImageDraw.ImageDraw], None]:
        def shape(d: ImageDraw.ImageDraw) -> None:
            cx, cy, s = x * W, y * H, size * H
            for dx, dy, r in ((-1.1, 0, 0.5), (-0.45, -0.38, 0.66), (0.4, -0.24, 0.56), (1.05, 0.04, 0.44)):
                d.ellipse(
                    (cx + dx * s - r * s, cy + dy * s - r * s, cx + dx * s + r * s, cy + dy * s + r * s), fill=255
                )
            d.rounded_rectangle((cx - 1.55 * s, cy - 0.02 * s, cx + 1.48 * s, cy + 0.48 * s), radius=0.24 * s, fill=255)

        return shape

    sheet(cloud(0.20, 0.24, 0.085), "fffaf0")
    sheet(cloud(0.86, 0.18, 0.062), "fffaf0")
    hills = [
        (0.62, 0.05, "e9906a"),
        (0.70, 0.06, "c9546b"),
        (0.79, 0.06, "8a3f6d"),
        (0.88, 0.05, "4b2d63"),
        (0.965, 0.04, "251c45"),
    ]
    for index, (level, height, colour) in enumerate(hills):
        line = wave(rng, 0.28, octaves=4, base=0.9 + 0.3 * index)
        outline = [(x, H * (level - height * line(x / W))) for x in range(0, W + 8, 8)]
        sheet(lambda d, outline=outline: d.polygon([*outline, (W + 8, H + 50), (0, H + 50)], fill=255), colour, 18)
        if index == 2:
            for x, size, tone in (
                (0.16, 0.13, "2f7f79"),
                (0.225, 0.09, "3b9a8c"),
                (0.11, 0.08, "3b9a8c"),
                (0.80, 0.10, "2f7f79"),
                (0.855, 0.14, "3b9a8c"),
            ):
                foot = level - height * line(x) + 0.03
                for step in range(3):
                    half, top = size * (0.30 + 0.13 * step), foot - size * (1.5 - 0.42 * step)
                    sheet(
                        lambda d, x=x, half=half, top=top, size=size: d.polygon(
                            [
                                (x * W, top * H),
                                (x * W - half * H, (top + size * 0.66) * H),
                                (x * W + half * H, (top + size * 0.66) * H),
                            ],
                            fill=255,
                        ),
                        tone,
                        7,
                    )
    for x, y, s in ((0.40, 0.25, 1.0), (0.45, 0.31, 0.7), (0.345, 0.33, 0.8)):

        def bird(d: ImageDraw.ImageDraw, x: float = x, y: float = y, s: float = s) -> None:
            cx, cy, u = x * W, y * H, 46 * s
            d.polygon([(cx, cy), (cx - 1.5 * u, cy - 1.0 * u), (cx - 0.35 * u, cy + 0.35 * u)], fill=255)
            d.polygon([(cx, cy), (cx + 1.5 * u, cy - 0.9 * u), (cx + 0.35 * u, cy + 0.35 * u)], fill=255)
            d.polygon([(cx - 0.4 * u, cy + 0.3 * u), (cx + 0.4 * u, cy + 0.3 * u), (cx, cy + 0.75 * u)], fill=255)

        sheet(bird, "ffffff", 12)
    return picture


PICTURES = {
    "misty-mountains": misty_mountains,
    "desert-dusk": desert_dusk,
    "night-city": night_city,
    "moonlit-ocean": moonlit_ocean,
    "forest-light": forest_light,
    "paper-craft": paper_craft,
}


def save(name: str, picture: Image.Image) -> None:
    full = grain(picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), 3)
    for quality in range(88, 40, -3):
        full.save(OUT / f"{name}.jpg", quality=quality, optimize=True, progressive=True)
        if (OUT / f"{name}.jpg").stat().st_size <= 90_000:
            break
    picture.resize(THUMBNAIL, Image.Resampling.LANCZOS).save(OUT / f"{name}.webp", quality=70, method=6)
    sizes = [(OUT / f"{name}.{kind}").stat().st_size for kind in ("jpg", "webp")]
    print(f"{name}: {sizes[0]} bytes at quality {quality}, thumbnail {sizes[1]}")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        save(name, draw())
