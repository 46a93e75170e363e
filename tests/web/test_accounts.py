"""The account page, API tokens, the demo sign-in, and who may use what."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from marks import on_both_databases
from sqlalchemy import event, select, update
from visitor import PASSWORD, Visitor

from aivideo.config import DEMO_EMAIL
from aivideo.core.ledger import Kind
from aivideo.extensions import db
from aivideo.models import ApiToken, LedgerEntry, User, Video
from aivideo.services import accounts, credits
from aivideo.transaction import transaction


@pytest.fixture
def hers(app, alice):
    app.config["WTF_CSRF_ENABLED"] = True
    visitor = Visitor(app)
    visitor.sign_in("alice@example.com")
    return visitor


@pytest.fixture
def his(app, bob):
    app.config["WTF_CSRF_ENABLED"] = True
    visitor = Visitor(app)
    visitor.sign_in("bob@example.com")
    return visitor


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def only_token(user):
    db.session.expire_all()
    return db.session.scalars(select(ApiToken).where(ApiToken.user_id == user.id)).one()


def make_token(visitor, name="batch 7"):
    answer = visitor.post("/account/tokens", on="/account", name=name)
    assert answer.status_code == 201
    return re.search(r'value="(av_[^"]+)"', answer.text)[1]


def book(user, *kinds, days_ago=0, **values):
    """A video of 100 credits, and its movements."""
    with transaction() as session:
        video = Video(user_id=user.id, model="sora-2", size="1280x720", seconds=8, credits=100)
        video.stage, video.status, video.prompt = "queued", "pending", values.pop("prompt", "A cat")
        for name, value in values.items():
            setattr(video, name, value)
        session.add(video)
        session.flush()
        for kind in kinds:
            credits.book(session, user.id, kind, 100, video_id=video.id, note="The provider failed")
        moment = datetime.now(UTC) - timedelta(days=days_ago)
        session.execute(update(LedgerEntry).where(LedgerEntry.video_id == video.id).values(created_at=moment))
    return video.id


@on_both_databases
def test_the_page_shows_plan_credits_and_where_they_went(hers, alice):
    failed = book(alice, Kind.CHARGE, Kind.REFUND, prompt="A <i>dog</i>")
    book(alice, Kind.CHARGE, title="Rain", days_ago=29)
    book(alice, Kind.CHARGE, hidden_at=datetime.now(UTC))
    book(alice, Kind.CHARGE, days_ago=31)
    credits.grant(alice.id, 50, "For a birthday <3")
    page = hers.get("/account").text
    for words in ("alice@example.com", "Creator", "<dd>750</dd>", "−100", "+100", "Back: The provider failed", "Rain"):
        assert words in page
    assert "For a birthday &lt;3" in page
    assert f'href="/videos/{failed}">A &lt;i&gt;dog&lt;/i&gt;</a>' in page
    assert "A deleted video" in page
    assert "200 credits for 2 videos" in page, "what came back was not used, nor what was used before"
    first = (datetime.now(UTC) - timedelta(days=29)).strftime("%-d %B")
    assert f"<title>{first}: 100 credits, 1 video</title>" in page
    assert page.count('class="bar"') == 2
    assert page.count('class="hit"') == 30


def test_every_movement_is_on_some_page_and_the_next_is_a_link(hers, alice):
    for number in range(1, 120):
        credits.grant(alice.id, number, f"gift {number}.")
    assert "Every movement" in hers.get("/account").text
    path, seen = "/account/credits", []
    while path:
        page = hers.get(path).text
        seen += re.findall(r"gift (\d+)\.", page)
        path = next(iter(re.findall(r'rel="next" href="([^"]+)"', page)), None)
    assert seen == [str(number) for number in range(119, 0, -1)]
    for odd in ("x", "-1", "9" * 30, "1"):
        assert hers.get(f"/account/credits?before={odd}").status_code == 200


def test_a_plan_that_cannot_generate_says_so(app):
    app.config["WTF_CSRF_ENABLED"] = True
    accounts.create("free@example.com", PASSWORD, plan="free", credits=0)
    visitor = Visitor(app)
    visitor.sign_in("free@example.com")
    assert "does not include making videos" in visitor.get("/account").text


@on_both_databases
def test_a_token_is_shown_once_works_and_is_kept_as_a_hash(hers, alice, client):
    token = make_token(hers)
    row = only_token(alice)
    assert row.name == "batch 7"
    assert row.last_used_at is None
    assert token.startswith(row.hint)
    assert token not in str({column.name: getattr(row, column.name) for column in ApiToken.__table__.columns})
    page = hers.get("/account").text
    assert token not in page
    assert row.hint in page
    assert "never" in page
    answer = client.get("/api/v1/account", headers=bearer(token))
    assert answer.json == {"email": "alice@example.com", "plan": "creator", "credits": 1000}
    assert only_token(alice).last_used_at is not None
    assert "never" not in hers.get("/account").text


def test_the_page_with_a_new_token_is_kept_nowhere(hers):
    answer = hers.post("/account/tokens", on="/account", name="")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_name_may_hold_anything(hers, alice):
    make_token(hers, name="<script>\x00" + "x" * 200)
    assert only_token(alice).name == "<script>" + "x" * 72
    assert "<script>x" not in hers.get("/account").text


@on_both_databases
def test_a_revoked_token_opens_nothing_from_then_on(hers, alice, client):
    token = make_token(hers)
    answer = hers.post(f"/account/tokens/{only_token(alice).id}/revoke", on="/account")
    assert answer.location == "/account"
    assert client.get("/api/v1/account", headers=bearer(token)).status_code == 401
    assert "batch 7" not in hers.get("/account").text


def test_a_stranger_s_token_is_not_found(hers, his, alice, client):
    token = make_token(hers)
    number = only_token(alice).id
    assert his.post(f"/account/tokens/{number}/revoke", on="/account").status_code == 404
    assert client.get("/api/v1/account", headers=bearer(token)).status_code == 200
    for wrong in (number + 1, 2**31, 2**70):
        assert hers.post(f"/account/tokens/{wrong}/revoke", on="/account").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/account"),
        ("post", "/account/tokens"),
        ("post", "/account/tokens/1/revoke"),
        ("post", "/account/sign-out-everywhere"),
        ("post", "/account/sessions/1/end"),
        ("post", "/account/notices"),
        ("post", "/notices/shown"),
        ("get", "/account/credits"),
        ("post", "/account/google/disconnect"),
    ],
)
def test_nobody_gets_to_the_sign_in_page_and_a_token_is_no_session(client, alice, method, path):
    token = accounts.issue_token(alice.id)
    for headers in ({}, bearer(token)):
        answer = client.open(path, method=method.upper(), headers=headers)
        assert answer.status_code == 302
        assert answer.location.startswith("/login")
    assert only_token(alice).revoked_at is None


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer nonsense", "Bearer av_x y", "bearer \x80", "Basic YTpi", "Token x"]
)
def test_what_is_no_token_is_401_and_says_how(client, header):
    answer = client.get("/api/v1/account", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_closed_account_s_token_opens_nothing(client, alice):
    token = accounts.issue_token(alice.id)
    with transaction() as session:
        session.get(User, alice.id).active = False
    assert client.get("/api/v1/account", headers=bearer(token)).status_code == 401


def test_a_session_reads_the_api_but_writing_takes_a_token(hers):
    assert hers.get("/api/v1/account").json["email"] == "alice@example.com"
    answer = hers.client.post("/api/v1/videos/generate", json={"prompt": "A cat walks through the rain"})
    assert answer.status_code == 401
    assert hers.client.delete("/api/v1/videos/1").status_code == 401


def test_a_bad_token_is_refused_although_there_is_a_session(hers):
    assert hers.get("/api/v1/account", headers=bearer("av_wrong")).status_code == 401


def test_the_token_counts_where_there_is_somebody_else_s_session(hers, bob):
    answer = hers.get("/api/v1/account", headers=bearer(accounts.issue_token(bob.id)))
    assert answer.json["email"] == "bob@example.com"


@on_both_databases
def test_authenticating_by_token_is_one_statement(client, alice):
    token = accounts.issue_token(alice.id)
    client.get("/api/v1/account", headers=bearer(token))
    statements = []
    event.listen(db.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    assert client.get("/api/v1/account", headers=bearer(token)).status_code == 200
    assert len(statements) == 1, statements


def test_the_last_use_is_noted_to_the_minute(app, alice):
    token = accounts.issue_token(alice.id)
    accounts.by_token(token)
    first = only_token(alice).last_used_at
    accounts.by_token(token)
    assert only_token(alice).last_used_at == first
    with transaction():
        only_token(alice).last_used_at = datetime.now(UTC) - timedelta(minutes=2)
    accounts.by_token(token)
    assert only_token(alice).last_used_at > first


def test_signing_out_everywhere_ends_every_session_and_no_token(hers, alice, app):
    elsewhere = Visitor(app)
    elsewhere.sign_in(remember="y")
    token = make_token(hers)
    answer = hers.post("/account/sign-out-everywhere", on="/account")
    assert answer.location == "/login"
    assert not hers.is_signed_in()
    assert not elsewhere.is_signed_in()
    assert elsewhere.get("/api/v1/account", headers=bearer(token)).status_code == 200
    hers.sign_in()
    assert hers.is_signed_in()


class TestDemo:
    @pytest.fixture
    def overrides(self, overrides):
        return {**overrides, "DEMO_PASSWORD": "only-for-the-demo"}

    @pytest.fixture
    def visitor(self, app):
        app.config["WTF_CSRF_ENABLED"] = True
        return Visitor(app)

    def test_one_click_signs_in(self, visitor):
        assert 'action="/login/demo"' in visitor.get("/login").text
        answer = visitor.post("/login/demo", on="/login")
        assert (answer.status_code, answer.location) == (303, "/")
        page = visitor.get("/account").text
        assert "demo@aivideo.local" in page
        assert "<dd>1,000</dd>" in page

    def test_the_printed_password_signs_in_too_also_after_it_has_changed(self, visitor):
        accounts.demo("another-password")
        accounts.demo("only-for-the-demo")
        visitor.sign_in("demo@aivideo.local", "only-for-the-demo")
        assert visitor.is_signed_in()
        assert len(accounts.everybody()) == 1

    def test_the_page_does_not_show_the_password(self, visitor):
        assert "only-for-the-demo" not in visitor.get("/login").text


def test_without_make_run_there_is_no_demo(app, client):
    assert "demo" not in client.get("/login").text.lower()
    assert client.post("/login/demo").status_code == 404
    assert accounts.find(DEMO_EMAIL) is None


def test_a_page_for_admins_exists_for_admins_only(app, alice, admin):
    from aivideo.web.access import require_admin

    app.add_url_rule("/for-admins", view_func=lambda: require_admin().email)
    app.config["WTF_CSRF_ENABLED"] = True
    visitor = Visitor(app)
    assert visitor.get("/for-admins").location == "/login?next=/for-admins"
    visitor.sign_in("alice@example.com")
    assert visitor.get("/for-admins").status_code == 404
    visitor.get("/logout")
    visitor.sign_in("admin@example.com")
    assert visitor.get("/for-admins").text == "admin@example.com"
