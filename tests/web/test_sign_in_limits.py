"""Guessing is slow, with Redis and without, and proxies in front do not hide who guesses."""

import time

import pytest
from visitor import PASSWORD, Visitor

from aivideo.services import accounts


def tries(client, count, path="/login", **fields):
    """Statuses of that many forms sent."""
    return [client.post(path, data={"password": "not it", **fields}).status_code for _ in range(count)]


def test_an_account_s_password_can_be_guessed_ten_times_a_minute(client, alice):
    assert tries(client, 11, email="alice@example.com") == [200] * 10 + [429]
    answer = client.post("/login", data={"email": "Alice@Example.com ", "password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert "too many" in answer.text
    assert client.post("/login", data={"email": "bob@example.com", "password": PASSWORD}).status_code == 200


def test_an_address_can_guess_twenty_times_a_minute(client, alice):
    statuses = [tries(client, 1, email=f"user{number}@example.com")[0] for number in range(21)]
    assert statuses == [200] * 20 + [429]
    assert client.get("/login").status_code == 200


@pytest.mark.parametrize(
    ("path", "allowed"), [("/register", 20), ("/reset", 5)], ids=["registering", "mails with a link"]
)
def test_what_a_robot_would_do_is_limited_too(client, alice, path, allowed):
    statuses = tries(client, allowed + 1, path, email="alice@example.com")
    assert statuses == [200] * allowed + [429]


def test_present_passwords_cannot_be_guessed_by_a_stolen_session(app, client, alice):
    client.post("/login", data={"email": "alice@example.com", "password": PASSWORD})
    fields = {"new_password": "another horse", "new_password_confirm": "another horse"}
    assert tries(client, 11, "/change", **fields) == [200] * 10 + [429]


def test_counting_is_shared_between_processes(overrides, app, client, alice):
    from aivideo.app import create_app

    tries(client, 10, email="alice@example.com")
    other = create_app(overrides)
    other.config["WTF_CSRF_ENABLED"] = False
    assert tries(other.test_client(), 1, email="alice@example.com") == [429]


def test_with_redis_away_an_answer_comes_in_under_a_second_and_guessing_stays_limited(redis_server, client, alice):
    redis_server.kill()
    try:
        started = time.monotonic()
        assert tries(client, 1, email="alice@example.com") == [200]
        assert time.monotonic() - started < 1
        assert tries(client, 10, email="alice@example.com") == [200] * 9 + [429]
        started = time.monotonic()
        assert client.get("/login").status_code == 200
        assert time.monotonic() - started < 1
    finally:
        redis_server.start()


def test_with_redis_back_it_counts_there_again(redis_server, app, client, alice):
    import redis
    from servers import wait_until

    redis_server.kill()
    try:
        tries(client, 1, email="alice@example.com")
    finally:
        redis_server.start()
    with redis.Redis.from_url(redis_server.url) as doorbell:
        number = iter(range(1000))
        wait_until(
            lambda: tries(client, 1, email=f"user{next(number)}@example.com") and list(doorbell.scan_iter("rate:*")),
            what="counting in Redis",
        )


@pytest.mark.parametrize(("hops", "seen"), [(0, "127.0.0.1"), (1, "2.2.2.2"), (2, "1.1.1.1")])
def test_only_as_many_proxies_are_believed_as_are_said_to_be_there(overrides, hops, seen, request):
    overrides["TRUSTED_PROXIES"] = hops
    app = request.getfixturevalue("app")
    from aivideo.web.protection import client_address

    app.add_url_rule("/who", view_func=client_address)
    answer = app.test_client().get("/who", headers={"X-Forwarded-For": "1.1.1.1, 2.2.2.2"})
    assert answer.text == seen


def test_plain_http_is_sent_to_https_where_that_is_wanted_and_probes_are_not(overrides, request):
    overrides.update(FORCE_HTTPS=True, TRUSTED_PROXIES=1)
    client = request.getfixturevalue("client")
    answer = client.get("/videos?page=2")
    assert (answer.status_code, answer.location) == (308, "https://localhost/videos?page=2")
    assert client.get("/healthz").status_code == 200
    secure = client.get("/login", headers={"X-Forwarded-Proto": "https"})
    assert secure.status_code == 200
    assert "max-age" in secure.headers["Strict-Transport-Security"]


def test_nobody_is_sent_to_https_otherwise(client):
    answer = client.get("/login")
    assert answer.status_code == 200
    assert "Strict-Transport-Security" not in answer.headers


class TestSubmitting:
    """SUBMIT_RATE, per user."""

    @pytest.fixture
    def overrides(self, overrides):
        return {**overrides, "SUBMIT_RATE": "2 per minute"}

    def test_submissions_are_limited_per_user_over_all_ways_in(self, app, client, alice, bob):
        hers, also_hers, his = (accounts.issue_token(user.id) for user in (alice, alice, bob))

        def submit(token, path="/api/v1/videos/generate"):
            headers = {"Authorization": f"Bearer {token}"}
            return client.post(path, json={"prompt": "A cat walks through the rain"}, headers=headers)

        assert submit(hers).status_code == 202
        assert submit(also_hers, "/api/v1/videos").status_code == 202
        refused = submit(hers)
        assert refused.status_code == 429
        assert refused.content_type == "application/problem+json"
        assert 0 < int(refused.headers["Retry-After"]) <= 61
        assert submit(his).status_code == 202
        visitor = Visitor(app)
        visitor.client.post("/login", data={"email": "alice@example.com", "password": PASSWORD})
        page = visitor.client.post("/videos", data={"prompt": "A cat walks through the rain"})
        assert page.status_code == 429
        assert page.mimetype == "text/html"

    def test_what_is_not_authenticated_is_401_and_not_counted(self, client):
        for _ in range(4):
            assert client.post("/api/v1/videos/generate", json={}).status_code == 401


def test_a_request_for_a_name_that_is_not_ours_is_refused(overrides, app):
    from aivideo.app import create_app

    client = create_app({**overrides, "TRUSTED_HOSTS": "studio.example.com, localhost"}).test_client()
    forged = client.post("/reset", data={"email": "alice@example.com"}, headers={"Host": "evil.example.net"})
    assert forged.status_code == 400
    assert client.get("/login", headers={"Host": "studio.example.com"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "localhost"}).status_code == 200
