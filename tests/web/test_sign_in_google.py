"""Signing in with Google, against a real OpenID Connect provider over HTTP."""

import re
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from marks import on_both_databases
from processes import free_port
from servers import wait_until
from sqlalchemy import select
from threads import at_once
from visitor import PASSWORD, Visitor

from aivideo.core.errors import SignInRefused
from aivideo.extensions import db
from aivideo.models import LedgerEntry, User
from aivideo.services import accounts, google_accounts
from aivideo.transaction import transaction

CALLBACK = "/login/google/callback"


class Provider:
    """The provider as a process of its own; each person there has a `sub` and an address."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "oidc_provider_mock", "--port", str(self.port), "--require-nonce", "true"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self.answers, 20, "the provider")

    def answers(self):
        try:
            return requests.get(f"{self.url}/.well-known/openid-configuration", timeout=1).ok
        except requests.RequestException:
            return False

    def knows(self, sub, email, verified=True):
        claims = {"email": email, "email_verified": verified}
        requests.put(f"{self.url}/users/{sub}", json=claims, timeout=5).raise_for_status()

    def allow(self, location, **fields):
        """What a person does there; returns where their browser is sent back to, as path and query."""
        answer = requests.post(location, data=fields, allow_redirects=False, timeout=5)
        back = urlsplit(answer.headers["Location"])
        assert back.path == CALLBACK
        return f"{back.path}?{back.query}"

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


@pytest.fixture(scope="module")
def provider():
    provider = Provider()
    yield provider
    provider.stop()


@pytest.fixture
def overrides(overrides, provider):
    return {
        **overrides,
        "GOOGLE_CLIENT_ID": "studio",
        "GOOGLE_CLIENT_SECRET": "secret",
        "GOOGLE_DISCOVERY_URL": f"{provider.url}/.well-known/openid-configuration",
    }


@pytest.fixture
def visitor(app):
    app.config["WTF_CSRF_ENABLED"] = True
    return Visitor(app)


@pytest.fixture
def enter(provider):
    """Walk a visitor through the provider and back; returns the answer of the callback."""

    def enter(visitor, sub, start="/login/google"):
        sent = visitor.get(start)
        assert sent.status_code == 302, sent.text
        return visitor.get(provider.allow(sent.location, sub=sub))

    return enter


def user(email):
    db.session.expire_all()
    return db.session.scalar(select(User).where(User.email == email))


def test_the_first_sign_in_makes_a_confirmed_account_with_plan_and_credits(visitor, provider, enter):
    provider.knows("ann-1", "Ann@Example.com")
    answer = enter(visitor, "ann-1", "/login/google?next=/videos")
    assert (answer.status_code, answer.location) == (302, "/videos")
    made = user("ann@example.com")
    assert (made.google_sub, made.password, made.plan, made.credits) == ("ann-1", None, "creator", 1000)
    assert made.confirmed_at is not None
    entry = db.session.scalars(select(LedgerEntry).where(LedgerEntry.user_id == made.id)).one()
    assert (entry.kind, entry.amount) == ("grant", 1000)
    page = visitor.get("/account").text
    assert "Connected" in page
    assert "Choose a password" in page


def test_the_second_sign_in_finds_it_again_whatever_the_address_has_become(visitor, app, provider, enter):
    provider.knows("ann-2", "ann2@example.com")
    enter(visitor, "ann-2")
    provider.knows("ann-2", "married@example.com", verified=False)
    again = Visitor(app)
    enter(again, "ann-2")
    assert "ann2@example.com" in again.get("/account").text
    assert len(accounts.everybody()) == 1


def test_state_nonce_and_a_code_challenge_go_to_the_provider(visitor):
    query = parse_qs(urlsplit(visitor.get("/login/google").location).query)
    assert query["code_challenge_method"] == ["S256"]
    assert all(query[name][0] for name in ("state", "nonce", "code_challenge"))
    assert query["scope"] == ["openid email"]
    assert query["redirect_uri"] == [f"http://localhost{CALLBACK}"]


def test_a_confirmed_account_of_the_same_address_is_linked(visitor, alice, provider, enter):
    provider.knows("alice-1", "ALICE@example.com")
    enter(visitor, "alice-1")
    assert "alice@example.com" in visitor.get("/account").text
    assert user("alice@example.com").google_sub == "alice-1"
    visitor.get("/logout")
    visitor.sign_in()
    assert visitor.is_signed_in()


def test_an_account_nobody_confirmed_is_never_linked(visitor, app, provider, enter):
    squatter = Visitor(app)
    squatter.post("/register", email="victim@example.com", password=PASSWORD)
    provider.knows("victim-1", "victim@example.com")
    answer = enter(visitor, "victim-1")
    assert answer.status_code == 403
    assert "never confirmed" in answer.text
    assert not visitor.is_signed_in()
    assert user("victim@example.com").google_sub is None


def test_an_address_google_has_not_verified_opens_and_makes_nothing(visitor, alice, provider, enter):
    for sub, email in (("eve-1", "alice@example.com"), ("eve-2", "fresh@example.com")):
        provider.knows(sub, email, verified=False)
        answer = enter(visitor, sub)
        assert answer.status_code == 403
        assert "not verified" in answer.text
    assert not visitor.is_signed_in()
    assert user("alice@example.com").google_sub is None
    assert user("fresh@example.com") is None


def test_an_account_linked_to_one_google_account_is_not_opened_by_another(visitor, alice, provider, enter):
    google_accounts.connect(alice.id, "alice-2")
    provider.knows("alice-3", "alice@example.com")
    answer = enter(visitor, "alice-3")
    assert answer.status_code == 403
    assert "another Google account" in answer.text


@pytest.mark.parametrize("linked", [True, False])
def test_a_closed_account_stays_closed(visitor, alice, provider, enter, linked):
    if linked:
        google_accounts.connect(alice.id, "alice-4")
    with transaction() as session:
        session.get(User, alice.id).active = False
    provider.knows("alice-4", "alice@example.com")
    answer = enter(visitor, "alice-4")
    assert answer.status_code == 403
    assert "This account is closed" in answer.text
    assert not visitor.is_signed_in()
    assert user("alice@example.com").google_sub == ("alice-4" if linked else None)


def test_who_says_no_there_is_told_that_nothing_happened(visitor, provider):
    back = provider.allow(visitor.get("/login/google").location, action="deny")
    answer = visitor.get(back)
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.text
    assert not visitor.is_signed_in()


def test_a_sign_in_begun_in_another_browser_is_refused(visitor, app, provider):
    provider.knows("eve-3", "eve@example.com")
    back = provider.allow(visitor.get("/login/google").location, sub="eve-3")
    other = Visitor(app)
    for path in (back, f"{CALLBACK}?code=x&state=y", CALLBACK, f"{CALLBACK}?error=server_error&state=y"):
        answer = other.get(path)
        assert 400 <= answer.status_code < 503, path
        assert "Google did not sign you in" in answer.text
        assert not other.is_signed_in()


def test_an_answer_is_good_once(visitor, provider):
    provider.knows("ann-3", "ann3@example.com")
    back = provider.allow(visitor.get("/login/google").location, sub="ann-3")
    assert visitor.get(back).status_code == 302
    visitor.get("/logout")
    assert visitor.get(back).status_code == 400
    assert not visitor.is_signed_in()


def test_a_code_that_is_not_the_provider_s_is_refused(visitor, provider):
    provider.knows("ann-4", "ann4@example.com")
    back = provider.allow(visitor.get("/login/google").location, sub="ann-4")
    answer = visitor.get(re.sub(r"code=[^&]+", "code=forged", back))
    assert answer.status_code == 502
    assert not visitor.is_signed_in()


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_coming_back_never_leads_to_another_site(visitor, provider, enter, elsewhere):
    provider.knows("ann-5", "ann5@example.com")
    sent = visitor.get("/login/google", query_string={"next": elsewhere})
    assert visitor.get(provider.allow(sent.location, sub="ann-5")).location == "/"


def test_a_signed_in_user_connects_and_disconnects_google(visitor, alice, app, provider, enter):
    provider.knows("private-1", "private@example.org", verified=False)
    visitor.sign_in()
    sent = visitor.post("/account/google", on="/account")
    answer = visitor.get(provider.allow(sent.location, sub="private-1"))
    assert answer.location == "/account"
    other = Visitor(app)
    enter(other, "private-1")
    assert "alice@example.com" in other.get("/account").text
    visitor.post("/account/google/disconnect", on="/account")
    assert user("alice@example.com").google_sub is None


def test_a_google_account_belongs_to_one_account_here(visitor, alice, bob, provider):
    google_accounts.connect(bob.id, "bob-1")
    provider.knows("bob-1", "bob@example.com")
    visitor.sign_in()
    sent = visitor.post("/account/google", on="/account")
    answer = visitor.get(provider.allow(sent.location, sub="bob-1"))
    assert answer.status_code == 403
    assert "another account" in answer.text
    assert user("bob@example.com").google_sub == "bob-1"


def test_nobody_locks_themselves_out(visitor, provider, enter):
    provider.knows("ann-6", "ann6@example.com")
    enter(visitor, "ann-6")
    visitor.post("/account/google/disconnect", on="/account")
    assert user("ann6@example.com").google_sub == "ann-6"
    assert "Set a password first" in visitor.get("/account").text


def test_who_came_by_google_can_choose_a_password(visitor, provider, enter):
    provider.knows("ann-7", "ann7@example.com")
    enter(visitor, "ann-7")
    visitor.post("/change", new_password=PASSWORD, new_password_confirm=PASSWORD)
    visitor.get("/logout")
    visitor.sign_in("ann7@example.com")
    assert visitor.is_signed_in()


def test_choosing_one_takes_a_fresh_sign_in(visitor, provider, enter):
    provider.knows("ann-8", "ann8@example.com")
    enter(visitor, "ann-8")
    with visitor.client.session_transaction() as session:
        session["fs_paa"] -= 3600
    answer = visitor.get("/change")
    assert (answer.status_code, answer.location) == (302, "/login/google?next=/change")
    assert enter(visitor, "ann-8", answer.location).location == "/change"
    assert visitor.get("/change").status_code == 200


@on_both_databases
def test_the_same_person_in_two_tabs_gets_one_account(app):
    found = at_once(app, 8, lambda _: google_accounts.sign_in("twin", "twin@example.com", verified=True).id)
    assert len(set(found)) == 1
    assert [account.credits for account in accounts.everybody()] == [1000]


@on_both_databases
def test_two_google_accounts_never_share_one_account_here(app, alice):
    def sign_in(number):
        try:
            return google_accounts.sign_in(f"claim-{number}", "alice@example.com", verified=True).id
        except SignInRefused:
            return "refused"

    assert sorted(at_once(app, 8, sign_in), key=str) == [alice.id] + ["refused"] * 7


class TestProviderAway:
    @pytest.fixture
    def overrides(self, overrides):
        return {**overrides, "GOOGLE_DISCOVERY_URL": f"http://127.0.0.1:{free_port()}/nothing"}

    def test_it_says_so(self, visitor):
        answer = visitor.get("/login/google")
        assert answer.status_code == 502
        assert "Google does not answer right now" in answer.text
        assert "Continue with Google" in visitor.get("/login").text


class TestWithoutGoogle:
    @pytest.fixture
    def overrides(self, overrides):
        return {**overrides, "GOOGLE_CLIENT_ID": ""}

    def test_there_is_no_such_way_in(self, visitor, alice):
        assert "Google" not in visitor.get("/login").text
        for path in ("/login/google", CALLBACK):
            assert visitor.get(path).status_code == 404
        visitor.sign_in()
        assert "Google" not in visitor.get("/account").text
        assert visitor.post("/account/google", on="/account").status_code == 404
