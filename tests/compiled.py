"""What every application of a test process would compile for itself, compiled once: URL rules and templates.

It is most of the time that making an application and its first page take.
"""

from collections.abc import Callable
from types import CodeType
from typing import Any, ClassVar

import jinja2
from jinja2.bccache import Bucket
from werkzeug.routing import Rule


class SharedRule(Rule):
    """A rule whose code for building addresses is shared with equal rules of other applications."""

    _known: ClassVar[dict[Any, Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, *self._trace, *sorted((self.defaults or {}).items()), append_unknown)
        if key not in self._known:
            self._known[key] = super()._compile_builder(append_unknown)
        return self._known[key]


class SharedTemplates(jinja2.BytecodeCache):
    """Compiled templates, by their names and contents."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        self._known[bucket.key, bucket.checksum] = bucket.code


TEMPLATES = SharedTemplates()
