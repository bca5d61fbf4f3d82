"""Errors of the workspace: the pages they lead to, their record in the audit log, and how every page is rendered.

One of them asks for the second factor once more, before the register or rights are changed (``"proof": True`` in a
handler's ``opt``). If the session's last proof is old, its page holds everything that was sent and asks for the code;
sent with the right one, the request is carried out.
"""

from __future__ import annotations

import logging
from typing import Any, cast
from urllib.parse import quote

from litestar import Request, Response
from litestar.datastructures import FormMultiDict
from litestar.enums import ScopeType
from litestar.response import Redirect
from litestar.types import Scope

from registry.accounts import Account, audit_log, passkeys
from registry.accounts.region_scope import contains_place
from registry.accounts.sessions import PROOF, Session, State
from registry.accounts.signin import Proof, SignIns, Visitor
from registry.errors import CannotAnswer, NotAllowed, RegistryError, SecretsKeyMissing
from registry.register import Register
from registry.staff.i18n import StaffLanguage, build_environment
from registry.storage.locks import LockWait
from registry.web import error_status, lanes
from registry.web.i18n import Lang, Size, read_preferences

_log = logging.getLogger("registry")
#: Where a request keeps its session.
SESSION = "registry.session"
#: How long a refused request waits to be written to the audit log.
_RECORD_WAIT = LockWait(seconds=2.0, queue_limit=3)
#: On every answer: browsers store nothing of the workspace, and search engines index nothing.
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
#: Where a session continues, by its state.
NEXT_STEP: dict[State, str] = {
    "second": "/staff/second",
    "enrol": "/staff/enrol",
    "password": "/staff/password",
    "open": "/staff",
}


class SignInRequired(Exception):
    """Nobody is signed in, or not far enough; ``where`` is the page that comes first."""

    def __init__(self, where: str = "/staff/sign-in") -> None:
        super().__init__(where)
        self.where = where
        self.why = "no_session"


class SessionMenu:
    """What the head of every page shows of a session, if there is one."""

    def __init__(self, session: Session | None) -> None:
        self._session = session

    @property
    def session(self) -> Session:
        """The session; SignInRequired without one."""
        if self._session is None:
            raise SignInRequired
        return self._session

    @property
    def account(self) -> Account:
        """The account that is signed in."""
        return self.session.account

    @property
    def is_signed_in(self) -> bool:
        """Whether a session is open."""
        return self._session is not None and self._session.state == "open"

    def has_role(self, *roles: str) -> bool:
        """Whether the account that is signed in has one of the roles."""
        return self.is_signed_in and bool(self.account.roles & set(roles))

    def may_reach(self, place: str | None) -> bool:
        """Whether a region, or the scope of a list, is one that the account that is signed in may act in."""
        return self.is_signed_in and contains_place(self.account, place)

    @property
    def form_token(self) -> str:
        """The token that the forms of this page carry."""
        return self._session.form_token if self._session else ""


def render_template(
    preferences: tuple[Lang, Size], name: str, context: dict[str, Any], status: int, headers: dict[str, str]
) -> Response[str]:
    """Render a template of the workspace in a language and size."""
    body = build_environment(*preferences).get_template(f"staff/{name}.html").render(page=context)
    return Response(body, status_code=status, media_type="text/html", headers=headers)


def find_session(request: Request[Any, Any, Any]) -> Session | None:
    """Return the session of a request, once it was looked for."""
    return cast("Session | None", request.scope.get(SESSION))


def render_error_page(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Render the page of an error; refusals are in the audit log."""
    if isinstance(error, SignInRequired):
        back = f"?next={quote(str(request.url.path))}" if error.where.endswith("sign-in") else ""
        return Redirect(path=error.where + back, status_code=303, headers=HEADERS)
    status = error_status.get_status(error)
    error_status.failures.log_error(error, f"{request.method} {describe_path(request)}")
    preferences = read_preferences(request.query_params)
    known = error_status.recognise_error(error)
    message = known.get_text(preferences[0]) if isinstance(known, RegistryError) else None
    # A refusal that ended the session: its menu would lead nowhere.
    has_ended = isinstance(error, NotAllowed) and error.details.get("why") in ("other_browser", "tries")
    menu = SessionMenu(None if has_ended else find_session(request))
    context = {
        "path": request.url.path,
        "status": status,
        "message": message,
        "desk": menu,
        "errors": [],
        "labels": None,
        "error_links": {},
    }
    return render_template(preferences, "error", context, status, {**HEADERS, **error_status.make_headers(error)})


def describe_path(request: Request[Any, Any, Any]) -> str:
    """Return the path of a request without what somebody typed into it: it is written to logs that are kept."""
    template = str(request.scope.get("path_template") or "/staff")
    return template.replace("{number}", str(request.path_params.get("number")))


async def record_refused_request(error: Exception, scope: Scope) -> None:
    """Write a refusal to the audit log before ``render_error_page`` answers it, and not on the event loop."""
    if scope["type"] != ScopeType.HTTP or not scope["path"].startswith("/staff"):
        return
    request = Request[Any, Any, Any](scope)
    # A form sent in a session that has ended, or a refusal.
    is_too_late = isinstance(error, SignInRequired) and request.method == "POST" and bool(request.cookies)
    if is_too_late or (isinstance(error, RegistryError) and error_status.get_status(error) in (403, 409)):
        try:
            # Strangers can cause the first as often as they like: not in the lane of those who are signed in.
            lane: lanes.LaneName = "sign-ins" if is_too_late else "writes"
            await lanes.run_in_lane(lane, record_refusal, request, cast("RegistryError | SignInRequired", error))
        except CannotAnswer as failure:
            _log.warning("a refusal could not be put in the trail: %s", failure.code)


def record_refusal(request: Request[Any, Any, Any], error: RegistryError | SignInRequired) -> None:
    """Write a refusal to the audit log: what was requested of which page, and a word for why. Those of whoever is
    not signed in are counted first, so that strangers cannot fill the log."""
    session = find_session(request)
    who = session.account.name if session else "-"
    why = error.why if isinstance(error, SignInRequired) else error.details.get("why", error.code)
    about = f"{request.method} {describe_path(request)} {why}"
    address = request.client.host if request.client else "-"
    register: Register = request.app.state.register
    if session is None or session.state != "open":
        register.sign_ins.repeats.count_failure(who, "refused", about, address)
        return
    try:
        with register.database.writing(_RECORD_WAIT) as connection:
            audit_log.record_event(connection, who, "refused", about, address)
    except RegistryError as failure:
        _log.warning("a refusal could not be put in the trail: %s", failure.code)


#: The fields of the code and of the passkey; no other form of the workspace has fields of these names.
CODE, PASSKEY = "proof_code", "proof_passkey"
#: Fields that the page does not carry along: it has its own.
_NOT_CARRIED = (CODE, PASSKEY, "form_token")


class ProofRequired(Exception):
    """The second factor has to be shown once more before what was sent is done.

    ``options``: what a browser needs to show a passkey. ``reason``: the key of the sentence about the code that was
    sent; "" if none was.
    """

    def __init__(self, session: Session, form: FormMultiDict, options: str, reason: str = "") -> None:
        super().__init__("proof")
        self.session = session
        self.form = form
        self.options = options
        self.reason = reason


def require_proof(sign_ins: SignIns, session: Session, form: FormMultiDict, visitor: Visitor) -> None:
    """ProofRequired without a fresh proof or a right code; NotAllowed when one wrong code too many ended it all."""
    if session.is_proved:
        return
    passkey = str(form.get(PASSKEY) or "")[: passkeys.LONGEST_ANSWER]
    shown = Proof(code=str(form.get(CODE) or "").strip()[:200], passkey=passkey)
    options = sign_ins.make_proof_options(session)
    if not (shown.code or shown.passkey):
        raise ProofRequired(session, form, options)
    try:
        is_right = sign_ins.renew_proof(session, shown, visitor)
    except SecretsKeyMissing:
        raise ProofRequired(session, form, options, "second.no_key") from None
    if not is_right:
        raise ProofRequired(session, form, options, "passkey.wrong" if shown.passkey else "second.wrong")


def ask_for_proof(request: Request[Any, Any, Any], needed: ProofRequired) -> Response[Any]:
    """Render the page that holds what was sent and asks for the code."""
    preferences = lang, _ = read_preferences(request.query_params)
    account, settings = needed.session.account, request.app.state.register.settings
    fields = [(name, str(value)) for name, value in needed.form.multi_items() if name not in _NOT_CARRIED]
    context: dict[str, Any] = {
        "path": request.url.path,
        "action": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "desk": SessionMenu(needed.session),
        "fields": fields,
        "field": CODE,
        "passkey_field": PASSKEY,
        "options": needed.options,
        "labels": None,
        "error_links": {},
        "minutes": PROOF,
        "provider": settings.oidc_name if settings.oidc_issuer and account.external else "",
        "errors": [(CODE, str(StaffLanguage(lang).translate(needed.reason)))] if needed.reason else [],
    }
    return render_template(preferences, "proof", context, 403, {**HEADERS, "Content-Language": lang})
