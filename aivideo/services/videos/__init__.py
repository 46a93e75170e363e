"""A video from the request to the file.

request → submit → (reconcile) → poll → save → complete | fail | cancel, and recover for whatever stands still
"""

from aivideo.services.videos.collection import save
from aivideo.services.videos.drawings import choose_poster, draw_preview, reference
from aivideo.services.videos.endings import cancel, delete, discard
from aivideo.services.videos.intake import Receipt, request, require_means
from aivideo.services.videos.progress import poll
from aivideo.services.videos.recovery import Ticker, recover
from aivideo.services.videos.sequels import extension_order, remix_order, whole_seconds
from aivideo.services.videos.shelf import LONGEST_TITLE, Page, get, mark, page, rename
from aivideo.services.videos.submission import submit

__all__ = [
    "LONGEST_TITLE",
    "Page",
    "Receipt",
    "Ticker",
    "cancel",
    "choose_poster",
    "delete",
    "discard",
    "draw_preview",
    "extension_order",
    "get",
    "mark",
    "page",
    "poll",
    "recover",
    "reference",
    "remix_order",
    "rename",
    "request",
    "require_means",
    "save",
    "submit",
    "whole_seconds",
]
