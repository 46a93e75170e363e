"""A small SMTP server that keeps what it gets; speaks AUTH PLAIN and, where it has a certificate, STARTTLS or TLS."""

import base64
import email
import socket
import ssl
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path


class SmtpServer:
    """`mails` are what was taken, `encrypted` says of each whether it was; `signed_in` are the credentials used.

    `answers` are said instead of the usual yes, by verb: `{"RCPT": "550 nobody here"}`.
    """

    def __init__(self, certificate: Path | None = None, *, tls_from_the_start: bool = False) -> None:
        self.mails: list[Message] = []
        self.signed_in: list[tuple[str, str]] = []
        self.encrypted: list[bool] = []
        self.answers: dict[str, str] = {}
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._tls_from_the_start = tls_from_the_start
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                if self._tls_from_the_start:
                    self._encrypt(connection)
                else:
                    self._talk(connection)

    def _encrypt(self, connection: socket.socket) -> None:
        assert self._context
        with self._context.wrap_socket(connection, server_side=True) as wrapped:
            self._talk(wrapped, encrypted=True, greet=self._tls_from_the_start)

    def _talk(self, connection: socket.socket, *, encrypted: bool = False, greet: bool = True) -> None:
        lines = connection.makefile("rb")

        def say(line: str) -> None:
            connection.sendall(f"{line}\r\n".encode())

        if greet:
            say("220 hello")
        while line := lines.readline():
            command = line.decode().strip()
            verb = command.upper().split(" ")[0]
            if verb in self.answers:
                say(self.answers[verb])
            elif verb == "EHLO":
                say("250-localhost\r\n250-AUTH PLAIN" + ("\r\n250-STARTTLS" if self._context and not encrypted else ""))
                say("250 8BITMIME")
            elif verb == "STARTTLS":
                say("220 go on")
                lines.close()
                self._encrypt(connection)
                return
            elif verb == "AUTH":
                _, user, password = base64.b64decode(command.split(" ")[2]).decode().split("\0")
                self.signed_in.append((user, password))
                say("235 welcome")
            elif verb == "DATA":
                say("354 go on")
                body = b""
                while (part := lines.readline()) != b".\r\n":
                    body += part
                self.encrypted.append(encrypted)
                self.mails.append(email.message_from_bytes(body))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")


def self_signed(folder: Path) -> Path:
    """A certificate that nobody has reason to trust, with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    certificate = builder.sign(key, hashes.SHA256())
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
