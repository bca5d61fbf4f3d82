"""From a form and the record to drafts: only what changed, and before it the document the change rests on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.identifiers import format_code, make_code
from registry.domain.model import Change, Date, Draft, Entry, Source, Struct
from registry.domain.techniques import BY_CODE
from registry.log.clock import from_milliseconds
from registry.records import asof, history, lookup, penalty_effects, timeline
from registry.staff.forms import record_values
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.forms import ABOUT, CODES, NO_LEGAL_FACT, FormKind, Typed, drop_personal_values, read_text
from registry.staff.forms.record_values import Values, read_day, to_record_values
from registry.storage import attachments
from registry.storage.tables import entries as entries_table


class PathDifference(Struct, frozen=True):
    """One path on the day the change takes effect, as recorded and as proposed.

    ``outlived_by``: from this day on something else is recorded of the path, which stays.
    """

    path: str
    before: Any
    after: Any
    outlived_by: Date | None = None


class FormProposal(Struct, frozen=True):
    """What a form proposes. ``corrects``: it goes back on what was stated, so it needs a reason."""

    subject: str
    drafts: list[Draft]
    differences: list[PathDifference]
    title: str
    corrects: bool
    legal: bool

    @property
    def kind(self) -> str:
        """The kind of the proposal."""
        return "correction" if self.corrects else "edit"


def select_changes(kind: FormKind, typed: Typed, base: Typed, recorded: Values) -> Values:
    """Return what a form states that it was not filled with, by path; ``recorded``: what the register holds."""
    before: Values = {}
    if any(base.values()):
        before = to_record_values(kind, base, recorded)
    typed_values = to_record_values(kind, typed, recorded)
    if kind == "approval":  # compared with the recorded approvals: a form shows one, and may state several
        return {path: value for path, value in typed_values.items() if value != _drop_empty_values(recorded.get(path))}
    return {path: value for path, value in typed_values.items() if value != before.get(path)}


def compose_proposal(connection: sa.Connection, form: FormDraft) -> FormProposal | None:
    """Compose the drafts of a form whose own checks found no error; None if it changes nothing."""
    typed = form.filled.typed
    effective = read_day(typed, "effective") or asof.find_today(connection)
    recorded = record_values.read_values_on(connection, form.subject, effective) if form.subject else {}
    changes = select_changes(form.kind, typed, form.filled.base, recorded)
    if not changes:
        return None
    if form.is_new and form.kind == "institution":
        changes = {"status": "listed", **changes}
    subject = form.subject or _make_subject(connection, form.kind, changes)
    source = _find_or_make_source(connection, form, changes)
    subject_kind = ABOUT[form.kind]
    reason = read_text(typed, "reason") or None
    draft = Draft(
        subject=subject,
        change=Change(kind=subject_kind, set=changes, reason=reason),
        valid_from=effective,
        source=source.id if source else None,
    )
    effects = _make_effects(connection, draft, recorded) if form.kind == "sanction" else []
    pairs = [(record_values.read_entries(connection, one.subject), _to_entry(one)) for one in (draft, *effects)]
    return FormProposal(
        subject=subject,
        drafts=[*_make_source_drafts(source), draft, *effects],
        differences=[difference for entries, entry in pairs for difference in _list_differences(entries, entry)],
        title=_make_title(form, changes, subject, recorded),
        corrects=any(history.is_correction(entries, entry) for entries, entry in pairs),
        legal=not changes.keys() <= NO_LEGAL_FACT,
    )


def _make_effects(connection: sa.Connection, draft: Draft, recorded: Values) -> list[Draft]:
    """Make the change of the approvals that a penalty newly revokes or suspends, from its day, by its document."""
    subject = draft.change.set.get("institution") or recorded.get("institution")
    if not subject:
        return []
    institution = record_values.read_values_on(connection, str(subject), draft.valid_from)
    values = penalty_effects.list_effects({**recorded, **draft.change.set}, recorded, institution)
    if not values:
        return []
    change = Change(kind="institution", set=values, reason=draft.change.reason)
    return [Draft(subject=str(subject), change=change, valid_from=draft.valid_from, source=draft.source)]


def _drop_empty_values(approval: Any) -> Any:
    return {key: value for key, value in approval.items() if value is not None} if approval else None


def _to_entry(draft: Draft) -> Entry:
    """Return the draft as if it were the newest entry, to see what it would do."""
    return Entry(
        number=2**62,
        recorded_at=from_milliseconds(0),
        subject=draft.subject,
        change=draft.change,
        valid_from=draft.valid_from,
        source=draft.source,
        proposer="",
        approver="",
        proposal=0,
    )


def _list_differences(entries: Sequence[Entry], entry: Entry) -> list[PathDifference]:
    day = entry.valid_from.isoformat()
    spans = record_values.build_spans(entries)
    before = history.get_values_on(spans, day)
    after, _ = timeline.apply_entry(spans, entry)
    differences = []
    for path, value in entry.change.set.items():
        later = (span for span in after if span.valid_from > day)
        next_day = next(
            (s.valid_from for s in later if history.get_values_on([s], s.valid_from).get(path) != value), None
        )
        outlived = Date.fromisoformat(next_day) if next_day else None
        differences.append(PathDifference(path=path, before=before.get(path), after=value, outlived_by=outlived))
    return differences


def _make_subject(connection: sa.Connection, kind: FormKind, changes: Values) -> str:
    """Make a code nobody has. A person's is random and reveals nothing; two equal new institutions get the same, so
    that only one of two proposals can be approved."""
    seed = f"{changes.get('name')}|{changes.get('address')}"
    if kind == "ad_certificate":
        seed = f"{changes.get('number')}|{changes.get('institution')}"
    if kind in ("practitioner", "sanction", "supervision"):
        seed = secrets.token_hex(16)
    attempt = 0
    while True:
        subject = f"{ABOUT[kind]}:{make_code(seed, attempt)}"
        taken = sa.select(entries_table.c.number).where(entries_table.c.subject == subject).limit(1)
        if connection.execute(taken).first() is None:
            return subject
        attempt += 1


# --- the document ----------------------------------------------------------------------------------------------------


def _find_or_make_source(connection: sa.Connection, form: FormDraft, changes: Values) -> Source | None:
    """Return the document as a source: the recorded one, if it is the same."""
    typed = form.filled.typed
    title, as_of = read_text(typed, "doc_title"), read_day(typed, "doc_date")
    if not title or as_of is None:
        return None
    number = read_text(typed, "doc_number")
    digest = form.filled.attachment or None
    if digest is not None:
        attachments.get_attachment(connection, digest)
    source = Source(
        # The draft's number keeps two proposals that rest on one document apart: neither makes the other stale.
        id=f"doc-{as_of}-{(digest or secrets.token_hex(6))[:12]}-{form.id}",
        title=f"{title}（{number}）" if number and number not in title else title,
        as_of=as_of,
        origin=number or None,
        covers=[code for code in CODES if f"approvals.{code}" in changes],
        sha256=digest,
    )
    for known in lookup.read_sources(connection, asof.make_as_of(connection)).values():
        same = all(getattr(known, name) == getattr(source, name) for name in ("title", "as_of", "sha256", "scope"))
        if digest and same and set(source.covers) <= set(known.covers):
            return known
    return source


def _make_source_drafts(source: Source | None) -> list[Draft]:
    if source is None or source.entry:
        return []
    values: dict[str, Any] = msgspec.to_builtins(source)
    fields = {name: values[name] for name in ("title", "as_of", "scope", "covers", "origin", "sha256")}
    change = Change(kind="source", set={name: value for name, value in fields.items() if value not in (None, [])})
    return [Draft(subject=f"source:{source.id}", change=change, valid_from=source.as_of, source=source.id)]


# --- title and report ----------------------------------------------------------------------------------------------

_WORDS: dict[FormKind, tuple[str, str]] = {
    "institution": ("新增机构", "修改机构资料"),
    "approval": ("技术批准", "技术批准"),
    "practitioner": ("新增人员授权", "修改人员授权"),
    "ad_certificate": ("登记广告审查证明", "修改广告审查证明"),
    "sanction": ("登记处罚", "修改处罚"),
    "supervision": ("登记监督检查", "修改监督检查"),
}


def _make_title(form: FormDraft, changes: Values, subject: str, recorded: Values) -> str:
    """Make the title of the proposal; for people with a code only, since a hospital may bear a person's name."""
    heading = _WORDS[form.kind][0 if form.is_new else 1]
    if form.kind in ("institution", "approval"):
        name = changes.get("name") or recorded.get("name") or ""
        techniques = "、".join(
            BY_CODE[code].get_plain_word("zh-CN") for code in CODES if f"approvals.{code}" in changes
        )
        return f"{heading}：{name}（{format_code(subject.partition(':')[2])}）{techniques}".rstrip()[:200]
    parent = str(changes.get("institution") or recorded.get("institution") or "").partition(":")[2]
    return f"{heading}：机构 {format_code(parent)}" if parent else heading


def make_report(form: FormDraft, confirmed: list[str]) -> dict[str, Any]:
    """Make the report from which the form can be reopened: what was typed, without personal values."""
    return {
        "form": form.kind,
        "fields": drop_personal_values(form.kind, form.filled.typed),
        "base": drop_personal_values(form.kind, form.filled.base),
        "attachment": form.filled.attachment,
        "confirmed": confirmed,
        "to_approver": read_text(form.filled.typed, "to_approver"),
    }
