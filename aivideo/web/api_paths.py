"""The calls of the API, as OpenAPI describes them."""

from typing import Any

from aivideo.core.video import Status
from aivideo.services.videos.shelf import LONGEST_PAGE

CURL = 'curl -H "Authorization: Bearer $TOKEN"'
ORDER = '{"prompt": "A paper boat drifts down a rainy street", "seconds": 8}'
REMIX = '{"prompt": "The same street in the snow"}'
EXTENSION = '{"prompt": "The boat reaches the river", "seconds": 4}'
PROBLEMS = {
    "401": "No token, or one that is not valid.",
    "402": "Too few credits. Nothing was charged.",
    "403": "The plan cannot generate, or the month's budget is used up. Nothing was charged.",
    "404": "There is no such video, or it is not yours.",
    "409": "Not with this video: it has already ended, is not finished yet, or its model cannot do that.",
    "413": "The body or the picture is too large.",
    "422": "The input is wrong: `errors` says which field, and what is allowed.",
    "429": "Too many submissions: wait for `Retry-After` seconds.",
}
PAID_OR_NOT = ("402", "403", "413", "422", "429")


def paths() -> dict[str, Any]:
    of_one = [_parameter("path", "video_id", {"type": "integer"}, "The video's id.")]
    key = _parameter(
        "header",
        "Idempotency-Key",
        {"type": "string", "minLength": 1, "maxLength": 255},
        "A name of your own for this request; only a 202 is remembered.",
    )
    create = {
        "summary": "Make a video",
        "description": "Charges the credits, queues the video and answers at once. With an `Idempotency-Key`, the same "
        "request sent again, at any time, gets the same answer and charges nothing; with another body it is a 422.",
        "parameters": [key],
        "requestBody": {
            "required": True,
            "content": {"application/json": _schema("VideoRequest"), "multipart/form-data": _schema("VideoForm")},
        },
        "responses": _responses("202", "Accepted.", "VideoAccepted", *PAID_OR_NOT),
    }
    sequel = {
        "parameters": [*of_one, key],
        "responses": _responses("202", "Accepted.", "VideoAccepted", *PAID_OR_NOT, "404", "409"),
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
                    _parameter("query", "q", {"type": "string"}, "Words, each in the prompt or the title."),
                    _parameter("query", "favourite", {"type": "boolean"}, "If true, only favourites."),
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
        "/api/v1/videos/{video_id}/remix": {
            "post": sequel
            | {
                "operationId": "remix_video",
                "summary": "Change a finished video",
                "description": "Another video like it, changed as the prompt says, of the same model, size and length; "
                "charged for and repeated like any other. Where a model can: see its `capabilities`.",
                "requestBody": _body("RemixRequest"),
            }
            | _curl(f"{post_json} \\\n  -d '{REMIX}' \\\n  $SERVER/api/v1/videos/123/remix"),
        },
        "/api/v1/videos/{video_id}/extend": {
            "post": sequel
            | {
                "operationId": "extend_video",
                "summary": "Go on with a finished video",
                "description": "Another video that shows it and then, for `seconds`, what the prompt says. Only the "
                "new part is charged for. Where a model can: see its `capabilities`.",
                "requestBody": _body("ExtendRequest"),
            }
            | _curl(f"{post_json} \\\n  -d '{EXTENSION}' \\\n  $SERVER/api/v1/videos/123/extend"),
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


def _parameter(place: str, name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"in": place, "name": name, "required": place == "path", "schema": schema, "description": description}


def _schema(name: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{name}"}}


def _body(name: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": _schema(name)}}


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
