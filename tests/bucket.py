"""The bucket of the tests."""

BUCKET = "studio"
