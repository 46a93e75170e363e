"""How the studio's form opens: empty, or with what the address asks for."""

from collections.abc import Mapping
from contextlib import suppress

from werkzeug.datastructures import MultiDict

from aivideo.adapters import catalogue, settings
from aivideo.core.catalogue import Order
from aivideo.core.errors import CannotExtend, CannotRemix, DomainError, NotFound
from aivideo.core.prompts import compose, starting_point
from aivideo.models import User
from aivideo.services import prompts, videos
from aivideo.services.videos import sequels
from aivideo.web.forms import EXAMPLE, VideoForm
from aivideo.web.reference import finished, moment, number

AROUND_RENDERING = 6
"""Seconds the simulator's videos take besides rendering."""
SOON = 90
"""Up to so many seconds a wait is told in seconds."""


def form(user: User, wanted: Mapping[str, str]) -> VideoForm:
    """The form that an address opens; whatever it asks for that is not there is passed over.

    `from=42`: again, with changes. `remix=42`, `extend=42`: a change to it, or what happens next. `prompt_of=42`,
    `pin=7`, `start=neon-rain`, `example`: only a prompt. `frame_of=42&frame_at=3.5`: begin with that picture.
    """
    new = VideoForm(catalogue())
    ids = {name: found for name in wanted if (found := number(wanted[name])) is not None}
    try:
        if "from" in ids:
            return VideoForm.like(catalogue(), videos.get(user.id, ids["from"]))
        if "remix" in ids or "extend" in ids:
            changing = VideoForm(catalogue(), remix_of=wanted.get("remix", ""), extend_of=wanted.get("extend", ""))
            find_source(user, changing)
            return changing
        if "frame_of" in ids:
            finished(user, ids["frame_of"])
            at = f"{moment(wanted.get('frame_at', '0')):g}"
            return VideoForm(catalogue(), picture="frame", frame_of=wanted["frame_of"], frame_at=at)
        new.prompt = _prompt(user, wanted, ids)
    except (CannotRemix, CannotExtend) as error:
        new.notice = str(error)
    except DomainError:
        pass
    return new


def resumed(user: User, sent: MultiDict[str, str]) -> VideoForm:
    """The form as it was left to choose a moment of one's own video, and with that moment, if there is one."""
    left = VideoForm.sent(catalogue(), sent)
    left.picture = ""
    with suppress(DomainError):
        finished(user, number(left.frame_of) or 0)
        left.frame_at, left.picture = f"{moment(left.frame_at):g}", "frame"
    return left


def composed(parts: MultiDict[str, str]) -> VideoForm:
    return VideoForm(catalogue(), prompt=compose(parts))


def find_source(user: User, form: VideoForm) -> None:
    """Give the form the video that it changes or goes on with; where that cannot be done, it is one for a new video.

    Raises:
        NotFound, CannotRemix, CannotExtend: why it cannot.
    """
    if form.mode == "new":
        return
    source = number(form.remix_of or form.extend_of) or 0
    try:
        form.over(videos.get(user.id, source), _offers(user, source, form.mode))
    except DomainError:
        form.remix_of = form.extend_of = ""
        raise


def order(user: User, form: VideoForm, *, with_picture: bool) -> Order:
    """What the form asks for, checked and priced.

    Raises:
        InvalidInput, NotFound.
    """
    if form.mode == "remix":
        return videos.remix_order(user.id, number(form.remix_of) or 0, form.prompt)
    if form.mode == "extend":
        return videos.extension_order(user.id, number(form.extend_of) or 0, form.prompt, form.seconds)
    return form.order(with_picture=with_picture)


def _offers(user: User, source: int, mode: str) -> list[Order]:
    """The one remix there is of a video, or an extension of each length that is possible; the prompt is not known yet.

    Raises:
        NotFound, CannotRemix, CannotExtend.
    """
    words = "." * max(1, catalogue().prompt_min)
    if mode == "remix":
        remix = videos.remix_order(user.id, source, words)
        sequels.check(user.id, remix, source, None, picture=False)
        return [remix]
    model = catalogue().model(videos.get(user.id, source).model)
    offers: list[Order] = []
    refusal = CannotExtend("The model of this video is no longer offered.")
    for seconds in model.seconds if model else ():
        extension = videos.extension_order(user.id, source, words, seconds)
        try:
            sequels.check(user.id, extension, None, source, picture=False)
            offers.append(extension)
        except CannotExtend as error:
            refusal = error
    if not offers:
        raise refusal
    return offers


def waits(form: VideoForm) -> dict[str, dict[int, str]]:
    """How long each choice of the form is likely to take, in words: `{model: {seconds: about 40 s}}`."""
    return {
        model: {seconds: _wait(videos.expected_wait(model, seconds)) for seconds in offer["seconds"]}
        for model, offer in form.prices.items()
    }


def _wait(seconds: float | None) -> str:
    if seconds is None:
        if not settings().simulated:
            return "about 2 to 5 min"
        seconds = settings().mock_sora_seconds + AROUND_RENDERING
    if seconds < SOON:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min"


def _prompt(user: User, wanted: Mapping[str, str], ids: Mapping[str, int]) -> str:
    """
    Raises:
        NotFound: there is no such video or pin.
    """
    if "prompt_of" in ids:
        return videos.get(user.id, ids["prompt_of"]).prompt
    if "pin" in ids:
        return prompts.pinned_prompt(user.id, ids["pin"])
    if "start" in wanted:
        start = starting_point(wanted["start"])
        if start is None:
            raise NotFound("starting point")
        return start.prompt
    return EXAMPLE if "example" in wanted else ""
