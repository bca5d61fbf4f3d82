"""Signing in by the department's own identity provider."""

from __future__ import annotations

from functools import cache
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency

from registry import trail
from registry.accounts import signin
from registry.accounts.outside import Asked, Provider
from registry.errors import NotAllowed, NotFound
from registry.settings import Settings
from registry.staff.desk import Desk, with_cookie
from registry.staff.errors import NEXT_STEP, SignInFirst

_NOBODY = {"state": "none"}
#: Kept between leaving and coming back. Lax: the browser comes back from another site.
COOKIE, PATH, SECONDS = "staff_oidc", "/staff/oidc", 600


@cache
def _provider(settings: Settings) -> Provider:
    return Provider(settings)


def _known(desk: Desk) -> Provider:
    settings = desk.register.settings
    if not settings.oidc_issuer:
        raise NotFound("没有设置身份认证系统，请用账号和密码登录。", "No identity provider is set up; use a password.")
    return _provider(settings)


@get("/oidc", opt={**_NOBODY, "lane": "slow"}, sync_to_thread=True)
def leave(desk: NamedDependency[Desk]) -> Response[Any]:
    """To the provider."""
    address, asked = _known(desk).start()
    response: Response[Any] = Response(None, status_code=303, headers={"Location": address})
    response.set_cookie(
        key=COOKIE,
        value=f"{asked.state}.{asked.nonce}.{asked.verifier}",
        path=PATH,
        max_age=SECONDS,
        httponly=True,
        samesite="lax",
        secure=desk.register.settings.public_url.startswith("https://"),
    )
    return response


@get("/oidc/back", opt={**_NOBODY, "lane": "sign-ins"}, sync_to_thread=True)
def come_back(desk: NamedDependency[Desk]) -> Response[Any]:
    """From the provider: a page that goes on by itself, because a browser on its way from another site does not send
    the session's cookie yet."""
    provider, query = _known(desk), desk.request.query_params
    parts = desk.request.cookies.get(COOKIE, "").split(".")
    if len(parts) != 3:
        raise SignInFirst
    asked = Asked(state=parts[0], nonce=parts[1], verifier=parts[2])
    try:
        identity = provider.finish(asked, str(query.get("state") or ""), str(query.get("code") or ""))
        token, state = signin.begin_outside(
            desk.database, identity, desk.visitor, second_too=desk.register.settings.oidc_second
        )
    except NotAllowed as error:
        if error.details.get("why") not in ("oidc_unknown", None):
            with desk.database.writing() as connection:
                trail.record(connection, "-", "sign_in_failed", error.details["why"], desk.visitor.address)
        response = desk.page("sign_in", status=403, errors=[("", error.text(desk.voice.lang))], next="/staff")
    else:
        response = with_cookie(desk, desk.page("gone_in", onward=NEXT_STEP[state]), token)
    response.delete_cookie(COOKIE, path=PATH)
    return response


handlers = [leave, come_back]
