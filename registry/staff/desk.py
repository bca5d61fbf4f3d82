"""The desk: one request of the staff, with its session, permissions, form and language."""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import Any, Literal

from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.response import Redirect

from registry.accounts import audit_log, devices, sessions
from registry.accounts.sessions import Session, SessionLimits
from registry.accounts.signin import Visitor
from registry.domain import region_names
from registry.errors import Busy, InvalidInput, NotAllowed, NotFound, RegistryError, TooLarge
from registry.register import Register
from registry.staff.errors import NEXT_STEP, SESSION, SessionMenu, SignInRequired, render_template, require_proof
from registry.staff.i18n import StaffLanguage
from registry.storage.locks import AT_ONCE, LockWait
from registry.texts import Listing, Message, PageText
from registry.web import body_limits, lanes
from registry.web.forms import read_form
from registry.web.i18n import read_preferences

COOKIE = "staff_session"
#: The largest number that a column can hold: no number in the register is greater.
_MAX_NUMBER = 2**31 - 1
#: How long a reader waits to end a session that turned up elsewhere.
_END_WAIT = LockWait(seconds=0.5, queue_limit=4)
Req = Request[Any, Any, Any]


#: Of pages that only editors may use.
EDITORS = {"roles": ("editor",)}
#: Options of handlers that receive a form of text from editors.
TEXT_FORM: dict[str, Any] = {
    **{"opt": EDITORS, "status_code": 200, "sync_to_thread": True, "request_max_body_size": body_limits.TEXT}
}
#: Defaults of what templates read and only some pages set.
_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(("name", "reason", "wanted", "typed", "why", "options", "activation"), ""),
    **dict.fromkeys(("new_password", "action_done", "form_values", "appended", "labels")),
    "chosen": (),
    "error_links": {},
    "attachment": None,
}


class Desk(SessionMenu):
    """One request: the register, the session if there is one, the submitted form, and the language of the answer."""

    def __init__(self, request: Req, session: Session | None, form: FormMultiDict, has_ended: bool = False) -> None:
        super().__init__(session)
        self.has_ended = has_ended
        self.request = request
        self.register: Register = request.app.state.register
        self.database = self.register.database
        self.form = form
        self.language = StaffLanguage(*read_preferences(request.query_params))
        self.visitor = read_visitor(request)

    def read_field(self, name: str, limit: int = 200) -> str:
        """Return a field of the form, without spaces around it, cut to ``limit`` characters."""
        return str(self.form.get(name) or "").replace("\x00", "").strip()[:limit]

    def read_place(self, name: str) -> str:
        """Return the code of the place that a field names; what was typed if it names none, or several."""
        text = self.read_field(name, 61)
        return (region_names.find_code(text) if text else None) or text

    def read_query_number(self, name: str) -> int | None:
        """Return a number in the query, or None; InvalidInput for anything else, NotFound for one nothing has."""
        text = self.request.query_params.get(name)
        if not text:
            return None
        number = parse_number(text, digits=15)
        if number is None:
            raise InvalidInput(Message("{name} 须为数字。", name=name), field="")
        if number > _MAX_NUMBER:
            raise _make_not_found()
        return number

    def get_text(self, error: RegistryError) -> str:
        """Return the sentence of an error in the language of the page."""
        return error.get_text(self.language.lang)

    def list_errors(self, error: RegistryError, field: str) -> list[tuple[str, str]]:
        """Return an error as (field, sentence): at the field it names, else at ``field``."""
        return [(error.details.get("field", field), self.get_text(error))]

    def render_page(
        self, template: str, *, status: int = 200, errors: list[tuple[str, str]] | None = None, **values: Any
    ) -> Response[str]:
        """Render a page from ``values``; ``errors`` are (field, sentence)."""
        context = {**_DEFAULTS, "path": self.request.url.path, "desk": self, "errors": errors or [], **values}
        lang, size = self.language.lang, self.language.size
        return render_template((lang, size), template, context, status, {"Content-Language": lang})

    def record_event(self, connection: Any, action: str, about: str) -> None:
        """Record in the audit log what the account that is signed in does."""
        audit_log.record_event(connection, self.account.name, action, about, self.visitor.address)

    def redirect_to(self, path: str, **query: str) -> Response[Any]:
        """Redirect to another page, by GET."""
        return Redirect(path=self.language.make_link(path, **query), status_code=303)


def parse_number(text: str | None, digits: int = 8) -> int | None:
    """Return a number written in at most so many ASCII digits; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= digits else None


def read_visitor(request: Req) -> Visitor:
    """Return where a request comes from, and as whose browser it is known."""
    return Visitor(
        address=request.client.host if request.client else "-",
        agent=request.headers.get("user-agent", "")[:200],
        devices=tuple(value for name, value in request.cookies.items() if name.startswith(devices.PREFIX)),
    )


def get_session_limits(register: Register) -> SessionLimits:
    """Return how long sessions last here."""
    return SessionLimits(idle=register.settings.staff_idle, absolute=register.settings.staff_absolute)


async def open_desk(request: Req) -> Desk:
    """Make the desk of a request whose handler sets ``state`` (default: open), ``roles`` (any) and ``proof`` (none) in
    its ``opt``; with ``late`` it also receives what was typed before the session ran out (``has_ended``).

    SignInRequired, or NotAllowed: for a form that no page of this session had, from another site, or for other roles;
    ProofRequired if the second factor has to be shown once more.
    """
    opt = request.route_handler.opt
    _require_valid_address(request)
    token = request.cookies.get(COOKIE, "")
    session = await lanes.run_in_lane("reads", _find_session, request, token) if token else None
    request.scope[SESSION] = session  # type: ignore[literal-required]
    form = FormMultiDict({})
    has_ended = False
    if request.method == "POST":
        _require_same_site(request)
        if session is None and token and opt.get("late"):
            session = await lanes.run_in_lane("reads", _find_ended_session, request, token)
            has_ended = session is not None
    state = opt.get("state", "open")
    if state == "none":
        form = await _receive_form(request)
    else:
        if session is None:
            raise SignInRequired
        if session.state != state and not (state == "password" and session.state == "open"):
            raise SignInRequired(NEXT_STEP[session.state])
        _require_role(session, opt.get("roles", ()))  # before a large file is taken in
        form = await _receive_form(request)
        if request.method == "POST" and not hmac.compare_digest(str(form.get("form_token") or ""), session.form_token):
            raise NotAllowed(Message("这不是本页面提交的表单，没有执行。请返回后重新提交。"), why="form")
        if opt.get("proof"):
            sign_ins = request.app.state.register.sign_ins
            await lanes.run_in_lane("writes", require_proof, sign_ins, session, form, read_visitor(request))
    return Desk(request, session, form, has_ended)


def _require_valid_address(request: Req) -> None:
    """NotFound for an address that no link of ours has and no database could be asked about."""
    values = [*request.path_params.values(), *request.query_params.values()]
    if any(
        "\x00" in value if isinstance(value, str) else isinstance(value, int) and value > _MAX_NUMBER
        for value in values
    ):
        raise _make_not_found()


def _make_not_found() -> NotFound:
    return NotFound(Message("此地址没有内容。"))


async def _receive_form(request: Req) -> FormMultiDict:
    """Return the submitted form; TooLarge, InvalidInput if it cannot be received."""
    if request.method != "POST":
        return FormMultiDict({})
    try:
        return await read_form(request)
    except RequestEntityTooLarge as error:
        raise TooLarge(Message("提交的内容过大，没有接收。文件最多64 MB。")) from error
    except (ValueError, LookupError) as error:  # bytes that are no text, or an unknown encoding
        raise InvalidInput(Message("提交的内容不是 UTF-8 文字，没有执行。请返回后重新提交。"), field="") from error


def _find_session(request: Req, token: str) -> Session | None:
    register: Register = request.app.state.register
    limits = get_session_limits(register)
    with register.database.reading() as connection:
        session = sessions.find_session(connection, token, limits)
    if session is None:
        return None
    if session.agent != read_visitor(request).agent:
        with suppress(Busy), register.database.writing(_END_WAIT) as connection:  # it is refused in any case, each time
            sessions.end_sessions(connection, session.account.name, session.id)
        request.scope[SESSION] = session  # type: ignore[literal-required]
        raise NotAllowed(Message("登录状态出现在另一个浏览器中，已被终止。请重新登录。"), why="other_browser")
    if sessions.is_last_use_stale(session):
        with suppress(Busy), register.database.writing(AT_ONCE) as connection:  # else the next request does it
            sessions.save_last_use(connection, session)
    return session


def _find_ended_session(request: Req, token: str) -> Session | None:
    register: Register = request.app.state.register
    with register.database.reading() as connection:
        session = sessions.find_ended_session(connection, token, get_session_limits(register))
    return session if session is not None and session.agent == read_visitor(request).agent else None


def _require_same_site(request: Req) -> None:
    """Refuse a form from another site, by what browsers state of its origin."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    host = f"{request.url.scheme}://{request.headers.get('host', '')}"
    public = request.app.state.register.settings.public_url.rstrip("/")
    if site in ("cross-site", "same-site") or (origin not in (None, host, public)):
        raise NotAllowed(Message("表单来自其他网站，没有执行。"), why="other_site")


def _require_role(session: Session, roles: tuple[str, ...]) -> None:
    if roles and not session.account.roles & set(roles):
        raise NotAllowed(
            Message(
                "此页面限{roles}角色使用，您的账号没有。",
                roles=Listing((PageText(f"role.{role}") for role in roles), Message("、", context="or")),
            ),
            why="role",
        )


def set_cookie(  # noqa: PLR0913 - each is an attribute of the cookie
    desk: Desk,
    response: Response[Any],
    key: str,
    value: str,
    *,
    path: str = "/staff",
    samesite: Literal["lax", "strict"] = "strict",
    max_age: int | None = None,
) -> Response[Any]:
    """Set a cookie that scripts cannot read, for HTTPS alone if the public address is https; return the response."""
    secure = desk.register.settings.public_url.startswith("https://")
    response.set_cookie(
        key=key, value=value, path=path, max_age=max_age, httponly=True, samesite=samesite, secure=secure
    )
    return response


def set_session_cookie(desk: Desk, response: Response[Any], token: str) -> Response[Any]:
    """Set the session's token, for the browser to keep until it is closed; return the response."""
    return set_cookie(desk, response, COOKIE, token)


def set_device_cookie(desk: Desk, response: Response[Any], account: str) -> Response[Any]:
    """Set the cookie by which this browser is recognised when ``account`` signs in again (see ``accounts.devices``)."""
    value = desk.register.sign_ins.make_device_cookie(account)
    if value is not None:
        set_cookie(desk, response, devices.name_cookie(account), value, max_age=devices.DAYS * 86_400)
    return response
