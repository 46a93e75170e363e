"""Mail of Flask-Security: written in the request, sent by a job."""

import logging
import threading
from smtplib import SMTPException
from typing import Any

from flask import Response, after_this_request, has_request_context
from flask_security import EmailValidateException, MailUtil
from flask_security.utils import get_message

from aivideo.adapters import settings
from aivideo.core.errors import InvalidInput
from aivideo.mail import deliver
from aivideo.queue import enqueue
from aivideo.services.accounts import address

log = logging.getLogger(__name__)


class QueuedMail(MailUtil):
    """Sends by the job `mail`, after the response, so that what the mail tells of is committed.

    With Redis away it is sent (or, without MAIL_URL, printed to the log) by a thread: no request fails for a mail.
    """

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: Any,
        sender: Any,
        body: str | None,
        html: str | None,
        **context: Any,
    ) -> None:
        message = {"to": str(recipient), "subject": str(subject), "text": body or ""}

        def hand_over(response: Response) -> Response:
            if response.status_code < 500:
                _hand_over(message)
            return response

        if has_request_context():
            after_this_request(hand_over)
        else:
            _hand_over(message)

    def normalize(self, email: str) -> str:
        try:
            return address(email)
        except InvalidInput:
            raise EmailValidateException(get_message("INVALID_EMAIL_ADDRESS")[0]) from None

    validate = normalize


def _hand_over(message: dict[str, str]) -> None:
    if enqueue("mail", message):
        return
    url = settings().mail_url
    if url:
        threading.Thread(target=_try, args=(url, message), daemon=True).start()
    else:
        deliver(url, message)


def _try(url: str, message: dict[str, str]) -> None:
    try:
        deliver(url, message)
    except (OSError, SMTPException) as error:
        log.error("mail to %s not sent: %s", message["to"], error)
