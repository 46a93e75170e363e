"""Reference pictures: checked, cleaned and kept before anything is charged."""

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from aivideo.adapters import storage
from aivideo.config import ROOT
from aivideo.core.errors import InvalidInput, NotFound, NotReady
from aivideo.core.video import Status
from aivideo.extensions import db
from aivideo.models import Video
from aivideo.offload import off_the_event_loop
from aivideo.storage import Storage

FIELD = "input_reference"
TRIALS = ROOT / "static" / "trial"
LONGEST_CLIP = 3600


@dataclass(frozen=True)
class Picture:
    """A picture in storage: upright, sRGB, without metadata. `hash` is of the bytes as they were uploaded.

    `fit` and `focus` say how it becomes the size of the video: see `media.fit_picture`.
    """

    name: str
    hash: str
    fit: str = "crop"
    focus: float = 0.5

    def placed(self, fit: str, focus: str | float) -> "Picture":
        """The same picture, fitted as the user chose.

        Raises:
            InvalidInput: on `fit` or `focus`.
        """
        from aivideo.media import FITS

        if fit not in FITS:
            raise InvalidInput({"fit": [f"Allowed: {', '.join(FITS)}."]})
        try:
            part = float(focus)
        except ValueError:
            part = -1.0
        if not 0 <= part <= 1:  # NaN is not either
            raise InvalidInput({"focus": ["Allowed: a number from 0 to 1."]})
        return replace(self, fit=fit, focus=round(part, 3))


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


def frame(user_id: int, video_id: int, at: float) -> Picture:
    """The picture that a finished video of this user shows `at` so many seconds.

    Raises:
        InvalidInput: on the field `input_reference`; there is no such video, or it is not finished.
    """
    try:
        return accept(still(user_id, video_id, at))
    except (NotFound, NotReady):
        raise InvalidInput({FIELD: ["This video is not there to take a picture from. Choose another one."]}) from None


def still(user_id: int, video_id: int, at: float, max_width: int | None = None) -> bytes:
    """The same as JPEG to be shown, at most `max_width` pixels wide.

    Raises:
        NotFound: there is no such video, or it is somebody else's.
        NotReady: there is no picture of it (yet).
        InvalidInput: `at` is no moment.
    """
    from aivideo.media import UnplayableVideo

    if not 0 <= at <= LONGEST_CLIP:
        raise InvalidInput({"at": [f"Allowed: seconds from 0 to {LONGEST_CLIP}."]})
    video = db.session.scalar(Video.of(user_id).where(Video.id == video_id))
    if video is None:
        raise NotFound
    if video.status != Status.COMPLETED or not video.file_name:
        raise NotReady
    try:
        return off_the_event_loop(_still, storage(), video.file_name, at, max_width)
    except (UnplayableVideo, FileNotFoundError):
        raise NotReady from None


def _still(files: Storage, name: str, at: float, max_width: int | None) -> bytes:
    from aivideo.media import still

    path = files.path(name)
    if path is not None:
        return still(path, at, max_width)
    with tempfile.TemporaryDirectory(prefix="aivideo-") as folder:
        copy = Path(folder) / "clip.mp4"
        files.read(name, copy)
        return still(copy, at, max_width)
