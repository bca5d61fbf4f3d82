"""Registers whose log others follow, and a plain web server over one that a test can make slow, wrong or malicious."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from registry.domain.model import Draft
from registry.log import merkle, note, signing_keys
from registry.log.folder import LogFolder
from registry.log.note import SignedCheckpoint, parse_signed_checkpoint
from registry.log.publish import PublishedLog
from registry.settings import Settings
from registry.storage.database import Database
from tests.factories import a_database, a_source, an_institution, enter

#: Entries of the log that tests watch and copy: more than one tile.
SIZE = 300

Alter = Callable[[str, bytes | None], bytes | None]


class Origin:
    """A register in a data folder of its own, with its signing key and published log."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.log = PublishedLog(Settings(data_dir=data_dir))

    @contextmanager
    def database(self) -> Iterator[Database]:
        database = Database(f"sqlite:///{self.data_dir / 'register.sqlite'}")
        try:
            yield database
        finally:
            database.close()

    def gains(self, *drafts: Draft) -> SignedCheckpoint:
        """Approve drafts and publish; the checkpoint over them."""
        with self.database() as database:
            enter(database, *drafts)
        return self.publish()

    def publish(self) -> SignedCheckpoint:
        with self.database() as database:
            signed = self.log.publish(database)
        assert signed is not None
        return signed

    def copy(self, data_dir: Path) -> Origin:
        """Another register with the same key, name and history so far: what a fork begins as."""
        shutil.copytree(self.data_dir, data_dir)
        return Origin(data_dir)


def an_origin(data_dir: Path, entries: int = 0, first: int = 0, like: Origin | None = None) -> Origin:
    """A register of so many entries, published; with the key of another one where it is ``like`` that one."""
    data_dir.mkdir(parents=True)
    a_database(data_dir).close()
    origin = Origin(data_dir)
    if like is not None:
        shutil.copyfile(like.data_dir / "signing.key", data_dir / "signing.key")
    signing_keys.create_key_file(data_dir / "signing.key")
    if entries:
        origin.gains(a_source(), *hospitals(entries - 1, first))
    else:
        origin.publish()
    return origin


def hospitals(number: int, first: int = 0) -> list[Draft]:
    """Made-up institutions, the same ones for the same numbers."""
    return [an_institution(f"鞍山市示例{n}医院") for n in range(first, first + number)]


def frozen(origin: Origin, folder: Path) -> LogFolder:
    """The published log as it is now, as files of their own."""
    return LogFolder(Path(shutil.copytree(origin.log.folder.path, folder)))


class Answer(Exception):
    """Raised by ``alter`` to answer with another status and headers."""

    def __init__(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Static(ThreadingHTTPServer):
    """Serves the files of ``folder`` below ``/log``; ``alter(path, content)`` gives what is sent in their place.

    ``drip``: seconds between the parts of an answer.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.alter: Alter = as_is
        self.drip = 0.0
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def speak_tls(self, folder: Path) -> Path:
        """From now on over TLS, with a certificate of its own making; the file of it."""
        certificate = folder / "server.pem"
        certificate.write_bytes(self_signed())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = self.url.replace("http://", "https://")
        return certificate

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away, or was killed, is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Static

    def do_GET(self) -> None:
        whole = urlsplit(self.path).path  # a proxy is asked for whole addresses
        path = whole.removeprefix("/log/")
        file = self.server.folder / path
        self.server.asked.append(path)
        content = file.read_bytes() if whole != path and file.is_file() else None
        status, headers = 200, dict[str, str]()
        try:
            content = self.server.alter(path, content)
        except Answer as answer:
            status, headers, content = answer.status, answer.headers, answer.body
        if content is None:
            status, content = 404, b"not here"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        step = len(content) if not self.server.drip else max(1, len(content) // 10)
        for start in range(0, len(content), step or 1):
            time.sleep(self.server.drip)
            self.wfile.write(content[start : start + step])

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving_folder(folder: Path) -> Iterator[Static]:
    """A server of a published log, stopped at the end."""
    with Static(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def require_proof(evidence: LogFolder) -> None:
    """What was kept convinces somebody who has nothing else: one log, two histories, both signed."""
    keys = [note.parse_verifier(line) for line in (evidence.find_file("pinned") or b"").decode().split()]
    seen, offered = (parse_signed_checkpoint(evidence.find_file(name) or b"") for name in ("seen", "offered"))
    for one in (seen, offered):
        note.verify_note(one.note, keys)
    small, large = sorted((seen.checkpoint, offered.checkpoint), key=lambda one: one.size)
    assert small.origin == large.origin
    there = merkle.compute_root(evidence.make_tree(large.size), small.size)
    proof = [bytes.fromhex(one) for one in json.loads(evidence.find_file("proof.json") or b"")]
    assert merkle.verify_consistency(small.size, large.size, there, large.root, proof)
    assert there != small.root


def self_signed() -> bytes:
    """A key and a certificate for 127.0.0.1 that vouches for itself (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "示例")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + built.public_bytes(Encoding.PEM)


def as_is(_path: str, content: bytes | None) -> bytes | None:
    """What there is."""
    return content


def only(name: str, content: bytes | None) -> Alter:
    """In place of one file another content, or none."""
    return lambda path, there: content if path == name else there
