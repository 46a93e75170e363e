"""A card that waits tells how many are before it, and one that renders how much is left."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import render_template
from fragments import video
from provider_inside import work_off
from visitor import Visitor

from aivideo.adapters import catalogue
from aivideo.core.video import Stage, Status
from aivideo.services import videos
from aivideo.web import filters


def test_a_video_that_waits_has_a_place_in_line(app, simulator, client, alice, bob):
    simulator.faults.tell("render", operation="create", seconds=6000)
    order = catalogue().order("A cat walks slowly through the rain", seconds=4)
    made = [videos.request(alice.id, order).video_id for _ in range(5)]
    work_off(app)  # a plan of three at once
    hers, his = Visitor(app), Visitor(app)
    app.config["WTF_CSRF_ENABLED"] = True
    hers.sign_in(alice.email)
    his.sign_in(bob.email)
    answers = [hers.get(f"/videos/{one}/place") for one in made]
    assert [answer.status_code for answer in answers] == [204, 204, 204, 200, 200]
    assert "Next in line" in answers[3].text
    assert "1 video before it" in answers[4].text
    assert "every 10s" in answers[4].text
    assert his.get(f"/videos/{made[4]}/place").status_code == 404
    assert client.get(f"/videos/{made[4]}/place").status_code == 401, "a line of a page sends nobody away"
    assert f'hx-get="/videos/{made[4]}/place"' in hers.get("/").text
    assert "1 video before it" in hers.get(f"/videos/{made[4]}").text, "without a script it is there as well"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(72.3, "about 1:12 left"), (3723, "about 1:02:03 left"), (0.2, "a moment longer"), (-9, "a moment longer")],
)
def test_what_is_left_is_said_in_words_that_stay_true(app, seconds, words):
    now = datetime.now(UTC)
    assert filters.time_left(filters.left(now + timedelta(seconds=seconds), now)) == words
    with app.test_request_context():
        soon = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        assert "data-left=" in render_template("videos/_live.html", video=video(expected_at=soon))
        for other in (video(expected_at=None), video(status=Status.PENDING, stage=Stage.QUEUED)):
            assert "data-left=" not in render_template("videos/_live.html", video=other)
