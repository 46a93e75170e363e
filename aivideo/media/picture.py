"""Reference pictures: what users upload becomes an upright, opaque sRGB JPEG without anything else in the file.

Nothing of an upload survives but its pixels: it is decoded and encoded anew, so no metadata, no place where it was
taken, no second file hidden in it. Sizes are read from the header and refused before a pixel is decoded.
"""

import io
import re
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
LONGEST_SIDE = 4096
"""What is kept of larger pictures; no model makes videos half as large."""
KEPT_QUALITY, FITTED_QUALITY = 95, 92
FITS = ("crop", "pad")
BACKGROUND = (255, 255, 255)
CALM_SIDE, CALM_BLUR, CALM_LIGHT = 96, 5, 0.82
"""What fills the edges is blurred small, which costs next to nothing, and is then enlarged."""
ALLOWED = "Use a JPEG, PNG or WebP picture"
DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)
"""What Pillow's readers raise for a file that is not what its first bytes promise."""


class PictureRefused(ValueError):
    """A picture cannot be taken; the message tells the user why and what is allowed."""


def read_picture(source: bytes | Path | BinaryIO) -> bytes:
    """A clean JPEG of an uploaded JPEG, PNG, WebP or GIF (its first picture), at most 4096 pixels wide or high.

    Raises:
        PictureRefused: over 20 MB or 50 megapixels, damaged, or no such picture.
    """
    return _jpeg(_pixels(_bytes(source)), KEPT_QUALITY)


def fit_picture(source: bytes | Path | BinaryIO, size: str, fit: str = "crop", focus: float = 0.5) -> bytes:
    """A JPEG of exactly `size` (`1280x720`) pixels.

    fit: `crop` fills the frame and cuts what sticks out; `pad` shows all of it before a blurred copy of itself.
    focus: which part a crop keeps, along the side that is cut: 0 its beginning, 0.5 the middle, 1 its end.

    Raises:
        PictureRefused: as `read_picture`.
        ValueError: `size`, `fit` or `focus` is not one of the above.
    """
    from PIL import Image, ImageOps

    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", size)
    if match is None or fit not in FITS or not 0 <= focus <= 1:
        raise ValueError(f"cannot fit a picture to {size!r}, {fit!r}, {focus!r}")
    frame = int(match[1]), int(match[2])
    image = _pixels(_bytes(source))
    if fit == "crop":
        return _jpeg(ImageOps.fit(image, frame, Image.Resampling.LANCZOS, centering=(focus, focus)), FITTED_QUALITY)
    inside = ImageOps.contain(image, frame, Image.Resampling.LANCZOS)
    padded = _calm(image, frame)
    padded.paste(inside, ((frame[0] - inside.width) // 2, (frame[1] - inside.height) // 2))
    return _jpeg(padded, FITTED_QUALITY)


def _calm(image: "Image", frame: tuple[int, int]) -> "Image":
    """The picture's light and colours without its shapes, a little darker: what stands before it stands out."""
    from PIL import Image, ImageFilter, ImageOps

    shrunk = max(1, frame[0] * CALM_SIDE // max(frame)), max(1, frame[1] * CALM_SIDE // max(frame))
    small = ImageOps.fit(image, shrunk, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(CALM_BLUR))
    return small.point(lambda value: value * CALM_LIGHT).resize(frame, Image.Resampling.BICUBIC)


def _bytes(source: bytes | Path | BinaryIO) -> bytes:
    if isinstance(source, bytes):
        data = source
    elif isinstance(source, Path):
        with source.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    else:
        data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise PictureRefused(f"This picture is larger than {MAX_BYTES // 1024**2} MB. {ALLOWED} of at most 20 MB.")
    if not data:
        raise PictureRefused(f"This file is empty. {ALLOWED}.")
    return data


def _pixels(data: bytes) -> "Image":
    """The picture in sRGB, upright, on white, no side longer than LONGEST_SIDE."""
    from PIL import Image, UnidentifiedImageError
    from PIL import WebPImagePlugin as _webp  # noqa: F401 - or Pillow loads every format it knows to find this one

    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise _too_many_pixels(f"{image.width} x {image.height} pixels are")
            # Shrunk first: everything after it then works on a fraction of the memory.
            image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2.0)
            return _on_white(_upright(image))
    except UnidentifiedImageError:
        raise PictureRefused(_not_a_picture(data)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels("The pixels of this picture are") from None
    except PictureRefused:
        raise
    except DAMAGED:
        raise PictureRefused(f"This picture is damaged and cannot be read. {ALLOWED} that opens elsewhere.") from None


def _too_many_pixels(subject: str) -> PictureRefused:
    return PictureRefused(f"{subject} too many. {ALLOWED} of at most {MAX_PIXELS // 1_000_000} megapixels.")


def _not_a_picture(data: bytes) -> str:
    kind = data[4:12]
    if kind[:4] == b"ftyp" and kind[4:7] in (b"hei", b"hev", b"mif", b"msf", b"avi"):
        name = "AVIF" if kind[4:7] == b"avi" else "HEIC"
        return f"{name} pictures cannot be read here. Save it as JPEG, PNG or WebP and upload that."
    if b"<svg" in data[:4096].lower():
        return f"SVG drawings cannot be read here. {ALLOWED}."
    return f"This file is not a picture that can be read here. {ALLOWED}."


def _upright(image: "Image") -> "Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except DAMAGED:  # the notes of the camera are broken; the picture is not
        return image


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off rather than scale
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        flat = Image.new("RGB", image.size, BACKGROUND)
        flat.paste(_in_srgb(image.convert("RGB"), profile), mask=image.getchannel("A"))
        return flat
    if image.mode in ("P", "1"):
        image = image.convert("RGB")
    return _in_srgb(image, profile)


def _in_srgb(image: "Image", profile: Any) -> "Image":
    """The colours that the picture's own profile means; a profile that makes no sense counts as none."""
    from PIL import ImageCms

    if profile:
        try:
            meant = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            meant = None
        if meant is not None:
            return meant
    return image.convert("RGB")


def _jpeg(image: "Image", quality: int) -> bytes:
    out = io.BytesIO()
    # Saved from bare pixels: `info` may still hold the profile, EXIF or a comment, which Pillow would write out.
    image.info.clear()
    image.save(out, "JPEG", quality=quality, subsampling="4:4:4")
    return out.getvalue()
