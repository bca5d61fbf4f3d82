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

from registry.errors import CannotAnswer, NotAllowed
from registry.model import Struct
from registry.settings import Settings

#: Seconds for an answer of the provider, and that what it says of itself is believed.
PATIENCE, FRESH = 10.0, 600.0
#: Seconds clocks may differ.
LEEWAY = 60
_ALGORITHMS = ["RS256", "ES256", "EdDSA", "PS256"]
BACK = "/staff/oidc/back"


class Asked(Struct, frozen=True):
    """What a browser keeps between leaving for the provider and coming back; of no use to anybody else."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """One identity provider. CannotAnswer while it cannot be reached: people can still use their password."""

    def __init__(self, settings: Settings) -> None:
        self._client = (settings.oidc_client_id, settings.oidc_client_secret)
        self._issuer = settings.oidc_issuer.rstrip("/")
        self._back = settings.public_url.rstrip("/") + BACK
        self._known: dict[str, Any] = {}
        self._learnt = 0.0

    def start(self, again: bool = False) -> tuple[str, Asked]:
        """The address to send a browser to, and what it has to keep; ``again``: the provider is to ask anew."""
        asked = Asked(state=_random(), nonce=_random(), verifier=_random() + _random())
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
        return add_params_to_uri(self._configuration()["authorization_endpoint"], list(told.items())), asked

    def finish(self, asked: Asked, state: str, code: str) -> str:
        """Who came back: the ``sub`` of an ID token that the provider signed for us, for this very sign-in.

        NotAllowed for anything else: another state, a code that is none, a token that is forged, old or not for us.
        """
        if not code or not hmac.compare_digest(asked.state.encode(), state.encode()):
            raise _refused("state")
        told = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": asked.verifier,
        }
        name, secret = (quote(part, safe="") for part in self._client)
        answer = self._fetch("POST", self._configuration()["token_endpoint"], data=told, auth=(name, secret))
        token = answer.json().get("id_token") if answer.is_success else None
        if not isinstance(token, str):
            raise _refused("code")
        try:
            keys = KeySet.import_key_set(self._fetch("GET", self._configuration()["jwks_uri"]).json())
            decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            wanted = {"iss": {"values": [self._configuration()["issuer"]]}, "aud": {"value": self._client[0]}}
            claims = CodeIDToken(decoded.claims, decoded.header, wanted, self._bound_to(asked))
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _refused("token") from error
        return str(claims["sub"])

    def _bound_to(self, asked: Asked) -> dict[str, str]:
        return {"nonce": asked.nonce, "client_id": self._client[0]}

    def _configuration(self) -> dict[str, Any]:
        if not self._known or time.monotonic() > self._learnt + FRESH:
            said = self._fetch("GET", f"{self._issuer}/.well-known/openid-configuration")
            try:
                known = said.raise_for_status().json()
                if str(known["issuer"]).rstrip("/") != self._issuer:
                    raise KeyError("issuer")
                self._known = {key: known[key] for key in _NEEDED}
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise _away() from error
            self._learnt = time.monotonic()
        return self._known

    def _fetch(self, method: str, address: str, **told: Any) -> httpx.Response:
        try:
            return httpx.request(method, address, timeout=PATIENCE, follow_redirects=False, **told)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _away() from error


_NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


def _random() -> str:
    return secrets.token_urlsafe(32)


def _refused(why: str) -> NotAllowed:
    return NotAllowed(
        "身份认证系统没有证明您是谁，请重新登录。",
        "The identity provider did not prove who you are; sign in again.",
        why=f"oidc_{why}",
    )


def _away() -> CannotAnswer:
    return CannotAnswer(
        "身份认证系统暂时无法访问，请稍后再试，或用账号和密码登录。",
        "The identity provider cannot be reached now. Try again later, or sign in with account and password.",
    )
