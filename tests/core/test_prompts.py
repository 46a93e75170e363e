from aivideo.config import ROOT
from aivideo.core import catalogue
from aivideo.core.prompts import STARTING_POINTS, compose, starting_point


def test_parts_become_sentences_and_what_is_left_out_leaves_no_trace():
    assert compose(
        {"shot": "close-up", "subject": "a paper boat", "action": "drifts by.", "mood": "  quiet,  dreamy "}
    ) == ("Close-up: a paper boat drifts by. Quiet, dreamy.")
    assert compose({"subject": "a cat"}) == "A cat."
    assert compose({"light": "moonlight", "camera": "slow push in"}) == "Slow push in. Moonlight."
    assert compose({"mood": " . ", "other": "nothing"}) == ""
    assert len(compose({"subject": "x" * 5000})) < 400


def test_each_of_the_dozen_starting_points_is_a_prompt_with_a_small_preview():
    assert len(STARTING_POINTS) == 12
    for start in STARTING_POINTS:
        assert catalogue.load().order(start.prompt).prompt == start.prompt
        assert starting_point(start.name) is start
        moving, still = (ROOT / f"static/starting/{start.name}{kind}.webp" for kind in ("", "-still"))
        assert moving.stat().st_size <= 40_000
        assert still.stat().st_size <= 8_000
    assert starting_point("nothing") is None
