"""Models, sizes, seconds, prices and plans: one TOML file that an operator can replace."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from aivideo.core.errors import InvalidInput
from aivideo.core.pricing import credits_for

BUILT_IN = Path(__file__).with_name("catalogue.toml")


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
    ) -> Order:
        """Check a request and price it; what is left out takes the model's default.

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
        if length not in chosen.seconds:
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
    try:
        return int(str(value).strip())
    except ValueError:
        return None


def load(path: Path | None = None) -> Catalogue:
    """Read a catalogue.

    Raises:
        CatalogueError: the file is missing, is not TOML, or lacks something; says what and where.
    """
    path = path or BUILT_IN
    try:
        return parse(tomllib.loads(path.read_text()))
    except OSError as error:
        raise CatalogueError(f"{path}: cannot be read ({error.strerror})") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path}: is not valid TOML ({error})") from None
    except KeyError as error:
        raise CatalogueError(f"{path}: {error.args[0]!r} is missing") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise CatalogueError(f"{path}: {error}") from None


def parse(data: dict[str, Any]) -> Catalogue:
    models = tuple(_parse_model(entry) for entry in data["models"])
    if not models:
        raise ValueError("at least one model is needed")
    plans = {
        plan_id: Plan(plan_id, str(entry["name"]), bool(entry["can_generate"]), int(entry["under_way"]))
        for plan_id, entry in data["plans"].items()
    }
    return Catalogue(models, plans, int(data.get("prompt_min", 10)), int(data.get("prompt_max", 4000)))


def _parse_model(entry: dict[str, Any]) -> Model:
    sizes = tuple(
        Size(
            str(size["size"]),
            Fraction(str(size["credits_per_second"])),
            Fraction(str(size.get("usd_per_second", 0))),
        )
        for size in entry["sizes"]
    )
    seconds = tuple(int(second) for second in entry["seconds"])
    default_seconds = int(entry.get("default_seconds", seconds[0]))
    if not sizes or any(size.width <= 0 or size.height <= 0 for size in sizes):
        raise ValueError(f"model {entry['id']}: sizes must look like 1280x720")
    if any(size.credits_per_second < 0 for size in sizes):
        raise ValueError(f"model {entry['id']}: credits_per_second must not be negative")
    if default_seconds not in seconds:
        raise ValueError(f"model {entry['id']}: default_seconds must be one of seconds")
    return Model(
        id=str(entry["id"]),
        name=str(entry.get("name", entry["id"])),
        sizes=sizes,
        seconds=seconds,
        default_seconds=default_seconds,
        capabilities=frozenset(entry.get("capabilities", ())),
    )
