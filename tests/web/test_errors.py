"""What an error looks like: in words, with a status of its own, in the form its reader understands."""

import logging

import pytest
from flask import abort
from sqlalchemy.exc import OperationalError
from visitors import signed_in
from werkzeug.exceptions import RequestedRangeNotSatisfiable

from aivideo import logs
from aivideo.core import errors as domain
from aivideo.core.errors import DomainError
from aivideo.extensions import db
from aivideo.services import accounts
from aivideo.web import access, errors
from aivideo.web.request_ids import HEADER

HTMX = {"HX-Request": "true"}


def raise_it(error):
    raise error


@pytest.fixture
def broken(app):
    """An app with addresses that go wrong, for the API and for pages."""
    away = OperationalError("SELECT 1", {}, Exception("connection refused"))
    wrongs = {
        "surprise": lambda: {}["secret"],
        "database": lambda: raise_it(away),
        "poor": lambda: raise_it(domain.InsufficientCredits(100, 99)),
        "input": lambda: raise_it(domain.InvalidInput({"prompt": ["Too short."], "size": ["Unknown."]})),
        "said": lambda: abort(403, "This was sent from another site."),
        "range": lambda: raise_it(RequestedRangeNotSatisfiable(length=10)),
        "query": lambda: db.session.execute(db.text("SELECT nothing FROM nowhere")),
    }
    for name, view in wrongs.items():
        app.add_url_rule(f"/api/v1/broken/{name}", f"api_{name}", view)
        app.add_url_rule(f"/broken/{name}", f"page_{name}", view)
    return app.test_client()


def subclasses(kind):
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


def test_every_domain_error_has_a_status_a_name_and_a_description():
    kinds = set(subclasses(DomainError))
    assert kinds == set(errors.STATUS)
    assert len({errors.uri(kind) for kind in kinds}) == len(kinds)
    assert errors.name(domain.InsufficientCredits) == "Insufficient credits"
    assert errors.uri(domain.InsufficientCredits) == "/api/docs#insufficient-credits"


def test_a_domain_error_is_a_problem_for_the_api(broken):
    answer = broken.get("/api/v1/broken/poor")
    assert answer.status_code == 402
    assert answer.content_type == "application/problem+json"
    assert answer.get_json() == {
        "type": "/api/docs#insufficient-credits",
        "title": "Insufficient credits",
        "status": 402,
        "detail": "This video costs 100 credits and you have 99. Nothing was charged.",
    }


def test_wrong_input_names_its_fields(broken):
    answer = broken.get("/api/v1/broken/input")
    assert answer.status_code == 422
    assert answer.get_json()["errors"] == {"prompt": ["Too short."], "size": ["Unknown."]}


def test_a_domain_error_is_a_page_for_a_browser(broken):
    answer = broken.get("/broken/poor")
    assert answer.status_code == 402
    assert answer.mimetype == "text/html"
    assert "<html" in answer.text
    assert "Nothing was charged." in answer.text


def test_a_domain_error_is_a_fragment_for_htmx(broken):
    answer = broken.get("/broken/poor", headers=HTMX)
    assert answer.status_code == 402
    assert "<html" not in answer.text
    assert "Nothing was charged." in answer.text


@pytest.mark.parametrize("name", ["surprise", "query"])
def test_a_surprise_says_which_request_it_was_and_nothing_else(broken, caplog, name):
    with caplog.at_level(logging.ERROR):
        answer = broken.get(f"/api/v1/broken/{name}", headers={HEADER: "request-77"})
    body = answer.get_json()
    assert answer.status_code in (500, 503)
    assert body["request_id"] == "request-77"
    assert "secret" not in answer.text
    assert "nowhere" not in answer.text
    assert caplog.records


def test_a_surprise_on_a_page_says_which_request_it_was(broken, caplog):
    answer = broken.get("/broken/surprise", headers={HEADER: "request-78"})
    assert answer.status_code == 500
    assert "request-78" in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize("path", ["/api/v1/broken/database", "/broken/database"])
def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(broken, path):
    answer = broken.get(path)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "database does not answer" in answer.text


def test_the_page_of_a_signed_in_user_is_drawn_even_with_the_database_away(app, alice, broken):
    broken = signed_in(app, alice)
    for table in ("users", "roles", "roles_users"):
        db.session.execute(db.text(f"ALTER TABLE {table} RENAME TO {table}_away"))
    db.session.commit()
    answer = broken.get("/broken/database")
    assert answer.status_code == 503
    assert "database does not answer" in answer.text


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/nope", "application/problem+json"), ("/nope", "text/html")])
def test_an_address_that_leads_nowhere_is_a_404(client, path, kind):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.mimetype == kind


def test_a_text_given_to_abort_is_shown(broken):
    assert broken.get("/api/v1/broken/said").get_json()["detail"] == "This was sent from another site."


def test_the_headers_of_an_http_error_are_kept(broken):
    answer = broken.get("/api/v1/broken/range")
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */10"


def test_a_form_without_its_csrf_token_is_refused_in_words(app, client):
    app.config["WTF_CSRF_ENABLED"] = True
    answer = client.post("/login", data={"email": "alice@example.com", "password": "x"})
    assert answer.status_code == 400
    assert "Reload it" in answer.text


def test_the_api_needs_no_csrf_token(app, client):
    app.config["WTF_CSRF_ENABLED"] = True
    assert client.post("/api/v1/videos/generate", json={}).status_code == 401


@pytest.mark.parametrize("given", ["abc-123", "7f3a/_~:@=+.", "x" * 128])
def test_a_request_id_from_a_proxy_is_kept(client, given):
    assert client.get("/healthz", headers={HEADER: given}).headers[HEADER] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "<script>", "ü"])
def test_a_request_id_that_could_garble_a_log_is_replaced(client, given):
    made = client.get("/healthz", headers={HEADER: given}).headers[HEADER]
    assert made != given
    assert len(made) == 16


def test_every_line_of_the_log_names_its_request_and_user(broken, alice, caplog, app):
    context = logs._ContextFilter()
    caplog.handler.addFilter(context)
    token = {"Authorization": f"Bearer {accounts.issue_token(alice.id)}", HEADER: "request-79"}
    app.add_url_rule("/api/v1/broken/mine", "mine", lambda: (access.api_user(), {}["secret"]))
    broken.get("/api/v1/broken/mine", headers=token)
    broken.get("/api/v1/broken/surprise", headers={HEADER: "request-80"})
    caplog.handler.removeFilter(context)
    assert [record.context for record in caplog.records if record.levelname == "ERROR"] == [
        f" [request=request-79 user={alice.id}]",
        " [request=request-80]",
    ]
