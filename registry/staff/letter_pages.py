"""Evidence letters: a form that gives one as PDF, and which were given."""

from __future__ import annotations

import datetime as dt
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry.errors import CannotAnswer, CannotSign, InvalidCode, InvalidInput
from registry.measures.letters.service import ROLES, LetterRequest
from registry.records import asof
from registry.staff.desk import Desk
from registry.web import body_limits

_GIVERS = {"roles": ROLES}
_FIELDS = ("about", "on", "known_at", "person", "authority", "reference")
#: Letters of one page.
_SHOWN = 50


@get("/letters", opt=_GIVERS, sync_to_thread=True)
def show_letters(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form, and the letters that were given, newest first."""
    return _render_page(desk, dict.fromkeys(_FIELDS, ""))


@post("/letters", opt=_GIVERS, status_code=200, sync_to_thread=True, request_max_body_size=body_limits.TEXT)
def give_letter(desk: NamedDependency[Desk]) -> Response[Any]:
    """Give a letter: the answer is its PDF, which carries its receipt."""
    form = {name: desk.read_field(name, 300) for name in _FIELDS}
    desk.register.follow_log()
    try:
        given = desk.register.letters.give_letter(_read_request(desk, form), desk.account.name)
    except (InvalidInput, InvalidCode, CannotSign, CannotAnswer) as error:
        return _render_page(desk, form, errors=desk.list_errors(error, "about"))
    headers = {
        "Content-Disposition": f'attachment; filename="{given.letter.number}.pdf"',
        "Cache-Control": "no-store",
    }
    return Response(content=given.pdf, media_type="application/pdf", headers=headers)


def _read_request(desk: Desk, form: dict[str, str]) -> LetterRequest:
    return LetterRequest(
        about=form["about"],
        on=asof.parse_day(form["on"], "on"),
        known_at=_read_instant(form["known_at"]),
        person=form["person"] or None,
        authority=form["authority"],
        reference=form["reference"],
        lang="en" if desk.read_field("language") == "en" else "zh-CN",
    )


def _read_instant(text: str) -> dt.datetime | None:
    """Read an instant, or a day, whose end is meant."""
    if not text:
        return None
    if len(text) <= len("YYYY-MM-DD"):
        return asof.get_day_end(asof.parse_day(text, "known_at"))
    return asof.parse_instant(text)


def _render_page(desk: Desk, form: dict[str, str], errors: list[tuple[str, str]] | None = None) -> Response[Any]:
    before = desk.read_query_number("before")
    letters = desk.register.letters.list_letters(before, _SHOWN + 1)
    return desk.render_page(
        "letters",
        status=400 if errors else 200,
        errors=errors,
        form=form,
        letters=letters[:_SHOWN],
        next=letters[_SHOWN - 1].id if len(letters) > _SHOWN else None,
    )
