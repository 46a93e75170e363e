"""Reference pictures: whatever comes in, an upright opaque sRGB JPEG goes out, or a reason in words."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, ImageDraw, ImageStat

from aivideo.media import PictureRefused, fit_picture, read_picture

RED, GREEN, BLUE = (220, 20, 30), (20, 200, 40), (30, 40, 210)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def close(colour: Any, expected: tuple[int, int, int], tolerance: int = 14) -> bool:
    return all(abs(one - other) <= tolerance for one, other in zip(colour, expected, strict=True))


def halves(size: tuple[int, int] = (200, 100)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, RED)
    ImageDraw.Draw(image).rectangle((size[0] // 2, 0, size[0], size[1]), fill=BLUE)
    return image


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has next to nothing in it."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_becomes_a_jpeg_of_the_same_size(kind: str) -> None:
    clean = opened(read_picture(encoded(halves(), kind)))
    assert (clean.format, clean.mode, clean.size) == ("JPEG", "RGB", (200, 100))
    assert close(clean.getpixel((30, 50)), RED)
    assert close(clean.getpixel((170, 50)), BLUE)


def test_bytes_files_and_paths_are_taken(tmp_path: Path) -> None:
    data = encoded(halves())
    (tmp_path / "picture").write_bytes(data)
    assert read_picture(data) == read_picture(io.BytesIO(data)) == read_picture(tmp_path / "picture")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "LA", "PA", "RGBA", "I;16", "F"])
def test_every_mode_of_colour_is_understood(mode: str) -> None:
    image = Image.new("L", (60, 40), 128).convert(mode if mode not in ("PA", "I;16") else "L")
    if mode == "PA":
        image = Image.new("PA", (60, 40))
    if mode == "I;16":
        image = Image.new("I;16", (60, 40), 128 * 257)
    kind = {"CMYK": "JPEG", "F": "TIFF"}.get(mode, "PNG")
    if kind == "TIFF":
        with pytest.raises(PictureRefused):
            read_picture(encoded(image, kind))
        return
    if mode == "PA":
        image = image.convert("RGBA")
    clean = opened(read_picture(encoded(image, kind)))
    assert clean.mode == "RGB"
    if mode not in ("1", "PA"):
        assert close(clean.getpixel((20, 20)), (128, 128, 128))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_comes_out_upright(orientation: int) -> None:
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    seen = halves() if orientation == 1 else halves().transpose(turns[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    clean = opened(read_picture(encoded(seen, "JPEG", exif=exif, quality=95)))
    assert clean.size == (200, 100)
    assert close(clean.getpixel((30, 50)), RED)


def test_nothing_but_pixels_survives() -> None:
    exif = Image.Exif()
    exif[0x010E] = "home of the user"
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0)}
    data = (
        encoded(
            halves(),
            "JPEG",
            exif=exif,
            comment=b"a secret",
            icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        )
        + b"<script>alert(1)</script>"
    )
    clean = read_picture(data)
    assert not opened(clean).getexif()
    assert "icc_profile" not in opened(clean).info
    for left in (b"home", b"secret", b"script", b"ICC_PROFILE", b"Exif"):
        assert left not in clean


def test_a_comment_does_not_survive() -> None:
    assert b"secret" not in read_picture(encoded(halves(), "JPEG", comment=b"a secret"))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_cost_the_picture() -> None:
    data = encoded(halves(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert opened(read_picture(data)).size == (200, 100)


def test_colours_mean_what_their_profile_says() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    swapped = Image.new("RGB", (40, 40), RED)
    assert close(opened(read_picture(encoded(swapped, icc_profile=lab))).getpixel((9, 9)), RED)  # does not fit: ignored
    assert close(opened(read_picture(encoded(swapped, icc_profile=b"rubbish"))).getpixel((9, 9)), RED)
    wide = wide_gamut_profile()
    clean = opened(read_picture(encoded(Image.new("RGB", (40, 40), (128, 255, 128)), icc_profile=wide)))
    assert clean.getpixel((9, 9))[0] < 100  # the same numbers mean a more vivid green there


def wide_gamut_profile() -> bytes:
    """sRGB's profile with the red and blue primaries moved, so that its numbers mean other colours."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = struct.unpack(">I", data[128:132])[0]
    places = {}
    for number in range(tags):
        name, offset, length = struct.unpack(">4sII", data[132 + 12 * number : 144 + 12 * number])
        places[name] = offset, length
    primaries = {
        b"rXYZ": (0.6097, 0.3111, 0.0195),
        b"gXYZ": (0.2053, 0.6257, 0.0609),
        b"bXYZ": (0.1492, 0.0632, 0.7446),
    }
    for name, values in primaries.items():  # Adobe RGB (1998)
        offset, _ = places[name]
        data[offset + 8 : offset + 20] = b"".join(struct.pack(">i", round(value * 65536)) for value in values)
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_becomes_white(kind: str) -> None:
    image = Image.new("RGBA", (80, 40), (*GREEN, 255))
    ImageDraw.Draw(image).rectangle((0, 0, 39, 39), fill=(0, 0, 0, 0))
    options = {"lossless": True} if kind == "WEBP" else {}
    clean = opened(read_picture(encoded(image, kind, **options)))
    assert close(clean.getpixel((10, 20)), (255, 255, 255))
    assert close(clean.getpixel((70, 20)), GREEN)


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    image = Image.new("P", (40, 40), 0)
    image.putpalette([*RED, *GREEN])
    clean = opened(read_picture(encoded(image, "PNG", transparency=0)))
    assert close(clean.getpixel((9, 9)), (255, 255, 255))


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_picture_is_taken(kind: str) -> None:
    first, second = Image.new("RGB", (60, 40), RED), Image.new("RGB", (60, 40), BLUE)
    clean = opened(read_picture(encoded(first, kind, save_all=True, append_images=[second], duration=100)))
    assert clean.size == (60, 40)
    assert close(clean.getpixel((9, 9)), RED)
    assert getattr(clean, "n_frames", 1) == 1


def test_a_large_picture_is_kept_at_a_useful_size() -> None:
    clean = opened(read_picture(encoded(Image.new("L", (6000, 3000), 90), "JPEG")))
    assert clean.size == (4096, 2048)


@pytest.mark.parametrize("size", [(10_000, 5_001), (60_000, 60_000), (2_000_000_000, 2), (13_000, 13_000)])
def test_too_many_pixels_are_refused_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(PictureRefused, match="50 megapixels"):
        read_picture(png_header(*size))


def test_fifty_megapixels_are_not_too_many() -> None:
    assert opened(read_picture(encoded(Image.new("L", (10_000, 5_000)), "JPEG"))).size == (4096, 2048)


def test_more_than_twenty_megabytes_are_refused(tmp_path: Path) -> None:
    data = encoded(halves()) + b"\0" * (20 * 1024 * 1024)
    (tmp_path / "large").write_bytes(data)
    for source in (data, io.BytesIO(data), tmp_path / "large"):
        with pytest.raises(PictureRefused, match="20 MB"):
            read_picture(source)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "SVG"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg/>", "SVG"),
        (b"<!doctype html><img src=x onerror=alert(1)>", "not a picture"),
        (b"\x00\x00\x00\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\x00\x00\x00\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\x00\x00\x00\x18ftypavif\0\0\0\0avif", "AVIF"),
        (b"%PDF-1.7\n", "not a picture"),
        (b"GIF89a<script>", "damaged|not a picture"),
        (b"\xff\xd8\xff\xe0", "damaged|not a picture"),
        (b"\x89PNG\r\n\x1a\n", "damaged|not a picture"),
        (b"RIFF\x10\0\0\0WEBPVP8 \0\0\0\0", "damaged|not a picture"),
        (b"BM" + b"\0" * 60, "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(data: bytes, word: str) -> None:
    with pytest.raises(PictureRefused, match=word) as caught:
        read_picture(data)
    assert "JPEG" in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.8])
def test_a_picture_cut_off_is_refused(kind: str, part: float) -> None:
    data = encoded(Image.effect_noise((300, 200), 80).convert("RGB"), kind)
    with pytest.raises(PictureRefused):
        read_picture(data[: int(len(data) * part)])


@pytest.mark.parametrize("size", ["1280x720", "720x1280", "1024x1792", "1x1"])
@pytest.mark.parametrize("fit", ["crop", "pad"])
def test_a_picture_is_fitted_to_the_very_pixel(size: str, fit: str) -> None:
    fitted = opened(fit_picture(encoded(halves((333, 517))), size, fit))
    assert (fitted.format, f"{fitted.width}x{fitted.height}") == ("JPEG", size)


@pytest.mark.parametrize(
    ("focus", "left", "right"), [(0, RED, RED), (0.25, RED, RED), (0.5, RED, BLUE), (1, BLUE, BLUE)]
)
def test_a_crop_fills_the_frame_and_keeps_what_the_focus_is_on(focus: float, left: Any, right: Any) -> None:
    for turned in (False, True):  # whichever side is cut
        picture = halves((400, 100)).transpose(Image.Transpose.TRANSPOSE) if turned else halves((400, 100))
        fitted = opened(fit_picture(encoded(picture), "200x200", "crop", focus))
        first, last = ((10, 20), (190, 180)) if turned else ((20, 10), (180, 190))
        assert close(fitted.getpixel(first), left)
        assert close(fitted.getpixel(last), right)


def test_padding_shows_all_of_the_picture_and_fills_the_edges_calmly() -> None:
    tall = Image.new("RGB", (100, 400), GREEN)
    ImageDraw.Draw(tall).rectangle((0, 0, 99, 40), fill=RED)
    fitted = opened(fit_picture(encoded(tall), "400x400", "pad"))
    assert close(fitted.getpixel((200, 10)), RED)
    assert close(fitted.getpixel((200, 390)), GREEN)
    edge = fitted.crop((0, 0, 140, 400))
    assert max(ImageStat.Stat(edge).stddev) < 12, "no shapes"
    assert close(fitted.getpixel((20, 200)), tuple(round(value * 0.82) for value in GREEN)), "and a little darker"


def test_a_small_picture_is_enlarged() -> None:
    fitted = opened(fit_picture(encoded(Image.new("RGB", (1, 1), GREEN)), "1280x720"))
    assert close(fitted.getpixel((640, 360)), GREEN)


@pytest.mark.parametrize(
    ("size", "fit", "focus"),
    [("1280", "crop", 0.5), ("0x720", "crop", 0), ("-1x5", "pad", 0), ("9x9", "stretch", 0), ("9x9", "crop", 1.1)],
)
def test_a_frame_that_is_none_is_a_mistake_of_ours(size: str, fit: str, focus: float) -> None:
    with pytest.raises(ValueError, match="cannot fit"):
        fit_picture(encoded(halves()), size, fit, focus)


def test_fitting_refuses_what_reading_refuses() -> None:
    with pytest.raises(PictureRefused):
        fit_picture(b"<svg/>", "1280x720")
