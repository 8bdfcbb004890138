"""Receivers of notices on this machine: a web server and a mail server, each in a thread, that keep what they get."""

from __future__ import annotations

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Hook:
    """What came to the web server. It answers with `answers` one after another, and then with 204."""

    answers: list[int] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?room=7"


@contextmanager
def hook(*answers: int, tls: ssl.SSLContext | None = None) -> Iterator[Hook]:
    kept = Hook(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.calls.append(
                ({name.lower(): value for name, value in self.headers.items()} | {"path": self.path}, body)
            )
            status = kept.answers.pop(0) if kept.answers else 204
            self.send_response(status)
            if status == 302:
                self.send_header("Location", kept.url)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name there
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    with _serving(server) as port:
        kept.port = port
        yield kept


def certificate(folder: Path) -> Path:
    """A certificate of localhost that vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file = folder / "localhost.pem"
    encoding = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(encoding, *form) + made.public_bytes(encoding))
    return file


@dataclass
class Mailbox:
    """What came to the mail server: receiver and text. So many of the first mails are `refused`, for now."""

    refused: int = 0
    mails: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0


@contextmanager
def mailbox(refused: int = 0) -> Iterator[Mailbox]:
    kept = Mailbox(refused)

    class Handler(socketserver.StreamRequestHandler):
        """As much of RFC 5321 as a client that sends in the clear needs."""

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 here")
            to = ""
            while line := self.rfile.readline().decode().strip():
                verb = line.upper()
                if verb.startswith("RCPT") and kept.refused:
                    kept.refused -= 1
                    self.say("451 later")
                elif verb.startswith("RCPT"):
                    to = line.partition("<")[2].partition(">")[0]
                    self.say("250 ok")
                elif verb.startswith("DATA"):
                    self.say("354 go on")
                    kept.mails.append((to, self.text()))
                    self.say("250 ok")
                elif verb.startswith("QUIT"):
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

        def text(self) -> str:
            lines = []
            while (line := self.rfile.readline()) not in (b".\r\n", b""):
                lines.append(line.decode())
            return "".join(lines)

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        kept.port = port
        yield kept


@contextmanager
def _serving(server: socketserver.ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
