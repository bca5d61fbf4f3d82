"""Where a request of the staff is worked on: who it is, whether they may, whether the form is one of ours."""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import Any

from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.response import Redirect

from registry.accounts import devices, sessions
from registry.accounts.sessions import Session, SessionLimits
from registry.accounts.signin import Visitor
from registry.errors import Busy, InvalidInput, NotFound, TooLarge
from registry.register import Register
from registry.staff.errors import NEXT_STEP, SESSION, SessionMenu, SignInRequired, make_refusal
from registry.staff.i18n import StaffLanguage, build_environment, get_role_label
from registry.staff.second_factor_proof import require_proof
from registry.storage.locks import AT_ONCE, LockWait
from registry.web import lanes
from registry.web.forms import read_form
from registry.web.i18n import read_preferences

COOKIE = "staff_session"
#: What a column of numbers can hold: nothing in the register has a greater one.
_GREATEST = 2**31 - 1
#: What a reader waits to end a session that turned up elsewhere.
_SOON = LockWait(seconds=0.5, queue_limit=4)
Req = Request[Any, Any, Any]


#: What templates look at and only some pages say.
MAY_BE_MISSING = {
    "name": "",
    "made": None,
    "done": None,
    "given": None,
    "appended": None,
    "reason": "",
    "wanted": "",
    "typed": "",
    "why": "",
    "chosen": (),
    "words": None,
}


class Desk(SessionMenu):
    """One request: the register, the session if there is one, the form that was sent, and the language to answer in."""

    def __init__(self, request: Req, session: Session | None, form: FormMultiDict) -> None:
        super().__init__(session)
        self.request = request
        self.register: Register = request.app.state.register
        self.database = self.register.database
        self.form = form
        self.language = StaffLanguage(*read_preferences(request.query_params))
        self.visitor = read_visitor(request)

    def read_field(self, name: str, most: int = 200) -> str:
        """A field of the form, without spaces around it."""
        return str(self.form.get(name) or "").replace("\x00", "").strip()[:most]

    def read_query_number(self, name: str) -> int | None:
        """A number in the address, or None; InvalidInput for anything else, NotFound for one nothing has."""
        text = self.request.query_params.get(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise InvalidInput(f"{name} 须为数字。", f"{name} has to be a number.", field="")
        if int(text) > _GREATEST:
            raise _make_not_found()
        return int(text)

    def render_page(
        self, template: str, *, status: int = 200, errors: list[tuple[str, str]] | None = None, **told: Any
    ) -> Response[str]:
        """A page; ``errors`` are (field, sentence)."""
        here = self.request.url.path
        context = {**MAY_BE_MISSING, "here": here, "desk": self, "errors": errors or [], **told}
        lang, size = self.language.lang, self.language.size
        body = build_environment(lang, size).get_template(f"staff/{template}.html").render(page=context)
        return Response(body, status_code=status, media_type="text/html", headers={"Content-Language": lang})

    def redirect_to(self, path: str, **query: str) -> Response[Any]:
        """On to another page, by GET."""
        return Redirect(path=self.language.make_link(path, **query), status_code=303)


def read_visitor(request: Req) -> Visitor:
    """Where a request comes from, and as whose browser it was known before."""
    return Visitor(
        address=request.client.host if request.client else "-",
        agent=request.headers.get("user-agent", "")[:200],
        devices=tuple(value for name, value in request.cookies.items() if name.startswith(devices.PREFIX)),
    )


def get_session_limits(register: Register) -> SessionLimits:
    """How long sessions last here."""
    return SessionLimits(idle=register.settings.staff_idle, absolute=register.settings.staff_absolute)


async def open_desk(request: Req) -> Desk:
    """The desk of a request whose handler says ``state`` (open), ``roles`` (any) and ``proof`` (none) in its ``opt``.

    SignInFirst, or NotAllowed: for a form that no page of this session had, from another site, or for other roles;
    ProofNeeded where the second factor has to be shown once more.
    """
    opt = request.route_handler.opt
    _require_valid_address(request)
    token = request.cookies.get(COOKIE, "")
    session = await lanes.run_in_lane("reads", _find_session, request, token) if token else None
    request.scope[SESSION] = session  # type: ignore[literal-required]
    form = FormMultiDict({})
    if request.method == "POST":
        _require_same_site(request)
    wanted = opt.get("state", "open")
    if wanted == "none":
        form = await _receive_form(request)
    else:
        if session is None:
            raise SignInRequired
        if session.state != wanted and not (wanted == "password" and session.state == "open"):
            raise SignInRequired(NEXT_STEP[session.state])
        _require_role(session, opt.get("roles", ()))  # before a large file is taken in
        form = await _receive_form(request)
        if request.method == "POST" and not hmac.compare_digest(str(form.get("form_token") or ""), session.form_token):
            raise make_refusal(
                "form",
                "这不是本页面提交的表单，没有执行。请返回后重新提交。",
                "This form was not sent by a page of this session, so nothing was done. Go back and send it again.",
            )
        if opt.get("proof"):
            sign_ins = request.app.state.register.sign_ins
            await lanes.run_in_lane("writes", require_proof, sign_ins, session, form, read_visitor(request))
    return Desk(request, session, form)


def _require_valid_address(request: Req) -> None:
    """NotFound for an address that no link of ours has and no database could be asked about."""
    said = [*request.path_params.values(), *request.query_params.values()]
    if any("\x00" in one if isinstance(one, str) else isinstance(one, int) and one > _GREATEST for one in said):
        raise _make_not_found()


def _make_not_found() -> NotFound:
    return NotFound("此地址没有内容。", "There is nothing at this address.")


async def _receive_form(request: Req) -> FormMultiDict:
    """The form that was sent; TooLarge, InvalidInput when it cannot be taken in."""
    if request.method != "POST":
        return FormMultiDict({})
    try:
        return await read_form(request)
    except RequestEntityTooLarge as error:
        raise TooLarge(
            "提交的内容过大，没有接收。文件最多64 MB。",
            "This is too large and was not taken in. A file may have 64 MB.",
        ) from error
    except (ValueError, LookupError) as error:  # bytes that are no text, or an encoding that nobody knows
        raise InvalidInput(
            "提交的内容不是 UTF-8 文字，没有执行。请返回后重新提交。",
            "What was sent is not text in UTF-8, so nothing was done. Go back and send it again.",
            field="",
        ) from error


def _find_session(request: Req, token: str) -> Session | None:
    register: Register = request.app.state.register
    limits = get_session_limits(register)
    with register.database.reading() as connection:
        session = sessions.find_session(connection, token, limits)
    if session is None:
        return None
    if session.agent != read_visitor(request).agent:
        with suppress(Busy), register.database.writing(_SOON) as connection:  # refused it is in any case, and each time
            sessions.end_sessions(connection, session.account.name, session.id)
        request.scope[SESSION] = session  # type: ignore[literal-required]
        raise make_refusal(
            "other_browser",
            "登录状态出现在另一个浏览器中，已被终止。请重新登录。",
            "This sign-in turned up in another browser, so it was ended. Sign in again.",
        )
    if sessions.is_last_use_stale(session):
        with suppress(Busy), register.database.writing(AT_ONCE) as connection:  # else the next request notes it
            sessions.save_last_use(connection, session)
    return session


def _require_same_site(request: Req) -> None:
    """Browsers say where a form was sent from; what comes from elsewhere is not looked at."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    host = f"{request.url.scheme}://{request.headers.get('host', '')}"
    public = request.app.state.register.settings.public_url.rstrip("/")
    if site in ("cross-site", "same-site") or (origin not in (None, host, public)):
        raise make_refusal(
            "other_site",
            "表单来自其他网站，没有执行。",
            "This form was sent from another site, so nothing was done.",
        )


def _require_role(session: Session, roles: tuple[str, ...]) -> None:
    if roles and not session.account.roles & set(roles):
        raise make_refusal(
            "role",
            f"此页面限{'、'.join(get_role_label(role, 'zh-CN') for role in roles)}角色使用，您的账号没有。",
            f"This page is for the role {' or '.join(get_role_label(role, 'en') for role in roles)}, which you do not have.",
        )


def set_session_cookie(desk: Desk, response: Response[Any], token: str) -> Response[Any]:
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


def set_device_cookie(desk: Desk, response: Response[Any], account: str) -> Response[Any]:
    """The response with a cookie by which this browser is known again when ``account`` signs in; see ``devices``."""
    value = desk.register.sign_ins.make_device_cookie(account)
    if value is not None:
        response.set_cookie(
            key=devices.name_cookie(account),
            value=value,
            path="/staff",
            max_age=devices.DAYS * 86_400,
            httponly=True,
            samesite="strict",
            secure=desk.register.settings.public_url.startswith("https://"),
        )
    return response
