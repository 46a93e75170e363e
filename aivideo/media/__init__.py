"""Clips and pictures: look into them, check them, draw from them. Pure functions; PyAV and Pillow load when called."""

from aivideo.media.clip import Clip, UnplayableVideo, check, probe
from aivideo.media.picture import PictureRefused, fit_picture, read_picture
from aivideo.media.stills import frame, poster, preview, thumbnail

__all__ = [
    "Clip",
    "PictureRefused",
    "UnplayableVideo",
    "check",
    "fit_picture",
    "frame",
    "poster",
    "preview",
    "probe",
    "read_picture",
    "thumbnail",
]
