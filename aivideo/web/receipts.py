"""The receipt of a video, as a page and as JSON."""

from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from aivideo.models.events import timestamp
from aivideo.services import receipts
from aivideo.services.receipts import VideoReceipt
from aivideo.web.access import api_user, require_user

bp = Blueprint("receipts", __name__)


@bp.get("/videos/<int:video_id>/receipt")
def show(video_id: int) -> str:
    return render_template("videos/receipt.html", receipt=receipts.receipt(require_user().id, video_id))


@bp.get("/api/v1/videos/<int:video_id>/receipt")
def json(video_id: int) -> Response:
    return jsonify(_json(receipts.receipt(api_user().id, video_id)))


def _json(receipt: VideoReceipt) -> dict[str, Any]:
    return {
        "video_id": receipt.video.id,
        "status": receipt.video.status,
        "credits_charged": receipt.charged,
        "credits_refunded": receipt.refunded,
        "answer": receipt.answer,
        "note": receipt.video.note,
        "timeline": [
            {
                "timestamp": timestamp(entry.at),
                "kind": entry.kind,
                "text": entry.text,
                "credits": entry.credits,
                "details": entry.details,
            }
            for entry in receipt.entries
        ],
    }
