"""What a user wrote, each prompt once; what they pinned; what of it they find."""

import pytest
from marks import on_both_databases

from aivideo.core.errors import InvalidInput, NotFound
from aivideo.services import prompts, videos

pytestmark = on_both_databases


@pytest.fixture
def write(app):
    def write(user, *texts: str) -> None:
        for text in texts:
            videos.request(user.id, app.extensions["catalogue"].order(text, seconds=4))

    return write


def words(found) -> list[str]:
    return [written.prompt for written in found]


def test_every_prompt_is_there_once_newest_first(alice, bob, write):
    write(alice, "The first of them", "The second of them", "The first of them")
    write(bob, "Somebody else's words")
    found = prompts.history(alice.id)
    assert [(entry.prompt, entry.video_id, entry.videos) for entry in found.prompts] == [
        ("The first of them", 3, 2),
        ("The second of them", 2, 1),
    ]
    assert found.next is None
    videos.delete(alice.id, 2)
    assert words(prompts.history(alice.id).prompts) == ["The first of them"]


def test_pages_follow_each_other_without_gap_or_repetition(alice, write):
    write(alice, *(f"Prompt number {number}" for number in range(7)))
    prompts.pin(alice.id, "Prompt number 5")
    seen, before = [], None
    while True:
        page = prompts.history(alice.id, before=before, limit=2)
        seen += words(page.prompts)
        before = page.next
        if before is None:
            break
    assert seen == [f"Prompt number {number}" for number in (6, 4, 3, 2, 1, 0)]


def test_a_search_takes_signs_as_they_are(alice, write):
    write(alice, "100 % of a river", "1000 lines of a river", "A_B by the sea")
    prompts.pin(alice.id, "Pinned by a River")
    assert words(prompts.history(alice.id, search="RIVER").prompts) == ["1000 lines of a river", "100 % of a river"]
    assert words(prompts.history(alice.id, search="0 %").prompts) == ["100 % of a river"]
    assert words(prompts.history(alice.id, search="a_b").prompts) == ["A_B by the sea"]
    assert words(prompts.pinned(alice.id, search="river")) == ["Pinned by a River"]


def test_a_pinned_prompt_is_kept_once_and_only_for_its_owner(alice, bob):
    prompts.pin(alice.id, "A prompt to keep")
    prompts.pin(alice.id, "A prompt to keep")
    (kept,) = prompts.pinned(alice.id)
    assert prompts.pinned_prompt(alice.id, kept.pin_id) == "A prompt to keep"
    assert prompts.pinned(bob.id) == []
    with pytest.raises(NotFound):
        prompts.pinned_prompt(bob.id, kept.pin_id)
    prompts.unpin(bob.id, kept.pin_id)
    assert words(prompts.pinned(alice.id)) == ["A prompt to keep"]
    prompts.unpin(alice.id, kept.pin_id)
    prompts.unpin(alice.id, kept.pin_id)
    assert prompts.pinned(alice.id) == []


def test_pins_have_a_limit(alice, monkeypatch):
    monkeypatch.setattr(prompts, "MOST_PINS", 2)
    prompts.pin(alice.id, "One of them")
    prompts.pin(alice.id, "Two of them")
    with pytest.raises(InvalidInput, match="You have 2 pinned prompts"):
        prompts.pin(alice.id, "Three of them")
