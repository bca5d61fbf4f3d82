"""What stops somebody in the workspace, and the page or the way out that they get."""

from __future__ import annotations

import logging
from typing import Any, cast
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from public_site.voice import preferences
from registry import trail
from registry.accounts.sessions import Session, State
from registry.errors import CannotAnswer, Conflict, InvalidInput, NotAllowed, NotFound, RegistryError
from registry.staff.voice import environment

_log = logging.getLogger("registry")
#: Of every answer: nothing of the workspace is kept by a browser, nor found by a search.
HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
#: Where a session goes on that is not open yet.
NEXT_STEP: dict[State, str] = {
    "second": "/staff/second",
    "enrol": "/staff/enrol",
    "password": "/staff/password",
    "open": "/staff",
}


class SignInFirst(Exception):
    """Nobody is signed in, or not far enough; ``where`` is the page that comes first."""

    def __init__(self, where: str = "/staff/sign-in") -> None:
        super().__init__(where)
        self.where = where
        self.why = "no_session"


def refused(why: str, zh: str, en: str) -> NotAllowed:
    """Not for this person, or not a form of ours: ``why`` is a word for the trail."""
    return NotAllowed(zh, en, why=why)


def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The page of an error; refusals are in the trail."""
    if isinstance(error, SignInFirst):
        if request.method == "POST" and request.cookies:  # something was to be done in a session that is over
            note(request, error)
        back = f"?next={quote(str(request.url.path))}" if error.where.endswith("sign-in") else ""
        return Redirect(path=error.where + back, status_code=303, headers=HEADERS)
    status = _status(error)
    if status >= 500 and not isinstance(error, CannotAnswer):
        _log.error("staff page %s failed", request.url.path, exc_info=error)
    if isinstance(error, RegistryError) and status in (403, 409):
        note(request, error)
    lang, size = preferences(request.query_params)
    said = error.text(lang) if isinstance(error, RegistryError) else None
    template = environment(lang, size).get_template("staff/error.html")
    body = template.render(page={"here": request.url.path, "status": status, "said": said, "desk": None, "errors": []})
    return Response(body, status_code=status, media_type="text/html", headers=HEADERS)


def _status(error: Exception) -> int:
    if isinstance(error, InvalidInput):
        return 400
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Conflict):
        return 409
    if isinstance(error, CannotAnswer):
        return 503
    if isinstance(error, RegistryError):
        return 403
    return error.status_code if isinstance(error, HTTPException) else 500


def note(request: Request[Any, Any, Any], error: RegistryError | SignInFirst) -> None:
    """Put a refusal into the trail: what was asked of which page, and a word for why."""
    session = cast("Session | None", request.scope.get("registry.session"))
    who = session.account.name if session else "-"
    why = error.why if isinstance(error, SignInFirst) else error.details.get("why", error.code)
    # Not the path as asked: somebody may have typed anything into it, and the trail keeps it for ever.
    template = str(request.scope.get("path_template") or "/staff")
    number = request.path_params.get("number")
    about = f"{request.method} {template.replace('{number}', str(number))} {why}"
    try:
        with request.app.state.register.database.writing() as connection:
            trail.record(connection, who, "refused", about, request.client.host if request.client else "-")
    except RegistryError as failure:
        _log.warning("a refusal could not be put in the trail: %s", failure.code)
