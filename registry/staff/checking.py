"""A draft before it is proposed: what it would change, what to confirm, and what moved under it."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry import trail
from registry.attachments import find as find_attachment
from registry.editing import kept, submit
from registry.editing.findings import Finding
from registry.editing.kept import Kept
from registry.editing.review import Review, joined, review
from registry.errors import Conflict, InvalidInput, NotAllowed
from registry.staff.desk import Desk
from registry.staff.editing import EDITORS, refuse_page
from registry.staff.errors import note
from registry.staff.spoken import FormWords
from registry.web import bodies


@get("/drafts/{number:int}/check", opt=EDITORS, sync_to_thread=True)
def looked_at(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """What will change field by field, and the warnings to confirm."""
    return _shown(desk, number, [])


@post(
    "/drafts/{number:int}/propose", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=bodies.TEXT
)
def proposed(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Put it before a second person; the draft is gone then. Whatever stands in the way, the draft stays."""
    confirmed = frozenset(str(key) for key in desk.form.getall("confirm", []))
    try:
        with trail.acting_from(desk.visitor.address):
            made, looked = submit.propose(desk.database, number, desk.account.name, confirmed, desk.register.log)
    except (InvalidInput, Conflict, NotAllowed) as refusal:
        if not isinstance(refusal, InvalidInput):
            note(desk.request, refusal)
        return _shown(desk, number, [submit.refusals(refusal)])
    if made is not None:
        return desk.go(f"/staff/proposals/{made}")
    missing = [one for one in looked.warnings if one.key not in confirmed]
    return _shown(desk, number, _to_confirm(missing))


def _to_confirm(missing: list[Finding]) -> list[Finding]:
    return [
        Finding(level="error", field=f"confirm-{one.key}", zh="请核实后勾选确认。", en="Look into this and confirm it.")
        for one in missing
    ]


@post("/drafts/{number:int}/join", opt=EDITORS, status_code=200, sync_to_thread=True, request_max_body_size=bodies.TEXT)
def brought_up(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Go on from what is recorded now, with what was typed kept where nobody chose otherwise."""
    with desk.database.writing() as connection:
        one = kept.found(connection, number, desk.account.name)
        take = frozenset(name.removeprefix("take-") for name, value in desk.form.multi_items() if value == "theirs")
        typed, base, size = joined(connection, one, take)
        filled = msgspec.structs.replace(one.filled, typed=typed, base=base, confirmed=())
        kept.save(connection, one, filled, base_size=size)
    return desk.go(f"/staff/drafts/{number}", said="joined")


def _shown(desk: Desk, number: int, errors: list[Finding]) -> Response[Any]:
    with desk.database.reading() as connection:
        one = kept.found(connection, number, desk.account.name)
        looked = review(connection, one)
        if looked.moved:
            return _moved(desk, one, looked)
        if looked.errors or looked.composed is None:
            return refuse_page(desk, connection, one, looked.errors)
        words = FormWords(desk.voice, one.kind)
        attachment = one.filled.attachment
        return desk.page(
            "check",
            status=400 if errors else 200,
            errors=[(error.field, error.text(desk.voice.lang)) for error in errors],
            draft=one,
            words=words,
            looked=looked,
            composed=looked.composed,
            rows=[words.row(difference) for difference in looked.composed.differences],
            confirmed=set(one.filled.confirmed),
            elsewhere=kept.elsewhere(connection, looked.composed.subject, one.account),
            attachment=find_attachment(connection, attachment) if attachment else None,
        )


def _moved(desk: Desk, one: Kept, looked: Review) -> Response[Any]:
    return desk.page("moved", status=409, draft=one, points=looked.moved, words=FormWords(desk.voice, one.kind))


handlers = [looked_at, proposed, brought_up]
