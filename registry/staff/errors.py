"""What stops somebody in the workspace, and the page or the way out that they get."""

from __future__ import annotations

import logging
from typing import Any, cast
from urllib.parse import quote

from litestar import Request, Response
from litestar.enums import ScopeType
from litestar.response import Redirect
from litestar.types import Scope

from registry.accounts import Account, audit_log
from registry.accounts.sessions import Session, State
from registry.errors import CannotAnswer, NotAllowed, RegistryError
from registry.staff.i18n import build_environment
from registry.storage.locks import LockWait
from registry.web import error_status, lanes
from registry.web.i18n import read_preferences

_log = logging.getLogger("registry")
#: Where a request keeps its session.
SESSION = "registry.session"
#: What a refused request waits until it is in the trail.
_NOTING = LockWait(seconds=2.0, queue_limit=3)
#: Of every answer: nothing of the workspace is kept by a browser, nor found by a search.
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
#: Where a session goes on that is not open yet.
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
    """What the head of every page shows of a session, if there is one; also where nothing was done."""

    def __init__(self, session: Session | None) -> None:
        self._session = session

    @property
    def session(self) -> Session:
        """The session; SignInFirst without one."""
        if self._session is None:
            raise SignInRequired
        return self._session

    @property
    def account(self) -> Account:
        """Whoever is signed in."""
        return self.session.account

    @property
    def is_signed_in(self) -> bool:
        """Whether a session is open."""
        return self._session is not None and self._session.state == "open"

    def has_role(self, *roles: str) -> bool:
        """Whether whoever is signed in has one of the roles."""
        return self.is_signed_in and bool(self.account.roles & set(roles))

    @property
    def form_token(self) -> str:
        """What the forms of this page carry."""
        return self._session.form_token if self._session else ""


def find_session(request: Request[Any, Any, Any]) -> Session | None:
    """The session of a request, once it was looked for."""
    return cast("Session | None", request.scope.get(SESSION))


def make_refusal(why: str, zh: str, en: str) -> NotAllowed:
    """Not for this person, or not a form of ours: ``why`` is a word for the trail."""
    return NotAllowed(zh, en, why=why)


def render_error_page(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The page of an error; refusals are in the trail."""
    if isinstance(error, SignInRequired):
        back = f"?next={quote(str(request.url.path))}" if error.where.endswith("sign-in") else ""
        return Redirect(path=error.where + back, status_code=303, headers=HEADERS)
    status = error_status.get_status(error)
    error_status.failures.log_error(error, f"{request.method} {describe_path(request)}")
    lang, size = read_preferences(request.query_params)
    known = error_status.recognise_error(error)
    said = known.get_text(lang) if isinstance(known, RegistryError) else None
    menu = SessionMenu(None if _has_ended_session(error) else find_session(request))
    told: dict[str, Any] = {"here": request.url.path, "status": status, "said": said, "desk": menu, "errors": []}
    body = build_environment(lang, size).get_template("staff/error.html").render(page=told)
    return Response(
        body, status_code=status, media_type="text/html", headers={**HEADERS, **error_status.make_headers(error)}
    )


def describe_path(request: Request[Any, Any, Any]) -> str:
    """The path of a request without what somebody typed into it: it goes into logs that are kept."""
    template = str(request.scope.get("path_template") or "/staff")
    return template.replace("{number}", str(request.path_params.get("number")))


def _has_ended_session(error: Exception) -> bool:
    """Whether the refusal ended the session: its menu would lead nowhere."""
    return isinstance(error, NotAllowed) and error.details.get("why") in ("other_browser", "tries")


async def record_refused_request(error: Exception, scope: Scope) -> None:
    """Put what ``render_error_page`` is about to answer into the trail, before it does, and not on the event loop."""
    if scope["type"] != ScopeType.HTTP or not scope["path"].startswith("/staff"):
        return
    request = Request[Any, Any, Any](scope)
    # Something was to be done in a session that is over; or was refused.
    late = isinstance(error, SignInRequired) and request.method == "POST" and bool(request.cookies)
    if late or (isinstance(error, RegistryError) and error_status.get_status(error) in (403, 409)):
        try:
            # Strangers may do the first as often as they like: not in the lane of those who are signed in.
            lane: lanes.LaneName = "sign-ins" if late else "writes"
            await lanes.run_in_lane(lane, record_refusal, request, cast("RegistryError | SignInRequired", error))
        except CannotAnswer as failure:
            _log.warning("a refusal could not be put in the trail: %s", failure.code)


def record_refusal(request: Request[Any, Any, Any], error: RegistryError | SignInRequired) -> None:
    """Put a refusal into the trail: what was asked of which page, and a word for why. Those of whoever is not signed
    in are counted first: strangers cannot fill it."""
    session = find_session(request)
    who = session.account.name if session else "-"
    why = error.why if isinstance(error, SignInRequired) else error.details.get("why", error.code)
    about = f"{request.method} {describe_path(request)} {why}"
    address = request.client.host if request.client else "-"
    register = request.app.state.register
    if session is None or session.state != "open":
        register.sign_ins.repeats.note(who, "refused", about, address)
        return
    try:
        with register.database.writing(_NOTING) as connection:
            audit_log.record_event(connection, who, "refused", about, address)
    except RegistryError as failure:
        _log.warning("a refusal could not be put in the trail: %s", failure.code)
