"""Reads the body of a create, a remix or an extension, and refuses what the real server refuses, in its words."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from werkzeug.wrappers import Request

from aivideo.core.catalogue import Catalogue
from aivideo.providers.simulator.errors import ApiError, missing, wrong_type, wrong_value

LONGEST_PROMPT = 32_000
PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp")
Offers = Mapping[str, tuple[list[str], list[int]]]
"""What can be bought: model → sizes, seconds."""

_SMALL = ["720x1280", "1280x720"]
_LARGE = [*_SMALL, "1024x1792", "1792x1024"]
OPENAI: Offers = {
    "sora-2": (_SMALL, [4, 8, 12]),
    "sora-2-pro": (_LARGE, [4, 8, 12]),
    "sora-2-2025-10-06": (_SMALL, [4, 8, 12]),
    "sora-2-pro-2025-10-06": (_LARGE, [4, 8, 12]),
    "sora-2-2025-12-08": (_SMALL, [4, 8, 12]),
}


@dataclass(frozen=True)
class Purchase:
    """A create that nothing speaks against. `picture` is the uploaded file as it came."""

    prompt: str
    model: str
    size: str
    seconds: int
    picture: bytes | None = None


def offers(catalogue: Catalogue) -> Offers:
    """What a catalogue sells."""
    return {model.id: ([size.name for size in model.sizes], list(model.seconds)) for model in catalogue.models}


def fields(request: Request) -> dict[str, Any]:
    """The fields of a body: JSON values, or text from a form, where `input_reference` may be (type, bytes).

    Raises:
        ApiError: the body cannot be read.
    """
    if request.mimetype == "application/json":
        try:
            body = request.get_json()
        except Exception:  # noqa: BLE001 - werkzeug raises several for a body that is no JSON
            raise ApiError(400, "We could not parse the JSON body of your request.") from None
        if not isinstance(body, dict):
            raise ApiError(400, "We expected a JSON object as the body of your request.")
        return body
    if request.mimetype not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        raise ApiError(400, f"Unsupported content type: '{request.mimetype}'.", code="unsupported_content_type")
    found: dict[str, Any] = dict(request.form.items())
    for name, upload in request.files.items():
        found[name] = (upload.mimetype, upload.read())
    return found


def prompt_of(body: dict[str, Any]) -> str:
    """The prompt.

    Raises:
        ApiError: there is none, or it is too long.
    """
    prompt = body.get("prompt")
    if prompt is None or prompt == "":
        raise missing("prompt")
    if not isinstance(prompt, str):
        raise wrong_type("prompt", "a string", _kind(prompt))
    if len(prompt) > LONGEST_PROMPT:
        message = f"Invalid 'prompt': string too long. Expected at most {LONGEST_PROMPT} characters."
        raise ApiError(400, message, code="string_above_max_length", param="prompt")
    # A lone surrogate is valid JSON but cannot be stored.
    return prompt.encode("utf-8", "replace").decode()


def purchase(body: dict[str, Any], offered: Offers) -> Purchase:
    """Check a create.

    Raises:
        ApiError: the first thing that is wrong with it.
    """
    prompt = prompt_of(body)
    model = _choice(body, "model", list(offered), "sora-2")
    sizes, lengths = offered[model]
    size = _choice(body, "size", sizes, "720x1280")
    seconds = _choice(body, "seconds", [str(length) for length in lengths], "4")
    return Purchase(prompt, model, size, int(seconds), _picture(body, size))


def segment(body: dict[str, Any], model: str, offered: Offers) -> tuple[str, int]:
    """Check an extension of a video of `model`; its prompt, and by how many seconds it goes on.

    Raises:
        ApiError: the first thing that is wrong with it.
    """
    prompt = prompt_of(body)
    if body.get("seconds") is None:
        raise missing("seconds")
    lengths = offered[model][1] if model in offered else []
    return prompt, int(_choice(body, "seconds", [str(length) for length in lengths], "4"))


def extended(body: dict[str, Any]) -> str:
    """Id of the video that an extension goes on with.

    Raises:
        ApiError: none is named.
    """
    video = {"id": body["video[id]"]} if "video[id]" in body else body.get("video")
    if video is None:
        raise missing("video")
    if not isinstance(video, dict) or not isinstance(video.get("id"), str):
        raise wrong_type("video", "an object with an id", _kind(video))
    return str(video["id"])


def _choice(body: dict[str, Any], name: str, allowed: list[str], usual: str) -> str:
    value = body.get(name)
    if value is None:
        return usual if usual in allowed else allowed[0]
    if not isinstance(value, str):
        one_of = ", ".join(f"'{choice}'" for choice in allowed)
        raise wrong_type(name, f"one of {one_of}", _kind(value))
    if value not in allowed:
        raise wrong_value(name, value, allowed)
    return value


def _picture(body: dict[str, Any], size: str) -> bytes | None:
    reference = body.get("input_reference")
    form_value = body.get("input_reference[image_url]")
    if form_value is not None or "input_reference[file_id]" in body:
        reference = {"image_url": form_value} if form_value is not None else {"file_id": body}
    if reference is None:
        return None
    if isinstance(reference, str):
        raise wrong_type("input_reference", "a file or an object", "a string")
    kind, content = reference if isinstance(reference, tuple) else _fetched(reference)
    if kind not in PICTURE_TYPES:
        allowed = "Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'."
        message = f"Invalid file 'input_reference': unsupported mimetype ('{kind}'). {allowed}"
        raise ApiError(400, message, code="unsupported_file_mimetype", param="input_reference")
    _check_pixels(content, size)
    return content


def _fetched(reference: Any) -> tuple[str, bytes]:
    if not isinstance(reference, dict):
        raise wrong_type("input_reference", "an object", _kind(reference))
    address = reference.get("image_url")
    if not isinstance(address, str) or not address.startswith("data:") or ";base64," not in address:
        # Files and addresses elsewhere: the simulator reaches out to nobody.
        raise ApiError(400, "Failed to download the image.", code="invalid_value", param="input_reference")
    head, _, encoded = address.partition(";base64,")
    try:
        return head.removeprefix("data:"), base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ApiError(400, "Invalid base64 image_url.", code="invalid_value", param="input_reference") from None


def _check_pixels(content: bytes, size: str) -> None:
    from PIL import Image

    unusable = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(BytesIO(content), formats=("JPEG", "PNG", "WEBP")) as image:
            if f"{image.width}x{image.height}" != size:
                message = "Inpaint image must match the requested width and height"
                raise ApiError(400, message, param="input_reference")
            image.load()
    except unusable:
        message = "The uploaded file is not a valid image."
        raise ApiError(400, message, code="invalid_image_file", param="input_reference") from None


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "an integer", float: "a decimal number", str: "a string", list: "an array", dict: "an object"}
    return names.get(type(value), "null")
