"""Sample data with which each fragment of `templates/` is drawn by itself, in every state that changes its shape."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from flask import Flask

from aivideo.core.prompts import PARTS, STARTING_POINTS
from aivideo.core.video import Line, Stage, Status, Step, file_url
from aivideo.models import Video
from aivideo.services.prompts import History, Written
from aivideo.web import reference

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
LINES = [
    {"id": 1, "step": Step.STARTED, "message": Line.STARTED, "timestamp": "2026-11-22T20:00:00.000Z"},
    {"id": 2, "step": Step.PROCESSING, "message": Line.processing(4), "timestamp": "2026-11-22T20:00:04.000Z"},
]


def video(**changes: Any) -> dict[str, Any]:
    """A snapshot of a video that is being rendered."""
    return {
        "id": 42,
        "seq": 2,
        "status": Status.PROCESSING,
        "stage": Stage.RENDERING,
        "progress": 54,
        "waiting_reason": None,
        "title": None,
        "favourite": False,
        "prompt": 'A "quoted" <prompt> & more',
        "model": "sora-2",
        "seconds": 8,
        "size": "1280x720",
        "credits": 100,
        "remixed_from": None,
        "extended_from": None,
        "video_url": None,
        "poster_url": None,
        "preview_url": None,
        "error": None,
        "late": False,
        "expected_at": "2026-11-22T20:01:12.000Z",
        "cancelling": False,
        "hidden": False,
        "created_at": "2026-11-22T20:00:00.000Z",
        "completed_at": None,
        "updated_at": "2026-11-22T20:00:04.000Z",
        "lines": LINES,
        **changes,
    }


def videos() -> Iterator[dict[str, Any]]:
    """One in every state that is drawn in a way of its own."""
    ended = {"stage": Stage.ENDED, "completed_at": "2026-11-22T20:00:12.000Z"}
    error = {"code": "timeout", "message": "It took too long. Your 100 credits are back.", "provider_code": None}
    yield video(status=Status.PENDING, stage=Stage.QUEUED, progress=0, lines=[])
    yield video(status=Status.PENDING, stage=Stage.QUEUED, progress=0, waiting_reason="The provider is busy.", place=3)
    yield video(expected_at=None)
    yield video()
    yield video(cancelling=True)
    yield video(stage=Stage.SAVING, progress=100)
    yield video(
        status=Status.COMPLETED,
        progress=100,
        video_url=file_url(42),
        poster_url="/videos/42/poster",
        preview_url="/videos/42/preview",
        late=True,
        **ended,
    )
    yield video(status=Status.FAILED, error=error, **ended)
    yield video(status=Status.CANCELLED, title='<i>Not</i> "a" title', favourite=True, **ended)


def samples(app: Flask) -> dict[str, list[dict[str, Any]]]:
    """Template → the contexts it is drawn with."""
    each_video = [{"video": state} for state in videos()]
    notice = {"key": "saved", "message": "It is saved."}
    return {
        "components/_balance.html": [{"credits": 0}, {"credits": 1}, {"credits": 12_500}],
        "components/_notice.html": [notice, {**notice, "kind": "danger", "href": "/account", "action": "Look"}],
        "prompts/_frames.html": [
            {"video": None, "videos": []},
            {"video": None, "videos": [Video(id=42, prompt="A cat", seconds=8, poster_name="poster.webp")]},
            {"video": Video(id=42, prompt="A cat", seconds=8), "videos": []},
            {"video": Video(id=42, prompt="A cat", seconds=8), "videos": [], "kept": {"prompt": "A dog"}},
            {"video": None, "videos": [Video(id=42, prompt="A cat", seconds=8)], "kept": {"prompt": "A dog"}},
        ],
        "prompts/_history.html": list(_histories()),
        "prompts/_parts.html": [
            {"parts": PARTS, "values": {"shot": "Wide"}, "prompt": words} for words in ("", "Wide.")
        ],
        "prompts/_starting_points.html": [{"starts": STARTING_POINTS}],
        "errors/_error.html": [{"status": 409, "title": "Conflict", "detail": "This video has already ended."}],
        "videos/_card.html": each_video,
        "videos/_composer.html": list(_composers(app)),
        "videos/_keys.html": [{}],
        "videos/_live.html": each_video,
        "videos/_log.html": [{"video": state, "lines": state["lines"]} for state in videos()],
        "videos/_log_line.html": [{"video_id": 42, "line": line} for line in LINES],
        "videos/_place.html": [{"video_id": 42, "place": place} for place in (None, 1, 2, 30)],
        "videos/_player.html": [{"video": video(), "fps": 24}],
        "videos/_poster.html": [{"video": video(poster_url="/videos/42/poster?v=1.5")}],
        "videos/_rename.html": [
            {"video": state, "errors": errors, "longest": 120} for state in videos() for errors in ([], ["Too long."])
        ],
        "videos/_stream.html": [{"since": "2026-11-22T20:00:00.000Z"}],
        "videos/_tile.html": each_video + [{"video": state, "choose": True} for state in videos()],
        "videos/_tiles.html": [{"videos": []}, {"videos": list(videos())}],
        "videos/_title.html": [
            {"video": video(), "longest_title": 120, **more} for more in ({"title": "Boats"}, {"wrong": "Too long."})
        ],
        "videos/_undo.html": [{"deleted": [42, 43], "undo_seconds": 30}],
    }


def _histories() -> Iterator[dict[str, Any]]:
    written = [Written("A cat", 42, 3, None)]
    for pinned, found, search in (([], [], "x"), ([Written("A dog", None, 0, 7)], written, ""), ([], written, "")):
        yield {"pinned": pinned, "history": History(found, 42 if found else None), "search": search, "first": True}


def _composers(app: Flask) -> Iterator[dict[str, Any]]:
    from aivideo.web.forms import VideoForm

    catalogue = app.extensions["catalogue"]
    model = catalogue.default_model
    fields = ("form", "prompt", "model", "size", "seconds", "count", "input_reference")
    wrong = {field: ["This is wrong."] for field in fields}
    source = Video(id=42, prompt="A cat", model=model.id, size=model.sizes[0].name, seconds=8)
    for plan in catalogue.plans.values():
        for errors in ({}, wrong):
            forms = [
                VideoForm(catalogue, prompt="A cat", errors=errors, notice="You have this video already."),
                VideoForm(catalogue, errors=errors, picture="frame", frame_of="42", frame_at="1"),
                *(
                    VideoForm(catalogue, errors=errors, **{mode: "42"}).over(source, [catalogue.order("A cat " * 9)])
                    for mode in ("remix_of", "extend_of")
                ),
            ]
            for form in forms:
                yield {
                    "form": form,
                    "catalogue": catalogue,
                    "balance": 50,
                    "plan": plan,
                    "waits": {model.id: {model.default_seconds: "about 15 s"}},
                    "trials": ["night-city"],
                    "own": reference.own(form),
                    "paused": bool(errors),
                }
