"""A kept form looked at before it is proposed: what is wrong, what a person confirms, what it would change."""

from __future__ import annotations

import sqlalchemy as sa

from registry import accounts
from registry.accounts import region_scope
from registry.domain import regions
from registry.domain.model import Change, Draft, Struct
from registry.domain.techniques import LAWFUL_STAGES
from registry.errors import NotAllowed, RegistryError
from registry.log import store
from registry.records import asof
from registry.staff.forms import checks, possible_duplicates, record_values
from registry.staff.forms.compose import FormProposal, compose_proposal, select_changes
from registry.staff.forms.findings import Finding, make_error, make_warning
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.forms import ABOUT, WITHDRAWN, FormKind, Typed, read_text
from registry.staff.forms.values import read_day, to_record_values
from registry.storage.tables import entries

#: The field at which a change of a path is made, where they differ.
_FIELD_OF = {"certificate_masked": "certificate_no", "aliases": "name"}


class FieldChange(Struct, frozen=True):
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
    composed: FormProposal | None
    moved: list[FieldChange]


def review_form(connection: sa.Connection, kept: FormDraft, refused: frozenset[str] = frozenset()) -> Review:
    """Every check of a kept form."""
    typed = kept.filled.typed
    found = checks.check_form(kept.kind, kept.is_new, typed, asof.find_today(connection), refused)
    found += _check_against_register(connection, kept)
    found = [one for one in found if not _is_untouched(kept, one)]
    found += _check_region(connection, kept)
    composed = None
    if not _select_errors(found):
        composed = compose_proposal(connection, kept)
        found += _check_proposal(connection, kept, composed)
    return Review(
        errors=_select_errors(found),
        warnings=[one for one in found if one.level == "warning"],
        notes=[one for one in found if one.level == "note"],
        composed=composed,
        moved=list_field_changes(connection, kept),
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


def _is_untouched(kept: FormDraft, one: Finding) -> bool:
    """Whether a finding is about what the record says already: nobody has to put that right to change another field."""
    base, typed = kept.filled.base, kept.filled.typed
    fields = {one.field}.union(*(group for group in _TOGETHER if one.field in group))
    fields &= record_values.list_own_names(kept.kind, new=False)
    return not kept.is_new and bool(fields) and all(typed.get(name) == base.get(name) for name in fields)


def _select_errors(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.level == "error"]


def require_subject_in_region(connection: sa.Connection, account: str, subject: str) -> None:
    """NotAllowed, before anything is typed, where a subject is outside the region of the account."""
    kind = next(about for about in ABOUT.values() if subject.startswith(f"{about}:"))
    probe = Draft(subject=subject, change=Change(kind=kind, set={}), valid_from=asof.find_today(connection))
    region_scope.require_may_propose(connection, account, [probe])


def _check_against_register(connection: sa.Connection, kept: FormDraft) -> list[Finding]:
    """Whether the institution meant is one, and who else may be the one meant."""
    typed, found = kept.filled.typed, list[Finding]()
    held = record_values.read_values_on(connection, kept.subject, asof.find_today(connection)) if kept.subject else {}
    said = to_record_values(kept.kind, typed, held)
    parent = said.get("institution")
    if parent and not record_values.read_values_on(connection, parent, asof.find_today(connection)):
        found.append(
            make_error(
                "institution",
                f"名录中没有编码为 {read_text(typed, 'institution')} 的机构，请核对。",
                f"The register has no institution of code {read_text(typed, 'institution')}; please check it.",
            )
        )
    touched = select_changes(kept.kind, typed, kept.filled.base, held)
    fields = {_FIELD_OF.get(path, path) for path in touched}
    found += [
        one
        for one in possible_duplicates.check_duplicates(connection, kept.kind, kept.subject, said)
        if one.field in fields
    ]
    return found + _check_stage_change(kept.kind, typed, held)


def _check_stage_change(kind: FormKind, typed: Typed, held: dict[str, object]) -> list[Finding]:
    """Whether a change of stage makes sense after the one recorded."""
    if kind != "approval":
        return []
    before, stage = held.get(f"approvals.{read_text(typed, 'technique')}"), read_text(typed, "stage")
    was = str(before["stage"]) if isinstance(before, dict) else ""
    found = []
    if stage == WITHDRAWN and not was:
        found.append(make_error("stage", "名录中没有该项批准，无从撤回。", "No such approval is recorded."))
    if was in ("revoked", "lapsed") and stage in LAWFUL_STAGES:
        found.append(
            make_warning(
                "stage",
                "该项批准已撤销或失效，现在重新获准：请确认依据的是新的批准文件。",
                "This approval was revoked or has lapsed; confirm that a new document approves it again.",
            )
        )
    if was == "preparing" and stage == "formal":
        found.append(
            make_warning(
                "stage",
                "由筹建直接到正式运行，没有试运行，请确认。",
                "From being set up straight to full operation, without a trial; please confirm.",
            )
        )
    if isinstance(before, dict) and stage not in (was, WITHDRAWN):
        same = read_text(typed, "document_no") and read_text(typed, "document_no") == before.get("document_no")
        if same:
            found.append(
                make_warning(
                    "document_no",
                    "运行情况变了，文号仍是原来的，请确认没有忘记更改。",
                    "The stage is another one, the document number the same as before; confirm that it still applies.",
                )
            )
    return found


def _check_region(connection: sa.Connection, kept: FormDraft) -> list[Finding]:
    """Whether the account may propose about this, told before there are drafts."""
    account = accounts.get_account(connection, kept.account)
    if not account.region:
        return []
    typed = kept.filled.typed
    inside, place = regions.get_prefix(account.region), account.region
    if kept.kind == "institution":
        said = to_record_values("institution", typed, {}).get("region") or ""
        if not str(said).startswith(inside):
            return [_make_outside_error("address", place)]
    if kept.kind == "sanction" and not read_text(typed, "institution"):
        return [_make_outside_error("institution", place)]
    subject = kept.subject or to_record_values(kept.kind, typed, {}).get("institution")
    try:
        if subject and record_values.read_values_on(connection, str(subject), asof.find_today(connection)):
            require_subject_in_region(connection, kept.account, str(subject))
    except NotAllowed:
        return [
            _make_outside_error("institution" if kept.kind not in ("institution", "approval") else "effective", place)
        ]
    return []


def _make_outside_error(field: str, region: str) -> Finding:
    return make_error(
        field,
        f"您的账号只能就行政区划 {region} 内的机构提案，这里说的不在其内，或读不出在哪里。",
        f"Your account may propose about institutions in region {region} only; this one is outside, or its place is "
        "not known.",
    )


def _check_proposal(connection: sa.Connection, kept: FormDraft, composed: FormProposal | None) -> list[Finding]:
    typed, found = kept.filled.typed, list[Finding]()
    if composed is None:
        return [make_error("", "与现在的记载没有任何不同，无需提交。", "Nothing differs from what is recorded.")]
    if composed.corrects and not read_text(typed, "reason"):
        found.append(
            make_error(
                "reason",
                f"名录对 {read_day(typed, 'effective')} 或以后的日期已有记载，这是更正：请写明原记载为何有误。"
                "如果是新的变化，请改生效日期。",
                f"Something is already stated of {read_day(typed, 'effective')} or a later day: this is a correction. Say "
                "why what is recorded is wrong. For a new change, give the day it is true from.",
            )
        )
    if composed.legal:
        found += _check_document(kept)
    for one in composed.differences:
        if one.outlived_by:
            found.append(
                make_warning(
                    "effective",
                    f"自 {one.outlived_by} 起对同一项另有记载，届时仍以其为准，这次只改到那天为止（{one.path}）。",
                    f"From {one.outlived_by} on something else is stated of the same field and stands: this changes "
                    f"only the days before ({one.path}).",
                )
            )
    if not _select_errors(found):
        try:
            region_scope.require_may_propose(connection, kept.account, composed.drafts)
        except NotAllowed as refusal:
            found.append(_to_finding(refusal))
    return found


def _check_document(kept: FormDraft) -> list[Finding]:
    typed, found = kept.filled.typed, list[Finding]()
    for name in ("doc_title", "doc_date"):
        if not read_text(typed, name):
            found.append(
                make_error(
                    name,
                    "这是法定事实，须写明依据的文件。",
                    "This is a fact of law; say which document it rests on.",
                )
            )
    if not kept.filled.attachment:
        found.append(
            make_error(
                "doc_file",
                "请附上文件的扫描件或电子版，审批人要看原文。",
                "Attach a scan or copy of the document; whoever approves reads it.",
            )
        )
    return found


def _to_finding(refusal: RegistryError, field: str = "") -> Finding:
    return make_error(field, refusal.zh, refusal.en)


# --- the record moved under the form ---------------------------------------------------------------------------------


def is_stale(connection: sa.Connection, kept: FormDraft) -> bool:
    """Whether something was recorded of the subject since the form was filled."""
    if not kept.subject:
        return False
    query = sa.select(entries.c.number).where(entries.c.subject == kept.subject, entries.c.number > kept.base_size)
    return connection.execute(query.limit(1)).first() is not None


def list_field_changes(connection: sa.Connection, kept: FormDraft) -> list[FieldChange]:
    """The fields the record now has otherwise than when the form was filled, with what was typed beside it."""
    if not is_stale(connection, kept):
        return []
    now, filled = refill_form(connection, kept), kept.filled
    found = []
    for name, theirs in now.items():
        base, mine = filled.base.get(name, ""), filled.typed.get(name, "")
        if (base or "") != (theirs or ""):
            both = (mine or "") not in ((base or ""), (theirs or ""))
            found.append(FieldChange(field=name, base=base, theirs=theirs, mine=mine, both=both))
    return found


def refill_form(connection: sa.Connection, kept: FormDraft) -> Typed:
    """The form as it would be filled now."""
    held = record_values.read_values_on(connection, kept.subject or "", asof.find_today(connection))
    now = record_values.fill_form(kept.kind, held, read_text(kept.filled.typed, "technique"))
    own = record_values.list_own_names(kept.kind, not held)
    return {name: value for name, value in now.items() if name in own}


def merge_with_record(connection: sa.Connection, kept: FormDraft, take: frozenset[str]) -> tuple[Typed, Typed, int]:
    """(typed, base, log size) of a form brought up to the record: of fields both changed those in ``take`` as they are
    recorded, the others as typed; what only the record changed is the record's."""
    now = refill_form(connection, kept)
    typed = dict(kept.filled.typed)
    for point in list_field_changes(connection, kept):
        if not point.both or point.field in take:
            typed[point.field] = point.theirs
    return typed, now, store.read_head(connection).size
