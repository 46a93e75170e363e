"""What the browser sent, as values the services take; and what a form shows when it is drawn."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any
from uuid import uuid4

from werkzeug.datastructures import MultiDict

from aivideo.core.catalogue import Catalogue, Order
from aivideo.core.errors import InvalidInput
from aivideo.core.pricing import credits_for
from aivideo.models import Video
from aivideo.services.pictures import Picture

EXAMPLE = (
    "A paper boat drifts down a rainy street at night, neon signs mirrored in the puddles, slow tracking shot "
    "at water level, soft ambient light"
)
MOST_AT_ONCE = 4


@dataclass
class VideoForm:
    """The studio's form: the choices as strings, just as they were typed, and what is wrong with them.

    `request_key` is good for one request: sent again with the same content, it leads to the same video. `source` is
    the video that is changed (`remix_of`) or gone on with (`extend_of`), and `offers` what can then be ordered.
    """

    catalogue: Catalogue
    prompt: str = ""
    model: str = ""
    size: str = ""
    seconds: str = ""
    count: str = "1"
    picture: str = ""
    """A trial picture's name, `frame` (the moment `frame_at` of video `frame_of`), `again` (the picture that video
    `picture_of` began with), or empty."""
    frame_of: str = ""
    frame_at: str = ""
    picture_of: str = ""
    fit: str = "crop"
    focus: str = "0.5"
    remix_of: str = ""
    extend_of: str = ""
    request_key: str = field(default_factory=lambda: uuid4().hex)
    errors: dict[str, list[str]] = field(default_factory=dict)
    notice: str = ""
    source: Video | None = None
    offers: Sequence[Order] = ()

    def __post_init__(self) -> None:
        model = self.catalogue.model(self.model) or self.catalogue.default_model
        self.model = self.model or model.id
        self.size = self.size or model.sizes[0].name
        self.seconds = self.seconds or str(model.default_seconds)

    @classmethod
    def sent(cls, catalogue: Catalogue, values: MultiDict[str, str]) -> "VideoForm":
        """What a browser posted; line ends as the user sees them."""
        sent: dict[str, Any] = {name: values[name] for name in CHOICES if name in values}
        form = cls(catalogue, prompt=values.get("prompt", "").replace("\r\n", "\n"), **sent)
        form.request_key = values.get("request_key", "")[:64] or form.request_key
        return form

    @staticmethod
    def kept(values: MultiDict[str, str]) -> dict[str, str]:
        """What a browser has to carry along while its user chooses another picture elsewhere."""
        return {name: values[name] for name in KEPT if name in values}

    @classmethod
    def like(cls, catalogue: Catalogue, video: Video) -> "VideoForm":
        """The request of an earlier video with its picture, to be changed and sent again."""
        form = cls(catalogue, prompt=video.prompt, model=video.model, size=video.size, seconds=str(video.seconds))
        if video.picture_name:
            form.picture, form.picture_of = "again", str(video.id)
            form.fit, form.focus = video.picture_fit, f"{video.picture_focus:g}"
        return form

    def over(self, video: Video, offers: Sequence[Order]) -> "VideoForm":
        """The same for a change of `video`, or for going on with it: `offers` is what can be ordered."""
        self.source, self.offers = video, offers
        self.model, self.size, self.picture = video.model, video.size, ""
        if self.seconds not in [str(offer.seconds) for offer in offers]:
            self.seconds = str(offers[0].seconds)
        return self

    def emptied(self) -> "VideoForm":
        """The form for the next video: a fresh key, the same model, size and length."""
        return VideoForm(self.catalogue, model=self.model, size=self.size, seconds=self.seconds)

    def order(self, *, with_picture: bool) -> Order:
        """
        Raises:
            InvalidInput: with every wrong field.
        """
        return self.catalogue.order(self.prompt, self.model, self.size, self.seconds, with_picture=with_picture)

    def videos(self) -> int:
        """How many are wanted.

        Raises:
            InvalidInput: on the field `count`.
        """
        if self.count not in map(str, range(1, MOST_AT_ONCE + 1)):
            raise InvalidInput({"count": [f"Choose 1 to {MOST_AT_ONCE} videos."]})
        return int(self.count)

    def refreshed(self) -> "VideoForm":
        """The same with a fresh key: sent once more, it is another request."""
        self.request_key = uuid4().hex
        return self

    def edited_key(self, picture: Picture | None) -> str:
        """The key of what a form became after its own was used: Back, edit, send. The same edit has the same key."""
        choices = [getattr(self, name) for name in CHOICES]
        content = [self.request_key, self.prompt, *choices, picture.hash if picture else ""]
        return hashlib.sha256("\0".join(content).encode()).hexdigest()

    @property
    def mode(self) -> str:
        """`new`, `remix` or `extend`."""
        return "remix" if self.remix_of else "extend" if self.extend_of else "new"

    @property
    def all_sizes(self) -> list[str]:
        return list(dict.fromkeys(size.name for model in self.catalogue.models for size in model.sizes))

    @property
    def all_seconds(self) -> list[int]:
        return sorted({seconds for offer in self.prices.values() for seconds in offer["seconds"]})

    @cached_property
    def prices(self) -> dict[str, Any]:
        """Per model: what it offers and what each choice costs, `{model: {sizes: {size: {seconds: credits}}, …}}`."""
        if self.offers:
            prices = {offer.seconds: offer.credits for offer in self.offers}
            return {self.model: _offer(list(prices), self.offers[0].seconds, {self.size: prices}, picture=False)}
        return {
            model.id: _offer(
                list(model.seconds),
                model.default_seconds,
                {
                    size.name: {seconds: credits_for(size.credits_per_second, seconds) for seconds in model.seconds}
                    for size in model.sizes
                },
                picture=model.can("input_reference"),
            )
            for model in self.catalogue.models
        }

    @property
    def cheapest(self) -> int:
        """Credits of the cheapest choice there is."""
        sizes = [by_seconds for offer in self.prices.values() for by_seconds in offer["sizes"].values()]
        cheapest: int = min(price for by_seconds in sizes for price in by_seconds.values())
        return cheapest

    @property
    def cheapest_usd(self) -> float:
        """What the provider bills for it at least."""
        models = self.catalogue.models
        return min(float(size.usd_per_second) * min(model.seconds) for model in models for size in model.sizes)

    @property
    def credits(self) -> int:
        """The price of what is chosen; of the first choice where that does not exist."""
        offer = self.prices.get(self.model) or next(iter(self.prices.values()))
        by_seconds = offer["sizes"].get(self.size) or offer["sizes"][offer["size"]]
        seconds = int(self.seconds) if self.seconds.isdecimal() else 0
        price: int = by_seconds.get(seconds) or by_seconds[offer["default"]]
        return price * (int(self.count) if self.count in ("2", "3", "4") else 1)


def _offer(seconds: list[int], default: int, sizes: dict[str, dict[int, int]], *, picture: bool) -> dict[str, Any]:
    return {"seconds": seconds, "default": default, "size": next(iter(sizes)), "picture": picture, "sizes": sizes}


CHOICES = [
    choice.name
    for choice in fields(VideoForm)
    if choice.name not in ("catalogue", "prompt", "request_key", "errors", "notice", "source", "offers")
]
"""The fields that are sent besides the prompt and the key."""
KEPT = [
    "prompt",
    "request_key",
    *(name for name in CHOICES if name not in ("picture", "frame_of", "frame_at", "picture_of")),
]
