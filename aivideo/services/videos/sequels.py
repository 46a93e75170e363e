"""Videos made from a finished one: a remix (changed by words) and an extension (going on for so many seconds)."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from aivideo.adapters import catalogue, provider
from aivideo.core.catalogue import Model, Order
from aivideo.core.errors import CannotExtend, CannotRemix, InvalidInput, NotFound
from aivideo.core.video import Status
from aivideo.extensions import db
from aivideo.models import Attempt, Video
from aivideo.models.attempts import ACCEPTED
from aivideo.services.videos.shelf import get

PICTURE = "input_reference"


def remix_order(user_id: int, source_id: int, prompt: str) -> Order:
    """What a remix is to be and costs: `prompt` says what changes, the rest is as in the video it is made from.

    Whether it can be made is for `check` to say: a repeated request gets its answer whatever became of the video.

    Raises:
        NotFound: there never was such a video, or it is somebody else's.
        InvalidInput: on the prompt.
    """
    source = _own(user_id, source_id)
    return catalogue().order(prompt, source.model, source.size, whole_seconds(source), any_length=True)


def extension_order(user_id: int, source_id: int, prompt: str, seconds: str | int | None = None) -> Order:
    """What an extension by `seconds` is to be and costs: that part alone is paid for. See `remix_order`.

    Raises:
        NotFound: there never was such a video, or it is somebody else's.
        InvalidInput: on the prompt or the seconds.
    """
    source = _own(user_id, source_id)
    return catalogue().order(prompt, source.model, source.size, seconds)


def check(user_id: int, order: Order, remixed_from_id: int | None, extended_from_id: int | None, picture: bool) -> None:
    """Refuse a remix or an extension that cannot be made, or is not what its video makes of it.

    Raises:
        NotFound: there is no such video.
        CannotRemix, CannotExtend: it is not finished, or gets too long, or its model or this server does not do that.
        InvalidInput: there is a picture with it.
    """
    if remixed_from_id is not None and extended_from_id is not None:
        raise CannotExtend("A video is made by a remix or by an extension, not by both.")
    if picture:
        raise InvalidInput({PICTURE: ["A remix or an extension begins with its video; leave the picture out."]})
    if remixed_from_id is not None:
        _require(get(user_id, remixed_from_id), "remix", CannotRemix)
        if order != remix_order(user_id, remixed_from_id, order.prompt):
            raise CannotRemix("A remix has the model, the size and the length of the video it is made from.")
    if extended_from_id is not None:
        source = get(user_id, extended_from_id)
        model, whole = _require(source, "extend", CannotExtend), whole_seconds(source) + order.seconds
        if order != extension_order(user_id, extended_from_id, order.prompt, order.seconds):
            raise CannotExtend("An extension has the model and the size of the video that it goes on with.")
        if model.extends_to and whole > model.extends_to:
            raise CannotExtend(f"{model.name} goes on to {model.extends_to} seconds at most; this would make {whole}.")


def whole_seconds(video: Video) -> int:
    """Length of the whole clip: of an extension, together with what it goes on with."""
    return video.seconds if video.extended_from_id is None else round(video.duration or video.seconds)


def ordered_length(session: Session, video: Video) -> float:
    """Seconds that the clip should have."""
    source = source_of(session, video) if video.extended_from_id is not None else None
    return video.seconds + (source.duration or whole_seconds(source) if source is not None else 0)


def source_of(session: Session, video: Video) -> Video | None:
    """The video that this one is made from, also if it was deleted."""
    source_id = video.remixed_from_id or video.extended_from_id
    return session.get(Video, source_id) if source_id is not None else None


def job_of(session: Session, source_id: int) -> str | None:
    """Provider job id of a finished video; None where today's server never had it."""
    account = provider()
    return session.scalar(
        select(Attempt.provider_job_id)
        .where(
            Attempt.video_id == source_id,
            Attempt.outcome == ACCEPTED,
            Attempt.base_url == account.base_url,
            Attempt.account == account.account,
        )
        .order_by(Attempt.number.desc())
        .limit(1)
    )


def _own(user_id: int, source_id: int) -> Video:
    source = db.session.get(Video, source_id)
    if source is None or source.user_id != user_id:
        raise NotFound
    return source


def _require(source: Video, capability: str, refusal: type[CannotRemix | CannotExtend]) -> Model:
    model = catalogue().model(source.model)
    if model is None or not model.can(capability):
        raise refusal(f"The model of this video cannot {capability} a finished video here.")
    if source.status != Status.COMPLETED:
        raise refusal("Only a finished video can be changed or gone on with. Wait until this one is ready.")
    if job_of(db.session(), source.id) is None:
        raise refusal("This video was made at another provider, which is the only one that could go on with it.")
    return model
