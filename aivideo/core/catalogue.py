"""Models, sizes, seconds, prices and plans: one TOML file that an operator can replace."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from pathlib import Path
from typing import Any

from aivideo.core.errors import InvalidInput
from aivideo.core.pricing import credits_for
from aivideo.core.toml_table import FILE, Table, amount, count, must, positive, some, table, text, texts, yes_or_no

MOST_DIGITS = 10
BUILT_IN = Path(__file__).with_name("catalogue.toml")
CAPABILITIES = ("input_reference", "remix", "extend")


class CatalogueError(Exception):
    """The catalogue file cannot be used; the message is one line for the operator."""


@dataclass(frozen=True)
class Size:
    name: str
    """`1280x720`"""
    credits_per_second: Fraction
    usd_per_second: Fraction

    @property
    def width(self) -> int:
        return int(self.name.split("x")[0])

    @property
    def height(self) -> int:
        return int(self.name.split("x")[1])


@dataclass(frozen=True)
class Model:
    id: str
    name: str
    sizes: tuple[Size, ...]
    seconds: tuple[int, ...]
    default_seconds: int
    capabilities: frozenset[str]
    extends_to: int | None = None
    """Seconds that a video may have after it was extended; None: no limit known."""

    def size(self, name: str) -> Size | None:
        return next((size for size in self.sizes if size.name == name), None)

    def can(self, capability: str) -> bool:
        return capability in self.capabilities


@dataclass(frozen=True)
class Plan:
    id: str
    name: str
    can_generate: bool
    under_way: int
    """Videos under way at once; more wait as pending."""


@dataclass(frozen=True)
class Order:
    """What a user asks for, checked against the catalogue: nothing invalid becomes an Order."""

    prompt: str
    model: str
    size: str
    seconds: int
    credits: int
    usd: float


@dataclass(frozen=True)
class Catalogue:
    models: tuple[Model, ...]
    plans: Mapping[str, Plan]
    prompt_min: int
    prompt_max: int
    servers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """What a server cannot do, whatever its models can: base URL, `*` in it for anything, → capabilities."""

    def at(self, base_url: str) -> "Catalogue":
        """The catalogue at a server: each model without what the server cannot do."""
        here = base_url.rstrip("/")
        known = [without for server, without in self.servers.items() if fnmatchcase(here, server.rstrip("/"))]
        lacking = frozenset[str]().union(*known)
        models = (replace(model, capabilities=model.capabilities - lacking) for model in self.models)
        return replace(self, models=tuple(models))

    @property
    def default_model(self) -> Model:
        return self.models[0]

    def model(self, model_id: str) -> Model | None:
        return next((model for model in self.models if model.id == model_id), None)

    def plan(self, plan_id: str) -> Plan:
        """The plan of that id; one that is no longer in the catalogue can do nothing."""
        return self.plans.get(plan_id) or Plan(plan_id, plan_id, can_generate=False, under_way=0)

    def order(
        self,
        prompt: str,
        model: str | None = None,
        size: str | None = None,
        seconds: str | int | None = None,
        *,
        with_picture: bool = False,
        any_length: bool = False,
    ) -> Order:
        """Check a request and price it; what is left out takes the model's default.

        `any_length`: `seconds` is that of a video to be remixed, which may be longer than any that can be ordered.

        Raises:
            InvalidInput: with every wrong field and what is allowed there.
        """
        errors: dict[str, list[str]] = {}
        prompt = (prompt or "").replace("\x00", "").strip()
        if len(prompt) < self.prompt_min:
            errors["prompt"] = [f"Describe your video in at least {self.prompt_min} characters."]
        elif len(prompt) > self.prompt_max:
            errors["prompt"] = [f"Keep the prompt to {self.prompt_max} characters; this one has {len(prompt)}."]
        chosen = self.model(model) if model else self.default_model
        if chosen is None:
            names = ", ".join(known.id for known in self.models)
            raise InvalidInput({**errors, "model": [f"There is no model “{model}”. Allowed: {names}."]})
        chosen_size = chosen.size(size) if size else chosen.sizes[0]
        if chosen_size is None:
            names = ", ".join(known.name for known in chosen.sizes)
            errors["size"] = [f"{chosen.name} cannot make {size}. Allowed: {names}."]
        length = _whole_number(seconds) if seconds not in (None, "") else chosen.default_seconds
        if length not in chosen.seconds and not (any_length and length):
            names = ", ".join(str(known) for known in chosen.seconds)
            errors["seconds"] = [f"{chosen.name} cannot make {seconds} seconds. Allowed: {names}."]
        if with_picture and not chosen.can("input_reference"):
            errors["input_reference"] = [f"{chosen.name} cannot start from a picture."]
        if errors or chosen_size is None or length is None:
            raise InvalidInput(errors)
        return Order(
            prompt=prompt,
            model=chosen.id,
            size=chosen_size.name,
            seconds=length,
            credits=credits_for(chosen_size.credits_per_second, length),
            usd=float(chosen_size.usd_per_second * length),
        )


def _whole_number(value: str | int | None) -> int | None:
    digits = str(value).strip()
    return int(digits) if len(digits) < MOST_DIGITS and digits.isascii() and digits.isdecimal() else None


def load(path: Path | None = None) -> Catalogue:
    """Read a catalogue.

    Raises:
        CatalogueError: it cannot be read, is not TOML, or something is missing or wrong; says what and where.
    """
    path = path or BUILT_IN
    try:
        return parse(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: is not valid TOML ({error})") from None
    except ValueError as error:
        raise CatalogueError(f"{path}: {' '.join(str(error).split())}") from None


def parse(data: dict[str, Any]) -> Catalogue:
    """A catalogue from what TOML gives.

    Raises:
        ValueError: something is missing or wrong; says what and where.
    """
    file = Table(data, FILE)
    models = tuple(
        _parse_model(Table(entry, f"models[{number}]")) for number, entry in enumerate(file.take("models", some))
    )
    if len({model.id for model in models}) < len(models):
        raise ValueError("models: each needs an id of its own")
    plans = {}
    for plan_id, entry in file.take("plans", table).items():
        plan = Table(entry, f"plans.{plan_id}")
        able = plan.take("can_generate", yes_or_no)
        plans[plan_id] = Plan(plan_id, plan.take("name", text), able, plan.take("under_way", count))
    least, most = file.take("prompt_min", count, 10), file.take("prompt_max", count, 4000)
    if least > most:
        raise ValueError("prompt_min must not be more than prompt_max")
    servers = {
        url: frozenset(Table(entry, f'servers."{url}"').take("without", _capabilities))
        for url, entry in file.take("servers", table, {}).items()
    }
    return Catalogue(models, plans, least, most, servers)


def _parse_model(entry: Table) -> Model:
    sizes = []
    for number, inner in enumerate(entry.take("sizes", some)):
        size = Table(inner, f"{entry.where}.sizes[{number}]")
        price, cost = size.take("credits_per_second", amount), size.take("usd_per_second", amount, 0)
        sizes.append(Size(size.take("size", _size), price, cost))
    seconds = tuple(positive(length, f"{entry.where}.seconds") for length in entry.take("seconds", some))
    default_seconds = entry.take("default_seconds", positive, seconds[0])
    if default_seconds not in seconds:
        raise ValueError(f"{entry.where}.default_seconds must be one of seconds, not {default_seconds}")
    model_id = entry.take("id", text)
    return Model(
        id=model_id,
        name=entry.take("name", text, model_id),
        sizes=tuple(sizes),
        seconds=seconds,
        default_seconds=default_seconds,
        capabilities=frozenset(entry.take("capabilities", texts, [])),
        extends_to=entry.take("extends_to", count, 0) or None,
    )


def _capabilities(value: Any, place: str) -> list[str]:
    for each in texts(value, place):
        must(each in CAPABILITIES, place, f"some of {', '.join(CAPABILITIES)}", each)
    return list(value)


def _size(value: Any, place: str) -> str:
    must(re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}", str(value)) is not None, place, "like 1280x720", value)
    return str(value)
