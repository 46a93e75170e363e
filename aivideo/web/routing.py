"""Numbers in addresses: what no row of ours can have as its id is not found, before a database chokes on it."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter

LARGEST_ID = 2**31 - 1


class IdConverter(IntegerConverter):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **{"max": LARGEST_ID} | named)


def init_app(app: Flask) -> None:
    """Make `<int:…>` of every route mean an id."""
    app.url_map.converters["int"] = IdConverter
