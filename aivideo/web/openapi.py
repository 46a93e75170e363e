"""The API in OpenAPI 3.1, made from the schemas that validate. Plain values in, plain values out."""

from typing import Any

from pydantic.json_schema import models_json_schema

from aivideo import __version__
from aivideo.core.catalogue import Catalogue
from aivideo.core.video import Status
from aivideo.services.videos.shelf import LONGEST_PAGE
from aivideo.web.api_schemas import SCHEMAS

CURL = 'curl -H "Authorization: Bearer $TOKEN"'
ORDER = '{"prompt": "A paper boat drifts down a rainy street", "seconds": 8}'
PROBLEMS = {
    "401": "No token, or one that is not valid.",
    "402": "Too few credits. Nothing was charged.",
    "403": "The plan cannot generate, or the month's budget is used up. Nothing was charged.",
    "404": "There is no such video, or it is not yours.",
    "409": "The video has already ended.",
    "413": "The body or the picture is too large.",
    "422": "The input is wrong: `errors` says which field, and what is allowed.",
    "429": "Too many submissions: wait for `Retry-After` seconds.",
}
PAID_OR_NOT = ("402", "403", "413", "422", "429")


def describe(offers: Catalogue) -> dict[str, Any]:
    """The OpenAPI document of this installation: its models, sizes and limits are in it."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "aivideo",
            "version": __version__,
            "description": "Make videos from prompts. A video is paid for in credits when it is accepted; "
            "what comes back if it fails is a published rule.",
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of your account page."}
            },
            "schemas": _schemas(offers),
        },
    }


def _paths() -> dict[str, Any]:
    of_one = [_parameter("path", "video_id", {"type": "integer"}, "The video's id.")]
    create = {
        "summary": "Make a video",
        "description": "Charges the credits, queues the video and answers at once. With an `Idempotency-Key`, the same "
        "request sent again, at any time, gets the same answer and charges nothing; with another body it is a 422.",
        "parameters": [
            _parameter(
                "header",
                "Idempotency-Key",
                {"type": "string", "minLength": 1, "maxLength": 255},
                "A name of your own for this request; only a 202 is remembered.",
            )
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": _schema("VideoRequest"), "multipart/form-data": _schema("VideoForm")},
        },
        "responses": _responses("202", "Accepted.", "VideoAccepted", *PAID_OR_NOT),
    }
    post_json = f"{CURL} \\\n  -H 'Content-Type: application/json' -H 'Idempotency-Key: boat-1'"
    return {
        "/api/v1/videos/generate": {
            "post": create
            | {"operationId": "generate"}
            | _curl(
                f"{post_json} \\\n  -d '{ORDER}' \\\n  $SERVER/api/v1/videos/generate",
                f"{CURL} -H 'Idempotency-Key: boat-2' \\\n  -F prompt='The boat sails into the light' "
                "-F input_reference=@boat.jpg \\\n  $SERVER/api/v1/videos/generate",
            ),
        },
        "/api/v1/videos": {
            "get": {
                "operationId": "list_videos",
                "summary": "Your videos, newest first",
                "parameters": [
                    _parameter(
                        "query",
                        "limit",
                        {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": 20},
                        "So many.",
                    ),
                    _parameter("query", "cursor", {"type": "string"}, "The `next` of the page before."),
                    _parameter("query", "status", {"enum": list(Status)}, "Only these."),
                ],
                "responses": _responses("200", "One page.", "VideoPage", "422"),
            }
            | _curl(f'{CURL} "$SERVER/api/v1/videos?limit=10&status=completed"'),
            "post": create
            | {"operationId": "create_video", "summary": "Make a video (the same as above)"}
            | _curl(f"{post_json} \\\n  -d '{ORDER}' \\\n  $SERVER/api/v1/videos"),
        },
        "/api/v1/videos/{video_id}": {
            "get": {
                "operationId": "get_video",
                "summary": "One video",
                "parameters": of_one,
                "responses": _responses("200", "The video.", "VideoState", "404"),
            }
            | _curl(f"{CURL} $SERVER/api/v1/videos/123"),
            "delete": {
                "operationId": "delete_video",
                "summary": "Delete a video",
                "description": "Under way, it is cancelled and hidden. Its files go; its charge stays in the books.",
                "parameters": of_one,
                "responses": {"204": {"description": "Deleted."}} | _problems("404"),
            }
            | _curl(f"{CURL} -X DELETE $SERVER/api/v1/videos/123"),
        },
        "/api/v1/videos/{video_id}/cancel": {
            "post": {
                "operationId": "cancel_video",
                "summary": "Cancel a video under way",
                "description": "Free before it is sent to the provider; afterwards it is paid for. While its "
                "sending is in doubt, the video is decided as soon as the outcome is known.",
                "parameters": of_one,
                "responses": _responses("200", "The video.", "VideoState", "404", "409"),
            }
            | _curl(f"{CURL} -X POST $SERVER/api/v1/videos/123/cancel"),
        },
        "/api/v1/videos/{video_id}/file": {
            "get": {
                "operationId": "get_file",
                "summary": "The MP4",
                "parameters": [
                    *of_one,
                    _parameter("header", "Range", {"type": "string"}, "A part of it, as in `bytes=0-1023`."),
                ],
                "responses": {
                    "200": _media("The whole file.", "video/mp4"),
                    "206": _media("A part of it.", "video/mp4"),
                    "302": {"description": "To an address that is good for a short while, where files are in S3."},
                }
                | _problems("404"),
            }
            | _curl(f"{CURL} -L -o video.mp4 $SERVER/api/v1/videos/123/file"),
        },
        "/api/v1/videos/{video_id}/receipt": {
            "get": {
                "operationId": "get_receipt",
                "summary": "Why you were charged",
                "description": "Every line, attempt and movement of credits on one timeline.",
                "parameters": of_one,
                "responses": _responses("200", "The receipt.", "Receipt", "404"),
            }
            | _curl(f"{CURL} $SERVER/api/v1/videos/123/receipt"),
        },
        "/api/v1/videos/{video_id}/stream": {
            "get": {
                "operationId": "stream_video",
                "summary": "What happens to a video, as it happens",
                "description": "Server-Sent Events. First what came after `Last-Event-ID` (else everything), then "
                "live; ends with the video. Each `data:` is a JSON object with `id`, `step`, `message`, `timestamp` "
                "and, where there is one, `progress`, `status`, `video_url`, `error`.",
                "parameters": [
                    *of_one,
                    _parameter("header", "Last-Event-ID", {"type": "string"}, "The last event you have seen."),
                ],
                "responses": {
                    "200": _media("The events.", "text/event-stream"),
                    "204": {"description": "The video has ended and you have seen its last event."},
                }
                | _problems("404"),
            }
            | _curl(f"{CURL} -N $SERVER/api/v1/videos/123/stream"),
        },
        "/api/v1/models": {
            "get": {
                "operationId": "list_models",
                "summary": "Models and prices",
                "responses": _responses("200", "What can be made, and for how much.", "ModelList"),
            }
            | _curl(f"{CURL} $SERVER/api/v1/models"),
        },
        "/api/v1/account": {
            "get": {
                "operationId": "get_account",
                "summary": "Your plan and credits",
                "responses": _responses("200", "Whose token it is.", "Account"),
            }
            | _curl(f"{CURL} $SERVER/api/v1/account"),
        },
    }


def _schemas(offers: Catalogue) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(schema, "validation") for schema in SCHEMAS], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = definitions["$defs"]
    asked = schemas["VideoRequest"]["properties"]
    asked["prompt"] |= {"minLength": offers.prompt_min, "maxLength": offers.prompt_max}
    asked["model"] |= {"examples": [model.id for model in offers.models], "default": offers.default_model.id}
    picture = {"type": "string", "contentMediaType": "image/*", "description": "A picture that the video starts from."}
    schemas["VideoForm"] = schemas["VideoRequest"] | {
        "title": "VideoForm",
        "properties": asked | {"input_reference": picture},
    }
    return schemas


def _parameter(place: str, name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"in": place, "name": name, "required": place == "path", "schema": schema, "description": description}


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _media(description: str, kind: str) -> dict[str, Any]:
    return {"description": description, "content": {kind: {"schema": {"type": "string"}}}}


def _responses(status: str, description: str, schema: str, *problems: str) -> dict[str, Any]:
    good = {"description": description, "content": {"application/json": _schema(schema)}}
    return {status: good} | _problems(*problems)


def _problems(*codes: str) -> dict[str, Any]:
    return {
        code: {"description": PROBLEMS[code], "content": {"application/problem+json": _schema("Problem")}}
        for code in ("401", *codes)
    }


def _curl(*sources: str) -> dict[str, Any]:
    return {"x-codeSamples": [{"lang": "Shell", "label": "curl", "source": source} for source in sources]}
