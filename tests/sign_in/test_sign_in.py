"""Registering, signing in and out, and passwords, as a browser does it, with CSRF protection on."""

import re

import pytest
from marks import on_both_databases
from sqlalchemy import select
from visitor import PASSWORD, Visitor

from aivideo.extensions import db
from aivideo.models import LedgerEntry, User
from aivideo.services import accounts
from aivideo.transaction import transaction

WRONG = "E-mail or password is wrong."


@pytest.fixture
def visitor(app):
    app.config["WTF_CSRF_ENABLED"] = True
    return Visitor(app)


def user(email="alice@example.com"):
    db.session.expire_all()
    return db.session.scalar(select(User).where(User.email == email))


@on_both_databases
def test_who_registers_is_signed_in_and_has_the_plan_and_credits_of_a_new_account(visitor):
    answer = visitor.post("/register", email="New@Example.com", password=PASSWORD)
    assert (answer.status_code, answer.location) == (302, "/")
    assert visitor.is_signed_in()
    made = user("new@example.com")
    assert (made.plan, made.credits, made.confirmed_at) == ("creator", 1000, None)
    entries = db.session.scalars(select(LedgerEntry).where(LedgerEntry.user_id == made.id)).all()
    assert [(entry.kind, entry.amount, entry.balance) for entry in entries] == [("grant", 1000, 1000)]


def test_registering_leads_to_the_page_that_was_wanted(visitor):
    answer = visitor.post("/register?next=/videos", email="new@example.com", password=PASSWORD)
    assert answer.location == "/videos"


def test_an_address_has_one_account_whatever_its_case(visitor, alice):
    answer = visitor.post("/register", email="ALICE@example.COM", password=PASSWORD)
    assert answer.status_code == 200
    assert "There is already an account for alice@example.com" in answer.text
    assert len(accounts.everybody()) == 1
    assert not visitor.is_signed_in()


@pytest.mark.parametrize(
    ("password", "says"), [("short", "Use at least 8 characters; this one has 5."), ("x" * 201, "at most 200")]
)
def test_a_password_is_8_to_200_characters_and_nothing_else_is_demanded(visitor, password, says):
    answer = visitor.post("/register", email="new@example.com", password=password)
    assert says in answer.text
    assert user("new@example.com") is None


@pytest.mark.parametrize("email", ["", "nobody", "a b@example.com", "a@b", "a@example.com\x00"])
def test_what_is_no_address_is_refused_in_words(visitor, email):
    answer = visitor.post("/register", email=email, password=PASSWORD)
    assert answer.status_code == 200
    assert "address" in answer.text
    assert accounts.everybody() == []


def test_signing_in_takes_any_case_and_leads_to_the_studio(visitor, alice):
    answer = visitor.sign_in("Alice@EXAMPLE.com")
    assert (answer.status_code, answer.location) == (302, "/")
    assert visitor.is_signed_in()


def test_a_password_may_be_typed_on_another_keyboard(visitor):
    accounts.create("ann@example.com", "pa\u0308sswort")
    visitor.sign_in("ann@example.com", "p\u00e4sswort")
    assert visitor.is_signed_in()


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(visitor, alice):
    wrong = visitor.sign_in(password="not her password")
    unknown = visitor.sign_in("nobody@example.com")
    for answer in (wrong, unknown):
        assert answer.status_code == 200
        assert WRONG in answer.text
    neutral = [re.sub(r'value="[^"]*"', "", answer.text.replace("nobody@", "alice@")) for answer in (wrong, unknown)]
    assert neutral[0] == neutral[1]
    assert not visitor.is_signed_in()


def test_an_account_without_a_password_cannot_be_entered_with_one(visitor, app):
    accounts.create("ann@example.com", None)
    assert WRONG in visitor.sign_in("ann@example.com", "").text
    assert WRONG in visitor.sign_in("ann@example.com", "anything at all").text


def test_who_knows_the_password_of_a_closed_account_is_told_so(visitor, alice):
    with transaction() as session:
        session.get(User, alice.id).active = False
    assert "This account is closed" in visitor.sign_in().text
    assert WRONG in visitor.sign_in(password="not her password").text
    assert not visitor.is_signed_in()


def test_closing_an_account_ends_its_sessions(visitor, alice):
    visitor.sign_in()
    with transaction() as session:
        session.get(User, alice.id).active = False
    assert not visitor.is_signed_in()


@pytest.mark.parametrize("page", ["/", "/videos", "/videos/1", "/account", "/change"])
def test_a_stranger_goes_to_the_sign_in_page_and_comes_back(visitor, alice, page):
    answer = visitor.get(page)
    assert answer.status_code == 302
    assert answer.location == ("/login" if page == "/" else f"/login?next={page}")
    back = visitor.post(answer.location, email="alice@example.com", password=PASSWORD)
    assert back.location == page


def test_a_stranger_s_fragment_sends_the_whole_page_to_sign_in(visitor):
    answer = visitor.get("/videos?page=2", headers={"HX-Request": "true", "Referer": "http://localhost/videos"})
    assert answer.headers["HX-Redirect"] == "/login?next=/videos"
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "http://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        " //evil.example",
        "https:evil.example",
        "https:///evil.example",
        "javascript:alert(1)",
        "http://localhost@evil.example",
        "/%09/evil.example\r\nSet-Cookie: a=b",
    ],
)
@pytest.mark.parametrize("where", ["query", "field", "both"])
def test_signing_in_never_leads_to_another_site(visitor, alice, elsewhere, where):
    fields = {"email": "alice@example.com", "password": PASSWORD}
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', visitor.get("/login").text)[1]
    query = {"next": elsewhere} if where != "field" else {}
    fields |= {"next": elsewhere} if where != "query" else {}
    answer = visitor.client.post("/login", query_string=query, data={**fields, "csrf_token": token})
    assert answer.status_code == 302
    path = answer.location
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert path.isprintable()
    assert visitor.is_signed_in()


def test_the_page_of_a_bad_link_does_not_pass_it_on(visitor):
    assert "evil" not in visitor.get("/login", query_string={"next": "//evil.example"}).text


@pytest.mark.parametrize("method", ["get", "post"])
def test_signing_out_works_by_link_and_by_menu(visitor, alice, method):
    visitor.sign_in()
    answer = visitor.get("/logout") if method == "get" else visitor.post("/logout", on="/account")
    assert (answer.status_code, answer.location) == (302, "/login")
    assert not visitor.is_signed_in()


def test_signing_out_forgets_who_wanted_to_be_remembered(visitor, alice, app):
    visitor.sign_in(remember="y")
    session, remember = app.config["SESSION_COOKIE_NAME"], app.config["REMEMBER_COOKIE_NAME"]
    assert visitor.cookies().keys() == {session, remember}
    visitor.client.delete_cookie(session)
    assert visitor.is_signed_in()
    visitor.get("/logout")
    visitor.client.delete_cookie(session)
    assert not visitor.is_signed_in()


def test_without_the_tick_nobody_is_remembered(visitor, alice, app):
    visitor.sign_in()
    assert visitor.cookies().keys() == {app.config["SESSION_COOKIE_NAME"]}


@pytest.mark.parametrize("https", [False, True])
def test_cookies_are_out_of_reach_of_scripts_and_other_sites(overrides, https, request):
    overrides["FORCE_HTTPS"] = https
    app = request.getfixturevalue("app")
    request.getfixturevalue("alice")
    answer = app.test_client().post(
        "/login",
        base_url="https://localhost" if https else "http://localhost",
        data={"email": "alice@example.com", "password": PASSWORD, "remember": "y"},
    )
    cookies = answer.headers.getlist("Set-Cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) is https


def test_two_installations_on_one_host_do_not_share_cookies(overrides, app, tmp_path):
    from aivideo.app import create_app

    other = create_app({**overrides, "SECRET_KEY": "y" * 32, "DATA_DIR": tmp_path / "other"})
    assert other.config["SESSION_COOKIE_NAME"] != app.config["SESSION_COOKIE_NAME"]


def test_a_form_without_the_page_s_token_is_refused(visitor, alice):
    for path in ("/login", "/register", "/reset", "/logout", "/login/demo", "/account/tokens"):
        answer = visitor.client.post(path, data={"email": "alice@example.com", "password": PASSWORD})
        assert answer.status_code == 400, path
    assert not visitor.is_signed_in()


@on_both_databases
def test_a_changed_password_counts_and_ends_every_other_session(visitor, alice, app):
    other = Visitor(app)
    other.sign_in()
    visitor.sign_in()
    new = "another horse battery"
    answer = visitor.post("/change", password=PASSWORD, new_password=new, new_password_confirm=new)
    assert (answer.status_code, answer.location) == (302, "/account")
    assert visitor.is_signed_in()
    assert not other.is_signed_in()
    assert WRONG in other.sign_in().text
    other.sign_in(password=new)
    assert other.is_signed_in()


def test_changing_a_password_takes_the_present_one(visitor, alice):
    visitor.sign_in()
    new = "another horse battery"
    answer = visitor.post("/change", password="not her password", new_password=new, new_password_confirm=new)
    assert "This is not your password." in answer.text
    assert (
        "Use at least 8" in visitor.post("/change", password=PASSWORD, new_password="x", new_password_confirm="x").text
    )


def test_passwords_are_hashed_with_argon2_and_outlive_the_secret_key(app, alice, overrides, tmp_path):
    from flask_security.utils import hash_password, verify_password

    from aivideo.app import create_app

    other = create_app({**overrides, "SECRET_KEY": "z" * 32})
    with other.app_context():
        assert hash_password(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert verify_password(PASSWORD, alice.password)
        assert not verify_password("not her password", alice.password)


def test_flask_security_s_own_tokens_open_nothing(visitor, alice, app):
    token = alice.get_auth_token()
    for headers in ({"Authentication-Token": token}, {"Authorization": f"Bearer {token}"}):
        assert visitor.get("/account", headers=headers).status_code == 302
        assert visitor.get("/api/v1/account", headers=headers).status_code == 401
