"""The receipt as a page and as JSON: for its owner, and for nobody else."""

import pytest
from visitors import bearer, signed_in

from aivideo.services import videos


@pytest.fixture
def made(app, alice):
    return videos.request(alice.id, app.extensions["catalogue"].order("A <b>bold</b> cat in the rain")).video_id


def test_the_page_answers_why_one_was_charged(app, alice, made):
    page = signed_in(app, alice).get(f"/videos/{made}/receipt")
    assert page.status_code == 200
    assert "You paid 100 credits." in page.text
    assert "100 credits charged." in page.text
    assert "A &lt;b&gt;bold&lt;/b&gt; cat" in page.text


def test_the_json_says_the_same(client, alice, made):
    answer = client.get(f"/api/v1/videos/{made}/receipt", headers=bearer(alice))
    assert answer.status_code == 200
    assert (answer.json["credits_charged"], answer.json["credits_refunded"]) == (100, 0)
    assert {entry["kind"] for entry in answer.json["timeline"]} == {"event", "charge"}


def test_a_stranger_finds_no_receipt(app, client, bob, made):
    assert signed_in(app, bob).get(f"/videos/{made}/receipt").status_code == 404
    assert client.get(f"/api/v1/videos/{made}/receipt", headers=bearer(bob)).status_code == 404
    assert client.get(f"/api/v1/videos/{made}/receipt").status_code == 401
    assert client.get(f"/videos/{made}/receipt").status_code == 302
