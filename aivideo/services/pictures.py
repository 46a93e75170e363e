"""Reference pictures: checked, cleaned and kept before anything is charged."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from aivideo.adapters import storage
from aivideo.config import ROOT
from aivideo.core.errors import InvalidInput
from aivideo.offload import off_the_event_loop

FIELD = "input_reference"
TRIALS = ROOT / "static" / "trial"


@dataclass(frozen=True)
class Picture:
    """A picture in storage: upright, sRGB, without metadata. `hash` is of the bytes as they were uploaded.

    `fit` and `focus` say how it becomes the size of the video: see `media.fit_picture`.
    """

    name: str
    hash: str
    fit: str = "crop"
    focus: float = 0.5


def accept(data: bytes) -> Picture:
    """Check an upload and keep it.

    Raises:
        InvalidInput: on the field `input_reference`, saying what is wrong and what is allowed.
    """
    from aivideo.media import PictureRefused, read_picture

    digest = hashlib.sha256(data).hexdigest()
    name = f"reference_{digest[:40]}.jpg"
    try:
        clean = off_the_event_loop(read_picture, data)
    except PictureRefused as refused:
        raise InvalidInput({FIELD: [str(refused)]}) from None
    if not storage().exists(name):
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(clean)
            file.flush()
            off_the_event_loop(storage().save, name, Path(file.name), "image/jpeg")
    return Picture(name, digest)


def trials() -> list[str]:
    """Names of the trial pictures we offer."""
    return sorted(path.stem for path in TRIALS.glob("*.jpg"))


def trial(name: str) -> Picture:
    """One of the trial pictures.

    Raises:
        InvalidInput: there is none of that name.
    """
    if name not in trials():
        raise InvalidInput({FIELD: [f"There is no trial picture “{name}”. Allowed: {', '.join(trials())}."]})
    return accept((TRIALS / f"{name}.jpg").read_bytes())
