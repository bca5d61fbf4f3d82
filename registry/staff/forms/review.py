"""Review of a form draft before it is proposed: errors, warnings to confirm, and what it would change."""

from __future__ import annotations

import sqlalchemy as sa

from registry import accounts
from registry.accounts import region_scope
from registry.domain import regions
from registry.domain.fields import BY_NAME
from registry.domain.identifiers import format_code, is_code_rather_than_name
from registry.domain.model import Change, Draft, Struct
from registry.domain.techniques import BY_CODE, LAWFUL_STAGES
from registry.errors import NotAllowed
from registry.log import store
from registry.records import asof
from registry.records.subject_names import describe_region
from registry.staff.forms import checks, possible_duplicates, record_values
from registry.staff.forms.checks import Finding, make_error, make_warning, to_finding
from registry.staff.forms.compose import FormProposal, compose_proposal, select_changes
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.forms import (
    ABOUT,
    WITHDRAWN,
    FormKind,
    Typed,
    list_own_fields,
    list_together,
    read_text,
)
from registry.staff.forms.record_values import Values, read_day, to_record_values
from registry.storage.tables import entries
from registry.texts import FixedText, Message, PageText, has_text

#: The field for a path, where their names differ.
_FIELD_BY_PATH = {"certificate_masked": "certificate_no", "aliases": "name"}


class FieldChange(Struct, frozen=True):
    """One field in which the record changed under a form: as it was filled, as recorded now, as typed.

    ``both``: both changed it, and differently; otherwise either the record or the form alone did.
    """

    field: str
    base: str | list[str]
    recorded: str | list[str]
    typed: str | list[str]
    both: bool


class Review(Struct, frozen=True):
    """What stands in the way of proposing a form; only ``composed`` if nothing does."""

    errors: list[Finding]
    warnings: list[Finding]
    notes: list[Finding]
    composed: FormProposal | None
    moved: list[FieldChange]


def review_form(connection: sa.Connection, draft: FormDraft, refused: frozenset[str] = frozenset()) -> Review:
    """Run every check of a form draft."""
    typed = draft.filled.typed
    findings = checks.check_form(draft.kind, draft.is_new, typed, asof.find_today(connection), refused)
    findings += _check_against_register(connection, draft)
    findings = [finding for finding in findings if not _is_untouched(draft, finding)]
    findings += _check_region(connection, draft)
    moved = list_field_changes(connection, draft)
    proposal = None
    if not _select_errors(findings):
        proposal = compose_proposal(connection, draft)
        findings += _check_proposal(connection, draft, proposal)
        findings += [] if moved else _check_later_entries(connection, draft)
    return Review(
        errors=_select_errors(findings),
        warnings=[finding for finding in findings if finding.level == "warning"],
        notes=[finding for finding in findings if finding.level == "note"],
        composed=proposal,
        moved=moved,
    )


def _is_untouched(draft: FormDraft, finding: Finding) -> bool:
    """Whether a finding is about what the record holds already: nobody has to correct that to change another field."""
    base, typed = draft.filled.base, draft.filled.typed
    fields = list_together(finding.field)
    fields &= record_values.list_own_names(draft.kind, new=False)
    return not draft.is_new and bool(fields) and all(typed.get(name) == base.get(name) for name in fields)


def _select_errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.level == "error"]


def require_subject_in_region(connection: sa.Connection, account: str, subject: str) -> None:
    """NotAllowed, before anything is typed, if a subject is outside the region of the account."""
    kind = next(about for about in ABOUT.values() if subject.startswith(f"{about}:"))
    probe = Draft(subject=subject, change=Change(kind=kind, set={}), valid_from=asof.find_today(connection))
    region_scope.require_may_propose(connection, account, [probe])


def _check_against_register(connection: sa.Connection, draft: FormDraft) -> list[Finding]:
    """Check that the institution named exists, and which other records may be the same."""
    typed, findings = draft.filled.typed, list[Finding]()
    recorded = (
        record_values.read_values_on(connection, draft.subject, asof.find_today(connection)) if draft.subject else {}
    )
    values = to_record_values(draft.kind, typed, recorded)
    parent = values.get("institution")
    is_code = is_code_rather_than_name(read_text(typed, "institution"))
    if parent and is_code and not record_values.read_values_on(connection, parent, asof.find_today(connection)):
        findings.append(
            make_error(
                "institution",
                Message("名录中没有编码为 {typed} 的机构，请核对。", typed=read_text(typed, "institution")),
            )
        )
    changed = select_changes(draft.kind, typed, draft.filled.base, recorded)
    fields = {_FIELD_BY_PATH.get(path, path) for path in changed}
    findings += [
        finding
        for finding in possible_duplicates.check_duplicates(connection, draft.kind, draft.subject, values)
        if finding.field in fields
    ]
    return findings + _check_stage_change(draft.kind, typed, recorded)


def _check_stage_change(kind: FormKind, typed: Typed, recorded: Values) -> list[Finding]:
    """Check whether a change of stage makes sense after the one recorded."""
    if kind != "approval":
        return []
    stage, before = read_text(typed, "stage"), recorded.get(f"approvals.{read_text(typed, 'technique')}") or {}
    stage_before = str(before.get("stage", ""))
    findings = []
    if stage == WITHDRAWN and not stage_before:
        findings.append(make_error("stage", Message("名录中没有该项批准，无从撤回。")))
    if stage_before in ("revoked", "lapsed") and stage in LAWFUL_STAGES:
        findings.append(
            make_warning("stage", Message("该项批准已撤销或失效，现在重新获准：请确认依据的是新的批准文件。"))
        )
    if stage_before == "preparing" and stage == "formal":
        findings.append(make_warning("stage", Message("由筹建直接到正式运行，没有试运行，请确认。")))
    number = read_text(typed, "document_no")
    if number and stage not in (stage_before, WITHDRAWN) and number == before.get("document_no"):
        findings.append(make_warning("document_no", Message("运行情况变了，文号仍是原来的，请确认没有忘记更改。")))
    return findings


def _check_region(connection: sa.Connection, draft: FormDraft) -> list[Finding]:
    """Check whether the account may propose about this, before there are drafts."""
    account = accounts.get_account(connection, draft.account)
    if not account.region:
        return []
    typed = draft.filled.typed
    inside, place = regions.get_prefix(account.region), account.region
    if draft.kind == "institution":
        region = to_record_values("institution", typed, {}).get("region") or ""
        if not str(region).startswith(inside):
            return [_make_outside_error("address", place)]
    if draft.kind == "sanction" and not read_text(typed, "institution"):
        region = to_record_values("sanction", typed, {})["region"]
        if not regions.is_inside(region, account.region):
            return [_make_outside_error("region", place)]
    subject = draft.subject or to_record_values(draft.kind, typed, {}).get("institution")
    try:
        if subject and record_values.read_values_on(connection, str(subject), asof.find_today(connection)):
            require_subject_in_region(connection, draft.account, str(subject))
    except NotAllowed:
        return [
            _make_outside_error("institution" if draft.kind not in ("institution", "approval") else "effective", place)
        ]
    return []


def _make_outside_error(field: str, region: str) -> Finding:
    return make_error(
        field,
        Message(
            "您的账号只能就行政区划 {region} 内的机构提案，这里说的不在其内，或读不出在哪里。",
            region=describe_region(region),
        ),
    )


def _check_proposal(connection: sa.Connection, draft: FormDraft, proposal: FormProposal | None) -> list[Finding]:
    typed, findings = draft.filled.typed, list[Finding]()
    if proposal is None:
        return [make_error("", Message("与现在的记载没有任何不同，无需提交。"))]
    if proposal.corrects and not read_text(typed, "reason"):
        findings.append(
            make_error(
                "reason",
                Message(
                    "名录对 {typed} 或以后的日期已有记载，这是更正：请写明原记载为何有误。"
                    "如果是新的变化，请改生效日期。",
                    typed=read_day(typed, "effective"),
                ),
            )
        )
    if proposal.legal:
        findings += _check_document(draft)
    for change in proposal.differences:
        if change.outlived_by:
            findings.append(
                make_warning(
                    "effective",
                    Message(
                        "自 {outlived_by} 起对同一项另有记载，届时仍以其为准，这次只改到那天为止（{change_path}）。",
                        outlived_by=change.outlived_by,
                        change_path=_describe_path(change.path),
                    ),
                )
            )
    if not _select_errors(findings):
        try:
            region_scope.require_may_propose(connection, draft.account, proposal.drafts)
        except NotAllowed as refusal:
            findings.append(to_finding(refusal))
    return findings


def _describe_path(path: str) -> Message:
    """Describe a path of a record by the label that pages have for it."""
    technique = BY_CODE.get(path.partition(".")[2])
    if technique is not None:
        return FixedText(technique.get_plain_word("zh-CN"), technique.get_plain_word("en"))
    if path in BY_NAME:
        return PageText(BY_NAME[path].label_key)
    return PageText(f"field.{path}") if has_text(f"field.{path}") else FixedText(path)


def _check_document(draft: FormDraft) -> list[Finding]:
    findings = [
        make_error(name, Message("这是法定事实，须写明依据的文件。"))
        for name in ("doc_title", "doc_date")
        if not read_text(draft.filled.typed, name)
    ]
    if not draft.filled.attachment:
        findings.append(make_error("doc_file", Message("请附上文件的扫描件或电子版，审批人要看原文。")))
    return findings


# --- the record changed under the form -------------------------------------------------------------------------------


def is_stale(connection: sa.Connection, draft: FormDraft) -> bool:
    """Whether something was recorded of the subject since the form was filled."""
    if not draft.subject:
        return False
    query = sa.select(entries.c.number).where(entries.c.subject == draft.subject, entries.c.number > draft.base_size)
    return connection.execute(query.limit(1)).first() is not None


def _check_later_entries(connection: sa.Connection, draft: FormDraft) -> list[Finding]:
    """Tell what was recorded meanwhile of the form's fields about other days than it compares, and by whom."""
    if not is_stale(connection, draft):
        return []
    subject = str(draft.subject)
    paths = {field.record_path for field in list_own_fields(draft.kind, False)}
    paths |= {f"approvals.{read_text(draft.filled.typed, 'technique')}"} if draft.kind == "approval" else set()
    link = (code := format_code(subject.partition(":")[2]), f"/staff/records/{code}")
    return [
        make_warning(
            "effective",
            Message(
                "您填写期间，{proposer} 提出、{approver} 批准的变更已写入同一记录，自{day:%Y-%m-%d}起。请核对后确认。",
                proposer=entry.proposer,
                approver=entry.approver,
                day=entry.valid_from,
            ),
            link,
        )
        for entry in record_values.read_entries(connection, subject)
        if entry.number > draft.base_size and (entry.change.erases or not paths.isdisjoint(entry.change.set))
    ]


def list_field_changes(connection: sa.Connection, draft: FormDraft) -> list[FieldChange]:
    """Return the fields the record now has otherwise than when the form was filled, with what was typed."""
    if not is_stale(connection, draft):
        return []
    refilled, filled = _refill_form(connection, draft), draft.filled
    changes = []
    for name, recorded in refilled.items():
        base, typed = filled.base.get(name, ""), filled.typed.get(name, "")
        if (base or "") != (recorded or ""):
            both = (typed or "") not in ((base or ""), (recorded or ""))
            changes.append(FieldChange(field=name, base=base, recorded=recorded, typed=typed, both=both))
    return changes


def _refill_form(connection: sa.Connection, draft: FormDraft) -> Typed:
    """Return what the form would show if it were opened now, from today's record."""
    recorded = record_values.read_values_on(connection, draft.subject or "", asof.find_today(connection))
    refilled = record_values.fill_form(draft.kind, recorded, read_text(draft.filled.typed, "technique"))
    names = record_values.list_own_names(draft.kind, not recorded)
    return {name: value for name, value in refilled.items() if name in names}


def merge_with_record(connection: sa.Connection, draft: FormDraft, take: frozenset[str]) -> tuple[Typed, Typed, int]:
    """Return (typed, base, log size) of a form brought up to the record: of fields both changed, those in ``take``
    as recorded, the others as typed; what only the record changed is the record's."""
    refilled = _refill_form(connection, draft)
    typed = dict(draft.filled.typed)
    for change in list_field_changes(connection, draft):
        if not change.both or change.field in take:
            typed[change.field] = change.recorded
    return typed, refilled, store.read_head(connection).size
