"""The job that sends a mail, done by a real worker of RQ."""

import pytest
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer
from smtp_server import SmtpServer

from aivideo.doorbell import doorbell
from aivideo.queue import enqueue

MAIL = {"to": "ann@example.com", "subject": "Hello", "text": "a secret link\n"}


@pytest.fixture
def server():
    server = SmtpServer()
    yield server
    server.close()


@pytest.fixture
def overrides(overrides, server):
    return {**overrides, "MAIL_URL": f"smtp://127.0.0.1:{server.port}"}


def work():
    queue = Queue("upkeep", connection=doorbell().client, serializer=JSONSerializer)
    SimpleWorker([queue], connection=queue.connection, serializer=JSONSerializer).work(
        burst=True, logging_level="CRITICAL"
    )


def job():
    return Job.fetch("mail-1", connection=doorbell().client, serializer=JSONSerializer)


def test_it_sends_the_mail_through_the_server_of_the_settings(app, server):
    assert enqueue("mail", MAIL, job_id="mail-1")
    work()
    assert [mail["To"] for mail in server.mails] == ["ann@example.com"]
    assert job().is_finished


def test_a_mail_that_is_not_taken_is_a_failed_job_to_be_tried_again(app, server):
    server.close()
    enqueue("mail", MAIL, job_id="mail-1")
    work()
    assert job().is_failed


def test_a_job_s_description_does_not_give_its_mail_away(app):
    enqueue("mail", MAIL, job_id="mail-1")
    assert "secret" not in (job().description or "")
