"""The job that sends a mail."""

from aivideo import mail
from aivideo.adapters import settings


def send(message: dict[str, str]) -> None:
    mail.deliver(settings().mail_url, message)
