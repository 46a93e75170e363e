"""The words of a clip: the prompt set like a title, and under it a line that says what the clip is."""

import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

INTER = Path(__file__).with_name("fonts") / "inter.ttf"
# Inter covers the European scripts. For the rest, whatever of these the machine has.
ELSEWHERE = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "STHeiti Light.ttc",
    "Hiragino Sans GB.ttc",
    "Arial Unicode.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoNaskhArabic-Regular.ttf",
    "DejaVuSans.ttf",
)
LONGEST = 480
"""Characters of a prompt that can be shown at all; what follows is not even measured."""


def title(prompt: str, caption: str, width: int, height: int) -> Image.Image:
    """A mask `width` × `height` of the words at the lower left: 0 nothing, 255 ink.

    Characters that no font has are left out, never an error.
    """
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    margin = round(min(width, height) * 0.075)
    small = _font(str(INTER), max(8, round(min(width, height) * 0.0225)))
    baseline = height - margin
    _spaced(draw, margin, baseline, caption.upper(), small)
    path, words = _legible(" ".join(prompt[: LONGEST * 4].split())[:LONGEST])
    if not words:
        return mask
    wide = width - 2 * margin if width < height else round(width * 0.66)
    font, lines = _set(words, path, wide, round(height * 0.34), min(width, height))
    leading = font.size * 1.24
    down = baseline - small.size * 2.7 - leading * (len(lines) - 1)
    for line in lines:
        draw.text((margin, down), line, font=font, fill=255, anchor="ls")
        down += leading
    return mask


def _set(words: str, path: str, width: int, height: int, side: int) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest size at which the words fit `width` × `height` pixels; cut with an ellipsis where none does."""
    sizes = [max(9, round(side * share)) for share in (0.085, 0.07, 0.058, 0.048, 0.04, 0.034)]
    lines: list[str] = []
    for step, size in enumerate(sizes):
        font = _font(path, size)
        lines = _wrap(words, font, width)
        if len(lines) <= min(2 + step, int(height / (size * 1.24))):
            return font, lines
    most = max(1, int(height / (font.size * 1.24)))
    lines = lines[:most]
    ending = "…" if _covers(path, "…") else "..."
    while lines[-1] and font.getlength(lines[-1] + ending) > width:
        lines[-1] = lines[-1][:-1].rstrip()
    lines[-1] += ending
    return font, lines


def _wrap(words: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in words.split(" "):
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        line = ""
        for letter in word:  # no space to break at: Chinese, or an address
            if line and font.getlength(line + letter) > width:
                lines.append(line)
                line = ""
            line += letter
    return [*lines, line] if line else lines


def _spaced(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, font: ImageFont.FreeTypeFont) -> None:
    for letter in _legible(text)[1]:
        draw.text((x, y), letter, font=font, fill=205, anchor="ls")
        x += font.getlength(letter) + font.size * 0.12


def _legible(text: str) -> tuple[str, str]:
    """The font that has most of `text`, and of `text` what it has (letters lose an accent before they are lost)."""
    best, kept = str(INTER), _kept(text, str(INTER))
    missing = sum(not character.isspace() for character in text) - sum(not letter.isspace() for letter in kept)
    if missing:
        for path in _fonts_here():
            found = _kept(text, path)
            if len(found) > len(kept):
                best, kept = path, found
    return best, " ".join(kept.split())


def _kept(text: str, path: str) -> str:
    kept = []
    for character in text:
        if character.isspace() or _covers(path, character):
            kept.append(character)
            continue
        plain = unicodedata.normalize("NFKD", character)
        kept += [part for part in plain if not unicodedata.combining(part) and _covers(path, part)]
    return "".join(kept)


@lru_cache(maxsize=8192)
def _covers(path: str, character: str) -> bool:
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
        return False
    font = _font(path, 24)
    return bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffe"))


@lru_cache(maxsize=32)
def _font(path: str, size: int) -> ImageFont.FreeTypeFont:
    # The plain layout: the other one is not safe to share between threads.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _fonts_here() -> tuple[str, ...]:
    found = []
    for name in ELSEWHERE:
        try:
            found.append(str(ImageFont.truetype(name, 24).path))
        except OSError:
            continue
    return tuple(dict.fromkeys(found))
