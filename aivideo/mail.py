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
ANSWER_SECONDS = 60
"""For whoever looks through a mail before it takes it."""
RELAY_PORT, SUBMISSION_PORT, TLS_PORT = 25, 587, 465


def deliver(url: str, message: Mapping[str, str]) -> None:
    """Send a mail (`to`, `subject`, `text`) through `smtp://` or `smtps://user:password@host:port`.

    `id` in it makes the Message-ID, for a mail that may be sent again.

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
    taken = False
    try:
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
            # A yes that we did not wait for would send it twice.
            connection.sock.settimeout(ANSWER_SECONDS)  # type: ignore[union-attr]
            connection.send_message(_letter(message, sender=user if "@" in user else f"aivideo@{host}"))
            taken = True
    except OSError:
        if not taken:
            raise
        log.info("the mail server took the mail and then broke off")
    log.info("mail sent: %s", message["subject"])


def _letter(message: Mapping[str, str], sender: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = f"aivideo <{sender}>"
    letter["To"] = message["to"]
    letter["Subject"] = message["subject"]
    letter["Date"] = formatdate()
    domain = sender.partition("@")[2]
    letter["Message-ID"] = f"<{message['id']}@{domain}>" if "id" in message else make_msgid(domain=domain)
    letter.set_content(message["text"])
    return letter
