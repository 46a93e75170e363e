"""The outbox: each end is told once on each way, whoever else wants to tell it, and whatever is killed."""

from datetime import UTC, datetime, timedelta
from email.header import decode_header, make_header

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off
from servers import wait_until
from smtp_server import SmtpServer
from sqlalchemy import select
from threads import at_once

from aivideo.extensions import db
from aivideo.models import Notice, User, Video
from aivideo.services import notice_mail, notices, videos
from aivideo.transaction import transaction

PROMPT = "A cat walks slowly\nthrough the rain {1}"


@pytest.fixture
def server():
    server = SmtpServer()
    yield server
    server.close()


@pytest.fixture
def overrides(overrides, server):
    hosts = {"TRUSTED_HOSTS": "studio.example.com, 10.0.0.1", "FORCE_HTTPS": True}
    return {**overrides, "MAIL_URL": f"smtp://127.0.0.1:{server.port}", **hosts}


@pytest.fixture
def made(app, simulator, alice):
    """Makes a video of Alice's that nobody has worked on."""
    order = app.extensions["catalogue"].order(PROMPT, seconds=4)
    return lambda: videos.request(alice.id, order).video_id


def run(app, rounds=20):
    for _ in range(rounds):
        work_off(app)
        db.session.expire_all()
        if all(video.ended for video in db.session.scalars(select(Video))):
            return
        time_passes(3)
    raise AssertionError("it never ended")


def rows():
    db.session.expire_all()
    return db.session.scalars(select(Notice).order_by(Notice.id)).all()


def later(seconds):
    """Notices as they would be after a while."""
    with transaction() as session:
        for notice in session.scalars(select(Notice)):
            for name in ("mail_due_at", "mailed_at"):
                if getattr(notice, name) is not None:
                    setattr(notice, name, getattr(notice, name) - timedelta(seconds=seconds))


def post(app):
    """What ticker and workers do about mails; returns how many were rung for."""
    rung = notice_mail.ring()
    work_off(app)
    return rung


@on_both_databases
def test_an_end_is_noted_with_it_and_told_once(app, simulator, alice, bob, made):
    good = made()
    simulator.faults.tell("fail", operation="create", count=1, after=0)
    run(app)
    words = notices.tell(alice.id)
    assert (words.href, words.tone) == (f"/videos/{good}", "danger")
    assert words.text.startswith("“A cat walks slowly through the rain {1}” failed. ")
    assert "Your 50 credits are back." in words.text
    assert notices.tell(alice.id) is None

    for _ in range(3):
        made()
    cancelled, deleted = made(), made()
    videos.cancel(alice.id, cancelled)
    run(app)
    videos.delete(alice.id, deleted)
    assert [row.kind for row in rows()] == ["failed", *["completed"] * 4]
    assert notices.tell(bob.id) is None
    assert notices.tell(alice.id).text == "3 videos are ready."
    assert notices.tell(alice.id) is None
    seen = made()
    run(app)
    assert notices.tell(alice.id, seen=seen) is None
    assert notices.tell(alice.id) is None
    assert all(row.mail_due_at is None for row in rows()), "she wants no mails"


@on_both_databases
def test_what_was_late_is_told_again_as_that(app, simulator, alice, made):
    simulator.faults.tell("render", operation="create", seconds=6000)
    made()
    work_off(app)
    time_passes(1201)
    work_off(app)
    now = simulator.clock
    simulator.clock = lambda: now() + 6001
    time_passes(301)
    for _ in range(3):
        work_off(app)
        time_passes(2)
    assert [row.kind for row in rows()] == ["failed", "late"]
    assert notices.tell(alice.id).text.startswith("Your video finished after all, at no charge")


@on_both_databases
def test_of_many_who_ask_at_once_one_has_it_to_tell(app, alice, made):
    for _ in range(5):
        made()
        run(app)
        told = at_once(app, 4, lambda _, who=alice.id: notices.tell(who))
        assert [type(words).__name__ for words in told].count("Words") == 1, told


@on_both_databases
def test_a_mail_is_sent_once_whoever_is_killed(app, server, alice, made):
    notices.choose(alice.id, email=True, browser=False)
    video = made()
    run(app)
    assert [row.mailed_at for row in rows()] == [None], "the end itself waits for no mail server"
    assert notice_mail.ring() == 1
    assert notice_mail.ring() == 0, "it was rung for"
    app.extensions["doorbell"].client.flushall()
    later(16)
    assert notice_mail.ring() == 1, "the ring was lost"
    (notice,) = rows()
    with transaction() as session:
        assert notice_mail._take(session, notice.id)  # by somebody who is killed with it in hand
    at_once(app, 3, lambda _, number=notice.id: notice_mail.send(number))
    later(60)
    assert post(app) == 0
    assert server.mails == []
    later(600)
    assert notice_mail.ring() == 1
    at_once(app, 4, lambda _, number=notice.id: notice_mail.send(number))
    wait_until(lambda: server.mails, 10, "the mail")
    later(86400)
    assert post(app) == 0
    (mail,) = server.mails
    assert mail["To"] == "alice@example.com"
    subject = str(make_header(decode_header(mail["Subject"])))
    assert subject.replace("\n", "") == "Your video is ready: “A cat walks slowly through the rain {1}”"
    assert mail["Message-ID"].startswith(f"<video-{video}-completed-2")
    text = mail.get_payload(decode=True).decode().replace("\r\n", "\n")
    assert "It cost 50 credits. You have 950 credits.\n" in text
    assert f"https://studio.example.com/videos/{video}\n" in text
    assert PROMPT in text
    assert "Sora 2, 4 s, 1280 × 720" in text


def test_a_mail_server_that_is_away_or_says_no_is_asked_again_or_never(app, server, alice, made):
    notices.choose(alice.id, email=True, browser=False)
    made()
    run(app)
    server.answers["DATA"] = "451 try later"
    assert post(app) == 1
    (notice,) = rows()
    assert notice.mailed_at is None
    assert 50 < (notice.mail_due_at - datetime.now(UTC)).total_seconds() < 70
    assert post(app) == 0
    later(61)
    server.answers = {"RCPT": "550 nobody here"}
    assert post(app) == 1
    (notice,) = rows()
    assert (notice.mailed_at, notice.mail_due_at) == (None, None)
    assert server.mails == []


def test_a_mail_server_that_says_yes_and_breaks_off_is_not_asked_again(app, server, alice, made):
    notices.choose(alice.id, email=True, browser=False)
    made()
    run(app)
    server.answers["QUIT"] = "554 go away"
    assert post(app) == 1
    later(86400)
    assert post(app) == 0
    assert len(server.mails) == 1


@pytest.mark.parametrize("change", ["mails off", "deleted", "closed"])
def test_no_mail_goes_to_who_does_not_want_it_any_more(app, server, alice, made, change):
    notices.choose(alice.id, email=True, browser=False)
    video = made()
    run(app)
    if change == "mails off":
        notices.choose(alice.id, email=False, browser=False)
    elif change == "deleted":
        videos.delete(alice.id, video)
    else:
        with transaction() as session:
            session.get(User, alice.id).active = False
    assert post(app) == 1
    later(86400)
    assert post(app) == 0
    assert server.mails == []
