"""The operator's commands: what they do, and that an error is one line and an exit code."""

import os
import subprocess
import sys

import pytest
from marks import on_both_databases
from processes import CHECKOUT
from sqlalchemy import text
from visitor import PASSWORD, Visitor

from aivideo.extensions import db
from aivideo.services import accounts, credits
from aivideo.transaction import transaction


@pytest.fixture
def run(app):
    """Run a command inside this process."""

    def run(*words):
        return app.test_cli_runner().invoke(args=[str(word) for word in words])

    return run


def fails(result, says):
    assert result.exit_code != 0
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert says in line
    return True


@on_both_databases
def test_an_account_is_made_with_what_a_new_account_gets(run, app):
    made = run("users", "create", "Ann@Example.com", "--password", PASSWORD)
    assert (made.exit_code, made.stdout) == (0, "Made ann@example.com: plan creator, 1000 credits.\n")
    visitor = Visitor(app)
    visitor.client.post("/login", data={"email": "ann@example.com", "password": PASSWORD})
    assert visitor.is_signed_in()


def test_an_account_is_made_as_it_is_asked_for(run):
    words = ["--plan", "studio", "--credits", 2000, "--admin"]
    made = run("users", "create", "boss@example.com", "--password", "pw", *words)
    assert made.stdout == "Made boss@example.com: plan studio, 2000 credits, admin.\n"
    boss = accounts.find("boss@example.com")
    assert (boss.plan, boss.credits, boss.is_admin) == ("studio", 2000, True)
    assert boss.confirmed_at is not None


class TestUnderMakeRun:
    """Which is at work in DATA_DIR and gives new accounts something by default."""

    @pytest.fixture
    def overrides(self, overrides, tmp_path, request):
        (tmp_path / "signup").write_text("studio 250")
        said = getattr(request, "param", {})
        return {key: value for key, value in overrides.items() if not key.startswith("SIGNUP")} | said

    @pytest.mark.parametrize(
        ("overrides", "words", "gets"),
        [
            ({}, [], "studio, 250"),
            ({}, ["--credits", 0], "studio, 0"),
            ({}, ["--plan", "free"], "free, 250"),
            ({"SIGNUP_PLAN": "free"}, [], "free, 250"),
            ({"SIGNUP_CREDITS": 7}, [], "studio, 7"),
        ],
        indirect=["overrides"],
    )
    def test_an_account_gets_the_same_as_by_the_page(self, run, words, gets):
        made = run("users", "create", "ann@example.com", "--password", "p", *words)
        assert made.stdout == f"Made ann@example.com: plan {gets} credits.\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["alice@example.com", "--password", "x"], "already an account for alice@example.com"),
        (["ALICE@EXAMPLE.COM", "--password", "x"], "already an account for alice@example.com"),
        (["nobody", "--password", "x"], "“nobody” is not an e-mail address"),
        (["new@example.com", "--password", ""], "--password is empty"),
        (["new@example.com"], "Missing option '--password'"),
        (["--password", "x"], "Missing argument 'EMAIL'"),
        (["new@example.com", "--password", "x", "--plan", "gold"], "Allowed: free, creator, studio"),
        (["new@example.com", "--password", "x", "--credits", "-1"], "-1 is not in the range"),
        (["new@example.com", "--password", "x", "--credits", "lots"], "'lots' is not a valid integer"),
        (["new@example.com", "--password", "x", "--colour", "red"], "No such option"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line(run, alice, words, says):
    assert fails(run("users", "create", *words), says)
    assert len(accounts.everybody()) == 1


def test_the_list_shows_everybody(run, alice, bob, admin):
    accounts.create("rich@example.com", None, plan="studio", credits=1_000_000)
    listed = run("users", "list").stdout.splitlines()
    assert [line.split() for line in listed] == [
        ["1", "alice@example.com", "creator", "1000"],
        ["2", "bob@example.com", "creator", "1000"],
        ["3", "admin@example.com", "creator", "1000", "admin"],
        ["4", "rich@example.com", "studio", "1000000"],
    ]


@on_both_databases
def test_credits_are_granted_with_a_note(run, alice):
    granted = run("credits", "grant", "Alice@example.com", "500", "--note", "For a birthday")
    assert (granted.exit_code, granted.stdout) == (0, "Alice@example.com has 1500 credits now.\n")
    assert credits.history(alice.id)[0].note == "For a birthday"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["alice@example.com", "0"], "0 is not in the range"),
        (["alice@example.com", "-5"], "-5 is not in the range"),
        (["alice@example.com", "1.5"], "'1.5' is not a valid integer"),
        (["alice@example.com", "many"], "'many' is not a valid integer"),
        (["alice@example.com", "99999999999999999999"], "and no more"),
        (["alice@example.com"], "Missing argument 'N'"),
        (["nobody@example.com", "5"], "There is no such user as nobody@example.com"),
    ],
)
def test_what_cannot_be_granted_is_said_in_one_line(run, alice, words, says):
    assert fails(run("credits", "grant", *words), says)
    assert len(credits.history(alice.id)) == 1


@on_both_databases
def test_credits_that_the_database_cannot_hold_are_refused(run, alice):
    for _ in range(2):
        run("credits", "grant", "alice@example.com", "1000000000")
    assert fails(run("credits", "grant", "alice@example.com", "1000000000"), "2,147,483,647 credits and no more")
    assert credits.check() == []


def test_a_token_is_the_last_line_and_works(run, alice, client):
    made = run("tokens", "create", "alice@example.com")
    assert made.exit_code == 0
    token = made.stdout.splitlines()[-1]
    answer = client.get("/api/v1/account", headers={"Authorization": f"Bearer {token}"})
    assert answer.json["email"] == "alice@example.com"
    assert fails(run("tokens", "create", "nobody@example.com"), "There is no such user as nobody@example.com")


def test_recovery_says_what_it_did(run):
    done = run("videos", "recover")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ["submit: 0", "poll: 0", "save: 0", "discard: 0", "abandoned: 0"]


@on_both_databases
def test_the_books_are_checked(run, alice, bob):
    credits.grant(alice.id, 5)
    fine = run("ledger", "check")
    assert (fine.exit_code, fine.stdout) == (0, "The books add up: 2 users, 3 entries.\n")
    with transaction() as session:
        session.execute(text("UPDATE users SET credits = credits + 1"))
    wrong = run("ledger", "check")
    assert wrong.exit_code == 1
    assert len(wrong.stdout.splitlines()) == 2
    assert wrong.stderr == "aivideo: the books do not add up: 2 problems\n"


def test_every_group_explains_itself(run):
    for group in ("users", "credits", "tokens", "videos", "ledger"):
        assert "Usage:" in run(group, "--help").output
        assert "Usage:" in run(group).output


class TestAsAProgram:
    """The same through `flask --app wsgi`, with nothing but the environment."""

    @pytest.fixture
    def flask(self, overrides):
        def flask(*words, **settings):
            environment = {key: str(value) for key, value in {**overrides, **settings}.items()}
            return subprocess.run(
                [sys.executable, "-m", "flask", "--app", "wsgi", *words],
                cwd=CHECKOUT,
                env={"PATH": os.environ["PATH"], "ENV_FILE": "", **environment},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        return flask

    def test_accounts_and_tokens(self, flask, app, client):
        assert flask("users", "create", "ann@example.com", "--password", PASSWORD).returncode == 0
        token = flask("tokens", "create", "ann@example.com").stdout.splitlines()[-1]
        assert client.get("/api/v1/account", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        twice = flask("users", "create", "ann@example.com", "--password", PASSWORD)
        assert twice.returncode != 0
        assert twice.stderr == "aivideo: There is already an account for ann@example.com.\n"

    def test_a_database_without_tables_is_one_line(self, flask, tmp_path):
        result = flask("users", "list", DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite3'}")
        assert result.returncode != 0
        assert len(result.stderr.splitlines()) == 1
        assert "flask db upgrade" in result.stderr

    def test_a_bad_setting_is_one_line(self, flask):
        result = flask("users", "list", SIGNUP_PLAN="gold")
        assert result.returncode != 0
        assert result.stderr.splitlines() == ["aivideo: SIGNUP_PLAN is 'gold': allowed is one of free, creator, studio"]

    def test_with_redis_away_credits_are_granted_all_the_same(self, flask, app, alice, tmp_path):
        result = flask("credits", "grant", "alice@example.com", "5", REDIS_URL=f"unix://{tmp_path}/nothing")
        assert result.returncode == 0
        db.session.refresh(alice)
        assert alice.credits == 1005
