"""An empty bucket."""

import os

import pytest
import requests
from bucket import BUCKET

from aivideo.storage import S3Storage


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual AWS variables, and nothing from the caller's home."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def s3(s3_server: str, aws: None) -> S3Storage:
    requests.post(f"{s3_server}/moto-api/reset", timeout=10).raise_for_status()
    requests.put(f"{s3_server}/{BUCKET}", timeout=10).raise_for_status()
    return S3Storage(BUCKET, s3_server)
