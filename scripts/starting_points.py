"""Draw the previews of the starting points, with what the simulator draws its clips with.

    python scripts/starting_points.py       writes static/starting/*.webp (moving) and *-still.webp; both are committed

A landscape is chosen by its seed and one of the simulator's palettes; where a trial picture suits better, it moves.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from aivideo.core.prompts import STARTING_POINTS  # noqa: E402
from aivideo.providers.simulator.drawing.colours import PALETTES  # noqa: E402
from aivideo.providers.simulator.drawing.scenes import Landscape, Photograph  # noqa: E402

OUT = ROOT / "static/starting"
WIDTH, HEIGHT, TWICE = 256, 144, 2
FRAMES, PER_SECOND, SECONDS = 13, 8, 8.0
MOST_BYTES = 40_000
# A trial picture, or a seed and the number of a palette.
PICTURES: dict[str, str | tuple[str, int]] = {
    "neon-rain": "night-city",
    "dune-caravan": "desert-dusk",
    "forest-light": "forest-light",
    "moonlit-swell": "moonlit-ocean",
    "paper-valley": "paper-craft",
    "above-the-mist": "misty-mountains",
    "last-light": ("last-light", 0),
    "northern-lights": ("northern-lights", 6),
    "train-window": ("train-window", 7),
    "rose-morning": ("rose-morning", 5),
    "emerald-coast": ("emerald-coast", 3),
    "ember-canyon": ("ember-canyon", 4),
}


def frames(name: str) -> Iterator[Image.Image]:
    """There and back again, so that it goes round without a jump."""
    look, wide, high = PICTURES[name], WIDTH * TWICE, HEIGHT * TWICE
    chance = random.Random(name)
    moving = (
        Photograph(chance, ROOT / f"static/trial/{look}.jpg", wide, high, SECONDS)
        if isinstance(look, str)
        else Landscape(random.Random(look[0]), PALETTES[look[1]], wide, high, SECONDS)
    )
    there = []
    for number in range(FRAMES):
        luma, *chroma = moving.at(SECONDS * number / (FRAMES - 1))
        picture = Image.merge("YCbCr", (_full(luma), *(_full(plane.resize(luma.size)) for plane in chroma)))
        there.append(picture.convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))
    yield from there
    yield from reversed(there[1:-1])


def _full(plane: Image.Image) -> Image.Image:
    """Video planes use 16–235; pictures use all of 0–255."""
    return plane.point([min(255, max(0, round((value - 16) * 255 / 219))) for value in range(256)])


def main() -> None:
    OUT.mkdir(exist_ok=True)
    for start in STARTING_POINTS:
        whole = list(frames(start.name))
        path, still = OUT / f"{start.name}.webp", OUT / f"{start.name}-still.webp"
        for quality, every in ((56, 1), (44, 1), (32, 1), (40, 2), (30, 2)):
            first, *rest = whole[::every]
            pause = 1000 * every // PER_SECOND
            first.save(path, save_all=True, append_images=rest, duration=pause, loop=0, quality=quality, method=4)
            if path.stat().st_size <= MOST_BYTES:
                break
        first.save(still, quality=70, method=6)
        print(f"{path.stat().st_size:>7} {still.stat().st_size:>6}  {start.name} (quality {quality}, every {every})")


if __name__ == "__main__":
    main()
