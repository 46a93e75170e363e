"""Telling what ended: on the next page, without any script, and to an open page that asks."""

import re

import pytest
from streams import Writer
from visitor import Visitor, csrf_token

from aivideo.extensions import db
from aivideo.models import User


@pytest.fixture
def hers(app, alice):
    app.config["WTF_CSRF_ENABLED"] = True
    visitor = Visitor(app)
    visitor.sign_in()
    return visitor


@pytest.fixture
def ended(app, alice):
    """Ends a video of Alice's; returns its number."""
    hand = Writer(app)

    def end(status="completed", **values):
        video_id = hand.video(alice.id, 1, **values)
        hand.end(video_id, status)
        return video_id

    return end


def toasts(answer):
    """What the toasts of a page say."""
    inside = answer.text.partition('id="toasts"')[2].partition("<template")[0]
    return [re.sub(r"<[^>]+>|\s+", " ", text).strip() for text in re.findall(r"<p>(.*?)</p>", inside, re.DOTALL)]


def test_the_next_page_tells_once_and_leads_to_the_video(hers, ended):
    assert toasts(hers.get("/videos")) == []
    video = ended(prompt="<b>A cat</b>")
    answer = hers.get("/account")
    assert toasts(answer) == ["Your video is ready: “&lt;b&gt;A cat&lt;/b&gt;”.  Open"]
    assert f'href="/videos/{video}">Open' in answer.text
    for path in ("/account", "/", "/videos"):
        assert toasts(hers.get(path)) == []


def test_many_are_told_as_one_and_the_page_of_a_video_does_not_tell_of_it(hers, ended):
    ended()
    ended("failed")
    assert toasts(hers.get("/")) == ["2 videos ended: 1 is ready, 1 failed.  Open the library"]
    video = ended()
    assert toasts(hers.get(f"/videos/{video}")) == []
    assert toasts(hers.get("/")) == []


def test_only_who_looks_is_told(hers, ended):
    ended()
    for headers in ({"HX-Request": "true"}, {"Sec-Fetch-Dest": "empty"}, {"Sec-Purpose": "prefetch"}):
        hers.get("/videos", headers=headers)
    hers.client.head("/videos")
    for path in ("/videos/99", "/nothing-here", "/api/v1/videos"):
        hers.get(path)
    assert len(toasts(hers.get("/videos", headers={"Sec-Fetch-Dest": "document"}))) == 1


def test_an_open_page_that_asks_first_is_told_and_no_other(app, hers, ended, bob):
    his = Visitor(app)
    his.sign_in("bob@example.com")
    video = ended(prompt="A cat")
    ask = lambda visitor: visitor.post("/notices/shown", on="/account")  # noqa: E731
    token = csrf_token(hers.client.get("/account", headers={"Sec-Fetch-Dest": "empty"}))
    assert hers.client.post("/notices/shown").status_code == 400, "no page elsewhere takes it away"
    assert ask(his).status_code == 204
    answer = hers.client.post("/notices/shown", data={"csrf_token": token})
    assert answer.json == {
        "text": "Your video is ready: “A cat”.",
        "tone": "success",
        "href": f"/videos/{video}",
        "action": "Open",
        "tag": f"video-{video}",
    }
    assert ask(hers).status_code == 204
    assert app.test_client().get("/account").status_code == 302


def test_the_choice_is_kept_and_the_pages_know_it(hers, alice):
    assert "data-browser" not in hers.get("/").text
    for fields in ({"notify_email": "on", "notify_browser": "on"}, {"notify_email": "on"}, {}):
        answer = hers.post("/account/notices", on="/account", **fields)
        assert answer.location == "/account#notices"
        db.session.expire_all()
        user = db.session.get(User, alice.id)
        assert (user.notify_email, user.notify_browser) == ("notify_email" in fields, "notify_browser" in fields)
        assert ("data-browser" in hers.get("/").text) == user.notify_browser
