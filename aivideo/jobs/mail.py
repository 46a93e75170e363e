"""The jobs that send mails."""

from aivideo import mail
from aivideo.adapters import settings
from aivideo.services import notice_mail


def send(message: dict[str, str]) -> None:
    mail.deliver(settings().mail_url, message)


def tell(notice_id: int) -> None:
    notice_mail.send(notice_id)
