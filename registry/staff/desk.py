"""Where a request of the staff is worked on: who it is, whether they may, whether the form is one of ours."""

from __future__ import annotations

import hmac
from typing import Any, cast

import anyio
from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from litestar.response import Redirect

from public_site.voice import preferences
from registry import accounts
from registry.accounts import sessions
from registry.accounts.sessions import Limits, Session
from registry.accounts.signin import Visitor
from registry.register import Register
from registry.staff.errors import NEXT_STEP, SignInFirst, refused
from registry.staff.voice import StaffVoice, environment, role_word

COOKIE = "staff_session"
Req = Request[Any, Any, Any]
SESSION = "registry.session"


#: What templates look at and only some pages say.
MAY_BE_MISSING = {"name": "", "made": None, "done": None, "given": None, "appended": None, "reason": ""}


class Desk:
    """One request: the register, the session if there is one, the form that was sent, and the voice to answer in."""

    def __init__(self, request: Req, session: Session | None, form: FormMultiDict) -> None:
        self.request = request
        self.register: Register = request.app.state.register
        self.database = self.register.database
        self._session = session
        self.form = form
        self.voice = StaffVoice(*preferences(request.query_params))
        self.visitor = visitor_of(request)

    @property
    def session(self) -> Session:
        """The session; SignInFirst without one."""
        if self._session is None:
            raise SignInFirst
        return self._session

    @property
    def account(self) -> accounts.Account:
        """Whoever is signed in."""
        return self.session.account

    @property
    def signed_in(self) -> bool:
        """Whether a session is open."""
        return self._session is not None and self._session.state == "open"

    def may(self, *roles: str) -> bool:
        """Whether whoever is signed in has one of the roles."""
        return self.signed_in and bool(self.account.roles & set(roles))

    def given(self, name: str, most: int = 200) -> str:
        """A field of the form, without spaces around it."""
        return str(self.form.get(name) or "").strip()[:most]

    def page(
        self, template: str, *, status: int = 200, errors: list[tuple[str, str]] | None = None, **told: Any
    ) -> Response[str]:
        """A page; ``errors`` are (field, sentence)."""
        here = self.request.url.path
        context = {**MAY_BE_MISSING, "here": here, "desk": self, "errors": errors or [], **told}
        lang, size = self.voice.lang, self.voice.size
        body = environment(lang, size).get_template(f"staff/{template}.html").render(page=context)
        return Response(body, status_code=status, media_type="text/html", headers={"Content-Language": lang})

    def go(self, path: str, **query: str) -> Response[Any]:
        """On to another page, by GET."""
        return Redirect(path=self.voice.link(path, **query), status_code=303)

    @property
    def form_token(self) -> str:
        """What the forms of this page carry."""
        return self._session.form_token if self._session else ""


def session_in(request: Req) -> Session | None:
    """The session of a request, once a desk was made for it."""
    return cast("Session | None", request.scope.get(SESSION))


def visitor_of(request: Req) -> Visitor:
    """Where a request comes from."""
    return Visitor(
        address=request.client.host if request.client else "-", agent=request.headers.get("user-agent", "")[:200]
    )


def limits_of(register: Register) -> Limits:
    """How long sessions last here."""
    return Limits(idle=register.settings.staff_idle, absolute=register.settings.staff_absolute)


async def at_desk(request: Req) -> Desk:
    """The desk of a request whose handler says ``state`` (open) and ``roles`` (any) in its ``opt``.

    SignInFirst, or NotAllowed: for a form that no page of this session had, from another site, or for other roles.
    """
    opt = request.route_handler.opt
    token = request.cookies.get(COOKIE, "")
    session = await anyio.to_thread.run_sync(_found, request, token) if token else None
    request.scope[SESSION] = session  # type: ignore[literal-required]
    form = FormMultiDict({})
    if request.method == "POST":
        _require_same_site(request)
    wanted = opt.get("state", "open")
    if wanted != "none":  # before the body is read, which may be as large as a document
        if session is None:
            raise SignInFirst
        if session.state != wanted and not (wanted == "password" and session.state == "open"):
            raise SignInFirst(NEXT_STEP[session.state])
        _require_role(session, opt.get("roles", ()))
    if request.method == "POST":
        form = await request.form()
        if wanted != "none" and session is not None:
            _require_own_form(session, form)
    return Desk(request, session, form)


def _require_own_form(session: Session, form: FormMultiDict) -> None:
    if not hmac.compare_digest(str(form.get("form_token") or ""), session.form_token):
        raise refused(
            "form",
            "这不是本页面提交的表单，没有执行。请返回后重新提交。",
            "This form was not sent by a page of this session, so nothing was done. Go back and send it again.",
        )


def _found(request: Req, token: str) -> Session | None:
    register: Register = request.app.state.register
    limits = limits_of(register)
    with register.database.reading() as connection:
        session = sessions.find(connection, token, limits)
    if session is None:
        return None
    if session.agent != visitor_of(request).agent:
        with register.database.writing() as connection:
            sessions.end(connection, session.account.name, session.id)
        request.scope[SESSION] = session  # type: ignore[literal-required]
        raise refused(
            "other_browser",
            "登录状态出现在另一个浏览器中，已被终止。请重新登录。",
            "This sign-in turned up in another browser, so it was ended. Sign in again.",
        )
    if sessions.needs_noting(session):
        with register.database.writing() as connection:
            sessions.note_use(connection, session)
    return session


def _require_same_site(request: Req) -> None:
    """Browsers say where a form was sent from; what comes from elsewhere is not looked at."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    host = f"{request.url.scheme}://{request.headers.get('host', '')}"
    public = request.app.state.register.settings.public_url.rstrip("/")
    if site in ("cross-site", "same-site") or (origin not in (None, host, public)):
        raise refused(
            "other_site",
            "表单来自其他网站，没有执行。",
            "This form was sent from another site, so nothing was done.",
        )


def _require_role(session: Session, roles: tuple[str, ...]) -> None:
    if roles and not session.account.roles & set(roles):
        raise refused(
            "role",
            f"此页面限{'、'.join(role_word(role, 'zh-CN') for role in roles)}角色使用，您的账号没有。",
            f"This page is for the role {' or '.join(role_word(role, 'en') for role in roles)}, which you do not have.",
        )


def with_cookie(desk: Desk, response: Response[Any], token: str) -> Response[Any]:
    """The response with the session's token for the browser to keep until it is closed."""
    response.set_cookie(
        key=COOKIE,
        value=token,
        path="/staff",
        httponly=True,
        samesite="strict",
        secure=desk.register.settings.public_url.startswith("https://"),
    )
    return response
