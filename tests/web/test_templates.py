"""What holds for every page: nothing inline, nothing from elsewhere, the right headers, files that may be kept."""

import gzip
import re
from html.parser import HTMLParser

import pytest
from flask import render_template
from fragments import samples
from visitor import Visitor

from aivideo.app import create_app
from aivideo.config import ROOT
from aivideo.web.headers import content_security_policy

PAGES = ["/", "/videos", "/videos?status=failed", "/account", "/change", "/api/docs", "/nothing-here", "/?example=1"]
PUBLIC = ["/login", "/register", "/reset", "/nothing-here"]


class Inline(HTMLParser):
    """What a policy without `unsafe-inline` would refuse, and every address of another host that a page loads."""

    LOADS = frozenset({"img", "script", "link", "video", "source", "iframe", "audio", "embed", "object", "use"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        values = {name: value or "" for name, value in attributes}
        if tag == "style" or "style" in values or (tag == "script" and "src" not in values):
            self.found.append(self.get_starttag_text())
        for name, value in values.items():
            if name.startswith(("on", "hx-on")) or re.search("(js|javascript):", value, re.IGNORECASE):
                self.found.append(f"{tag} {name}={value}")
            if tag in self.LOADS and name in ("src", "href", "poster") and re.match(r"(\w+:)?//", value):
                self.found.append(f"{tag} loads {value}")


@pytest.fixture
def hers(app, alice):
    app.config["WTF_CSRF_ENABLED"] = True
    visitor = Visitor(app)
    visitor.sign_in()
    return visitor


def test_no_page_has_anything_inline_or_from_elsewhere(app, hers, client):
    policy = content_security_policy(app.config["SETTINGS"])
    for answer in [*map(hers.get, PAGES), *map(client.get, PUBLIC)]:
        assert Inline(answer.text).found == [], answer.request.path
        assert answer.headers["Content-Security-Policy"] == policy


def test_no_fragment_has_anything_inline(app):
    with app.test_request_context():
        for name, contexts in samples(app).items():
            for context in contexts:
                assert Inline(render_template(name, **context)).found == [], name


def test_the_check_for_inline_things_sees_them():
    for bad in ("<style>a{}</style>", "<p style='x'>", "<script>1</script>", "<a onclick=x>", "<a hx-on:click=x>"):
        assert Inline(bad).found, bad
    for bad in (
        "<a href='javascript:1'>",
        "<p hx-vals='js:{}'>",
        "<img src=//host/x>",
        "<script src='https://x/y'></script>",
    ):
        assert Inline(bad).found, bad


def test_the_policy_allows_nothing_unsafe_and_only_what_is_set_up(app, overrides):
    policy = content_security_policy(app.config["SETTINGS"])
    assert "unsafe" not in policy
    assert "http" not in policy
    more = {"S3_BUCKET": "b", "S3_ENDPOINT_URL": "https://s3.example.com/x", "GOOGLE_CLIENT_ID": "g"}
    policy = content_security_policy(create_app({**overrides, **more}).config["SETTINGS"])
    assert "media-src 'self' blob: https://s3.example.com;" in policy
    assert "form-action 'self' https://accounts.google.com" in policy
    assert "script-src 'self';" in policy


def test_a_page_is_kept_by_no_shared_cache_and_framed_by_nobody(hers):
    headers = hers.get("/").headers
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" not in headers


def test_over_https_a_browser_is_told_to_stay_there(overrides):
    client = create_app({**overrides, "FORCE_HTTPS": True}).test_client()
    assert "max-age=" in client.get("/login", base_url="https://localhost").headers["Strict-Transport-Security"]


def test_static_files_carry_their_hash_and_are_kept_for_ever(hers):
    addresses = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', hers.get("/").text))
    assert len(addresses) > 10
    for address in addresses:
        answer = hers.get(address, buffered=True)
        assert answer.status_code == 200
        assert re.search(r"\?v=[0-9a-f]{10}$", address)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    unnamed = hers.get("/static/css/base.css", buffered=True)
    assert "immutable" not in unnamed.headers.get("Cache-Control", "")


def test_our_text_is_sent_compressed_to_whoever_takes_it(client):
    def fetch(name: str = "vendor/htmx.min.js", **headers: str):
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        return client.get(f"/static/{name}", headers=sent, buffered=True)

    plain = fetch()
    for _ in range(2):
        packed = fetch(accept_encoding="gzip, br")
        assert packed.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.data) == plain.data
        assert len(packed.data) < len(plain.data) / 2
    assert "Content-Encoding" not in plain.headers
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]
    assert fetch(accept_encoding="gzip", if_none_match=packed.headers["ETag"]).status_code == 304
    assert fetch(accept_encoding="gzip;q=0").data == plain.data
    assert "Content-Encoding" not in fetch("trial/night-city.jpg", accept_encoding="gzip").headers


@pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 500, 503])
def test_every_error_has_a_page_in_words(app, status):
    with app.test_request_context("/nothing"):
        page = render_template(
            f"errors/{status}.html", status=status, title="T", detail="Why.", errors={}, request_id="r"
        )
    assert f'<p class="code">{status}</p>' in page
    assert "Oops" not in page
    assert 'href="/"' in page


def test_the_trial_pictures_are_six_and_small():
    pictures = sorted((ROOT / "static/trial").glob("*.jpg"))
    assert len(pictures) == 6
    for picture in pictures:
        assert picture.stat().st_size <= 90_000
        assert picture.with_suffix(".webp").stat().st_size <= 8_000


def test_every_icon_in_use_is_in_the_sprite():
    drawn = set(re.findall(r'<symbol id="([a-z0-9-]+)"', (ROOT / "static/icons.svg").read_text()))
    used = set()
    for file in (ROOT / "templates").rglob("*.html"):
        used |= set(re.findall(r'icon(?:_name)?(?:\(|=)"([a-z0-9-]+)"', file.read_text()))
    assert used
    assert used <= drawn
