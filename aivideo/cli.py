"""The operator's commands: `flask --app wsgi users|credits|tokens|videos|ledger …`."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register every command group."""
