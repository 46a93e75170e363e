"""Making accounts, and tokens."""

import pytest
from marks import on_both_databases
from sqlalchemy import select
from threads import at_once

from aivideo.core.errors import EmailTaken, InvalidInput, NotFound
from aivideo.extensions import db
from aivideo.models import ApiToken, LedgerEntry, User
from aivideo.services import accounts

PASSWORD = "correct horse battery"


@on_both_databases
def test_an_account_has_what_a_new_account_gets_or_what_is_said(app):
    usual = accounts.create("a@example.com", PASSWORD)
    special = accounts.create("b@example.com", PASSWORD, plan="studio", credits=5, admin=True, note="For tests")
    nothing = accounts.create("c@example.com", PASSWORD, credits=0)
    assert [(user.plan, user.credits, user.is_admin) for user in (usual, special, nothing)] == [
        ("creator", 1000, False),
        ("studio", 5, True),
        ("creator", 0, False),
    ]
    entries = db.session.execute(select(LedgerEntry.user_id, LedgerEntry.amount, LedgerEntry.note)).all()
    assert entries == [(usual.id, 1000, "Welcome"), (special.id, 5, "For tests")]


@on_both_databases
def test_an_address_has_one_account_also_for_many_at_once(app):
    def make(number):
        return accounts.create("Ann@Example.com" if number % 2 else "ann@example.com", PASSWORD).id

    results = at_once(app, 10, make)
    assert len([result for result in results if isinstance(result, EmailTaken)]) == 9
    assert [(user.email, user.credits) for user in accounts.everybody()] == [("ann@example.com", 1000)]


@on_both_databases
def test_admins_made_at_once_share_one_role(app):
    accounts.create("first@example.com", PASSWORD, admin=True)
    at_once(app, 4, lambda number: accounts.create(f"{number}@example.com", PASSWORD, admin=True))
    assert [user.is_admin for user in accounts.everybody()] == [True] * 5


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@c.de", "a@b@c.de", "a@example.com\n"])
def test_what_is_no_address_makes_no_account(app, email):
    with pytest.raises(InvalidInput, match="It looks like") as refused:
        accounts.create(email, PASSWORD)
    assert set(refused.value.errors) == {"email"}


@pytest.mark.parametrize("email", ["demo@aivideo.local", "a@example.test", "ü@exämple.com", "a+b@example.com"])
def test_addresses_of_one_s_own_network_and_of_other_alphabets_are_fine(app, email):
    assert accounts.create(email, PASSWORD).email == email
    assert accounts.find(email.upper()).email == email


def test_a_plan_must_be_in_the_catalogue(app):
    with pytest.raises(InvalidInput, match="Allowed: free, creator, studio"):
        accounts.create("a@example.com", PASSWORD, plan="gold")
    assert accounts.everybody() == []


def test_a_token_is_long_random_and_kept_as_a_hash(app, alice):
    first, second = accounts.issue_token(alice.id, "one"), accounts.issue_token(alice.id, "two")
    assert first != second
    assert len(first) >= 40
    assert {token.name for token in accounts.tokens(alice.id)} == {"one", "two"}
    assert first not in str(db.session.execute(select(ApiToken.__table__)).all())


def test_a_token_leads_to_its_user_until_it_is_revoked(app, alice, bob):
    token = accounts.issue_token(alice.id)
    accounts.issue_token(bob.id)
    assert accounts.by_token(token) == (accounts.tokens(alice.id)[0].id, alice)
    accounts.revoke_token(alice.id, accounts.tokens(alice.id)[0].id)
    assert accounts.by_token(token) is None
    assert accounts.tokens(alice.id) == []


def test_nobody_revokes_a_stranger_s_token_and_nothing_is_revoked_twice(app, alice, bob):
    token = accounts.issue_token(alice.id)
    number = accounts.tokens(alice.id)[0].id
    with pytest.raises(NotFound):
        accounts.revoke_token(bob.id, number)
    assert accounts.by_token(token)
    accounts.revoke_token(alice.id, number)
    with pytest.raises(NotFound):
        accounts.revoke_token(alice.id, number)


@pytest.mark.parametrize("token", ["", "av_", "x" * 10000, "\x00", "'; DROP TABLE users"])
def test_what_is_no_token_is_nobody(app, alice, token):
    assert accounts.by_token(token) is None
    assert db.session.scalars(select(User)).all()


def test_signing_out_everywhere_changes_what_sessions_are_known_by(app, alice, bob):
    before = alice.fs_uniquifier, bob.fs_uniquifier
    accounts.sign_out_everywhere(alice.id)
    db.session.expire_all()
    assert alice.fs_uniquifier != before[0]
    assert bob.fs_uniquifier == before[1]
