"""The list of features names tests that exist."""

import re
from pathlib import Path

from aivideo.config import ROOT

TESTS = Path(__file__).parent


def test_every_test_that_the_list_of_features_names_exists():
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs/features.md").read_text().partition("## ")[2])
    assert len(named) > 80
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (TESTS / path).is_file() or (name and f"def {name}(" not in (TESTS / path).read_text())
    ]
    assert missing == []
