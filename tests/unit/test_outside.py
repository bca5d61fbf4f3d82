"""What an identity provider has to have signed: tokens made up, altered, old, or for somebody else are refused."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from registry.errors import CannotAnswer, NotAllowed, RegistryError
from registry.settings import Settings
from registry.staff.identity_provider import IdentityProvider, PendingSignIn

KEY, OTHER = (ECKey.generate_key("P-256", {"kid": name}) for name in ("one", "other"))
ASKED = PendingSignIn(state="s" * 43, nonce="n" * 43, verifier="v" * 86)


class Answers(BaseHTTPRequestHandler):
    """A provider that says what a test wants it to."""

    token: ClassVar[object] = None
    issuer: ClassVar[str | None] = None
    asked: ClassVar[bytes] = b""

    def _say(self, said: object, status: int = 200) -> None:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        here = f"http://{self.headers['host']}"
        if self.path == "/jwks":
            self._say(KeySet([KEY]).as_dict(private=False))
        else:
            ends = {f"{name}_endpoint": f"{here}/{name}" for name in ("authorization", "token")}
            self._say({"issuer": self.issuer or here, **ends, "jwks_uri": f"{here}/jwks"})

    def do_POST(self) -> None:
        Answers.asked = self.rfile.read(int(self.headers["content-length"]))
        self._say({"id_token": self.token} if self.token is not None else {"error": "invalid_grant"}, 200)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    Answers.token, Answers.issuer = None, None


def provider(address: str) -> IdentityProvider:
    return IdentityProvider(Settings(oidc_issuer=address, oidc_client_id="register", oidc_client_secret="secret"))


def a_token(address: str, key: ECKey | OctKey = KEY, alg: str = "ES256", **claims: Any) -> str:
    now = int(time.time())
    told = {"iss": address, "sub": "who", "aud": "register", "iat": now, "exp": now + 300, "nonce": ASKED.nonce}
    told = {name: value for name, value in {**told, **claims}.items() if value is not None}
    return jwt.encode({"alg": alg, "kid": "one"}, told, key, algorithms=[alg])


def finish(address: str, token: object, state: str = ASKED.state, code: str = "c") -> str:
    Answers.token = token
    return provider(address).finish_sign_in(ASKED, state, code)


def test_what_the_provider_signed_for_this_sign_in_says_who_it_is(address: str) -> None:
    assert finish(address, a_token(address)) == "who"
    assert finish(address, a_token(address, aud=["register", "x"], azp="register")) == "who"
    assert b"code_verifier=" + b"v" * 86 in Answers.asked


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://evil.example"},
        {"aud": "another"},
        {"exp": 1},
        {"exp": None},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"iat": None},
        {"aud": ["register", "x"], "azp": "x"},
    ],
    ids=str,
)
def test_a_token_that_is_not_for_us_now_is_refused(address: str, claims: dict[str, Any]) -> None:
    with pytest.raises(NotAllowed):
        finish(address, a_token(address, **claims))


def test_a_token_that_somebody_else_signed_or_nobody_is_refused(address: str) -> None:
    public = json.dumps(KEY.as_dict(private=False)).encode()
    right = a_token(address)
    unsigned = f"{urlsafe_b64encode(json.dumps({'alg': 'none'}).encode()).decode().rstrip('=')}.{right.split('.')[1]}."
    altered = right[:-3] + ("AAA" if not right.endswith("AAA") else "BBB")
    forged = (a_token(address, OTHER), a_token(address, OctKey.import_key(public), "HS256"), unsigned, altered)
    for token in (*forged, "", "x.y.z", 7, None, {"a": 1}):
        with pytest.raises(NotAllowed):
            finish(address, token)


@pytest.mark.parametrize(("state", "code"), [("", "c"), ("x" * 43, "c"), (ASKED.state, ""), ("状态", "c")])
def test_an_answer_to_another_question_is_refused_before_the_provider_is_asked(
    address: str, state: str, code: str
) -> None:
    with pytest.raises(NotAllowed):
        finish("http://127.0.0.1:1", a_token(address), state, code)


def test_a_provider_that_calls_itself_something_else_is_not_believed(address: str) -> None:
    Answers.issuer = "http://evil.example"
    with pytest.raises(CannotAnswer):
        provider(address).start_sign_in()


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:1", "http://", "nonsense"])
def test_a_provider_out_of_reach_is_said_to_be(issuer: str) -> None:
    with pytest.raises(RegistryError) as said:
        provider(issuer).start_sign_in()
    assert said.value.code == "cannot_answer"
