"""What the browser sent, as values the services take; and what a form shows when it is drawn."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

from werkzeug.datastructures import FileStorage, MultiDict

from aivideo.core.catalogue import Catalogue, Order
from aivideo.core.pricing import credits_for
from aivideo.models import Video
from aivideo.services import pictures
from aivideo.services.pictures import Picture

EXAMPLE = (
    "A paper boat drifts down a rainy street at night, neon signs mirrored in the puddles, slow tracking shot "
    "at water level, soft ambient light"
)


@dataclass
class VideoForm:
    """The studio's form: the choices as strings, just as they were typed, and what is wrong with them.

    `request_key` is good for one video: sent again with the same content, it leads to the same video.
    """

    catalogue: Catalogue
    prompt: str = ""
    model: str = ""
    size: str = ""
    seconds: str = ""
    picture: str = ""
    request_key: str = field(default_factory=lambda: uuid4().hex)
    errors: dict[str, list[str]] = field(default_factory=dict)
    notice: str = ""

    def __post_init__(self) -> None:
        model = self.catalogue.model(self.model) or self.catalogue.default_model
        self.model = self.model or model.id
        self.size = self.size or model.sizes[0].name
        self.seconds = self.seconds or str(model.default_seconds)

    @classmethod
    def sent(cls, catalogue: Catalogue, values: MultiDict[str, str]) -> "VideoForm":
        """What a browser posted; line ends as the user sees them."""
        form = cls(
            catalogue,
            prompt=values.get("prompt", "").replace("\r\n", "\n"),
            model=values.get("model", ""),
            size=values.get("size", ""),
            seconds=values.get("seconds", ""),
            picture=values.get("picture", ""),
        )
        form.request_key = values.get("request_key", "")[:64] or form.request_key
        return form

    @classmethod
    def like(cls, catalogue: Catalogue, video: Video) -> "VideoForm":
        """The request of an earlier video, to be changed and sent again."""
        return cls(catalogue, prompt=video.prompt, model=video.model, size=video.size, seconds=str(video.seconds))

    def emptied(self) -> "VideoForm":
        """The form for the next video: a fresh key, the same model, size and length."""
        return VideoForm(self.catalogue, model=self.model, size=self.size, seconds=self.seconds)

    def order(self, *, with_picture: bool) -> Order:
        """
        Raises:
            InvalidInput: with every wrong field.
        """
        return self.catalogue.order(self.prompt, self.model, self.size, self.seconds, with_picture=with_picture)

    def refreshed(self) -> "VideoForm":
        """The same with a fresh key: sent once more, it is another request."""
        self.request_key = uuid4().hex
        return self

    def edited_key(self, picture: Picture | None) -> str:
        """The key of what a form became after its own was used: Back, edit, send. The same edit has the same key."""
        content = [self.request_key, self.prompt, self.model, self.size, self.seconds, picture.hash if picture else ""]
        return hashlib.sha256("\0".join(content).encode()).hexdigest()

    @property
    def trials(self) -> list[str]:
        return pictures.trials()

    @property
    def all_sizes(self) -> list[str]:
        return list(dict.fromkeys(size.name for model in self.catalogue.models for size in model.sizes))

    @property
    def all_seconds(self) -> list[int]:
        return sorted({seconds for model in self.catalogue.models for seconds in model.seconds})

    @cached_property
    def prices(self) -> dict[str, Any]:
        """Per model: what it offers and what each choice costs, `{model: {sizes: {size: {seconds: credits}}, …}}`."""
        return {
            model.id: {
                "seconds": list(model.seconds),
                "default": model.default_seconds,
                "size": model.sizes[0].name,
                "picture": model.can("input_reference"),
                "sizes": {
                    size.name: {seconds: credits_for(size.credits_per_second, seconds) for seconds in model.seconds}
                    for size in model.sizes
                },
            }
            for model in self.catalogue.models
        }

    @property
    def credits(self) -> int:
        """The price of what is chosen; of the first choice where that does not exist."""
        model = self.catalogue.model(self.model) or self.catalogue.default_model
        by_seconds = (
            self.prices[model.id]["sizes"].get(self.size) or self.prices[model.id]["sizes"][model.sizes[0].name]
        )
        seconds = int(self.seconds) if self.seconds.isdecimal() else 0
        price: int = by_seconds.get(seconds) or by_seconds[model.default_seconds]
        return price


def picture_of(form: VideoForm, upload: FileStorage | None) -> Picture | None:
    """The reference picture: an uploaded file counts, else the trial picture chosen, else none.

    Raises:
        InvalidInput: on the field `input_reference`.
    """
    if upload is not None and upload.filename:
        return pictures.accept(upload.read())
    return pictures.trial(form.picture) if form.picture else None
