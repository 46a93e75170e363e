"""Somebody with a browser: keeps cookies, and sends forms with the token of the page they are on."""

import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"


class Visitor:
    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()
        self.page = "/login"

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, on: str | None = None, **fields: Any) -> TestResponse:
        """Send a form to `path` from the page `on` (by default the same address)."""
        token = csrf_token(self.get(on or path))
        return self.client.post(path, data={"csrf_token": token, **fields})

    def sign_in(self, email: str = "alice@example.com", password: str = PASSWORD, **fields: Any) -> TestResponse:
        return self.post("/login", email=email, password=password, **fields)

    def is_signed_in(self) -> bool:
        return self.get("/account").status_code == 200

    def cookies(self) -> dict[str, Any]:
        return {cookie.key: cookie for cookie in self.client._cookies.values()}


def csrf_token(response: TestResponse) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', response.text)
    assert found, f"no form on this page: {response.status} {response.text[:500]}"
    return found[1]
