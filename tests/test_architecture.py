"""The promises of the house: which way its arrows point, what stands where, and that nothing is forgotten."""

import ast
import hashlib
import importlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import render_template
from fragments import samples

from aivideo import queue
from aivideo.config import ROOT, Settings
from aivideo.core.errors import DomainError

HOUSE = ROOT / "aivideo"
MODULES = sorted(HOUSE.rglob("*.py"))
TEMPLATES = ROOT / "templates"
LONGEST_MODULE = 250
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}
TESTS_WITHOUT_A_ROOM = {"browser", "flow"}


def _name(module: Path) -> str:
    return str(module.relative_to(ROOT))


def _imports(module: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, at the top or inside functions."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(module)}: imports are absolute"
            yield str(node.module)


def _importers(*libraries: str) -> set[str]:
    """The modules that import one of the libraries, or a part of one."""
    return {_name(module) for module in MODULES if {name.split(".")[0] for name in _imports(module)} & set(libraries)}


def _python(code: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={"PATH": os.environ["PATH"], "ENV_FILE": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# What stands where


def test_arrows_only_point_down():
    # In a process of its own, because it changes how the whole process logs.
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_need_nothing_but_the_standard_library():
    allowed = sys.stdlib_module_names | {"aivideo"}
    foreign = {
        (_name(module), name)
        for module in HOUSE.glob("core/*.py")
        for name in _imports(module)
        if name.split(".")[0] not in allowed
    }
    assert not foreign


@pytest.mark.parametrize("module", [*MODULES, *ROOT.glob("*.py")], ids=_name)
def test_a_module_is_short_enough_to_be_read(module):
    assert len(module.read_text().splitlines()) <= LONGEST_MODULE


def test_only_transaction_commits():
    assert [_name(module) for module in MODULES if ".commit(" in module.read_text()] == ["aivideo/transaction.py"]


def test_only_web_htmx_spells_a_header_of_htmx():
    assert [_name(module) for module in MODULES if "HX-" in module.read_text()] == ["aivideo/web/htmx.py"]


def test_only_the_queue_the_worker_and_the_dashboard_know_rq():
    assert _importers("rq") == {"aivideo/queue.py", "aivideo/jobs/worker.py", "aivideo/web/rq_pages.py"}


def test_names_say_what_a_thing_is():
    everything = [*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "templates").rglob("*.html")]
    assert not [_name(file) for file in everything if VAGUE_NAMES & set(re.split(r"[_.]", file.name))]


def test_every_room_has_tests_and_every_test_a_room():
    rooms = {folder.name for folder in HOUSE.iterdir() if (folder / "__init__.py").exists()}
    tested = {file.parent.name for file in (ROOT / "tests").glob("*/test_*.py")}
    modules = {module.stem for module in HOUSE.glob("*.py")}
    assert rooms - tested == set()
    assert tested - rooms - modules - TESTS_WITHOUT_A_ROOM == set()


# What happens on import


WATCH = """
import importlib, os, pkgutil, sys

class Watched(dict):
    def _note(self, name):
        frame = sys._getframe(2)
        while "/os.py" in frame.f_code.co_filename or "collections_abc" in frame.f_code.co_filename:
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(HOUSE):
            sys.exit(f"{frame.f_code.co_filename} reads {name} from the environment")
    def __getitem__(self, name):
        self._note(name)
        return dict.__getitem__(self, name)
    def get(self, name, default=None):
        self._note(name)
        return dict.get(self, name, default)
    def __contains__(self, name):
        self._note(name)
        return dict.__contains__(self, name)
    def __iter__(self):
        self._note("everything")
        return dict.__iter__(self)

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen"):
        sys.exit(f"{event} {arguments}")

import aivideo
HOUSE = os.path.dirname(aivideo.__file__)
os.environ = Watched(os.environ)
sys.addaudithook(watch)
"""
IMPORT_ALL = """
found = [module.name for module in pkgutil.walk_packages(aivideo.__path__, "aivideo.")]
assert "aivideo.web.studio" in found
for name in found:
    if not name.endswith("__main__"):
        importlib.import_module(name)
"""


def test_no_module_opens_a_connection_or_reads_the_environment_when_imported():
    _python(WATCH + IMPORT_ALL)


@pytest.mark.parametrize("act", ["os.environ.get('PORT')", "__import__('sqlite3').connect(':memory:')"])
def test_the_watch_on_imports_sees_what_it_should(act):
    with pytest.raises(AssertionError):
        _python(WATCH + f"exec(compile({act!r}, HOUSE + '/probe.py', 'exec'))")


def test_a_worker_starts_without_the_heavy_libraries():
    heavy = ("boto3", "botocore", "av", "authlib.jose", "PIL", "openai")
    _python(
        "import sys, aivideo.app, aivideo.jobs.worker\n"
        f"found = [name for name in {heavy!r} if name in sys.modules]\n"
        "assert not found, found"
    )


# Nothing is forgotten


@pytest.mark.parametrize(("verb", "name"), [(verb, name) for verb, (_, name) in queue.JOBS.items()])
def test_every_job_has_its_function(verb, name):
    module, _, function = name.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    assert queue.JOBS[verb][0] in queue.QUEUES


def test_every_error_of_the_domain_has_an_http_status():
    from aivideo.web.errors import STATUS

    def kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
        for inner in kind.__subclasses__():
            yield inner
            yield from kinds(inner)

    assert set(kinds(DomainError)) == STATUS.keys()
    assert all(400 <= status < 600 for status in STATUS.values())


class _Roots(HTMLParser):
    """The elements of a fragment that have no parent, with their ids; and text outside of any."""

    VOID = frozenset(
        ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
    )

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str | None] = []
        self.loose = ""
        self.feed(html)
        self.close()
        assert not self.open, f"{self.open} are not closed"

    def handle_starttag(self, tag, attributes):
        if not self.open:
            self.ids.append(dict(attributes).get("id"))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        if not self.open:
            self.ids.append(dict(attributes).get("id"))

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        while self.open and self.open[-1] != tag and self.open[-1] in ("li", "p", "option"):
            self.open.pop()  # HTML lets these end by themselves
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open:
            self.loose += data.strip()


def test_every_fragment_is_drawn_alone_and_has_one_root_with_an_id(app):
    drawn = samples(app)
    assert drawn.keys() == {str(file.relative_to(TEMPLATES)) for file in TEMPLATES.rglob("_*.html")}
    with app.test_request_context():
        for name, contexts in drawn.items():
            for context in contexts:
                roots = _Roots(render_template(name, **context))
                assert len(roots.ids) == 1, f"{name} has {len(roots.ids)} roots"
                assert roots.ids[0], f"{name}: its root has no id"
                assert not roots.loose, f"{name} has text outside of its root: {roots.loose}"


def _as_written(default: object) -> str:
    """A default as one writes it in .env."""
    if default is None:
        return ""
    if isinstance(default, Path):
        return str(default.relative_to(ROOT))
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


DEFAULTS = {name.upper(): _as_written(field.default) for name, field in Settings.model_fields.items()}


def test_the_example_file_lists_every_setting_with_its_default():
    lines = re.findall(r"^#([A-Z][A-Z0-9_]*)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert dict(lines) == DEFAULTS
    assert len(lines) == len(DEFAULTS)


def test_the_readme_lists_every_setting_with_its_default():
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \| (.*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {name: default.strip("`").replace("–", "") for name, default in rows} == DEFAULTS
    assert len(rows) == len(DEFAULTS)


def test_vendored_files_are_the_recorded_ones():
    recorded = tomllib.loads((ROOT / "static/vendor/VERSIONS.toml").read_text())["file"]
    for file in recorded:
        assert hashlib.sha256((ROOT / file["path"]).read_bytes()).hexdigest() == file["sha256"], file["path"]
        assert file["package"]
        assert re.fullmatch(r"\d+\.\d+\.\d+", file["version"])
    present = {_name(path) for path in (ROOT / "static/vendor").iterdir()} - {"static/vendor/VERSIONS.toml"}
    assert present <= {file["path"] for file in recorded}


def test_requirements_are_pinned_and_name_no_other_place():
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text().splitlines():
            assert re.match(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+( ; .+)?$|\s*#|$", line), f"{file}: {line}"
            assert "://" not in line
