"""Publishing the list: which editions there are, a form, a preview, then a proposal that a second person approves."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency

from registry import proposals
from registry.accounts import audit_log
from registry.accounts.region_scope import EDITION
from registry.editions import plan
from registry.editions.edition import NATIONAL
from registry.editions.plan import EditionPlan, EditionRequest
from registry.errors import Conflict, InvalidInput, NotFound
from registry.log import codec
from registry.proposals import edition_proposals
from registry.records import asof
from registry.staff.desk import Desk

_PUBLISHERS = {"roles": ("publisher",)}
_CLOCK = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])")
_FIELDS = ("title", "as_of", "when", "release_day", "release_time", "scope")


@get("/editions", sync_to_thread=True)
def show_editions(desk: NamedDependency[Desk]) -> Response[Any]:
    """Every edition with its state, and the proposals about editions that wait."""
    with desk.database.reading() as connection:
        waiting = [one for one in proposals.list_proposals(connection, seen_by=desk.account) if one.kind == EDITION]
    return desk.render_page("editions", editions=desk.register.editions.list_states(), waiting=waiting)


@get("/editions/new", opt=_PUBLISHERS, sync_to_thread=True)
def show_edition_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form; with what was said last time where that helps."""
    before = next(iter(desk.register.editions.list_all()), None)
    given = {
        "title": before.title if before else "",
        "as_of": desk.register.make_as_of_now().valid_on.isoformat(),
        "when": "now",
        "scope": desk.account.region,
    }
    return desk.render_page("edition_form", given=given)


@post("/editions/preview", opt=_PUBLISHERS, status_code=200, sync_to_thread=True)
def preview_edition(desk: NamedDependency[Desk]) -> Response[Any]:
    """What the public would see; nothing is proposed yet."""
    try:
        planned = plan.make_plan(desk.database, _read_edition_form(desk), desk.register.settings.public_url)
    except InvalidInput as error:
        return _render_form_errors(desk, error)
    return _render_preview_page(desk, planned)


def _render_preview_page(desk: Desk, planned: EditionPlan, **told: Any) -> Response[Any]:
    given = {name: desk.read_field(name) for name in _FIELDS}
    return desk.render_page(
        "edition_preview", plan=planned, seen=_digest_plan(planned), given=given, most=plan.SHOWN, **told
    )


@post("/editions", opt=_PUBLISHERS, status_code=200, sync_to_thread=True)
def propose_edition(desk: NamedDependency[Desk]) -> Response[Any]:
    """Propose what was seen; where the register changed since, it is shown anew instead."""
    try:
        planned = plan.make_plan(desk.database, _read_edition_form(desk), desk.register.settings.public_url)
    except InvalidInput as error:
        return _render_form_errors(desk, error)
    if desk.read_field("seen") != _digest_plan(planned):
        told = str(desk.language.translate("publishing.changed"))
        return _render_preview_page(desk, planned, status=409, errors=[("", told)])
    try:
        with audit_log.act_from_address(desk.visitor.address):
            made = edition_proposals.propose_edition(
                desk.database, planned, by=desk.account.name, log=desk.register.log
            )
    except InvalidInput as error:
        return _render_form_errors(desk, error)
    return desk.redirect_to(f"/staff/proposals/{made}")


@get("/editions/withdraw", opt=_PUBLISHERS, sync_to_thread=True)
def show_withdrawal_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """The form to withdraw an edition."""
    return _render_withdrawal_page(desk, str(desk.request.query_params.get("edition") or "")[:20])


def _render_withdrawal_page(desk: Desk, said: str, **told: Any) -> Response[Any]:
    standing = [one for one in desk.register.editions.list_all() if one.withdrawn is None]
    return desk.render_page("edition_withdraw", standing=standing, said=said, **told)


@post("/editions/withdraw", opt=_PUBLISHERS, status_code=200, sync_to_thread=True)
def propose_withdrawal(desk: NamedDependency[Desk]) -> Response[Any]:
    """Propose to withdraw an edition, with the reason the public will read."""
    said, reason = desk.read_field("edition"), desk.read_field("reason", 2_000)
    try:
        with audit_log.act_from_address(desk.visitor.address):
            made = edition_proposals.propose_withdrawal(
                desk.database, said, reason, by=desk.account.name, log=desk.register.log
            )
    except (InvalidInput, NotFound, Conflict) as error:
        field = str(error.details.get("field") or "edition")
        return _render_withdrawal_page(
            desk, said, status=400, errors=[(field, error.get_text(desk.language.lang))], reason=reason
        )
    return desk.redirect_to(f"/staff/proposals/{made}")


def _render_form_errors(desk: Desk, error: InvalidInput) -> Response[Any]:
    """The form as it was filled in, with what is wrong."""
    field = str(error.details.get("field") or "")
    given = {name: desk.read_field(name) for name in _FIELDS}
    return desk.render_page(
        "edition_form", status=400, errors=[(field, error.get_text(desk.language.lang))], given=given
    )


def _read_edition_form(desk: Desk) -> EditionRequest:
    try:
        as_of = asof.parse_day(desk.read_field("as_of"))
    except InvalidInput:
        raise InvalidInput(
            "请填写截止日，例如 2026-11-30。", "Fill in the day it speaks of, 2026-11-30 for example.", field="as_of"
        ) from None
    return EditionRequest(
        title=desk.read_field("title"),
        as_of=as_of,
        release=_read_release_time(desk) if desk.read_field("when") == "later" else None,
        scope=desk.read_field("scope") or NATIONAL,
    )


def _read_release_time(desk: Desk) -> dt.datetime:
    """The day and the time on the clock in Shanghai."""
    clock = _CLOCK.fullmatch(desk.read_field("release_time"))
    try:
        day = asof.parse_day(desk.read_field("release_day"))
    except InvalidInput:
        raise InvalidInput(
            "请填写公布日期，例如 2026-12-01。", "Fill in the day, 2026-12-01 for example.", field="release_day"
        ) from None
    if clock is None:
        raise InvalidInput(
            "请写明公布的钟点，例如 09:00。",
            "Say at what time it is to be public, 09:00 for example.",
            field="release_time",
        )
    return dt.datetime.combine(day, dt.time(int(clock[1]), int(clock[2])), asof.SHANGHAI).astimezone(dt.UTC)


def _digest_plan(planned: EditionPlan) -> str:
    """A digest of what would be proposed: it is another one as soon as anything is recorded."""
    return hashlib.sha256(codec.encode_canonical(planned.draft.change.set)).hexdigest()


handlers = [
    show_editions,
    show_edition_form,
    preview_edition,
    propose_edition,
    show_withdrawal_form,
    propose_withdrawal,
]
