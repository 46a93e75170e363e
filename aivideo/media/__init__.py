"""Clips and pictures: look into them, check them, draw from them. Pure functions; PyAV and Pillow load when called."""

from aivideo.media.clip import Clip, UnplayableVideo, check, poster, probe
from aivideo.media.picture import PictureRefused, fit_picture, read_picture

__all__ = [
    "Clip",
    "PictureRefused",
    "UnplayableVideo",
    "check",
    "fit_picture",
    "poster",
    "probe",
    "read_picture",
]
