"""A video from the request to the file.

request → submit → (reconcile) → poll → save → complete | fail | cancel, and recover for whatever stands still
"""

from aivideo.services.videos.collection import save
from aivideo.services.videos.endings import cancel, delete, discard
from aivideo.services.videos.intake import Receipt, request
from aivideo.services.videos.progress import poll
from aivideo.services.videos.recovery import Ticker, recover
from aivideo.services.videos.sequels import extension_order, remix_order, whole_seconds
from aivideo.services.videos.shelf import Page, get, page
from aivideo.services.videos.submission import submit

__all__ = [
    "Page",
    "Receipt",
    "Ticker",
    "cancel",
    "delete",
    "discard",
    "extension_order",
    "get",
    "page",
    "poll",
    "recover",
    "remix_order",
    "request",
    "save",
    "submit",
    "whole_seconds",
]
