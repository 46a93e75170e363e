"""What an operator decides on pages that exist for admins only."""

import pytest
from provider_inside import time_passes, work_off
from visitors import signed_in

from aivideo.extensions import db
from aivideo.models import User
from aivideo.services import doubts, videos


@pytest.fixture
def doubt(app, simulator, alice):
    """An attempt of Alice's that no list can settle."""
    simulator.faults.tell("drop", operation="create", count=1)
    simulator.faults.tell("no_route", operation="list")
    videos.request(alice.id, app.extensions["catalogue"].order("A cat walks slowly through the rain"))
    work_off(app)
    time_passes(2)
    work_off(app)
    return doubts.to_check()[0].id


def test_to_everybody_but_admins_the_pages_do_not_exist(app, alice):
    for path in ("/admin/checks", "/admin/books"):
        assert signed_in(app, alice).get(path).status_code == 404
    assert signed_in(app, alice).post("/admin/checks/1/dismiss").status_code == 404


def test_a_lost_job_is_adopted_by_hand(app, simulator, admin, doubt):
    boss = signed_in(app, admin)
    assert "A cat walks slowly" in boss.get("/admin/checks").text
    (bought,) = simulator.purchases()
    after = boss.post(f"/admin/checks/{doubt}/adopt", data={"job": bought["id"]}, follow_redirects=True)
    assert "The video follows this job now" in after.text
    assert "Nothing to check" in after.text


def test_a_wrong_id_is_said_in_words(app, admin, doubt):
    boss = signed_in(app, admin)
    assert "Enter the provider" in boss.post(f"/admin/checks/{doubt}/adopt", follow_redirects=True).text
    assert doubts.to_check()


def test_a_call_that_was_never_taken_is_dismissed(app, admin, doubt):
    after = signed_in(app, admin).post(f"/admin/checks/{doubt}/dismiss", follow_redirects=True)
    assert "Nothing to check" in after.text


@pytest.mark.parametrize(("fault", "code"), [("quota", "insufficient_quota"), ("unauthorised", "invalid_api_key")])
def test_an_account_that_the_provider_refuses_is_told_until_it_takes_a_video(app, simulator, alice, admin, fault, code):
    boss = signed_in(app, admin)
    simulator.faults.tell(fault, operation="create", count=1)
    videos.request(alice.id, app.extensions["catalogue"].order("A cat walks slowly through the rain"))
    work_off(app)
    told = boss.get("/admin/checks").text
    assert "The provider refuses our account" in told
    assert code in told
    time_passes(61)
    work_off(app)
    assert "refuses our account" not in boss.get("/admin/checks").text


def test_the_books_say_whether_they_add_up(app, admin, alice):
    boss = signed_in(app, admin)
    assert "The books add up: 2 users" in boss.get("/admin/books").text
    from sqlalchemy import update

    db.session.execute(update(User).where(User.id == alice.id).values(credits=1))
    db.session.commit()
    assert "does not add up" in boss.get("/admin/books").text
