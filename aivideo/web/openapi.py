"""The API in OpenAPI 3.1, made from the schemas that validate. Plain values in, plain values out."""

from typing import Any

from pydantic.json_schema import models_json_schema

from aivideo import __version__
from aivideo.core.catalogue import Catalogue
from aivideo.web.api_paths import paths
from aivideo.web.api_schemas import SCHEMAS


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
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A token of your account page."}
            },
            "schemas": _schemas(offers),
        },
    }


def _schemas(offers: Catalogue) -> dict[str, Any]:
    _, definitions = models_json_schema(
        [(schema, "validation") for schema in SCHEMAS], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = definitions["$defs"]
    for name in ("VideoRequest", "RemixRequest", "ExtendRequest"):
        schemas[name]["properties"]["prompt"] |= {"minLength": offers.prompt_min, "maxLength": offers.prompt_max}
    asked = schemas["VideoRequest"]["properties"]
    asked["model"] |= {"examples": [model.id for model in offers.models], "default": offers.default_model.id}
    picture = {"type": "string", "contentMediaType": "image/*", "description": "A picture that the video starts from."}
    schemas["VideoForm"] = schemas["VideoRequest"] | {
        "title": "VideoForm",
        "properties": asked | {"input_reference": picture},
    }
    return schemas
