"""The JSON API: what each call answers, to Alice who owns things, to Bob who is a stranger, and to nobody."""

from io import BytesIO

import pytest
from marks import on_both_databases
from provider_inside import time_passes, work_off
from sqlalchemy import func, select

from aivideo.core.video import Stage, Status
from aivideo.extensions import db
from aivideo.models import LedgerEntry, User, Video
from aivideo.services import accounts, videos
from aivideo.transaction import transaction

PROMPT = "A cat walks slowly through the rain"
SHAPE = {
    "id",
    "status",
    "stage",
    "progress",
    "prompt",
    "model",
    "seconds",
    "size",
    "credits",
    "video_url",
    "error",
    "created_at",
    "completed_at",
}
MORE = {"waiting_reason", "late", "poster_url", "preview_url", "remixed_from", "extended_from"}
ROUTES = [
    ("GET", "/api/v1/models"),
    ("GET", "/api/v1/account"),
    ("GET", "/api/v1/videos"),
    ("POST", "/api/v1/videos"),
    ("POST", "/api/v1/videos/generate"),
    ("GET", "/api/v1/videos/1"),
    ("DELETE", "/api/v1/videos/1"),
    ("POST", "/api/v1/videos/1/cancel"),
    ("POST", "/api/v1/videos/1/remix"),
    ("POST", "/api/v1/videos/1/extend"),
    ("GET", "/api/v1/videos/1/file"),
    ("GET", "/api/v1/videos/1/stream"),
]
OF_ONE = [route for route in ROUTES if "/1" in route[1]]


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {accounts.issue_token(user.id)}"}


@pytest.fixture
def hers(alice):
    return bearer(alice)


@pytest.fixture
def his(bob):
    return bearer(bob)


def generate(client, headers, *, key=None, **fields):
    named = {**headers, "Idempotency-Key": key} if key is not None else headers
    return client.post("/api/v1/videos/generate", json={"prompt": PROMPT, **fields}, headers=named)


def problem(response, status):
    """The problem of an answer, after a look at its form."""
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    assert body["detail"]
    return body


def charges() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(LedgerEntry).where(LedgerEntry.kind == "charge"))


def end(video_id: int, **columns) -> None:
    """Put a video into its closing state, as its way through the house would."""
    with transaction() as session:
        video = session.get(Video, video_id)
        for name, value in {"stage": Stage.ENDED, "status": Status.COMPLETED, "due_at": None, **columns}.items():
            setattr(video, name, value)


@on_both_databases
def test_a_video_is_accepted_and_charged(client, hers, alice):
    answer = generate(client, hers)
    assert answer.status_code == 202
    assert answer.content_type == "application/json"
    assert answer.get_json() == {
        "video_id": 1,
        "video_ids": [1],
        "status": "pending",
        "credits_charged": 100,
        "credits_left": 900,
    }
    assert answer.headers["Location"] == "/api/v1/videos/1"
    assert client.get("/api/v1/account", headers=hers).get_json() == {
        "email": "alice@example.com",
        "plan": "creator",
        "credits": 900,
    }


def test_both_addresses_accept_a_video(client, hers):
    answer = client.post("/api/v1/videos", json={"prompt": PROMPT}, headers=hers)
    assert answer.status_code == 202
    assert answer.get_json()["credits_charged"] == 100


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_is_told_to_send_a_token(client, method, path):
    answer = client.open(path, method=method)
    problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_revoked_token_is_refused(client, alice, hers, method, path):
    accounts.revoke_token(alice.id, accounts.tokens(alice.id)[0].id)
    problem(client.open(path, method=method, headers=hers), 401)


@pytest.mark.parametrize(("method", "path"), OF_ONE)
def test_a_strangers_video_does_not_exist(client, hers, his, method, path):
    assert generate(client, hers).get_json()["video_id"] == 1
    body = {"prompt": PROMPT} if method == "POST" else None
    problem(client.open(path, method=method, headers=his, json=body), 404)
    assert client.get("/api/v1/videos/1", headers=hers).get_json()["status"] == "pending"


def test_a_strangers_list_is_empty(client, hers, his):
    generate(client, hers)
    assert client.get("/api/v1/videos", headers=his).get_json() == {"data": [], "next": None}


@on_both_databases
def test_the_same_key_and_body_get_the_same_answer_and_no_second_charge(client, hers):
    first = generate(client, hers, key="boat-1")
    generate(client, hers)
    again = generate(client, hers, key="boat-1")
    assert (again.status_code, again.get_json()) == (first.status_code, first.get_json())
    assert charges() == 2


@on_both_databases
def test_the_same_key_with_another_body_is_refused(client, hers):
    generate(client, hers, key="boat-1")
    body = problem(generate(client, hers, key="boat-1", seconds=4), 422)
    assert "Idempotency-Key" in body["detail"]
    assert charges() == 1


def test_the_same_key_of_another_user_is_another_request(client, hers, his):
    assert generate(client, hers, key="boat-1").get_json()["video_id"] == 1
    assert generate(client, his, key="boat-1").get_json()["video_id"] == 2


@on_both_databases
def test_only_an_accepted_request_is_remembered(client, hers, alice):
    problem(generate(client, hers, key="boat-1", seconds=5), 422)
    assert generate(client, hers, key="boat-1").status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tinside"])
def test_a_key_that_cannot_be_kept_is_refused(client, hers, key):
    body = problem(generate(client, hers, key=key), 422)
    assert "255" in body["errors"]["Idempotency-Key"][0]
    assert charges() == 0


def test_the_longest_key_is_accepted(client, hers):
    assert generate(client, hers, key="x" * 255).status_code == 202


@on_both_databases
def test_too_few_credits_are_a_402_and_nothing_is_charged(client, app):
    poor = bearer(accounts.create("poor@example.com", None, credits=99))
    body = problem(generate(client, poor), 402)
    assert "100 credits" in body["detail"]
    assert "99" in body["detail"]
    assert client.get("/api/v1/account", headers=poor).get_json()["credits"] == 99


def test_a_plan_that_cannot_generate_is_a_403(client, app):
    free = bearer(accounts.create("free@example.com", None, plan="free", credits=1000))
    problem(generate(client, free), 403)
    assert charges() == 0


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"prompt": "too short"}, {"prompt"}),
        ({"prompt": "  too short\n "}, {"prompt"}),
        ({"prompt": "x" * 4001}, {"prompt"}),
        ({"prompt": ""}, {"prompt"}),
        ({"prompt": None}, {"prompt"}),
        ({"prompt": 12345678901}, {"prompt"}),
        ({"prompt": ["a prompt in a list"]}, {"prompt"}),
        ({"prompt": "\x00" * 20}, {"prompt"}),
        ({"model": "sora-9"}, {"model"}),
        ({"model": 2}, {"model"}),
        ({"model": "sora-2\x00"}, {"model"}),
        ({"model": "x" * 5000}, {"model"}),
        ({"seconds": 5}, {"seconds"}),
        ({"seconds": -8}, {"seconds"}),
        ({"seconds": "eight"}, {"seconds"}),
        ({"seconds": "1_2"}, {"seconds"}),
        ({"seconds": "８"}, {"seconds"}),
        ({"seconds": 8.5}, {"seconds"}),
        ({"seconds": True}, {"seconds"}),
        ({"seconds": [8]}, {"seconds"}),
        ({"seconds": "9" * 90}, {"seconds"}),
        *[({"variations": number}, {"variations"}) for number in (0, 5, "five", 1.5, True, None, [2])],
        ({"size": "1x1"}, {"size"}),
        ({"size": "1792x1024"}, {"size"}),
        ({"size": {"width": 1280}}, {"size"}),
        ({"input_reference": "https://example.com/cat.jpg"}, {"input_reference"}),
        ({"prompt": "short", "seconds": 5, "size": "1x1"}, {"prompt", "seconds", "size"}),
    ],
)
def test_what_is_wrong_is_said_by_field(client, hers, fields, wrong):
    body = problem(generate(client, hers, **fields), 422)
    assert body["errors"].keys() == wrong
    assert all(messages and all(messages) for messages in body["errors"].values())
    assert len(body["detail"]) < 1000
    assert charges() == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"seconds": 8},
        {"seconds": "8"},
        {"seconds": 8.0},
        {"seconds": None, "model": None, "size": None},
        {"model": "sora-2", "size": "720x1280"},
        {"prompt": "十个字的提示词也可以用来做视频"},
        {"prompt": "x" * 4000},
        {"colour": "blue", "n": 3},
    ],
)
def test_what_is_right_is_accepted(client, hers, fields):
    assert generate(client, hers, **fields).get_json()["credits_charged"] == 100


def test_a_prompt_keeps_its_words_but_not_its_null_characters(client, hers):
    generate(client, hers, prompt="A cat\x00 walks 🐈 <b>slowly</b>")
    assert client.get("/api/v1/videos/1", headers=hers).get_json()["prompt"] == "A cat walks 🐈 <b>slowly</b>"


@pytest.mark.parametrize(
    ("body", "kind", "field"),
    [
        (b"", "application/json", "body"),
        (b"{", "application/json", "body"),
        (b"[]", "application/json", "body"),
        (b'"prompt"', "application/json", "body"),
        (b"\xff\xfe{}", "application/json", "body"),
        (b'{"prompt": "a lone half \\ud800 of a pair"}', "application/json", "body"),
        (b"[" * 100_000, "application/json", "body"),
        (b"prompt=A+cat+walks+slowly", "application/x-www-form-urlencoded", "Content-Type"),
        (b"<video/>", "application/xml", "Content-Type"),
        (b"no boundary", "multipart/form-data", "prompt"),
        (b"no parts", "multipart/form-data; boundary=x", "prompt"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_422(client, hers, body, kind, field):
    answer = client.post("/api/v1/videos/generate", data=body, headers={**hers, "Content-Type": kind})
    assert field in problem(answer, 422)["errors"]


def test_json_needs_no_content_type(client, hers):
    answer = client.post("/api/v1/videos/generate", data=b'{"prompt": "A cat walks slowly"}', headers=hers)
    assert answer.status_code == 202


def test_a_body_that_is_too_large_is_a_413(client, hers):
    problem(generate(client, hers, prompt="x" * 300_000), 413)
    flood = {**hers, "Content-Type": "multipart/form-data; boundary=x"}
    problem(client.post("/api/v1/videos/generate", data=b"-" * 23 * 1024 * 1024, headers=flood), 413)
    assert charges() == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=ten", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=99999999999999999999", "cursor"),
        ("status=done", "status"),
        ("favourite=perhaps", "favourite"),
    ],
)
@on_both_databases
def test_a_list_that_cannot_be_given_is_a_422(client, hers, query, field):
    assert problem(client.get(f"/api/v1/videos?{query}", headers=hers), 422)["errors"].keys() == {field}


@on_both_databases
def test_the_pages_of_a_list_have_every_video_once_and_the_newest_first(client, hers):
    for _ in range(5):
        generate(client, hers)
    seen, cursor, pages = [], "", 0
    while cursor is not None:
        page = client.get(f"/api/v1/videos?limit=2{cursor and '&cursor=' + cursor}", headers=hers).get_json()
        seen += [video["id"] for video in page["data"]]
        cursor, pages = page["next"], pages + 1
    assert (seen, pages) == ([5, 4, 3, 2, 1], 3)


def test_a_list_may_be_asked_for_with_nothing_said(client, hers):
    generate(client, hers)
    assert len(client.get("/api/v1/videos?limit=&cursor=&status=", headers=hers).get_json()["data"]) == 1


def test_a_list_can_be_of_one_status(client, hers):
    generate(client, hers)
    generate(client, hers)
    end(1)
    found = client.get("/api/v1/videos?status=completed", headers=hers).get_json()
    assert [video["id"] for video in found["data"]] == [1]
    assert found["next"] is None


def test_a_list_can_be_of_favourites_and_of_what_has_some_words(client, hers, alice):
    for prompt in ("A cat walks through the rain", "A dog sleeps in the sun", "A cat sleeps in the sun"):
        generate(client, hers, prompt=prompt)
    videos.mark(alice.id, [1, 2], favourite=True)
    videos.rename(alice.id, 2, "Not the CAT")
    for query, ids in (
        ("q=cat", [3, 2, 1]),
        ("q=sun cat", [3, 2]),
        ("q=%25", []),
        ("favourite=true", [2, 1]),
        ("favourite=false", [3, 2, 1]),
        ("favourite=1&q=rain&status=pending", [1]),
    ):
        found = client.get(f"/api/v1/videos?{query}", headers=hers).get_json()
        assert [video["id"] for video in found["data"]] == ids, query
    page = client.get("/api/v1/videos?limit=1&q=cat", headers=hers).get_json()
    page = client.get(f"/api/v1/videos?limit=1&q=cat&cursor={page['next']}", headers=hers).get_json()
    assert [video["id"] for video in page["data"]] == [2]


def test_a_pending_video_shows_where_it_is(client, hers):
    generate(client, hers, seconds="4")
    video = client.get("/api/v1/videos/1", headers=hers).get_json()
    assert SHAPE <= video.keys() <= SHAPE | MORE
    assert (video["status"], video["stage"], video["progress"]) == ("pending", "queued", 0)
    assert (video["model"], video["seconds"], video["size"], video["credits"]) == ("sora-2", 4, "1280x720", 50)
    assert (video["video_url"], video["error"], video["completed_at"]) == (None, None, None)
    assert video["created_at"].endswith("Z")


def test_a_completed_video_names_its_file(client, hers):
    generate(client, hers)
    end(1, progress=100)
    video = client.get("/api/v1/videos/1", headers=hers).get_json()
    assert (video["status"], video["stage"], video["progress"]) == ("completed", "ended", 100)
    assert video["video_url"] == "/videos/1/file"


def test_a_failed_video_says_why(client, hers):
    generate(client, hers)
    error = {"error_code": "moderation_blocked", "error_message": "Refused.", "provider_code": "moderation_blocked"}
    end(1, status=Status.FAILED, **error)
    video = client.get("/api/v1/videos/1", headers=hers).get_json()
    assert video["video_url"] is None
    assert video["error"] == {
        "code": "moderation_blocked",
        "message": "Refused.",
        "provider_code": "moderation_blocked",
    }


def test_variations_are_charged_for_together_and_told_again(client, hers):
    first = generate(client, hers, key="k", variations=3)
    assert first.get_json() == {
        "video_id": 1,
        "video_ids": [1, 2, 3],
        "status": "pending",
        "credits_charged": 300,
        "credits_left": 700,
    }
    assert generate(client, hers, key="k", variations=3).get_json() == first.get_json()
    problem(generate(client, hers, key="k"), 422)
    form = {**hers, "Content-Type": "multipart/form-data; boundary=x"}
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in {"prompt": PROMPT, "variations": "4"}.items()
    )
    answer = client.post("/api/v1/videos", data=f"{body}--x--\r\n", headers=form)
    assert answer.get_json()["video_ids"] == [4, 5, 6, 7]
    assert "4 videos cost 400" in problem(generate(client, hers, variations=4), 402)["detail"]
    assert charges() == 7


def test_a_finished_video_is_remixed_and_extended_and_says_so(client, app, simulator, hers):
    generate(client, hers, seconds=4)
    for name in ("remix", "extend"):
        assert (
            "finished"
            in problem(client.post(f"/api/v1/videos/1/{name}", json={"prompt": PROMPT}, headers=hers), 409)["detail"]
        )
    while not (video := db.session.get(Video, 1, populate_existing=True)).ended:
        work_off(app)
        time_passes(2)
    assert video.status == "completed"
    named = {**hers, "Idempotency-Key": "k"}
    answers = [
        client.post("/api/v1/videos/1/extend", json={"prompt": PROMPT, "seconds": "8"}, headers=named) for _ in range(2)
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert [answer.get_json()["credits_charged"] for answer in answers] == [100, 100]
    assert answers[0].headers["Location"] == "/api/v1/videos/2"
    problem(client.post("/api/v1/videos/1/remix", json={"prompt": PROMPT}, headers=named), 422)
    remix = client.post("/api/v1/videos/1/remix", json={"prompt": PROMPT, "variations": 2}, headers=hers)
    assert remix.get_json()["video_ids"] == [3, 4]
    shown = [client.get(f"/api/v1/videos/{number}", headers=hers).get_json() for number in (2, 3, 4)]
    assert [(each["extended_from"], each["remixed_from"]) for each in shown] == [(1, None), (None, 1), (None, 1)]
    assert [(each["seconds"], each["credits"]) for each in shown] == [(8, 100), (4, 50), (4, 50)]
    for body, field in (
        ({}, "prompt"),
        ({"prompt": "short"}, "prompt"),
        ({"prompt": PROMPT, "seconds": 7}, "seconds"),
        ({"prompt": PROMPT, "input_reference": "x"}, "input_reference"),
    ):
        wrong = problem(client.post("/api/v1/videos/1/extend", json=body, headers=hers), 422)
        assert wrong["errors"].keys() == {field}
    upload = client.post("/api/v1/videos/1/remix", data={"prompt": PROMPT, "file": (BytesIO(b"x"), "x")}, headers=hers)
    assert problem(upload, 422)["errors"].keys() == {"Content-Type"}
    assert charges() == 4


def test_a_video_that_never_was_is_a_404(client, hers):
    problem(client.get("/api/v1/videos/77", headers=hers), 404)
    problem(client.get("/api/v1/videos/99999999999999999999", headers=hers), 404)
    problem(client.get("/api/v1/videos/abc", headers=hers), 404)


@on_both_databases
def test_a_video_that_waits_is_cancelled_at_once_and_its_credits_come_back(client, hers):
    generate(client, hers)
    answer = client.post("/api/v1/videos/1/cancel", headers=hers)
    assert answer.status_code == 200
    assert answer.get_json()["status"] == "cancelled"
    assert client.get("/api/v1/account", headers=hers).get_json()["credits"] == 1000
    problem(client.post("/api/v1/videos/1/cancel", headers=hers), 409)


@on_both_databases
def test_a_deleted_video_is_gone_and_its_books_stay(client, hers):
    generate(client, hers)
    end(1)
    answer = client.delete("/api/v1/videos/1", headers=hers)
    assert (answer.status_code, answer.data) == (204, b"")
    problem(client.get("/api/v1/videos/1", headers=hers), 404)
    problem(client.delete("/api/v1/videos/1", headers=hers), 404)
    assert charges() == 1


@on_both_databases
def test_deleting_a_video_that_waits_cancels_it(client, hers):
    generate(client, hers)
    assert client.delete("/api/v1/videos/1", headers=hers).status_code == 204
    assert client.get("/api/v1/account", headers=hers).get_json()["credits"] == 1000
    assert db.session.get(Video, 1, populate_existing=True).status == Status.CANCELLED


def test_models_are_told_with_what_they_cost(client, hers):
    data = client.get("/api/v1/models", headers=hers).get_json()["data"]
    assert [(model["id"], model["default"]) for model in data] == [("sora-2", True), ("sora-2-pro", False)]
    assert data[0]["sizes"] == ["1280x720", "720x1280"]
    assert data[0]["seconds"] == [4, 8, 12]
    assert (data[0]["default_size"], data[0]["default_seconds"]) == ("1280x720", 8)
    assert data[0]["capabilities"] == ["extend", "input_reference", "remix"]
    assert data[0]["prices"][0] == {
        "size": "1280x720",
        "credits_per_second": 12.5,
        "credits": {"4": 50, "8": 100, "12": 150},
    }
    assert data[1]["prices"][3]["credits"]["12"] == 750


def test_every_price_that_is_told_is_what_is_charged(client, app):
    rich = bearer(accounts.create("rich@example.com", None, plan="studio", credits=100_000))
    for model in client.get("/api/v1/models", headers=rich).get_json()["data"]:
        for price in model["prices"]:
            for seconds, credits in price["credits"].items():
                made = generate(client, rich, model=model["id"], size=price["size"], seconds=seconds)
                assert made.get_json()["credits_charged"] == credits


def test_too_many_submissions_are_a_429_that_says_when(app, client, alice, hers, his):
    app.config["SETTINGS"].submit_rate = "2 per minute"
    assert [generate(client, hers).status_code for _ in range(2)] == [202, 202]
    answer = generate(client, hers)
    problem(answer, 429)
    assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert generate(client, his).status_code == 202
    assert client.get("/api/v1/videos", headers=hers).status_code == 200
    assert videos.page(alice.id).next is None


def test_a_method_that_an_address_does_not_take_is_a_405(client, hers):
    answer = client.put("/api/v1/videos/1", headers=hers)
    problem(answer, 405)
    assert "DELETE" in answer.headers["Allow"]
