import datetime
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_server import HostileServer

from aivideo.providers.http import HttpClient
from aivideo.providers.sora import SoraClient


@pytest.fixture
def serve() -> Iterator[Callable[..., HostileServer]]:
    """Start servers that do as they are told; all are stopped after the test."""
    servers: list[HostileServer] = []

    def start(*arguments: Any, **options: Any) -> HostileServer:
        servers.append(HostileServer(*arguments, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def door() -> Iterator[Callable[..., HttpClient]]:
    """Make HttpClients, closed after the test."""
    clients: list[HttpClient] = []

    def make(*arguments: Any, **options: Any) -> HttpClient:
        clients.append(HttpClient(*arguments, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def sora() -> Iterator[Callable[..., SoraClient]]:
    """Make SoraClients for a server, closed after the test."""
    clients: list[SoraClient] = []

    def make(server: HostileServer, key: str = "sk-secret-of-ours", **options: Any) -> SoraClient:
        clients.append(SoraClient(f"{server.url}/v1", key, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "aivideo test")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
