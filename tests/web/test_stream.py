"""The addresses of the streams, without a server: who may, what is answered, and what is drawn."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from streams import Writer

from aivideo import stream
from aivideo.web import audiences


@pytest.fixture
def writer(app: Flask) -> Writer:
    return Writer(app)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_an_ended_video_needs_no_hub_and_no_redis(app: Flask, client: FlaskClient, writer: Writer) -> None:
    user, token = writer.user()
    video = writer.video(user, lines=1)
    writer.end(video)
    address = f"/api/v1/videos/{video}/stream"
    answer = client.get(address, headers=bearer(token))
    assert answer.status_code == 200
    assert answer.get_data(as_text=True).count("data: ") == 2
    assert client.get(address, headers=bearer(token) | {"Last-Event-ID": "2"}).status_code == 204
    assert client.get(f"{address}?after=2", headers=bearer(token)).status_code == 204
    assert "stream" not in app.extensions


def test_a_late_success_adds_to_an_ended_log_and_both_are_replayed(client: FlaskClient, writer: Writer) -> None:
    user, token = writer.user()
    video = writer.video(user, lines=1)
    writer.end(video, "failed")
    writer.end(video, "completed")
    answer = client.get(f"/api/v1/videos/{video}/stream", headers=bearer(token) | {"Last-Event-ID": "2"})
    assert answer.get_data(as_text=True).endswith("\n\n")
    assert [line for line in answer.get_data(as_text=True).splitlines() if line.startswith("id")] == ["id: 3"]


def test_the_head_of_a_stream_opens_none(client: FlaskClient, writer: Writer) -> None:
    user, token = writer.user()
    video = writer.video(user, lines=1)
    answer = client.head(f"/api/v1/videos/{video}/stream", headers=bearer(token))
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert stream.viewers() == 0


def test_a_deleted_video_has_no_stream(client: FlaskClient, writer: Writer) -> None:
    user, token = writer.user()
    video = writer.video(user, lines=1)
    writer.hide(video)
    assert client.get(f"/videos/{video}/stream", headers=bearer(token)).status_code == 404


def test_a_client_that_leaves_before_the_first_byte_leaves_nothing_behind(client: FlaskClient, writer: Writer) -> None:
    user, token = writer.user()
    video = writer.video(user, lines=1)
    for address in (f"/videos/{video}/stream", "/stream"):
        answer = client.get(address, headers=bearer(token), buffered=False)
        assert stream.viewers() == 1
        answer.close()
        assert stream.viewers() == 0


@pytest.mark.parametrize("since", ["nonsense", "2026-11-22T20:00:00", "9" * 30, "-5"])
def test_a_moment_that_is_none_starts_at_what_is_under_way(client: FlaskClient, writer: Writer, since: str) -> None:
    user, token = writer.user()
    ended = writer.video(user, lines=1)
    writer.end(ended)
    with client.get(f"/stream?since={since}", headers=bearer(token), buffered=False) as answer:
        blocks = iter(answer.response)
        told = b"".join(next(blocks) for _ in range(2))
    assert b"#balance" in told
    assert b"#live-" not in told


@pytest.mark.parametrize(
    "since", ["0", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00%2B00:00", "2026-01-01T00:00:00+00:00"]
)
def test_a_moment_may_be_milliseconds_or_iso_8601(client: FlaskClient, writer: Writer, since: str) -> None:
    user, token = writer.user()
    ended = writer.video(user, lines=1)
    writer.end(ended)
    with client.get(f"/stream?since={since}", headers=bearer(token), buffered=False) as answer:
        blocks = iter(answer.response)
        told = b"".join(next(blocks) for _ in range(2))
    assert f"#live-{ended}".encode() in told


def test_fragments_are_drawn_without_a_request_and_escape_what_users_wrote(app: Flask) -> None:
    line = {"id": 3, "step": 5, "message": "<script>", "timestamp": "2026-11-22T20:00:00.000Z"}
    block = audiences.Html(app).message(42, line).decode()
    assert block.startswith('id: 3\ndata: <hx-partial hx-target="#log-42" hx-swap="beforeend"><li id="line-42-3"')
    assert "&lt;script&gt;" in block
    balance = audiences.State(app).message(1, {"id": None, "seq": 0, "credits_left": 1200}).decode()
    assert "1,200" in balance
    assert "\nid:" not in balance
    hidden = {"id": 42, "seq": 5, "hidden": True, "updated_at": "2026-11-22T20:00:00.123Z"}
    assert audiences.State(app).message(1, hidden) == (
        b'id: 1795377600123\ndata: <hx-partial hx-target="#video-42" hx-swap="delete"></hx-partial>'
        b'<hx-partial hx-target="#tile-42" hx-swap="delete"></hx-partial>\n\n'
    )
