"""A kept form looked at before it is proposed: what is wrong, what a person confirms, what it would change."""

from __future__ import annotations

import sqlalchemy as sa

from registry import accounts, regions, territory
from registry.editing import checks, likenesses, recorded
from registry.editing.compose import Composed, changed, compose
from registry.editing.findings import Finding, error, warning
from registry.editing.forms import ABOUT, WITHDRAWN, FormKind, Typed, text
from registry.editing.kept import Kept
from registry.editing.values import day, values
from registry.errors import NotAllowed, RegistryError
from registry.log import store
from registry.model import Change, Draft, Struct
from registry.records import asof
from registry.tables import entries
from registry.techniques import LAWFUL_STAGES

#: The field at which a change of a path is made, where they differ.
_FIELD_OF = {"certificate_masked": "certificate_no", "aliases": "name"}


class Point(Struct, frozen=True):
    """One field in which the record moved under a form: as it was filled, as recorded now, as typed.

    ``both``: both changed it, and differently; of the others either the record or the form alone did.
    """

    field: str
    base: str | list[str]
    theirs: str | list[str]
    mine: str | list[str]
    both: bool


class Review(Struct, frozen=True):
    """What stands in the way of proposing a form; nothing but ``composed`` when nothing does."""

    errors: list[Finding]
    warnings: list[Finding]
    notes: list[Finding]
    composed: Composed | None
    moved: list[Point]


def review(connection: sa.Connection, kept: Kept, refused: frozenset[str] = frozenset()) -> Review:
    """Every check of a kept form."""
    typed = kept.filled.typed
    found = checks.plain(kept.kind, kept.is_new, typed, asof.find_today(connection), refused)
    found += _in_register(connection, kept)
    found = [one for one in found if not _untouched(kept, one)]
    found += _region(connection, kept)
    composed = None
    if not _errors(found):
        composed = compose(connection, kept)
        found += _composed(connection, kept, composed)
    return Review(
        errors=_errors(found),
        warnings=[one for one in found if one.level == "warning"],
        notes=[one for one in found if one.level == "note"],
        composed=composed,
        moved=moved(connection, kept),
    )


#: Fields that are judged together: what is wrong with one may come from another.
_TOGETHER = (
    {"address", "region"},
    {"uscc", "practice_licence_no"},
    {"stage", "document_no", "valid_from", "verification_due"},
    {"valid_from", "valid_to"},
    {"certificate_kind", "certificate_no"},
    {"number", "valid_to"},
)


def _untouched(kept: Kept, one: Finding) -> bool:
    """Whether a finding is about what the record says already: nobody has to put that right to change another field."""
    base, typed = kept.filled.base, kept.filled.typed
    fields = {one.field}.union(*(group for group in _TOGETHER if one.field in group))
    fields &= recorded.own_names(kept.kind, new=False)
    return not kept.is_new and bool(fields) and all(typed.get(name) == base.get(name) for name in fields)


def _errors(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.level == "error"]


def require_inside(connection: sa.Connection, account: str, subject: str) -> None:
    """NotAllowed, before anything is typed, where a subject is outside the region of the account."""
    kind = next(about for about in ABOUT.values() if subject.startswith(f"{about}:"))
    probe = Draft(subject=subject, change=Change(kind=kind, set={}), valid_from=asof.find_today(connection))
    territory.require(connection, account, [probe])


def _in_register(connection: sa.Connection, kept: Kept) -> list[Finding]:
    """Whether the institution meant is one, and who else may be the one meant."""
    typed, found = kept.filled.typed, list[Finding]()
    held = recorded.values_on(connection, kept.subject, asof.find_today(connection)) if kept.subject else {}
    said = values(kept.kind, typed, held)
    parent = said.get("institution")
    if parent and not recorded.values_on(connection, parent, asof.find_today(connection)):
        found.append(
            error(
                "institution",
                f"名录中没有编码为 {text(typed, 'institution')} 的机构，请核对。",
                f"The register has no institution of code {text(typed, 'institution')}; please check it.",
            )
        )
    touched = changed(kept.kind, typed, kept.filled.base, held)
    fields = {_FIELD_OF.get(path, path) for path in touched}
    found += [one for one in likenesses.like(connection, kept.kind, kept.subject, said) if one.field in fields]
    return found + _stages(kept.kind, typed, held)


def _stages(kind: FormKind, typed: Typed, held: dict[str, object]) -> list[Finding]:
    """Whether a change of stage makes sense after the one recorded."""
    if kind != "approval":
        return []
    before, stage = held.get(f"approvals.{text(typed, 'technique')}"), text(typed, "stage")
    was = str(before["stage"]) if isinstance(before, dict) else ""
    found = []
    if stage == WITHDRAWN and not was:
        found.append(error("stage", "名录中没有该项批准，无从撤回。", "No such approval is recorded."))
    if was in ("revoked", "lapsed") and stage in LAWFUL_STAGES:
        found.append(
            warning(
                "stage",
                "该项批准已撤销或失效，现在重新获准：请确认依据的是新的批准文件。",
                "This approval was revoked or has lapsed; confirm that a new document approves it again.",
            )
        )
    if was == "preparing" and stage == "formal":
        found.append(
            warning(
                "stage",
                "由筹建直接到正式运行，没有试运行，请确认。",
                "From being set up straight to full operation, without a trial; please confirm.",
            )
        )
    if isinstance(before, dict) and stage not in (was, WITHDRAWN):
        same = text(typed, "document_no") and text(typed, "document_no") == before.get("document_no")
        if same:
            found.append(
                warning(
                    "document_no",
                    "运行情况变了，文号仍是原来的，请确认没有忘记更改。",
                    "The stage is another one, the document number the same as before; confirm that it still applies.",
                )
            )
    return found


def _region(connection: sa.Connection, kept: Kept) -> list[Finding]:
    """Whether the account may propose about this, told before there are drafts."""
    account = accounts.found(connection, kept.account)
    if not account.region:
        return []
    typed = kept.filled.typed
    inside, place = regions.prefix(account.region), account.region
    if kept.kind == "institution":
        said = values("institution", typed, {}).get("region") or ""
        if not str(said).startswith(inside):
            return [_outside("address", place)]
    if kept.kind == "sanction" and not text(typed, "institution"):
        return [_outside("institution", place)]
    subject = kept.subject or values(kept.kind, typed, {}).get("institution")
    try:
        if subject and recorded.values_on(connection, str(subject), asof.find_today(connection)):
            require_inside(connection, kept.account, str(subject))
    except NotAllowed:
        return [_outside("institution" if kept.kind not in ("institution", "approval") else "effective", place)]
    return []


def _outside(field: str, region: str) -> Finding:
    return error(
        field,
        f"您的账号只能就行政区划 {region} 内的机构提案，这里说的不在其内，或读不出在哪里。",
        f"Your account may propose about institutions in region {region} only; this one is outside, or its place is "
        "not known.",
    )


def _composed(connection: sa.Connection, kept: Kept, composed: Composed | None) -> list[Finding]:
    typed, found = kept.filled.typed, list[Finding]()
    if composed is None:
        return [error("", "与现在的记载没有任何不同，无需提交。", "Nothing differs from what is recorded.")]
    if composed.corrects and not text(typed, "reason"):
        found.append(
            error(
                "reason",
                f"名录对 {day(typed, 'effective')} 或以后的日期已有记载，这是更正：请写明原记载为何有误。"
                "如果是新的变化，请改生效日期。",
                f"Something is already stated of {day(typed, 'effective')} or a later day: this is a correction. Say "
                "why what is recorded is wrong. For a new change, give the day it is true from.",
            )
        )
    if composed.legal:
        found += _document(kept)
    for one in composed.differences:
        if one.outlived_by:
            found.append(
                warning(
                    "effective",
                    f"自 {one.outlived_by} 起对同一项另有记载，届时仍以其为准，这次只改到那天为止（{one.path}）。",
                    f"From {one.outlived_by} on something else is stated of the same field and stands: this changes "
                    f"only the days before ({one.path}).",
                )
            )
    if not _errors(found):
        try:
            territory.require(connection, kept.account, composed.drafts)
        except NotAllowed as refusal:
            found.append(_said(refusal))
    return found


def _document(kept: Kept) -> list[Finding]:
    typed, found = kept.filled.typed, list[Finding]()
    for name in ("doc_title", "doc_date"):
        if not text(typed, name):
            found.append(
                error(
                    name,
                    "这是法定事实，须写明依据的文件。",
                    "This is a fact of law; say which document it rests on.",
                )
            )
    if not kept.filled.attachment:
        found.append(
            error(
                "doc_file",
                "请附上文件的扫描件或电子版，审批人要看原文。",
                "Attach a scan or copy of the document; whoever approves reads it.",
            )
        )
    return found


def _said(refusal: RegistryError, field: str = "") -> Finding:
    return error(field, refusal.zh, refusal.en)


# --- the record moved under the form ---------------------------------------------------------------------------------


def is_stale(connection: sa.Connection, kept: Kept) -> bool:
    """Whether something was recorded of the subject since the form was filled."""
    if not kept.subject:
        return False
    query = sa.select(entries.c.number).where(entries.c.subject == kept.subject, entries.c.number > kept.base_size)
    return connection.execute(query.limit(1)).first() is not None


def moved(connection: sa.Connection, kept: Kept) -> list[Point]:
    """The fields the record now has otherwise than when the form was filled, with what was typed beside it."""
    if not is_stale(connection, kept):
        return []
    now, filled = fresh(connection, kept), kept.filled
    found = []
    for name, theirs in now.items():
        base, mine = filled.base.get(name, ""), filled.typed.get(name, "")
        if (base or "") != (theirs or ""):
            both = (mine or "") not in ((base or ""), (theirs or ""))
            found.append(Point(field=name, base=base, theirs=theirs, mine=mine, both=both))
    return found


def fresh(connection: sa.Connection, kept: Kept) -> Typed:
    """The form as it would be filled now."""
    held = recorded.values_on(connection, kept.subject or "", asof.find_today(connection))
    now = recorded.filled(kept.kind, held, text(kept.filled.typed, "technique"))
    own = recorded.own_names(kept.kind, not held)
    return {name: value for name, value in now.items() if name in own}


def joined(connection: sa.Connection, kept: Kept, take: frozenset[str]) -> tuple[Typed, Typed, int]:
    """(typed, base, log size) of a form brought up to the record: of fields both changed those in ``take`` as they are
    recorded, the others as typed; what only the record changed is the record's."""
    now = fresh(connection, kept)
    typed = dict(kept.filled.typed)
    for point in moved(connection, kept):
        if not point.both or point.field in take:
            typed[point.field] = point.theirs
    return typed, now, store.head(connection).size
