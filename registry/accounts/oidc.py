"""Signing in by the department's own identity provider: OpenID Connect, authorization code with PKCE.

The provider says who somebody is; which account that is, an administrator has entered; what it may do, is ours.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import Any
from urllib.parse import quote

import httpx
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from registry.domain.model import Struct
from registry.errors import CannotAnswer, NotAllowed
from registry.settings import Settings

#: Seconds for an answer of the provider, and that what it says of itself is believed.
PATIENCE, FRESH = 10.0, 600.0
#: Seconds clocks may differ.
LEEWAY = 60
_ALGORITHMS = ["RS256", "ES256", "EdDSA", "PS256"]
BACK = "/staff/oidc/back"


class PendingSignIn(Struct, frozen=True):
    """What a browser keeps between leaving for the provider and coming back; of no use to anybody else."""

    state: str
    nonce: str
    verifier: str


class IdentityProvider:
    """One identity provider. CannotAnswer while it cannot be reached: people can still use their password."""

    def __init__(self, settings: Settings) -> None:
        self._client = (settings.oidc_client_id, settings.oidc_client_secret)
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._back = settings.public_url.rstrip("/") + BACK
        self._known: dict[str, Any] = {}
        self._learnt = 0.0

    def start_sign_in(self, again: bool = False) -> tuple[str, PendingSignIn]:
        """The address to send a browser to, and what it has to keep; ``again``: the provider is to ask anew."""
        asked = PendingSignIn(state=_make_random(), nonce=_make_random(), verifier=_make_random() + _make_random())
        told = {
            "response_type": "code",
            "client_id": self._client[0],
            "redirect_uri": self._back,
            "scope": "openid",
            "state": asked.state,
            "nonce": asked.nonce,
            "code_challenge": create_s256_code_challenge(asked.verifier),
            "code_challenge_method": "S256",
            **({"prompt": "login"} if again else {}),
        }
        return add_params_to_uri(self._load_configuration()["authorization_endpoint"], list(told.items())), asked

    def finish_sign_in(self, asked: PendingSignIn, state: str, code: str) -> str:
        """Who came back: the ``sub`` of an ID token that the provider signed for us, for this very sign-in.

        NotAllowed for anything else: another state, a code that is none, a token that is forged, old or not for us.
        """
        if not code or not hmac.compare_digest(asked.state.encode(), state.encode()):
            raise _make_refusal("state")
        told = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": asked.verifier,
        }
        name, secret = (quote(part, safe="") for part in self._client)
        answer = self._send_request(
            "POST", self._load_configuration()["token_endpoint"], data=told, auth=(name, secret)
        )
        token = answer.json().get("id_token") if answer.is_success else None
        if not isinstance(token, str):
            raise _make_refusal("code")
        try:
            keys = KeySet.import_key_set(self._send_request("GET", self._load_configuration()["jwks_uri"]).json())
            decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            wanted = {"iss": {"values": [self._load_configuration()["issuer"]]}, "aud": {"value": self._client[0]}}
            claims = CodeIDToken(decoded.claims, decoded.header, wanted, self._make_token_params(asked))
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _make_refusal("token") from error
        return str(claims["sub"])

    def _make_token_params(self, asked: PendingSignIn) -> dict[str, str]:
        return {"nonce": asked.nonce, "client_id": self._client[0]}

    def _load_configuration(self) -> dict[str, Any]:
        if not self._known or time.monotonic() > self._learnt + FRESH:
            said = self._send_request("GET", f"{self._issuer}/.well-known/openid-configuration")
            try:
                known = said.raise_for_status().json()
                if str(known["issuer"]).rstrip("/") != self._issuer:
                    raise KeyError("issuer")
                self._known = {key: known[key] for key in _NEEDED}
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise _make_unreachable_error() from error
            self._learnt = time.monotonic()
        return self._known

    def _send_request(self, method: str, address: str, **told: Any) -> httpx.Response:
        try:
            return httpx.request(method, address, timeout=PATIENCE, follow_redirects=False, **told)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _make_unreachable_error() from error


_NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


def _make_random() -> str:
    return secrets.token_urlsafe(32)


def _make_refusal(why: str) -> NotAllowed:
    return NotAllowed(
        "身份认证系统没有证明您是谁，请重新登录。",
        "The identity provider did not prove who you are; sign in again.",
        why=f"oidc_{why}",
    )


def _make_unreachable_error() -> CannotAnswer:
    return CannotAnswer(
        "身份认证系统暂时无法访问，请稍后再试，或用账号和密码登录。",
        "The identity provider cannot be reached now. Try again later, or sign in with account and password.",
    )
