"""Sessions: each signed-in browser is listed, and signed out from elsewhere at once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from marks import on_both_databases
from sqlalchemy import event, select
from visitor import PASSWORD, Visitor

from aivideo.extensions import db
from aivideo.models import SignIn
from aivideo.services import sign_ins
from aivideo.transaction import transaction

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1"


@pytest.fixture
def arrive(app, alice):
    """Somebody at a browser of their own, signed in as Alice."""
    app.config["WTF_CSRF_ENABLED"] = True

    def sign_in(browser=FIREFOX, address="192.0.2.7", **fields):
        visitor = Visitor(app)
        visitor.client.environ_base.update(HTTP_USER_AGENT=browser, REMOTE_ADDR=address)
        visitor.sign_in(**fields)
        return visitor

    return sign_in


def rows(user):
    db.session.expire_all()
    return db.session.scalars(select(SignIn).where(SignIn.user_id == user.id).order_by(SignIn.id)).all()


def section(visitor):
    return visitor.get("/account").text.partition('id="sessions"')[2].partition("</section>")[0]


@on_both_databases
def test_a_browser_is_signed_out_from_another_at_once_and_for_good(arrive, alice):
    here, phone = arrive(), arrive(PHONE, "2001:db8::1", remember="y")
    text = section(here)
    for words in ("Firefox on Windows", "192.0.2.7", "Safari on iPhone", "2001:db8::1"):
        assert words in text
    assert text.count("This browser") == 1
    assert re.search(r"Firefox on Windows\s*<span[^>]*>This browser", text)
    mine, hers = rows(alice)
    answer = here.post(f"/account/sessions/{hers.id}/end", on="/account")
    assert answer.location == "/account#sessions"
    assert not phone.is_signed_in()
    phone.client.delete_cookie(next(name for name in phone.cookies() if not name.endswith("remember")))
    assert not phone.is_signed_in(), "nor by the cookie that remembers it"
    assert "iPhone" not in section(here)
    assert here.post(f"/account/sessions/{hers.id}/end", on="/account").status_code == 404
    assert here.post(f"/account/sessions/{mine.id}/end", on="/account").location == "/login"
    assert not here.is_signed_in()


def test_a_stranger_cannot_sign_anybody_out(app, arrive, alice, bob):
    here = arrive()
    his = Visitor(app)
    his.sign_in("bob@example.com")
    assert his.post(f"/account/sessions/{rows(alice)[0].id}/end", on="/account").status_code == 404
    assert app.test_client().post(f"/account/sessions/{rows(alice)[0].id}/end").status_code == 400
    assert here.is_signed_in()


@on_both_databases
def test_a_new_password_ends_all_others_and_keeps_this_one(arrive, alice):
    here, there = arrive(), arrive(remember="y")
    new = "another good password"
    here.post("/change", password=PASSWORD, new_password=new, new_password_confirm=new)
    assert here.is_signed_in()
    assert not there.is_signed_in()
    assert section(here).count("Firefox on Windows</p>") + section(here).count("This browser") == 1


@pytest.mark.parametrize("forget", [False, True])
def test_the_cookie_that_remembers_a_browser_belongs_to_its_session(arrive, alice, forget):
    here = arrive(remember="y")
    if forget:  # the browser was closed
        here.client.delete_cookie(next(name for name in here.cookies() if not name.endswith("remember")))
    assert here.is_signed_in()
    assert [row.ended_at for row in rows(alice)] == [None]
    here.get("/logout")
    assert not here.is_signed_in()
    assert rows(alice)[0].ended_at is not None


def test_a_cookie_from_before_there_were_sessions_leads_to_the_sign_in_page(arrive, alice):
    here = arrive()
    for old in (alice.fs_uniquifier, f"{alice.fs_uniquifier}.", f"{alice.fs_uniquifier}.guessed", ".", ""):
        with here.client.session_transaction() as session:
            session["_user_id"] = old
        assert here.get("/account").location == "/login?next=/account"
    here.sign_in()
    assert here.is_signed_in()


@on_both_databases
def test_a_session_costs_no_statement_more_and_is_noted_every_five_minutes(app, arrive, alice):
    here = arrive()
    statements = []
    event.listen(db.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert here.get("/api/v1/account").status_code == 200
    assert ["sign_ins" in statement for statement in statements] == [True, False], "the other is for the roles"
    seen = rows(alice)[0].last_seen_at
    with transaction() as session:
        session.get(SignIn, rows(alice)[0].id).last_seen_at = seen - timedelta(minutes=6)
    here.get("/api/v1/account")
    assert rows(alice)[0].last_seen_at >= seen


def test_a_browser_that_was_away_for_a_month_signs_in_again_and_its_row_goes(arrive, alice):
    here = arrive(remember="y")
    with transaction() as session:
        session.get(SignIn, rows(alice)[0].id).last_seen_at = datetime.now(UTC) - sign_ins.KEPT
    assert not here.is_signed_in()
    assert sign_ins.of(alice.id) == []
    arrive()
    assert len(rows(alice)) == 1


def test_what_a_browser_says_of_itself_may_be_anything(arrive, alice):
    here = arrive(browser="<script>alert(1)</script>" + "x" * 500)
    assert here.is_signed_in()
    assert len(rows(alice)[0].browser) == 255
    assert "<script>alert" not in section(here)
