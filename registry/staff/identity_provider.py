"""Signing in through the department's own identity provider: OpenID Connect, authorization code with PKCE.

The provider proves an identity; an administrator has linked it to an account; the account's rights are the register's.
"""

from __future__ import annotations

import hmac
import secrets
import time
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from litestar import Response, get
from litestar.di import NamedDependency

from registry.accounts import sessions
from registry.domain.model import Struct
from registry.errors import CannotAnswer, NotAllowed, NotFound
from registry.settings import Settings
from registry.staff.desk import Desk, set_cookie, set_session_cookie
from registry.staff.errors import NEXT_STEP, SignInRequired
from registry.texts import Message

if TYPE_CHECKING:  # imported where a provider is set: it would be a tenth of every worker's start
    import httpx

_NOBODY = {"state": "none"}
#: Held between leaving for the provider and coming back. Lax: the browser comes back from another site.
COOKIE, PATH, SECONDS = "staff_oidc", "/staff/oidc", 600
#: Who has just proved their identity to the provider again: between coming back and the session's own page.
PROOF, PROOF_SECONDS = "staff_oidc_proof", 120
_PURPOSE = "proof by the provider"


@cache
def _get_provider(settings: Settings) -> IdentityProvider:
    return IdentityProvider(settings)


def _require_provider(desk: Desk) -> IdentityProvider:
    settings = desk.register.settings
    if not settings.oidc_issuer:
        raise NotFound(Message("没有设置身份认证系统，请用账号和密码登录。"))
    return _get_provider(settings)


@get("/oidc", opt={**_NOBODY, "lane": "slow"}, sync_to_thread=True)
def redirect_to_provider(desk: NamedDependency[Desk]) -> Response[Any]:
    """Redirect to the provider; with ``again`` to prove once more who is signed in already."""
    again = bool(desk.request.query_params.get("again"))
    address, pending = _require_provider(desk).start_sign_in(again=again)
    response: Response[Any] = Response(None, status_code=303, headers={"Location": address})
    value = f"{pending.state}.{pending.nonce}.{pending.verifier}{'.again' if again else ''}"
    return set_cookie(desk, response, COOKIE, value, path=PATH, samesite="lax", max_age=SECONDS)


@get("/oidc/back", opt={**_NOBODY, "lane": "sign-ins"}, sync_to_thread=True)
def return_from_provider(desk: NamedDependency[Desk]) -> Response[Any]:
    """Answer with a page that goes on by itself: coming from another site, a browser sends no session cookie yet."""
    provider, query = _require_provider(desk), desk.request.query_params
    parts = desk.request.cookies.get(COOKIE, "").split(".")
    again = parts[3:] == ["again"]
    if len(parts) != 3 + again:
        raise SignInRequired
    pending = PendingSignIn(state=parts[0], nonce=parts[1], verifier=parts[2])
    try:
        identity = provider.finish_sign_in(pending, str(query.get("state") or ""), str(query.get("code") or ""))
        if again:
            response = _render_proof_page(desk, identity)
        else:
            second_too = desk.register.settings.oidc_second
            token, state = desk.register.sign_ins.sign_in_by_identity(identity, desk.visitor, second_too=second_too)
            response = set_session_cookie(desk, desk.render_page("gone_in", next_path=NEXT_STEP[state]), token)
    except NotAllowed as error:
        if error.details.get("why") not in ("oidc_unknown", None):
            desk.register.sign_ins.repeats.count_failure(
                "-", "sign_in_failed", error.details["why"], desk.visitor.address
            )
        response = desk.render_page("sign_in", status=403, errors=[("", desk.get_text(error))], next="/staff")
    response.delete_cookie(COOKIE, path=PATH)
    return response


def _render_proof_page(desk: Desk, identity: str) -> Response[Any]:
    """Render the page that goes on to the session, whose cookie does not come along from another site."""
    statement = f"{int(time.time())}.{identity.encode().hex()}"
    response = desk.render_page("gone_in", next_path="/staff/oidc/proved")
    value = f"{statement}.{desk.register.sign_ins.vault.sign_message(_PURPOSE, statement)}"
    return set_cookie(desk, response, PROOF, value, path=PATH, samesite="lax", max_age=PROOF_SECONDS)


@get("/oidc/proved", sync_to_thread=True)
def accept_proof(desk: NamedDependency[Desk]) -> Response[Any]:
    """Renew the proof of a session whose account proved itself to the provider; its form is still open elsewhere."""
    statement, _, code = desk.request.cookies.get(PROOF, "").rpartition(".")
    at, _, identity = statement.partition(".")
    is_genuine = desk.register.sign_ins.vault.is_signed_message(_PURPOSE, statement, code)
    if not (is_genuine and 0 <= time.time() - int(at) <= PROOF_SECONDS):
        return desk.redirect_to("/staff")
    if bytes.fromhex(identity).decode() != desk.account.external:
        raise NotAllowed(Message("在身份认证系统中登录的是另一个人，没有执行。"), why="other_identity")
    with desk.database.writing() as connection:
        sessions.save_proof(connection, desk.session)
        desk.record_event(connection, "proved", "oidc")
    response = desk.render_page("proved")
    response.delete_cookie(PROOF, path=PATH)
    return response


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
    return NotAllowed(Message("身份认证系统没有证明您是谁，请重新登录。"), why=f"oidc_{reason}")


def _make_unreachable_error() -> CannotAnswer:
    return CannotAnswer(Message("身份认证系统暂时无法访问，请稍后再试，或用账号和密码登录。"))
