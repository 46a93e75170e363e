"""Mail through the server of MAIL_URL, or, where there is none, printed to the log."""

import logging
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

log = logging.getLogger(__name__)
SECONDS = 20
RELAY_PORT, SUBMISSION_PORT, TLS_PORT = 25, 587, 465


def deliver(url: str, message: Mapping[str, str]) -> None:
    """Send a mail (`to`, `subject`, `text`) through `smtp://` or `smtps://user:password@host:port`.

    `url` empty: print it to the log, links and all.

    Raises:
        OSError, smtplib.SMTPException: it was not taken.
    """
    if not url:
        log.warning(
            "no MAIL_URL, so this mail is only shown here\n  To: %s\n  Subject: %s\n\n%s\n",
            message["to"],
            message["subject"],
            "\n".join(f"  {line}" for line in message["text"].strip().splitlines()),
        )
        return
    server = urlsplit(url)
    user, password, host = (
        unquote(server.username or ""),
        unquote(server.password or ""),
        server.hostname or "localhost",
    )
    tls = server.scheme == "smtps"
    port = server.port or (TLS_PORT if tls else SUBMISSION_PORT if user else RELAY_PORT)
    # A certificate is only worth checking where a password depends on it; a relay next door often has none of value.
    context = ssl.create_default_context() if user else ssl._create_unverified_context()  # noqa: S323
    with (
        smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
        if tls
        else smtplib.SMTP(host, port, timeout=SECONDS)
    ) as connection:
        connection.ehlo()
        if not tls and connection.has_extn("starttls"):
            connection.starttls(context=context)
            connection.ehlo()
        if user:
            connection.login(user, password)
        connection.send_message(_letter(message, sender=user if "@" in user else f"aivideo@{host}"))
    log.info("mail sent: %s", message["subject"])


def _letter(message: Mapping[str, str], sender: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = f"aivideo <{sender}>"
    letter["To"] = message["to"]
    letter["Subject"] = message["subject"]
    letter["Date"] = formatdate()
    letter["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
    letter.set_content(message["text"])
    return letter
