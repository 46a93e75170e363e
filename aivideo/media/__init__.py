"""Clips and pictures: look into them, check them, draw from them. Pure functions; PyAV and Pillow load when called."""

from aivideo.media.clip import Clip, UnplayableVideo, check, probe
from aivideo.media.picture import FITS, PictureRefused, fit_picture, read_picture
from aivideo.media.stills import check_and_draw, frame, poster, preview, still, thumbnail

__all__ = [
    "FITS",
    "Clip",
    "PictureRefused",
    "UnplayableVideo",
    "check",
    "check_and_draw",
    "fit_picture",
    "frame",
    "poster",
    "preview",
    "probe",
    "read_picture",
    "still",
    "thumbnail",
]
