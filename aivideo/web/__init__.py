"""HTTP ENTRY POINTS: who, parse, one service call, render."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Bind what only the web needs and register every blueprint."""
