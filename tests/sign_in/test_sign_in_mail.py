"""Forgotten passwords and confirmed addresses: what is mailed, by a job, and what its links do."""

import logging
import re
from urllib.parse import urlsplit

import pytest
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from servers import wait_until
from smtp_server import SmtpServer
from sqlalchemy import select
from visitor import PASSWORD, Visitor

from aivideo.doorbell import doorbell
from aivideo.extensions import db
from aivideo.models import User
from aivideo.services import accounts
from aivideo.transaction import transaction

NEW = "another horse battery"


@pytest.fixture
def visitor(app):
    app.config["WTF_CSRF_ENABLED"] = True
    return Visitor(app)


@pytest.fixture
def server():
    server = SmtpServer()
    yield server
    server.close()


def waiting():
    """Mails that wait for the job that sends them."""
    queue = Queue("upkeep", connection=doorbell().client, serializer=JSONSerializer)
    return [job.args[0] for job in queue.jobs if job.func_name == "aivideo.jobs.mail.send"]


def work():
    """Do the jobs that wait."""
    queue = Queue("upkeep", connection=doorbell().client, serializer=JSONSerializer)
    worker = SimpleWorker([queue], connection=queue.connection, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="WARNING")


def link(text):
    parts = urlsplit(re.search(r"http\S+", text)[0])
    return parts.path


def user(email="alice@example.com"):
    db.session.expire_all()
    return db.session.scalar(select(User).where(User.email == email))


def test_a_forgotten_password_is_chosen_anew_by_the_link_and_once(visitor, alice, app):
    elsewhere = Visitor(app)
    elsewhere.sign_in()
    asked = visitor.post("/reset", email="Alice@example.com")
    assert "If there is an account for alice@example.com" in asked.text
    (mail,) = waiting()
    assert mail["to"] == "alice@example.com"
    path = link(mail["text"])
    answer = visitor.post(path, password=NEW, password_confirm=NEW)
    assert (answer.status_code, answer.location) == (302, "/login")
    assert not elsewhere.is_signed_in()
    visitor.sign_in(password=NEW)
    assert visitor.is_signed_in()
    assert [mail["subject"] for mail in waiting()][1:] == ["Your aivideo password was changed"]
    again = visitor.get(path)
    assert (again.status_code, again.location) == (302, "/reset")
    assert "not valid any more" in visitor.get("/reset").text


def test_asking_for_an_unknown_or_closed_account_looks_the_same_and_mails_nobody(visitor, alice, bob):
    with transaction() as session:
        session.get(User, bob.id).active = False
    pages = [visitor.post("/reset", email=email) for email in ("nobody@example.com", "bob@example.com")]
    assert waiting() == []
    known = visitor.post("/reset", email="alice@example.com")
    for email, page in zip(("nobody@example.com", "bob@example.com"), pages, strict=True):
        assert neutral(page.text, email) == neutral(known.text, "alice@example.com")


def neutral(page, email):
    return re.sub(r'value="[^"]*"', "", page.replace(email, "somebody"))


def test_a_forged_or_broken_link_is_refused(visitor, alice):
    for path in ("/reset/nonsense", "/reset/" + "x" * 300):
        assert visitor.get(path).location == "/reset"


def test_who_came_by_google_can_get_a_password_by_mail(visitor, app):
    accounts.create("ann@example.com", None)
    visitor.post("/reset", email="ann@example.com")
    visitor.post(link(waiting()[0]["text"]), password=NEW, password_confirm=NEW)
    visitor.sign_in("ann@example.com", NEW)
    assert visitor.is_signed_in()


def test_changing_a_password_tells_its_owner(visitor, alice):
    visitor.sign_in()
    visitor.post("/change", password=PASSWORD, new_password=NEW, new_password_confirm=NEW)
    assert [mail["subject"] for mail in waiting()] == ["Your aivideo password was changed"]


def test_the_job_prints_the_mail_where_there_is_no_server(visitor, alice, caplog):
    visitor.post("/reset", email="alice@example.com")
    path = link(waiting()[0]["text"])
    with caplog.at_level(logging.WARNING):
        work()
    assert "To: alice@example.com" in caplog.text
    assert path in caplog.text


def test_with_redis_away_the_mail_is_printed_at_once_and_the_request_is_well(redis_server, visitor, alice, caplog):
    redis_server.kill()
    try:
        assert visitor.post("/reset", email="alice@example.com").status_code == 200
        assert "/reset/" in caplog.text
    finally:
        redis_server.start()


def test_nothing_is_to_be_confirmed_without_mail(visitor):
    visitor.post("/register", email="new@example.com", password=PASSWORD)
    assert visitor.is_signed_in()
    assert waiting() == []
    assert visitor.get("/confirm").status_code == 404


class TestWithMail:
    @pytest.fixture
    def overrides(self, overrides, server):
        return {**overrides, "MAIL_URL": f"smtp://127.0.0.1:{server.port}"}

    def test_an_address_is_confirmed_before_anybody_signs_in(self, visitor, server):
        answer = visitor.post("/register", email="new@example.com", password=PASSWORD)
        assert (answer.status_code, answer.location) == (302, "/login")
        assert "follow the link in the mail" in visitor.get("/login").text
        assert "Confirm your address first" in visitor.sign_in("new@example.com").text
        assert not visitor.is_signed_in()
        work()
        (mail,) = server.mails
        assert mail["To"] == "new@example.com"
        path = link(mail.get_payload(decode=True).decode())
        assert visitor.get(path).location == "/login"
        assert "Your address is confirmed" in visitor.get("/login").text
        assert user("new@example.com").confirmed_at is not None
        visitor.sign_in("new@example.com")
        assert visitor.is_signed_in()

    def test_a_wrong_password_does_not_say_that_an_account_waits_for_its_confirmation(self, visitor):
        visitor.post("/register", email="new@example.com", password=PASSWORD)
        assert "Confirm your address first" not in visitor.sign_in("new@example.com", "not it at all").text

    def test_a_link_can_be_asked_for_again(self, visitor):
        visitor.post("/register", email="new@example.com", password=PASSWORD)
        visitor.post("/confirm", email="new@example.com")
        first, second = (mail["text"] for mail in waiting())
        visitor.get(link(second))
        assert user("new@example.com").confirmed_at is not None
        assert visitor.get(link(first)).status_code == 302

    def test_registering_with_a_taken_address_looks_like_any_other_and_tells_its_owner(self, visitor, alice):
        taken = visitor.post("/register", email="alice@example.com", password=NEW)
        page_of_taken = visitor.get("/login").text
        free = visitor.post("/register", email="new@example.com", password=NEW)
        page_of_free = visitor.get("/login").text
        assert (taken.status_code, taken.location) == (free.status_code, free.location)
        assert neutral(page_of_taken, "alice@example.com") == neutral(page_of_free, "new@example.com")
        assert [mail["to"] for mail in waiting()] == ["alice@example.com", "new@example.com"]
        assert "There is one already" in waiting()[0]["text"]
        assert visitor.sign_in(password=NEW).status_code == 200

    def test_a_reset_link_proves_the_address_as_well(self, visitor):
        visitor.post("/register", email="new@example.com", password=PASSWORD)
        visitor.post("/reset", email="new@example.com")
        visitor.post(link(waiting()[1]["text"]), password=NEW, password_confirm=NEW)
        visitor.sign_in("new@example.com", NEW)
        assert visitor.is_signed_in()

    def test_with_redis_away_the_mail_goes_out_all_the_same(self, redis_server, visitor, server):
        redis_server.kill()
        try:
            answer = visitor.post("/register", email="new@example.com", password=PASSWORD)
            assert answer.status_code == 302
            wait_until(lambda: server.mails, what="the mail")
        finally:
            redis_server.start()

    def test_with_the_mail_server_away_too_the_request_is_well(self, redis_server, visitor, server):
        redis_server.kill()
        server.close()
        try:
            assert visitor.post("/register", email="new@example.com", password=PASSWORD).status_code == 302
        finally:
            redis_server.start()
        assert user("new@example.com") is not None

    def test_accounts_made_by_the_operator_need_no_confirmation(self, visitor, alice):
        visitor.sign_in()
        assert visitor.is_signed_in()
