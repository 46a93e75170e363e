"""The JSON API: who, parse, one service call, render. Errors are problem+json (`web/errors.py`)."""

from typing import TypeVar

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from aivideo.adapters import catalogue
from aivideo.core.errors import InvalidInput
from aivideo.core.pricing import credits_for
from aivideo.services import pictures, videos
from aivideo.services.pictures import FIELD as PICTURE
from aivideo.web import access, files
from aivideo.web.api_schemas import ExtendRequest, ListQuery, RemixRequest, VideoRequest, invalid, video_json

bp = Blueprint("api", __name__, url_prefix="/api/v1")
KEY = "Idempotency-Key"
LONGEST_KEY = 255
LONGEST_JSON = 256 * 1024
Wanted = TypeVar("Wanted", bound=BaseModel)


@bp.post("/videos")
@bp.post("/videos/generate", endpoint="generate")
@access.submit_limit
def create() -> ResponseReturnValue:
    user = access.api_user()
    key = _request_key()
    wanted, upload = _body()
    order = catalogue().order(wanted.prompt, wanted.model, wanted.size, wanted.seconds, with_picture=upload is not None)
    picture = None
    if upload is not None:
        videos.require_means(user.id, order, key, wanted.variations)
        picture = pictures.accept(upload)
    return _accepted(videos.request(user.id, order, key=key, picture=picture, count=wanted.variations))


@bp.post("/videos/<int:video_id>/remix")
@access.submit_limit
def remix(video_id: int) -> ResponseReturnValue:
    user = access.api_user()
    key, wanted = _request_key(), _json_of(RemixRequest)
    order = videos.remix_order(user.id, video_id, wanted.prompt)
    return _accepted(videos.request(user.id, order, key=key, remixed_from_id=video_id, count=wanted.variations))


@bp.post("/videos/<int:video_id>/extend")
@access.submit_limit
def extend(video_id: int) -> ResponseReturnValue:
    user = access.api_user()
    key, wanted = _request_key(), _json_of(ExtendRequest)
    order = videos.extension_order(user.id, video_id, wanted.prompt, wanted.seconds)
    return _accepted(videos.request(user.id, order, key=key, extended_from_id=video_id, count=wanted.variations))


@bp.get("/videos")
def index() -> Response:
    user = access.api_user()
    query = _query()
    wanted = videos.Wanted(words=query.q, status=query.status, favourite=query.favourite)
    page = videos.page(user.id, wanted, limit=query.limit, cursor=query.cursor)
    return jsonify(data=[video_json(video) for video in page.videos], next=page.next)


@bp.get("/videos/<int:video_id>")
def show(video_id: int) -> Response:
    return jsonify(video_json(videos.get(access.api_user().id, video_id)))


@bp.post("/videos/<int:video_id>/cancel")
def cancel(video_id: int) -> Response:
    return jsonify(video_json(videos.cancel(access.api_user().id, video_id)))


@bp.delete("/videos/<int:video_id>")
def delete(video_id: int) -> ResponseReturnValue:
    videos.delete(access.api_user().id, video_id)
    return "", 204


@bp.get("/videos/<int:video_id>/file")
def file(video_id: int) -> ResponseReturnValue:
    return files.clip(videos.get(access.api_user().id, video_id))


@bp.get("/models")
def models() -> Response:
    access.api_user()
    offers = [
        {
            "id": model.id,
            "name": model.name,
            "default": model is catalogue().default_model,
            "sizes": [size.name for size in model.sizes],
            "seconds": list(model.seconds),
            "default_size": model.sizes[0].name,
            "default_seconds": model.default_seconds,
            "prices": [
                {
                    "size": size.name,
                    "credits_per_second": float(size.credits_per_second),
                    "credits": {str(length): credits_for(size.credits_per_second, length) for length in model.seconds},
                }
                for size in model.sizes
            ],
            "capabilities": sorted(model.capabilities),
        }
        for model in catalogue().models
    ]
    return jsonify(data=offers)


@bp.get("/account")
def account() -> Response:
    user = access.api_user()
    return jsonify(email=user.email, plan=user.plan, credits=user.credits)


def _accepted(receipt: videos.Receipt) -> ResponseReturnValue:
    answer = {
        "video_id": receipt.video_id,
        "video_ids": list(receipt.video_ids),
        "status": receipt.status,
        "credits_charged": receipt.credits_charged,
        "credits_left": receipt.credits_left,
    }
    return jsonify(answer), 202, {"Location": f"/api/v1/videos/{receipt.video_id}"}


def _request_key() -> str | None:
    key = request.headers.get(KEY)
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise InvalidInput({KEY: [f"Use 1 to {LONGEST_KEY} printable characters, or leave it out."]})
    return key


def _body() -> tuple[VideoRequest, bytes | None]:
    """What is wanted, and the reference picture's bytes where one was sent."""
    form = request.mimetype == "multipart/form-data"
    if not form and request.mimetype and not request.is_json:
        raise InvalidInput({"Content-Type": ["Send application/json, or multipart/form-data with a picture."]})
    try:
        if form:
            return VideoRequest.model_validate(request.form.to_dict()), _upload()
    except ValidationError as error:
        raise invalid(error) from None
    return _json_of(VideoRequest), None


def _json_of(schema: type[Wanted]) -> Wanted:
    if request.mimetype and not request.is_json:
        raise InvalidInput({"Content-Type": ["Send application/json."]})
    try:
        return schema.model_validate_json(_json())
    except ValidationError as error:
        raise invalid(error) from None


def _json() -> bytes:
    request.max_content_length = LONGEST_JSON
    data = request.get_data()
    if request.content_length is None and len(data) >= LONGEST_JSON:
        raise RequestEntityTooLarge  # sent in chunks: werkzeug cuts it off there and says nothing
    return data


def _upload() -> bytes | None:
    """A picture's bytes; a browser sends an empty part without a name where no file was chosen."""
    files = [file for file in request.files.getlist(PICTURE) if file.filename]
    if len(files) > 1:
        raise InvalidInput({PICTURE: ["Send one picture."]})
    return files[0].read() if files else None


def _query() -> ListQuery:
    try:
        return ListQuery.model_validate({name: value for name, value in request.args.items() if value})
    except ValidationError as error:
        raise invalid(error) from None
