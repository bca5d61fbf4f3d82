"""Publishing the list: its editions, a form, a preview, then a proposal that a second person approves."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tempfile
from pathlib import Path
from typing import Any

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import proposals
from registry.accounts import audit_log
from registry.accounts.region_scope import EDITION
from registry.domain import region_names, regions
from registry.editions import manifest, plan, review
from registry.editions.edition import NATIONAL, Edition
from registry.editions.plan import EditionPlan, EditionRequest
from registry.errors import Conflict, InvalidInput, NotFound
from registry.log import codec
from registry.proposals import edition_proposals
from registry.records import asof
from registry.staff.desk import Desk
from registry.texts import Message

#: Rows on a page of an edition that is to be decided on.
ROWS = 100
_PUBLISHERS = {"roles": ("publisher",)}
_CLOCK = re.compile("([01][0-9]|2[0-3]):([0-5][0-9])")
_FIELDS = ("title", "as_of", "when", "release_day", "release_time", "scope")


@get("/editions", sync_to_thread=True)
def show_editions(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show every edition with its state, and the pending proposals about editions."""
    with desk.database.reading() as connection:
        waiting = [
            proposal
            for proposal in proposals.list_proposals(connection, seen_by=desk.account)
            if proposal.kind == EDITION
        ]
    return desk.render_page("editions", editions=desk.register.editions.list_states(), waiting=waiting)


@get("/editions/new", opt=_PUBLISHERS, sync_to_thread=True)
def show_edition_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form, filled in from the edition before where that helps."""
    before = next(iter(desk.register.editions.list_all()), None)
    form_values = {
        "title": before.title if before else "",
        "as_of": desk.register.make_as_of_now().valid_on.isoformat(),
        "when": "now",
        "scope": desk.account.region,
    }
    return desk.render_page("edition_form", form_values=form_values)


@post("/editions/preview", opt=_PUBLISHERS, status_code=200, sync_to_thread=True)
def preview_edition(desk: NamedDependency[Desk]) -> Response[Any]:
    """Preview what the public would see; nothing is proposed yet."""
    try:
        planned = plan.make_plan(desk.database, _read_edition_form(desk), desk.register.settings.public_url)
    except InvalidInput as error:
        return _render_form_errors(desk, error)
    return _render_preview_page(desk, planned)


def _render_preview_page(desk: Desk, planned: EditionPlan, **values: Any) -> Response[Any]:
    form_values = {name: desk.read_field(name) for name in _FIELDS}
    return desk.render_page(
        "edition_preview", plan=planned, seen=_digest_plan(planned), form_values=form_values, limit=plan.SHOWN, **values
    )


@post("/editions", opt=_PUBLISHERS, status_code=200, sync_to_thread=True)
def propose_edition(desk: NamedDependency[Desk]) -> Response[Any]:
    """Propose what was previewed; if the register changed since, show it anew instead."""
    try:
        planned = plan.make_plan(desk.database, _read_edition_form(desk), desk.register.settings.public_url)
        if desk.read_field("seen") != _digest_plan(planned):
            message = str(desk.language.translate("publishing.changed"))
            return _render_preview_page(desk, planned, status=409, errors=[("", message)])
        with audit_log.act_from_address(desk.visitor.address):
            proposal = edition_proposals.propose_edition(
                desk.database, planned, by=desk.account.name, log=desk.register.log
            )
    except InvalidInput as error:
        return _render_form_errors(desk, error)
    return desk.redirect_to(f"/staff/proposals/{proposal}")


@get("/editions/withdraw", opt=_PUBLISHERS, sync_to_thread=True)
def show_withdrawal_form(desk: NamedDependency[Desk]) -> Response[Any]:
    """Show the form to withdraw an edition."""
    return _render_withdrawal_page(desk, str(desk.request.query_params.get("edition") or "")[:20])


def _render_withdrawal_page(desk: Desk, edition: str, **values: Any) -> Response[Any]:
    editions = desk.register.editions.list_all()
    standing = [one for one in editions if one.withdrawn is None and desk.may_reach(one.scope)]
    return desk.render_page("edition_withdraw", standing=standing, chosen=edition, **values)


@post("/editions/withdraw", opt=_PUBLISHERS, status_code=200, sync_to_thread=True)
def propose_withdrawal(desk: NamedDependency[Desk]) -> Response[Any]:
    """Propose to withdraw an edition, with a reason that will be published."""
    edition, reason = desk.read_field("edition"), desk.read_field("reason", 2_000)
    try:
        with audit_log.act_from_address(desk.visitor.address):
            proposal = edition_proposals.propose_withdrawal(
                desk.database, edition, reason, by=desk.account.name, log=desk.register.log
            )
    except (InvalidInput, NotFound, Conflict) as error:
        errors = desk.list_errors(error, "edition")
        return _render_withdrawal_page(desk, edition, status=400, errors=errors, reason=reason)
    return desk.redirect_to(f"/staff/proposals/{proposal}")


def _render_form_errors(desk: Desk, error: InvalidInput) -> Response[Any]:
    """Render the form as it was filled in, with what is wrong."""
    form_values = {name: desk.read_field(name) for name in _FIELDS}
    return desk.render_page("edition_form", status=400, errors=desk.list_errors(error, ""), form_values=form_values)


def _read_edition_form(desk: Desk) -> EditionRequest:
    try:
        as_of = asof.parse_day(desk.read_field("as_of"))
    except InvalidInput:
        raise InvalidInput(Message("请填写截止日，例如 2026-11-30。"), field="as_of") from None
    scope = desk.read_place("scope") or NATIONAL
    if scope != NATIONAL and regions.find_region(scope) is None:
        raise InvalidInput(region_names.describe_unclear_place(scope), field="scope")
    return EditionRequest(
        title=desk.read_field("title"),
        as_of=as_of,
        release=_read_release_time(desk) if desk.read_field("when") == "later" else None,
        scope=scope,
    )


def _read_release_time(desk: Desk) -> dt.datetime:
    """Return the day and time given, by the clock in Shanghai."""
    clock = _CLOCK.fullmatch(desk.read_field("release_time"))
    try:
        day = asof.parse_day(desk.read_field("release_day"))
    except InvalidInput:
        raise InvalidInput(Message("请填写公布日期，例如 2026-12-01。"), field="release_day") from None
    if clock is None:
        raise InvalidInput(Message("请写明公布的钟点，例如 09:00。"), field="release_time")
    return dt.datetime.combine(day, dt.time(int(clock[1]), int(clock[2])), asof.SHANGHAI).astimezone(dt.UTC)


def _digest_plan(planned: EditionPlan) -> str:
    """Digest what would be proposed: the digest changes as soon as anything is recorded."""
    return hashlib.sha256(codec.encode_canonical(planned.draft.change.set)).hexdigest()


@get("/proposals/{number:int}/edition", opt={"lane": "slow"}, sync_to_thread=True)
def show_edition_review(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Show every row that a proposed edition would publish, its files and its whole difference."""
    place = max(desk.read_query_number("page") or 1, 1)
    edition = _get_proposed_edition(desk, number)
    found = review.read_review(desk.database, edition, first=(place - 1) * ROWS + 1, most=ROWS)
    last_place = -(-found.total // ROWS)
    return desk.render_page("edition_review", number=number, review=found, place=place, last_place=last_place)


@get("/proposals/{number:int}/edition/{name:str}", opt={"lane": "slow"}, sync_to_thread=True)
def download_edition_file(desk: NamedDependency[Desk], number: FromPath[int], name: FromPath[str]) -> Response[Any]:
    """Send the list of a proposed edition in one format."""
    edition = _get_proposed_edition(desk, number)
    with tempfile.TemporaryDirectory() as folder:
        body = review.write_file(desk.database, edition, name, Path(folder)).read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return Response(body, media_type=manifest.MEDIA.get(name, "text/html"), headers=headers)


def _get_proposed_edition(desk: Desk, number: int) -> Edition:
    with desk.database.reading() as connection:
        proposal = proposals.get_for_account(connection, number, desk.account.name)
        drafts = list(proposals.read_drafts(connection, number)) if proposal.kind == EDITION else []
    if not drafts:
        raise NotFound(Message("这份提案不公布名录。"))
    return review.make_edition(desk.database, drafts[0], number)
