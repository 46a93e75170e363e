"""For whoever runs it: probes, figures, and the pages of an admin."""

import re
import time

import pytest
from marks import on_both_databases
from prometheus_client.parser import text_string_to_metric_families
from servers import RedisServer
from visitors import signed_in

from aivideo import queue
from aivideo.core.catalogue import Order
from aivideo.extensions import db
from aivideo.services import health, videos

ORDER = Order(prompt="A cat walks slowly", model="sora-2", size="1280x720", seconds=8, credits=100, usd=0.8)
ADMIN_PAGES = ["/admin", "/admin/rq", "/admin/rq/", "/admin/rq/0/view/workers", "/admin/rq/0/data/queues.json"]
OURS = {"Origin": "http://localhost"}


@pytest.fixture
def boss(app, admin):
    return signed_in(app, admin)


@pytest.fixture
def away(overrides):
    """A Redis of this test's own, to be killed."""
    server = RedisServer().start()
    overrides["REDIS_URL"] = server.url
    yield server
    server.stop()


def samples(client) -> dict[str, dict[tuple[str, ...], float]]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(answer.text)
    }


def test_a_process_that_is_up_says_so_whatever_else_is_away(away, client):
    away.kill()
    db.session.execute(db.text("ALTER TABLE users RENAME TO users_away"))
    db.session.commit()
    assert client.get("/healthz").status_code == 200


@on_both_databases
def test_ready_is_where_database_and_redis_answer(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ready", "database": "ok", "redis": "ok"}


def test_not_ready_says_that_it_is_redis(away, client):
    away.kill()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["database"] == "ok"
    assert answer.get_json()["redis"] == "ConnectionError"


def test_not_ready_says_that_it_is_the_database(client):
    db.session.execute(db.text("ALTER TABLE users RENAME TO users_away"))
    db.session.commit()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["redis"] == "ok"
    assert answer.get_json()["database"] == "OperationalError"


def test_a_redis_that_hangs_is_given_a_second(away, client):
    import signal

    away.process.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    answer = client.get("/readyz")
    took = time.monotonic() - began
    away.process.send_signal(signal.SIGCONT)
    assert answer.status_code == 503
    assert took < 5, "not until it answers"


@on_both_databases
def test_the_figures_are_those_of_the_database(client, alice, bob):
    for _ in range(3):
        videos.request(alice.id, ORDER)
    videos.cancel(alice.id, 1)
    found = samples(client)
    assert found["aivideo_videos"] == {("queued", "pending"): 2, ("ended", "cancelled"): 1}
    assert found["aivideo_ledger_credits"] == {("grant",): 2000, ("charge",): -300, ("refund",): 100}
    assert found["aivideo_balance_credits"] == {(): 1800}
    assert found["aivideo_users"] == {(): 2}
    assert found["aivideo_redis_up"] == {(): 1}
    assert found["aivideo_queue_jobs"][("videos",)] >= 3
    assert found["aivideo_oldest_due_seconds"] == {("queued",): 0}
    assert "simulator" in next(iter(found["aivideo_build_info"]))


def test_the_figures_come_without_redis_too(away, client):
    away.kill()
    found = samples(client)
    assert found["aivideo_redis_up"] == {(): 0}
    assert found.get("aivideo_queue_jobs", {}) == {}


def test_the_figures_name_no_user(client, alice):
    videos.request(alice.id, ORDER)
    text = client.get("/metrics").text
    assert "alice" not in text
    assert ORDER.prompt not in text


@pytest.mark.parametrize("page", ADMIN_PAGES)
def test_admin_pages_do_not_exist_for_a_user(app, alice, page):
    assert signed_in(app, alice).get(page).status_code == 404


@pytest.mark.parametrize("page", ADMIN_PAGES)
def test_admin_pages_send_a_stranger_to_the_sign_in(client, page):
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer.location.startswith("/login")


def test_the_admin_page_has_counts_and_links(boss, alice):
    videos.request(alice.id, ORDER)
    assert 'href="/admin"' in boss.get("/account").text
    text = boss.get("/admin").text
    assert 'href="/admin/rq/"' in text
    assert "Waiting" in text
    assert re.search(r"Accounts</dt><dd>2</dd>", text)


def test_an_admin_sees_the_queues(boss):
    queue.enqueue("submit", 1, job_id="submit-1-1")
    assert boss.get("/admin/rq").location == "/admin/rq/"
    page = boss.get("/admin/rq/")
    assert page.status_code == 200
    assert "/admin/rq/static/js/" in page.text
    queues = boss.get("/admin/rq/0/data/queues.json").get_json()["queues"]
    assert ("videos", 1) in {(found["name"], found["count"]) for found in queues}
    listed = boss.get("/admin/rq/0/data/jobs/videos/queued/8/asc/1.json").get_json()["jobs"]
    assert [job["id"] for job in listed] == ["submit-1-1"]
    assert boss.get("/admin/rq/0/view/job/submit-1-1").status_code == 200
    job = boss.get("/admin/rq/0/data/job/submit-1-1.json").get_json()
    assert (job["status"], job["metadata"]) == ("queued", "{}")


def test_the_files_of_the_dashboard_are_ours(boss):
    page = boss.get("/admin/rq/").text
    files = re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page)
    assert len(files) >= 5
    for file in files:
        answer = boss.get(file)
        assert answer.status_code == 200
        assert answer.mimetype in ("text/javascript", "text/css")


def test_the_dashboard_has_a_content_policy_of_its_own(boss):
    assert "'unsafe-inline'" in boss.get("/admin/rq/").headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in boss.get("/admin").headers["Content-Security-Policy"]


def test_the_dashboard_shows_no_arguments(boss):
    queue.enqueue("mail", "ann@example.com", "Reset", "https://example.com/reset/secret", job_id="mail-1")
    for page in ("jobs/videos/queued/8/asc/1", "jobs/upkeep/queued/8/asc/1", "job/mail-1"):
        assert "secret" not in boss.get(f"/admin/rq/0/data/{page}.json").text


def test_an_admin_deletes_a_job(boss, app):
    queue.enqueue("submit", 1, job_id="submit-1-1")
    app.config["WTF_CSRF_ENABLED"] = True
    answer = boss.post("/admin/rq/job/submit-1-1/delete", headers=OURS)
    assert answer.get_json() == {"status": "OK"}
    assert queue.lengths()["videos"] == 0


def test_an_admin_requeues_a_failed_job(boss, app):
    from rq.job import Job
    from rq.registry import FailedJobRegistry
    from rq.serializers import JSONSerializer

    queue.enqueue("submit", 1, job_id="submit-1-1")
    client = app.extensions["doorbell"].client
    job = Job.fetch("submit-1-1", connection=client, serializer=JSONSerializer)
    client.delete("rq:queue:videos")
    job.set_status("failed")
    FailedJobRegistry("videos", connection=client, serializer=JSONSerializer).add(job, ttl=60)
    assert boss.get("/admin/rq/requeue/videos").status_code == 405
    assert boss.post("/admin/rq/requeue/videos", headers=OURS).get_json() == {"status": "OK", "count": 1}
    assert queue.lengths()["videos"] == 1
    again = Job.fetch("submit-1-1", connection=client, serializer=JSONSerializer)
    assert (again.func_name, again.args) == ("aivideo.jobs.videos.submit", [1])


@pytest.mark.parametrize("origin", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_another_site_cannot_make_an_admins_browser_delete_a_job(boss, origin):
    queue.enqueue("submit", 1, job_id="submit-1-1")
    assert boss.post("/admin/rq/queue/videos/queued/empty", headers=origin).status_code == 403
    assert queue.lengths()["videos"] == 1


def test_a_job_that_is_gone_is_a_404(boss):
    assert boss.get("/admin/rq/0/view/job/nope").status_code == 404


def test_the_dashboard_says_that_redis_is_away(away, boss):
    away.kill()
    assert boss.get("/admin/rq/0/data/workers.json").status_code == 503


def test_nothing_is_unanswered_in_a_healthy_house(app):
    assert health.unanswered() == {}
