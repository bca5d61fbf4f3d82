"""Signing in by the department's own identity provider: OpenID Connect, authorization code with PKCE.

The provider proves an identity; an administrator has linked it to an account; the account's rights are the register's.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from registry.domain.model import Struct
from registry.errors import CannotAnswer, NotAllowed
from registry.settings import Settings
from registry.texts import Message

if TYPE_CHECKING:  # imported where a provider is set: it would be a tenth of every worker's start
    import httpx

#: Seconds for an answer of the provider, and that what it says of itself is believed.
PATIENCE, FRESH = 10.0, 600.0
#: Seconds clocks may differ.
LEEWAY = 60
_ALGORITHMS = ["RS256", "ES256", "EdDSA", "PS256"]
BACK = "/staff/oidc/back"


class PendingSignIn(Struct, frozen=True):
    """What a browser keeps between leaving for the provider and coming back; useless to anybody else."""

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
        """Return the address to send a browser to, and what it has to keep; ``again``: make the provider ask anew."""
        pending = PendingSignIn(state=_make_random(), nonce=_make_random(), verifier=_make_random() + _make_random())
        parameters = {
            "response_type": "code",
            "client_id": self._client[0],
            "redirect_uri": self._back,
            "scope": "openid",
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": create_s256_code_challenge(pending.verifier),
            "code_challenge_method": "S256",
            **({"prompt": "login"} if again else {}),
        }
        return add_params_to_uri(
            self._load_configuration()["authorization_endpoint"], list(parameters.items())
        ), pending

    def finish_sign_in(self, pending: PendingSignIn, state: str, code: str) -> str:
        """Return the ``sub`` of the ID token that the provider signed for this register and this very sign-in.

        NotAllowed for anything else: another state, an invalid code, a token that is forged, old or for somebody else.
        """
        if not code or not hmac.compare_digest(pending.state.encode(), state.encode()):
            raise _make_refusal("state")
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "code_verifier": pending.verifier,
        }
        name, secret = (quote(part, safe="") for part in self._client)
        answer = self._send_request(
            "POST", self._load_configuration()["token_endpoint"], data=fields, auth=(name, secret)
        )
        token = answer.json().get("id_token") if answer.is_success else None
        if not isinstance(token, str):
            raise _make_refusal("code")
        try:
            keys = KeySet.import_key_set(self._send_request("GET", self._load_configuration()["jwks_uri"]).json())
            decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            claim_options = {
                "iss": {"values": [self._load_configuration()["issuer"]]},
                "aud": {"value": self._client[0]},
            }
            params = {"nonce": pending.nonce, "client_id": self._client[0]}
            claims = CodeIDToken(decoded.claims, decoded.header, claim_options, params)
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _make_refusal("token") from error
        return str(claims["sub"])

    def _load_configuration(self) -> dict[str, Any]:
        import httpx

        if not self._known or time.monotonic() > self._learnt + FRESH:
            answer = self._send_request("GET", f"{self._issuer}/.well-known/openid-configuration")
            try:
                configuration = answer.raise_for_status().json()
                if str(configuration["issuer"]).rstrip("/") != self._issuer:
                    raise KeyError("issuer")
                self._known = {key: configuration[key] for key in _NEEDED}
            except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
                raise _make_unreachable_error() from error
            self._learnt = time.monotonic()
        return self._known

    def _send_request(self, method: str, address: str, **options: Any) -> httpx.Response:
        import httpx

        try:
            return httpx.request(method, address, timeout=PATIENCE, follow_redirects=False, **options)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _make_unreachable_error() from error


_NEEDED = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


def _make_random() -> str:
    return secrets.token_urlsafe(32)


def _make_refusal(reason: str) -> NotAllowed:
    return NotAllowed(
        Message("身份认证系统没有证明您是谁，请重新登录。"),
        why=f"oidc_{reason}",
    )


def _make_unreachable_error() -> CannotAnswer:
    return CannotAnswer(
        Message("身份认证系统暂时无法访问，请稍后再试，或用账号和密码登录。"),
    )
