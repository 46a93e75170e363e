"""Mail goes through MAIL_URL over real SMTP, or to the log."""

import smtplib
import ssl

import pytest
from smtp_server import SmtpServer, self_signed

from aivideo.mail import deliver

MAIL = {"to": "ann@example.com", "subject": "Gr\u00fc\u00dfe", "text": "Hello \u2728\nhttps://example.com/a?b=c\n"}


@pytest.fixture
def server():
    server = SmtpServer()
    yield server
    server.close()


def test_a_mail_arrives_as_it_was_written(server):
    deliver(f"smtp://127.0.0.1:{server.port}", MAIL)
    (mail,) = server.mails
    assert mail["To"] == "ann@example.com"
    assert mail["From"] == "aivideo <aivideo@127.0.0.1>"
    assert str(mail["Subject"].encode()).startswith("b'=?utf-8?")
    assert mail.get_payload(decode=True).decode().replace("\r\n", "\n") == MAIL["text"]
    assert mail["Date"]
    assert mail["Message-ID"]
    assert server.signed_in == []


def test_credentials_are_percent_decoded_and_an_address_among_them_is_the_sender(server):
    deliver(f"smtp://studio%40example.com:p%40ss%3A%2F@127.0.0.1:{server.port}", MAIL)
    assert server.signed_in == [("studio@example.com", "p@ss:/")]
    assert server.mails[0]["From"] == "aivideo <studio@example.com>"


def test_starttls_is_used_where_it_is_offered(tmp_path):
    server = SmtpServer(self_signed(tmp_path))
    try:
        deliver(f"smtp://127.0.0.1:{server.port}", MAIL)
        assert server.encrypted == [True]
    finally:
        server.close()


def test_tls_from_the_first_byte_with_smtps(tmp_path):
    server = SmtpServer(self_signed(tmp_path), tls_from_the_start=True)
    try:
        deliver(f"smtps://127.0.0.1:{server.port}", MAIL)
        assert server.encrypted == [True]
    finally:
        server.close()


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_password_is_never_given_to_a_server_nobody_vouches_for(tmp_path, scheme):
    server = SmtpServer(self_signed(tmp_path), tls_from_the_start=scheme == "smtps")
    try:
        with pytest.raises(ssl.SSLError):
            deliver(f"{scheme}://user:secret@127.0.0.1:{server.port}", MAIL)
        assert server.signed_in == []
    finally:
        server.close()


def test_a_server_that_is_away_is_an_error(server):
    server.close()
    with pytest.raises((OSError, smtplib.SMTPException)):
        deliver(f"smtp://127.0.0.1:{server.port}", MAIL)


def test_without_a_server_the_mail_is_in_the_log_to_be_read_and_followed(caplog):
    deliver("", MAIL)
    assert "To: ann@example.com" in caplog.text
    assert "https://example.com/a?b=c" in caplog.text


def test_a_name_in_an_address_cannot_add_a_header(server):
    with pytest.raises(ValueError):
        deliver(f"smtp://127.0.0.1:{server.port}", {**MAIL, "subject": "Hello\r\nBcc: eve@example.com"})
    assert server.mails == []
