"""The API described: valid OpenAPI, of exactly the addresses there are, and a page that shows it."""

import re

import pytest
from openapi_spec_validator import validate

from aivideo.core.failures import rules
from aivideo.services import accounts
from aivideo.web.api_schemas import Account, ModelList, VideoAccepted, VideoPage, VideoState

PROMPT = "A cat walks slowly through the rain"


@pytest.fixture
def spec(client):
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.get_json()


def test_the_document_is_valid_openapi_3_1(spec):
    assert spec["openapi"].startswith("3.1.")
    validate(spec)


def test_every_address_of_the_api_is_described_and_none_besides(app, spec):
    described = {(method.upper(), path) for path, operations in spec["paths"].items() for method in operations}
    served = {
        (method, re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.endpoint.split(".")[0] != "api_docs"
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert described == served


def test_the_document_has_the_limits_of_this_installation(spec):
    prompt = spec["components"]["schemas"]["VideoRequest"]["properties"]["prompt"]
    assert (prompt["minLength"], prompt["maxLength"]) == (10, 4000)
    assert "input_reference" not in spec["components"]["schemas"]["VideoRequest"]["properties"]
    assert "input_reference" in spec["components"]["schemas"]["VideoForm"]["properties"]


def test_what_the_api_answers_is_what_it_describes(client, alice):
    token = {"Authorization": f"Bearer {accounts.issue_token(alice.id)}"}
    accepted = client.post("/api/v1/videos/generate", json={"prompt": PROMPT}, headers=token)
    for answer, schema in (
        (accepted, VideoAccepted),
        (client.get("/api/v1/videos/1", headers=token), VideoState),
        (client.get("/api/v1/videos", headers=token), VideoPage),
        (client.get("/api/v1/models", headers=token), ModelList),
        (client.get("/api/v1/account", headers=token), Account),
    ):
        body = answer.get_json()
        assert schema.model_validate(body).model_dump(mode="json") == body


@pytest.mark.parametrize("address", ["/api/docs", "/api/v1/docs"])
def test_the_page_is_open_to_everybody_and_shows_every_call(client, spec, address):
    answer = client.get(address)
    assert answer.status_code == 200
    for path in spec["paths"]:
        assert path in answer.text
    assert "curl -H &#34;Authorization: Bearer $TOKEN&#34;" in answer.text


def test_the_page_has_the_whole_refund_rule(client):
    text = client.get("/api/docs").text
    table = text[text.index('id="refunds"') : text.index('id="errors"')]
    rows = re.findall(r"<dt><code>(\w+)</code>.*?>credits (back|spent)<", table)
    assert rows == [(rule.code, "back" if rule.refunded else "spent") for rule in rules()]


def test_every_kind_of_problem_is_described_where_its_type_points(client, alice):
    token = {"Authorization": f"Bearer {accounts.issue_token(alice.id)}"}
    problem = client.get("/api/v1/videos/77", headers=token).get_json()
    page, _, anchor = problem["type"].partition("#")
    assert f'id="{anchor}"' in client.get(page).text


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere(client):
    text = client.get("/api/docs").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
