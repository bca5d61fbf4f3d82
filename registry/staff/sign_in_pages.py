"""Signing in and out: password, second factor, setting one up, changing the password.

The answer to a wrong password is delayed; nothing is held meanwhile but the answer itself, no thread, connection or
lock.
"""

from __future__ import annotations

import re
from typing import Any

import anyio
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.types import Message as AsgiMessage

from registry.accounts import audit_log, factors, passkeys, sessions
from registry.accounts.signin import Proof
from registry.domain import qr
from registry.errors import InvalidInput, NotAllowed, SecretsKeyMissing, TooManyRequests
from registry.staff.desk import COOKIE, Desk, get_session_limits, set_device_cookie, set_session_cookie
from registry.staff.errors import find_session
from registry.texts import Message

_NOBODY = {"state": "none"}


@get("/sign-in", opt=_NOBODY, sync_to_thread=True)
def show_sign_in(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form; redirect whoever is signed in."""
    if desk.is_signed_in:
        return desk.redirect_to("/staff")
    return desk.render_page("sign_in", next=_clean_next_path(desk.request.query_params.get("next")))


@post("/sign-in", opt={**_NOBODY, "lane": "sign-ins"}, status_code=200, sync_to_thread=True)
def submit_password(desk: NamedDependency[Desk]) -> Response[Any]:
    """Check name and password; then the second factor follows."""
    name, next_path = desk.read_field("name"), _clean_next_path(desk.read_field("next"))
    try:
        token, delay = desk.register.sign_ins.sign_in(name, str(desk.form.get("password") or ""), desk.visitor)
    except TooManyRequests as error:
        return _render_retry_later(desk, "sign_in", "password", error, name=name, next=next_path)
    if token is None:
        delay_answer(desk.request, delay)
        errors = [("password", str(desk.language.translate("sign_in.wrong")))]
        return desk.render_page("sign_in", status=400, errors=errors, name=name, next=next_path)
    with desk.database.writing() as connection:  # ended sessions are not kept longer than they matter
        sessions.delete_ended_sessions(connection, get_session_limits(desk.register))
    return set_session_cookie(desk, desk.redirect_to("/staff/second", next=next_path), token)


def _render_retry_later(desk: Desk, template: str, field: str, error: TooManyRequests, **values: Any) -> Response[Any]:
    """Render the form once more, with when it is worth sending."""
    answer = desk.render_page(template, status=429, errors=[(field, desk.get_text(error))], **values)
    answer.headers["Retry-After"] = str(error.details["retry_after"])
    return answer


def _clean_next_path(path: str | None) -> str:
    """Return the page somebody wanted before signing in, if it is one of the workspace."""
    if not path or not path.isprintable() or not re.match("/staff(?![^/?])", path):
        return "/staff"
    return "/staff" if any(part in path for part in ("//", "\\", "..")) else path


@get("/second", opt={"state": "second"}, sync_to_thread=True)
def show_second_factor(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form for the code, and the button for a passkey where the account has one."""
    return _render_second_factor(desk, _clean_next_path(desk.request.query_params.get("next")))


def _render_second_factor(
    desk: Desk, next_path: str, status: int = 200, errors: list[tuple[str, str]] | None = None
) -> Response[Any]:
    options = desk.register.sign_ins.make_proof_options(desk.session)
    return desk.render_page("second", status=status, errors=errors, next=next_path, options=options)


@post("/second", opt={"state": "second"}, status_code=200, sync_to_thread=True)
def submit_second_factor(desk: NamedDependency[Desk]) -> Response[Any]:
    """Check a code of the authenticator, a recovery code or a passkey; then go on to the page that was wanted."""
    next_path = _clean_next_path(desk.read_field("next"))
    shown = Proof(code=desk.read_field("code"), passkey=desk.read_field("passkey", passkeys.LONGEST_ANSWER))
    try:
        token = desk.register.sign_ins.verify_second_factor(desk.session, shown, desk.visitor)
    except NotAllowed as error:
        errors = [("name", desk.get_text(error))]
        return desk.render_page("sign_in", status=403, errors=errors, next=next_path)
    except TooManyRequests as error:
        return _render_retry_later(desk, "second", "code", error, next=next_path)
    except SecretsKeyMissing as error:  # a recovery code still works
        desk.register.faults.report(error)
        errors = [("code", str(desk.language.translate("second.no_key")))]
        return _render_second_factor(desk, next_path, 503, errors)
    if token is None:
        key = "passkey.wrong" if shown.passkey else "second.wrong"
        return _render_second_factor(desk, next_path, 400, [("code", str(desk.language.translate(key)))])
    return set_device_cookie(desk, set_session_cookie(desk, desk.redirect_to(next_path), token), desk.account.name)


@get("/enrol", opt={"state": "enrol"}, sync_to_thread=True)
def show_enrolment(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show a new secret as a QR code and in letters."""
    return _render_enrolment(desk, factors.make_secret())


def _render_enrolment(desk: Desk, secret: str, errors: list[tuple[str, str]] | None = None) -> Response[Any]:
    image = qr.render_svg(factors.make_setup_uri(secret, desk.account.name)).decode()
    return desk.render_page("enrol", status=400 if errors else 200, errors=errors, secret=secret, image=image)


@post("/enrol", opt={"state": "enrol"}, status_code=200, sync_to_thread=True)
def enrol_authenticator(desk: NamedDependency[Desk]) -> Response[Any]:
    """Set up an authenticator by its first code; show the recovery codes once."""
    secret = desk.read_field("secret")
    shown = Proof(code=desk.read_field("code"), activation=desk.read_field("activation"))
    try:
        result = desk.register.sign_ins.enrol_factor(desk.session, secret, shown, desk.visitor)
    except InvalidInput as error:
        return _render_enrolment(desk, secret, desk.list_errors(error, "code"))
    if result is None:
        return _render_enrolment(desk, secret, [("code", str(desk.language.translate("second.wrong")))])
    token, codes = result
    return set_device_cookie(
        desk, set_session_cookie(desk, desk.render_page("recovery", codes=codes), token), desk.account.name
    )


@get("/password", opt={"state": "password"}, sync_to_thread=True)
def show_password_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form to change the password."""
    return desk.render_page("password")


@post("/password", opt={"state": "password"}, status_code=200, sync_to_thread=True)
def change_password(desk: NamedDependency[Desk]) -> Response[Any]:
    """Change the password; sessions in other browsers end."""
    old, new, again = (str(desk.form.get(name) or "") for name in ("old", "new", "again"))
    try:
        if new != again:
            raise InvalidInput(Message("两次输入的新密码不一致。"), field="again")
        token = desk.register.sign_ins.change_password(desk.session, old, new, desk.visitor)
    except InvalidInput as error:
        return desk.render_page("password", status=400, errors=desk.list_errors(error, "new"))
    return set_device_cookie(desk, set_session_cookie(desk, desk.redirect_to("/staff"), token), desk.account.name)


@post("/sign-out", opt=_NOBODY, status_code=200, sync_to_thread=True)
def sign_out(desk: NamedDependency[Desk]) -> Response[Any]:
    """End this session."""
    session = find_session(desk.request)
    if session is not None:
        with desk.database.writing() as connection:
            sessions.end_sessions(connection, session.account.name, session.id)
            audit_log.record_event(connection, session.account.name, "signed_out", "", desk.visitor.address)
    response = desk.redirect_to("/staff/sign-in")
    response.delete_cookie(COOKIE, path="/staff")
    return response


#: The key of a request's scope for the seconds its answer waits.
DELAY = "registry.staff.delay"
#: Answers of one process that wait at a time; further ones are given at once: failures stay counted.
LIMIT = 1_000


def delay_answer(request: Request[Any, Any, Any], delay: float) -> None:
    """Delay the answer to a request by so many seconds."""
    request.scope[DELAY] = delay  # type: ignore[literal-required]


class DelayMiddleware:
    """Wraps the handlers whose answers may be delayed. Hanging up gains nothing: the failure is counted already."""

    _waiting = 0

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return

        async def send_late(message: AsgiMessage) -> None:
            delay = scope.get(DELAY, 0.0) if message["type"] == "http.response.start" else 0.0
            if delay and DelayMiddleware._waiting < LIMIT:
                DelayMiddleware._waiting += 1
                try:
                    await anyio.sleep(float(str(delay)))
                finally:
                    DelayMiddleware._waiting -= 1
            await send(message)

        await self.app(scope, receive, send_late)
