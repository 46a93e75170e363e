"""A video from the request to the file.

request → submit → (reconcile) → poll → save → complete | fail | cancel, and recover for whatever stands still
"""

from aivideo.services.videos.collection import save
from aivideo.services.videos.deletion import delete, delete_all, discard, restore, restore_all
from aivideo.services.videos.drawings import choose_poster, draw_preview, reference
from aivideo.services.videos.endings import cancel
from aivideo.services.videos.estimates import expected_wait
from aivideo.services.videos.intake import Receipt, request, require_means
from aivideo.services.videos.line import place
from aivideo.services.videos.progress import poll
from aivideo.services.videos.recovery import Ticker, recover
from aivideo.services.videos.sequels import extension_order, remix_order, whole_seconds
from aivideo.services.videos.shelf import (
    LONGEST_TITLE,
    SORTS,
    Page,
    Wanted,
    among,
    get,
    just_deleted,
    mark,
    page,
    rename,
)
from aivideo.services.videos.submission import submit

__all__ = [
    "LONGEST_TITLE",
    "SORTS",
    "Page",
    "Receipt",
    "Ticker",
    "Wanted",
    "among",
    "cancel",
    "choose_poster",
    "delete",
    "delete_all",
    "discard",
    "draw_preview",
    "expected_wait",
    "extension_order",
    "get",
    "just_deleted",
    "mark",
    "page",
    "place",
    "poll",
    "recover",
    "reference",
    "remix_order",
    "rename",
    "request",
    "require_means",
    "restore",
    "restore_all",
    "save",
    "submit",
    "whole_seconds",
]
