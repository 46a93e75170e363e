"""Fetch the pinned browser files from npm, and draw the icon sprite. The results are committed.

python scripts/vendor.py            fetch, write static/vendor, static/icons.svg and the tests' axe
python scripts/vendor.py --check    only compare what is there with static/vendor/VERSIONS.toml
"""

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ROOT / "static/vendor/VERSIONS.toml"

PACKAGES: dict[tuple[str, str], dict[str, str]] = {
    ("htmx.org", "4.0.1"): {
        "dist/htmx.min.js": "static/vendor/htmx.min.js",
        "dist/ext/hx-sse.min.js": "static/vendor/hx-sse.min.js",
        "dist/ext/hx-ws.min.js": "static/vendor/hx-ws.min.js",
        "LICENSE": "static/vendor/htmx.LICENSE.txt",
    },
    ("lucide-static", "1.62.0"): {"LICENSE": "static/vendor/lucide.LICENSE.txt"},
    ("axe-core", "4.14.1"): {"axe.min.js": "tests/browser/axe.min.js"},
}
# fmt: off
ICONS = [
    "arrow-left", "arrow-right", "ban", "bell", "chevron-down", "chevron-right", "chevrons-right", "circle-alert",
    "circle-check", "clock", "crop", "download", "film", "history", "hourglass", "image", "image-plus", "info",
    "key-round", "keyboard", "lightbulb", "list-checks", "list-plus", "log-out", "maximize", "monitor", "moon",
    "pencil", "pin", "pin-off", "play", "rectangle-horizontal", "rectangle-vertical", "repeat", "rotate-ccw",
    "search", "shield", "shuffle", "sliders-horizontal", "smartphone", "square", "star", "star-off", "step-back",
    "step-forward", "sun", "trash-2", "undo-2", "user", "x",
]
# fmt: on
SPRITE = ROOT / "static/icons.svg"


def fetch(name: str, version: str) -> dict[str, bytes]:
    """Every file of an npm package by its path inside the package."""
    file = f"{name.rsplit('/', 1)[-1]}-{version}.tgz"
    with urllib.request.urlopen(f"{registry()}/{name}/-/{file}", timeout=60) as answer:
        packed = io.BytesIO(answer.read())
    with tarfile.open(fileobj=packed, mode="r:gz") as archive:
        return {
            member.name.partition("/")[2]: content.read()
            for member in archive.getmembers()
            if (content := archive.extractfile(member) if member.isfile() else None)
        }


def registry() -> str:
    """The registry npm itself would ask."""
    if named := os.environ.get("NPM_CONFIG_REGISTRY"):
        return named.rstrip("/")
    try:
        told = subprocess.run(["npm", "config", "get", "registry"], capture_output=True, text=True, check=True)
        return told.stdout.strip().rstrip("/")
    except (OSError, subprocess.CalledProcessError):
        return "https://registry.npmjs.org"


def sprite(package: dict[str, bytes]) -> str:
    """One SVG with a symbol for each icon in use; stroke and size come from CSS (`.icon`)."""
    symbols = []
    for name in sorted(ICONS):
        drawing = package[f"icons/{name}.svg"].decode()
        inside = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL)
        assert inside, name
        shapes = re.sub(r"\s+", " ", inside[1]).replace(" />", "/>").replace("> <", "><").strip()
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    note = "<!-- Lucide icons, ISC licence: vendor/lucide.LICENSE.txt. Made by scripts/vendor.py -->"
    return f'<svg xmlns="http://www.w3.org/2000/svg">{note}\n' + "\n".join(symbols) + "\n</svg>\n"


def update() -> None:
    VERSIONS.parent.mkdir(parents=True, exist_ok=True)
    record = ["# Written by scripts/vendor.py; do not edit the files named here.\n"]
    for (name, version), files in PACKAGES.items():
        package = fetch(name, version)
        for source, target in files.items():
            write(target, package[source])
            record.append(entry(target, name, version, source))
        if name == "lucide-static":
            write("static/icons.svg", sprite(package).encode())
            record.append(entry("static/icons.svg", name, version, "icons/"))
    VERSIONS.write_text("\n".join(record))


def write(target: str, content: bytes) -> None:
    (ROOT / target).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / target).write_bytes(content)
    print(f"{len(content):>8}  {target}")


def entry(target: str, package: str, version: str, source: str) -> str:
    return (
        f'[[file]]\npath = "{target}"\npackage = "{package}"\nversion = "{version}"\n'
        f'source = "{source}"\nsha256 = "{digest(target)}"\n'
    )


def digest(target: str) -> str:
    return hashlib.sha256((ROOT / target).read_bytes()).hexdigest()


def changed() -> list[str]:
    """Paths of vendored files that are not what VERSIONS.toml says."""
    recorded = tomllib.loads(VERSIONS.read_text())["file"]
    return [
        file["path"]
        for file in recorded
        if not (ROOT / file["path"]).exists() or digest(file["path"]) != file["sha256"]
    ]


if __name__ == "__main__":
    if "--check" not in sys.argv:
        update()
    if wrong := changed():
        sys.exit(f"not as recorded in {VERSIONS.relative_to(ROOT)}: {', '.join(wrong)}")
