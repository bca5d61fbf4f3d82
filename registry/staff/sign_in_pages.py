"""Signing in and out: password, second factor, setting one up, changing the password."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry.accounts import audit_log, factors, sessions
from registry.domain import qr
from registry.errors import InvalidInput, NotAllowed, SecretsKeyMissing, TooManyRequests
from registry.staff.answer_delay import delay_answer
from registry.staff.desk import COOKIE, Desk, get_session_limits, set_device_cookie, set_session_cookie
from registry.staff.errors import find_session

_NOBODY = {"state": "none"}


@get("/sign-in", opt=_NOBODY, sync_to_thread=True)
def show_sign_in(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form; whoever is signed in goes on."""
    return (
        desk.redirect_to("/staff")
        if desk.is_signed_in
        else desk.render_page("sign_in", next=_clean_next_path(desk.request.query_params.get("next")))
    )


@post("/sign-in", opt={**_NOBODY, "lane": "sign-ins"}, status_code=200, sync_to_thread=True)
def submit_password(desk: NamedDependency[Desk]) -> Response[Any]:
    """Name and password; then the second factor."""
    name, following = desk.read_field("name"), _clean_next_path(desk.read_field("next"))
    try:
        token, delay = desk.register.sign_ins.sign_in(name, str(desk.form.get("password") or ""), desk.visitor)
    except TooManyRequests as error:
        return _render_retry_later(desk, "sign_in", "password", error, name=name, next=following)
    if token is None:
        delay_answer(desk.request, delay)
        told = [("password", str(desk.language.translate("sign_in.wrong")))]
        return desk.render_page("sign_in", status=400, errors=told, name=name, next=following)
    with desk.database.writing() as connection:  # where somebody was signed in is not kept longer than it matters
        sessions.delete_ended_sessions(connection, get_session_limits(desk.register))
    return set_session_cookie(desk, desk.redirect_to("/staff/second", next=following), token)


def _render_retry_later(desk: Desk, template: str, field: str, error: TooManyRequests, **told: Any) -> Response[Any]:
    """The form once more, and when it is worth sending."""
    answer = desk.render_page(template, status=429, errors=[(field, error.get_text(desk.language.lang))], **told)
    answer.headers["Retry-After"] = str(error.details["retry_after"])
    return answer


def _clean_next_path(path: str | None) -> str:
    """The page somebody wanted before signing in: one of the workspace, nothing else."""
    if not path or not path.isprintable() or not re.match("/staff(?![^/?])", path):
        return "/staff"
    return "/staff" if any(part in path for part in ("//", "\\", "..")) else path


@get("/second", opt={"state": "second"}, sync_to_thread=True)
def show_second_factor(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form for the code."""
    return desk.render_page("second", next=_clean_next_path(desk.request.query_params.get("next")))


@post("/second", opt={"state": "second"}, status_code=200, sync_to_thread=True)
def submit_second_factor(desk: NamedDependency[Desk]) -> Response[Any]:
    """A code of the authenticator, or a recovery code; then the page that was wanted."""
    following = _clean_next_path(desk.read_field("next"))
    try:
        token = desk.register.sign_ins.verify_second_factor(desk.session, desk.read_field("code"), desk.visitor)
    except NotAllowed as error:
        told = [("name", error.get_text(desk.language.lang))]
        return desk.render_page("sign_in", status=403, errors=told, next=following)
    except TooManyRequests as error:
        return _render_retry_later(desk, "second", "code", error, next=following)
    except SecretsKeyMissing as error:  # a recovery code still works
        desk.register.faults.report(error)
        told = [("code", str(desk.language.translate("second.no_key")))]
        return desk.render_page("second", status=503, errors=told, next=following)
    if token is None:
        told = [("code", str(desk.language.translate("second.wrong")))]
        return desk.render_page("second", status=400, errors=told, next=following)
    return set_device_cookie(desk, set_session_cookie(desk, desk.redirect_to(following), token), desk.account.name)


@get("/enrol", opt={"state": "enrol"}, sync_to_thread=True)
def show_enrolment(desk: NamedDependency[Desk]) -> Response[Any]:
    """A new secret as a QR code and in letters."""
    return _render_enrolment(desk, factors.make_secret())


def _render_enrolment(desk: Desk, secret: str, errors: list[tuple[str, str]] | None = None) -> Response[Any]:
    image = qr.render_svg(factors.make_setup_uri(secret, desk.account.name)).decode()
    return desk.render_page("enrol", status=400 if errors else 200, errors=errors, secret=secret, image=image)


@post("/enrol", opt={"state": "enrol"}, status_code=200, sync_to_thread=True)
def enrol_authenticator(desk: NamedDependency[Desk]) -> Response[Any]:
    """The first code of it proves that it is set up; recovery codes are shown once."""
    secret = desk.read_field("secret")
    done = desk.register.sign_ins.enrol_factor(desk.session, secret, desk.read_field("code"), desk.visitor)
    if done is None:
        return _render_enrolment(desk, secret, [("code", str(desk.language.translate("second.wrong")))])
    token, codes = done
    return set_device_cookie(
        desk, set_session_cookie(desk, desk.render_page("recovery", codes=codes), token), desk.account.name
    )


@get("/password", opt={"state": "password"}, sync_to_thread=True)
def show_password_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form to change the password."""
    return desk.render_page("password")


@post("/password", opt={"state": "password"}, status_code=200, sync_to_thread=True)
def change_password(desk: NamedDependency[Desk]) -> Response[Any]:
    """Another password; sessions in other browsers end."""
    old, new, again = (str(desk.form.get(name) or "") for name in ("old", "new", "again"))
    try:
        if new != again:
            raise InvalidInput("两次输入的新密码不一致。", "The new password was typed differently.", field="again")
        token = desk.register.sign_ins.change_password(desk.session, old, new, desk.visitor)
    except InvalidInput as error:
        told = [(error.details.get("field", "new"), error.get_text(desk.language.lang))]
        return desk.render_page("password", status=400, errors=told)
    return set_device_cookie(desk, set_session_cookie(desk, desk.redirect_to("/staff"), token), desk.account.name)


@post("/sign-out", opt=_NOBODY, status_code=200, sync_to_thread=True)
def sign_out(desk: NamedDependency[Desk]) -> Response[Any]:
    """The end of this session."""
    session = find_session(desk.request)
    if session is not None:
        with desk.database.writing() as connection:
            sessions.end_sessions(connection, session.account.name, session.id)
            audit_log.record_event(connection, session.account.name, "signed_out", "", desk.visitor.address)
    response = desk.redirect_to("/staff/sign-in")
    response.delete_cookie(COOKIE, path="/staff")
    return response


handlers = [
    show_sign_in,
    submit_password,
    show_second_factor,
    submit_second_factor,
    show_enrolment,
    enrol_authenticator,
    show_password_form,
    change_password,
    sign_out,
]
