"""What the JSON API takes and gives. The same classes validate, and are published as OpenAPI."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, ValidationError
from pydantic.json_schema import SkipJsonSchema

from aivideo.core.errors import InvalidInput
from aivideo.core.failures import FAILURES
from aivideo.core.video import Stage, Status
from aivideo.events import snapshot
from aivideo.models import Video
from aivideo.services.videos.intake import MOST_AT_ONCE

LONGEST_CHOICE = 100
"""Characters of a model's or a size's name; far more than any has, so that an answer need not repeat a novel."""
MESSAGES = {
    "missing": "This field is needed.",
    "string_type": "Send a string.",
    "string_too_long": f"Send at most {LONGEST_CHOICE} characters.",
    "int_type": "Send a whole number.",
    "int_parsing": "Send a whole number.",
    "bool_parsing": "Send true or false.",
    "none_required": "Send the picture as a file, in a multipart/form-data request.",
    "model_type": "Send a JSON object.",
    "model_attributes_type": "Send a JSON object.",
}
BODY = "body"


def _whole(value: Any) -> Any:
    """8.0 is the number 8 in JSON."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _digits(value: Any) -> Any:
    """A form has texts only."""
    short = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < LONGEST_CHOICE
    return int(value) if short else _whole(value)


Choice = Annotated[StrictStr, Field(max_length=LONGEST_CHOICE)]
Seconds = Annotated[StrictInt | Choice | None, BeforeValidator(_whole)]
Variations = Annotated[int, BeforeValidator(_digits), Field(strict=True, ge=1, le=MOST_AT_ONCE)]


class RemixRequest(BaseModel):
    """A change to a finished video. Model, size and length stay as they are."""

    model_config = ConfigDict(extra="ignore")

    prompt: StrictStr = Field(description="What changes.", examples=["The same street in the snow."])
    variations: Variations = Field(1, description="So many videos of this request, charged for all or for none.")
    input_reference: SkipJsonSchema[None] = None
    """Refused here rather than ignored: the video would be made, and paid for, without its picture."""


class ExtendRequest(RemixRequest):
    """How a finished video goes on. Model and size stay as they are."""

    prompt: StrictStr = Field(description="What happens next.", examples=["The boat reaches the river."])
    seconds: Seconds = Field(None, description="By how much it gets longer; this part is paid for.", examples=[8])


class VideoRequest(BaseModel):
    """What to make. What is left out takes the model's default; fields that are not listed are ignored."""

    model_config = ConfigDict(extra="ignore")

    prompt: StrictStr = Field(
        description="What the video shows.", examples=["A paper boat drifts down a rainy street."]
    )
    variations: Variations = Field(1, description="So many videos of this request, charged for all or for none.")
    model: Choice | None = Field(None, description="A model of `GET /api/v1/models`.", examples=["sora-2"])
    seconds: Seconds = Field(None, description="Length; a number or a string of digits.", examples=[8])
    size: Choice | None = Field(None, description="Width x height.", examples=["1280x720"])
    input_reference: SkipJsonSchema[None] = None
    """Refused here rather than ignored: the video would be made, and paid for, without its picture."""


class VideoAccepted(BaseModel):
    """The video is paid for and queued; or several of them, with `variations`."""

    video_id: int = Field(description="The first of them.", examples=[123])
    video_ids: list[int] = Field(examples=[[123]])
    status: Literal["pending"]
    credits_charged: int = Field(description="For all of them.", examples=[100])
    credits_left: int = Field(examples=[900])


class VideoError(BaseModel):
    """Why a video failed, and what happened to its credits."""

    code: Literal[*FAILURES] = Field(description="One of a fixed list; the refund rule goes by it.")  # type: ignore[valid-type]
    message: str = Field(description="For people.")
    provider_code: str | None = Field(description="What the provider said, for example `moderation_blocked`.")


class VideoState(BaseModel):
    """A video and where it is."""

    model_config = ConfigDict(extra="forbid")

    id: int = Field(examples=[123])
    status: Status
    stage: Stage = Field(description="The status more finely.")
    progress: int = Field(ge=0, le=100)
    waiting_reason: str | None = Field(description="Why a pending video waits, where there is a reason.")
    prompt: str
    model: str = Field(examples=["sora-2"])
    seconds: int = Field(description="As ordered; of an extension, by how much it gets longer.", examples=[8])
    size: str = Field(examples=["1280x720"])
    credits: int = Field(description="What it cost.", examples=[100])
    remixed_from: int | None = Field(description="Id of the video that it is a change of.")
    extended_from: int | None = Field(description="Id of the video that it goes on with.")
    video_url: str | None = Field(description="Path of the MP4 on this server, once completed.")
    poster_url: str | None = Field(description="Path of the still that stands for it, once completed.")
    preview_url: str | None = Field(description="Path of a short animated WebP of it, once completed.")
    error: VideoError | None
    late: bool = Field(description="It timed out, was refunded, and finished after all: free of charge.")
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    completed_at: str | None = Field(
        description="When it ended, however it ended.", json_schema_extra={"format": "date-time"}
    )


class VideoPage(BaseModel):
    """Videos, newest first."""

    data: list[VideoState]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


class ReceiptEntry(BaseModel):
    """One thing that happened: `event`, `attempt`, `charge` or `refund`."""

    timestamp: str
    kind: str = Field(examples=["charge"])
    text: str = Field(examples=["100 credits charged."])
    credits: int | None = Field(description="Signed; a charge is negative.", examples=[-100])
    details: dict[str, str]


class Receipt(BaseModel):
    """Everything that happened to a video and its credits."""

    video_id: int
    status: Status
    credits_charged: int = Field(examples=[100])
    credits_refunded: int = Field(examples=[0])
    answer: str = Field(description="Why it cost what it cost, in a sentence.")
    note: str | None = None
    timeline: list[ReceiptEntry]


class Price(BaseModel):
    """What a model costs at one size."""

    size: str = Field(examples=["1280x720"])
    credits_per_second: float = Field(examples=[12.5])
    credits: dict[str, int] = Field(description="Whole price by seconds.", examples=[{"4": 50, "8": 100, "12": 150}])


class ModelOffer(BaseModel):
    """A model, what it can do and what it costs. The first size is its default."""

    id: str = Field(examples=["sora-2"])
    name: str = Field(examples=["Sora 2"])
    default: bool = Field(description="Taken where a request names no model.")
    sizes: list[str]
    seconds: list[int]
    default_size: str
    default_seconds: int
    prices: list[Price]
    capabilities: list[str] = Field(
        description="What it can do here besides making a video from words: `input_reference` begins with a picture, "
        "`remix` changes a finished video, `extend` goes on with one.",
        examples=[["extend", "input_reference", "remix"]],
    )


class ModelList(BaseModel):
    data: list[ModelOffer]


class Account(BaseModel):
    """Whose token it is."""

    email: str = Field(examples=["ann@example.com"])
    plan: str = Field(examples=["creator"])
    credits: int = Field(examples=[900])


class ListQuery(BaseModel):
    """The query of a list of videos."""

    limit: int = 20
    cursor: str | None = None
    status: str | None = None
    q: str = ""
    favourite: bool = False


class Problem(BaseModel):
    """An error, as in RFC 9457."""

    type: str = Field(description="What kind of error: a page that describes it, or `about:blank`.")
    title: str
    status: int
    detail: str = Field(description="What went wrong and what to do, for people.")
    errors: dict[str, list[str]] | None = Field(None, description="For bad input: the messages of each field.")
    request_id: str | None = Field(None, description="For a fault of ours: what to tell the operator.")


SCHEMAS: tuple[type[BaseModel], ...] = (
    VideoRequest,
    RemixRequest,
    ExtendRequest,
    VideoAccepted,
    VideoState,
    VideoPage,
    Receipt,
    ModelList,
    Account,
    Problem,
)
_SHOWN = tuple(VideoState.model_fields)


def video_json(video: Video) -> dict[str, Any]:
    """A video in the form of `VideoState`."""
    state = snapshot(video)
    return {name: state[name] for name in _SHOWN}


def invalid(error: ValidationError) -> InvalidInput:
    """What pydantic found, in words, by field."""
    messages: dict[str, list[str]] = {}
    for found in error.errors(include_url=False, include_context=True, include_input=False):
        field = str(found["loc"][0]) if found["loc"] else BODY
        text = MESSAGES.get(found["type"]) or found["msg"]
        if field == "seconds":
            text = "Send a whole number, or a string of digits."
        elif field == "variations":
            text = f"Send a whole number from 1 to {MOST_AT_ONCE}."
        elif found["type"] == "json_invalid":
            text = f"This is not valid JSON: {found['ctx']['error']}."
        if text not in messages.setdefault(field, []):
            messages[field].append(text)
    return InvalidInput(messages)
