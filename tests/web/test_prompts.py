"""The tools for a prompt and the choice of a frame: pages of their own, and fragments in the studio."""

import re

import pytest
from visitor import Visitor

from aivideo.core.prompts import STARTING_POINTS
from aivideo.models import User
from aivideo.services import prompts, videos
from aivideo.transaction import transaction

HTMX = {"HX-Request": "true"}
TOKEN = re.compile(r'name="csrf_token" value="[^"]+"')
"""Another one in each second."""
NASTY = "</a><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def hers(app, alice):
    return _signed_in(app, "alice@example.com")


def _signed_in(app, email: str) -> Visitor:
    app.config["WTF_CSRF_ENABLED"] = True
    visitor = Visitor(app)
    visitor.sign_in(email)
    app.config["WTF_CSRF_ENABLED"] = False
    return visitor


def write(app, user, *texts: str) -> None:
    for text in texts:
        videos.request(user.id, app.extensions["catalogue"].order(text, seconds=4))


@pytest.mark.parametrize("path", ["/prompts", "/prompts/starting-points", "/prompts/parts", "/frames"])
def test_each_tool_is_a_page_and_a_fragment_and_only_for_who_is_signed_in(hers, client, path):
    assert client.get(path).headers["Location"].startswith("/login")
    page, fragment = hers.get(path), hers.get(path, headers=HTMX)
    assert "<html" in page.text
    assert "<html" not in fragment.text
    assert TOKEN.sub("", fragment.text).strip() in TOKEN.sub("", page.text)


def test_the_history_finds_pins_and_reuses(app, hers, alice, bob):
    write(app, alice, "A ferry in the fog", "A tram in the snow", NASTY)
    write(app, bob, "Somebody else's words")
    page = hers.get("/prompts").text
    assert page.index("tram") < page.index("ferry")
    assert "<script>alert" not in page
    assert "Somebody" not in page
    assert re.findall(r'href="(/\?[^"]+)"', page) == ["/?prompt_of=3", "/?prompt_of=2", "/?prompt_of=1"]
    found = hers.get("/prompts?q=FERRY").text
    assert "A tram" not in found
    assert ">A ferry in the fog<" in found
    assert "None of your prompts has these words." in hers.get("/prompts?q=nothing").text

    assert hers.client.post("/prompts/pins", data={"video": 1}).status_code == 303
    (pin,) = prompts.pinned(alice.id)
    page = hers.get("/prompts", headers=HTMX).text
    assert page.count(">A ferry in the fog<") == 1
    assert f'href="/?pin={pin.pin_id}"' in page
    assert ">A ferry in the fog</textarea>" in hers.get(f"/?pin={pin.pin_id}").text
    assert ">A tram in the snow</textarea>" in hers.get("/?prompt_of=2").text
    his = _signed_in(app, "bob@example.com")
    assert "></textarea>" in his.get(f"/?pin={pin.pin_id}").text
    assert "></textarea>" in his.get("/?prompt_of=2").text
    assert his.client.post("/prompts/pins", data={"video": 1}).status_code == 404
    his.client.post(f"/prompts/pins/{pin.pin_id}/remove")
    left = hers.client.post(f"/prompts/pins/{pin.pin_id}/remove", data={"q": "ferry"}, headers=HTMX)
    assert f'href="/?pin={pin.pin_id}"' not in left.text
    assert 'href="/?prompt_of=1"' in left.text
    assert 'value="ferry"' in left.text


def test_a_pin_too_many_is_refused_where_it_was_wanted(app, hers, alice, monkeypatch):
    monkeypatch.setattr(prompts, "MOST_PINS", 0)
    write(app, alice, "A ferry in the fog")
    for headers in ({}, HTMX):
        refused = hers.client.post("/prompts/pins", data={"video": 1}, headers=headers)
        assert refused.status_code == 422
        assert "You have 0 pinned prompts. Unpin one first." in refused.text
        assert ">A ferry in the fog<" in refused.text


def test_older_prompts_come_by_a_link(app, hers, alice):
    with transaction() as session:
        session.get(User, alice.id).credits = 5000
    write(app, alice, *(f"Prompt number {number:02}" for number in range(21)))
    page = hers.get("/prompts").text
    link = re.search(r'href="(/prompts\?[^"]*before=[^"]*)"', page)
    assert link
    assert "Prompt number 00" not in page
    assert "Prompt number 00" in hers.get(link[1].replace("&amp;", "&")).text


def test_a_starting_point_fills_the_form(hers):
    page = hers.get("/prompts/starting-points").text
    assert len(re.findall(r'class="start"', page)) == 12
    assert page.count("prefers-reduced-motion") == 12
    for start in STARTING_POINTS:
        assert f"{start.prompt}</textarea>" in hers.get(f"/?start={start.name}").text
    assert "></textarea>" in hers.get("/?start=nothing").text
    assert "starting/" not in hers.get("/").text  # they are fetched when they are opened


def test_parts_are_written_as_one_prompt_and_used_without_scripts(hers):
    sent = {"shot": "close-up", "subject": "a <b>cat</b>", "action": "yawns", "mood": "calm"}
    page = hers.client.post("/prompts/parts", data=sent).text
    assert "Close-up: a &lt;b&gt;cat&lt;/b&gt; yawns. Calm." in page
    assert 'value="close-up"' in page
    assert 'formaction="/"' in page
    studio = hers.client.post("/", data=sent).text
    assert ">Close-up: a &lt;b&gt;cat&lt;/b&gt; yawns. Calm.</textarea>" in studio
