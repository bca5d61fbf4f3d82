"""Signing in through the department's own identity provider."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry.accounts import sessions
from registry.accounts.oidc import IdentityProvider, PendingSignIn
from registry.errors import NotAllowed, NotFound
from registry.settings import Settings
from registry.staff.desk import Desk, set_cookie, set_session_cookie
from registry.staff.errors import NEXT_STEP, SignInRequired, make_refusal
from registry.texts import Message

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
    """Return from the provider: a page that goes on by itself, because a browser coming from another site does not
    send the session's cookie yet."""
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
    """Renew the proof of a session whose account proved itself to the provider just now; the page with the form is
    still open elsewhere."""
    statement, _, code = desk.request.cookies.get(PROOF, "").rpartition(".")
    at, _, identity = statement.partition(".")
    is_genuine = desk.register.sign_ins.vault.is_signed_message(_PURPOSE, statement, code)
    if not (is_genuine and 0 <= time.time() - int(at) <= PROOF_SECONDS):
        return desk.redirect_to("/staff")
    if bytes.fromhex(identity).decode() != desk.account.external:
        raise make_refusal("other_identity", Message("在身份认证系统中登录的是另一个人，没有执行。"))
    with desk.database.writing() as connection:
        sessions.save_proof(connection, desk.session)
        desk.record_event(connection, "proved", "oidc")
    response = desk.render_page("proved")
    response.delete_cookie(PROOF, path=PATH)
    return response


handlers = [redirect_to_provider, return_from_provider, accept_proof]
