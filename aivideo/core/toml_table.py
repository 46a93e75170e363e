"""Reading a TOML file so that every mistake in it is one line: where it is, what must be there, what is.

Each check takes a value and its place (`models[0].id`), and returns it or raises ValueError.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

T = TypeVar("T")
FILE = "the file"


class Table:
    """A table of the file that knows where it stands."""

    def __init__(self, values: Any, where: str) -> None:
        self.values, self.where = table(values, where), where

    def take(self, key: str, check: Callable[[Any, str], T], default: Any = None) -> T:
        place = key if self.where == FILE else f"{self.where}.{key}"
        value = self.values.get(key, default)
        if value is None:
            raise ValueError(f"{place} is missing")
        return check(value, place)


def must(condition: bool, place: str, be: str, value: Any) -> None:
    if not condition:
        raise ValueError(f"{place} must be {be}, not {value!r}")


def table(value: Any, place: str) -> dict[str, Any]:
    must(isinstance(value, dict), place, "a table", value)
    return dict(value)


def some(value: Any, place: str) -> list[Any]:
    must(isinstance(value, list) and len(value) > 0, place, "a list of at least one", value)
    return list(value)


def text(value: Any, place: str) -> str:
    must(isinstance(value, str) and value.strip() != "", place, "a text", value)
    return str(value)


def texts(value: Any, place: str) -> list[str]:
    must(isinstance(value, list), place, "a list of texts", value)
    return [text(each, place) for each in value]


def yes_or_no(value: Any, place: str) -> bool:
    must(isinstance(value, bool), place, "true or false", value)
    return bool(value)


def count(value: Any, place: str) -> int:
    must(type(value) is int and value >= 0, place, "a whole number, 0 or more", value)
    return int(value)


def positive(value: Any, place: str) -> int:
    must(type(value) is int and value > 0, place, "whole numbers, 1 or more", value)
    return int(value)


def amount(value: Any, place: str) -> Fraction:
    must(type(value) in (int, float) and 0 <= value < float("inf"), place, "a number, 0 or more", value)
    return Fraction(str(value))  # 12.5 as it is written, not the nearest binary fraction
