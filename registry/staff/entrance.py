"""Signing in and out: password, second factor, setting one up, changing the password."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry import trail
from registry.accounts import second, sessions
from registry.credentials import qr
from registry.errors import InvalidInput, NotAllowed, SecretsKeyMissing, TooManyRequests
from registry.staff.desk import COOKIE, Desk, limits_of, with_cookie, with_device
from registry.staff.errors import session_in
from registry.staff.slowing import delay_answer

_NOBODY = {"state": "none"}


@get("/sign-in", opt=_NOBODY, sync_to_thread=True)
def sign_in(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form; whoever is signed in goes on."""
    return (
        desk.go("/staff") if desk.signed_in else desk.page("sign_in", next=_next(desk.request.query_params.get("next")))
    )


@post("/sign-in", opt={**_NOBODY, "lane": "sign-ins"}, status_code=200, sync_to_thread=True)
def signed(desk: NamedDependency[Desk]) -> Response[Any]:
    """Name and password; then the second factor."""
    name, following = desk.given("name"), _next(desk.given("next"))
    try:
        token, delay = desk.register.sign_ins.begin(name, str(desk.form.get("password") or ""), desk.visitor)
    except TooManyRequests as error:
        return _too_many(desk, "sign_in", "password", error, name=name, next=following)
    if token is None:
        delay_answer(desk.request, delay)
        told = [("password", str(desk.voice.t("sign_in.wrong")))]
        return desk.page("sign_in", status=400, errors=told, name=name, next=following)
    with desk.database.writing() as connection:  # where somebody was signed in is not kept longer than it matters
        sessions.forget_ended(connection, limits_of(desk.register))
    return with_cookie(desk, desk.go("/staff/second", next=following), token)


def _too_many(desk: Desk, template: str, field: str, error: TooManyRequests, **told: Any) -> Response[Any]:
    """The form once more, and when it is worth sending."""
    answer = desk.page(template, status=429, errors=[(field, error.text(desk.voice.lang))], **told)
    answer.headers["Retry-After"] = str(error.details["retry_after"])
    return answer


def _next(path: str | None) -> str:
    """The page somebody wanted before signing in: one of the workspace, nothing else."""
    if not path or not path.isprintable() or not re.match("/staff(?![^/?])", path):
        return "/staff"
    return "/staff" if any(part in path for part in ("//", "\\", "..")) else path


@get("/second", opt={"state": "second"}, sync_to_thread=True)
def second_factor(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form for the code."""
    return desk.page("second", next=_next(desk.request.query_params.get("next")))


@post("/second", opt={"state": "second"}, status_code=200, sync_to_thread=True)
def second_shown(desk: NamedDependency[Desk]) -> Response[Any]:
    """A code of the authenticator, or a recovery code; then the page that was wanted."""
    following = _next(desk.given("next"))
    try:
        token = desk.register.sign_ins.show_second(desk.session, desk.given("code"), desk.visitor)
    except NotAllowed as error:
        told = [("name", error.text(desk.voice.lang))]
        return desk.page("sign_in", status=403, errors=told, next=following)
    except TooManyRequests as error:
        return _too_many(desk, "second", "code", error, next=following)
    except SecretsKeyMissing as error:  # a recovery code still works
        desk.register.faults.report(error)
        told = [("code", str(desk.voice.t("second.no_key")))]
        return desk.page("second", status=503, errors=told, next=following)
    if token is None:
        told = [("code", str(desk.voice.t("second.wrong")))]
        return desk.page("second", status=400, errors=told, next=following)
    return with_device(desk, with_cookie(desk, desk.go(following), token), desk.account.name)


@get("/enrol", opt={"state": "enrol"}, sync_to_thread=True)
def enrol(desk: NamedDependency[Desk]) -> Response[Any]:
    """A new secret as a QR code and in letters."""
    return _enrolling(desk, second.new_secret())


def _enrolling(desk: Desk, secret: str, errors: list[tuple[str, str]] | None = None) -> Response[Any]:
    image = qr.svg(second.address(secret, desk.account.name)).decode()
    return desk.page("enrol", status=400 if errors else 200, errors=errors, secret=secret, image=image)


@post("/enrol", opt={"state": "enrol"}, status_code=200, sync_to_thread=True)
def enrolled(desk: NamedDependency[Desk]) -> Response[Any]:
    """The first code of it proves that it is set up; recovery codes are shown once."""
    secret = desk.given("secret")
    done = desk.register.sign_ins.enrol(desk.session, secret, desk.given("code"), desk.visitor)
    if done is None:
        return _enrolling(desk, secret, [("code", str(desk.voice.t("second.wrong")))])
    token, codes = done
    return with_device(desk, with_cookie(desk, desk.page("recovery", codes=codes), token), desk.account.name)


@get("/password", opt={"state": "password"}, sync_to_thread=True)
def password(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form to change the password."""
    return desk.page("password")


@post("/password", opt={"state": "password"}, status_code=200, sync_to_thread=True)
def password_changed(desk: NamedDependency[Desk]) -> Response[Any]:
    """Another password; sessions in other browsers end."""
    old, new, again = (str(desk.form.get(name) or "") for name in ("old", "new", "again"))
    try:
        if new != again:
            raise InvalidInput("两次输入的新密码不一致。", "The new password was typed differently.", field="again")
        token = desk.register.sign_ins.change_password(desk.session, old, new, desk.visitor)
    except InvalidInput as error:
        told = [(error.details.get("field", "new"), error.text(desk.voice.lang))]
        return desk.page("password", status=400, errors=told)
    return with_device(desk, with_cookie(desk, desk.go("/staff"), token), desk.account.name)


@post("/sign-out", opt=_NOBODY, status_code=200, sync_to_thread=True)
def sign_out(desk: NamedDependency[Desk]) -> Response[Any]:
    """The end of this session."""
    session = session_in(desk.request)
    if session is not None:
        with desk.database.writing() as connection:
            sessions.end(connection, session.account.name, session.id)
            trail.record(connection, session.account.name, "signed_out", "", desk.visitor.address)
    response = desk.go("/staff/sign-in")
    response.delete_cookie(COOKIE, path="/staff")
    return response


handlers = [
    sign_in,
    signed,
    second_factor,
    second_shown,
    enrol,
    enrolled,
    password,
    password_changed,
    sign_out,
]
