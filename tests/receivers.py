"""Receivers of notices: a web hook that answers as it is told to, and a mail server that keeps what it gets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

HANGS = 0


class Received(NamedTuple):
    """One request: its headers, its body, and what was answered."""

    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def number(self) -> str:
        return self.headers["webhook-id"]

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.body)["data"]


class Receiver(ThreadingHTTPServer):
    """Answers with the next of ``answers``, then 200: a status, or HANGS until ``release`` is set."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.answers: list[int] = []
        self.always = 200
        self.got: list[Received] = []
        self.release = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook?x=1"

    def list_accepted(self) -> list[Received]:
        """What it said it has."""
        return [one for one in self.got if one.status == 200]

    def numbers_told(self) -> list[int]:
        """The entries it was told, each message once, in the order in which they first came."""
        seen = {one.number: one for one in reversed(self.list_accepted())}
        order = dict.fromkeys(one.number for one in self.list_accepted())
        return [entry["number"] for number in order for entry in seen[number].data["entries"]]


class _Hook(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        status = self.server.answers.pop(0) if self.server.answers else self.server.always
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append(Received(headers, body, status))
        if status == HANGS:
            self.server.release.wait()
            return
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.server.url + "&moved")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def is_signed(received: Received, secret: str) -> bool:
    """Whether the signature is right, as Standard Webhooks says it is made, and of now."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    at = received.headers["webhook-timestamp"]
    content = f"{received.number}.{at}.".encode() + received.body
    wanted = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return wanted in received.headers["webhook-signature"].split() and abs(int(at) - time.time()) < 300


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much of SMTP (RFC 5321) as is needed to take mail; ``refuse``: answers so to the next letters."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.letters: list[tuple[str, list[str], bytes]] = []
        self.refuse: list[str] = []
        self.url = f"smtp://127.0.0.1:{self.server_address[1]}"


class _Smtp(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        sender, receivers = "", list[str]()
        self.say("220 mail.example")
        while line := self.rfile.readline().decode().strip():
            verb = line.upper()
            if verb.startswith("MAIL FROM:"):
                sender, receivers = line[10:], []
            elif verb.startswith("RCPT TO:"):
                receivers.append(line[8:])
            elif verb == "DATA":
                self.say("354 go on")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                if self.server.refuse:
                    self.say(self.server.refuse.pop(0))
                    continue
                self.server.letters.append((sender, receivers, b"".join(lines)))
            elif verb == "QUIT":
                self.say("221 bye")
                return
            self.say("250 ok")

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def serving_receiver(kind: type[Receiver] | type[MailServer] = Receiver) -> Iterator[Any]:
    """A receiver, stopped at the end."""
    with kind() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            if isinstance(server, Receiver):
                server.release.set()
            server.shutdown()
            thread.join()
