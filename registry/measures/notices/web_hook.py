"""Sending a message to a web hook, signed after Standard Webhooks, and to public addresses alone.

The name is looked up once, every address it has must be public, and the connection goes to one of these: a name that
is looked up as another address a moment later leads nowhere. Redirects are not followed, an answer is not read beyond
its status, and all of it is over within ``TIMEOUT`` seconds, however slowly the other side goes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import secrets
import socket
import ssl
import threading
from urllib.parse import urlsplit

from registry.measures.notices.subscription import is_public_address
from registry.texts import Message

#: Seconds that one attempt may take in all.
TIMEOUT = 15.0
_PREFIX = "whsec_"
_PORTS = {"https": 443, "http": 80}


class DeliveryFailed(Exception):
    """A message was not received; ``status``: what was answered, if anything was."""

    def __init__(self, reason: Message, status: int | None = None) -> None:
        super().__init__(reason.to_text())
        self.reason, self.status = reason, status


def make_secret() -> str:
    """Make the secret of a web hook as Standard Webhooks writes it."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign_message(secret: str, number: str, at: int, body: bytes) -> str:
    """Return the webhook-signature header of a message sent at ``at``, seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{number}.{at}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def send_request(address: str, body: bytes, headers: dict[str, str], *, may_be_private: bool) -> None:
    """Post a message; DeliveryFailed unless the answer is 2xx."""
    parts = urlsplit(address)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    over = threading.Event()
    timer: threading.Timer | None = None
    try:
        connected = _connect(host, port, may_be_private=may_be_private)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connected = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
        timer = threading.Timer(TIMEOUT, _cut_connection, (connected, over))
        timer.daemon = True
        timer.start()
        connection.sock = connected
        if isinstance(connected, ssl.SSLSocket):
            connected.do_handshake()
        connection.request("POST", target, body, {**headers, "Host": parts.netloc, "Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        if over.is_set() or isinstance(error, TimeoutError):
            raise DeliveryFailed(Message("{timeout:g}秒内没有答复。", timeout=TIMEOUT)) from error
        raise DeliveryFailed(Message("无法送达：{error}", error=type(error).__name__)) from error
    finally:
        if timer is not None:
            timer.cancel()
        connection.close()
    if not 200 <= status < 300:
        raise DeliveryFailed(Message("对方答复 HTTP {status}。", status=status), status)


def _connect(host: str, port: int, *, may_be_private: bool) -> socket.socket:
    """Connect to a host, all of whose addresses are public."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not may_be_private and not all(is_public_address(str(address[0])) for *_, address in found):
        raise DeliveryFailed(Message("不向内部网络的地址发送：{address}", address=host[:80]))
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in found[:4]:
        connected = socket.socket(family, kind, protocol)
        connected.settimeout(TIMEOUT / 3)
        try:
            connected.connect(address)
        except OSError as error:
            connected.close()
            failure = error
        else:
            connected.settimeout(TIMEOUT)
            return connected
    raise failure


def _cut_connection(connected: socket.socket, over: threading.Event) -> None:
    """End a connection that takes too long: whoever reads from it is woken."""
    over.set()
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
