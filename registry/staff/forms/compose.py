"""From a form and the record to drafts: only what changed, and before it the document the change rests on."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.identifiers import format_code, make_code
from registry.domain.model import Change, Date, Draft, Entry, Source, Struct
from registry.records import asof, history, lookup, timeline
from registry.records.asof import instant_at
from registry.staff.forms import record_values
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.forms import ABOUT, CODES, NO_LEGAL_FACT, FormKind, Typed, drop_personal_values, read_text
from registry.staff.forms.values import Values, read_day, to_record_values
from registry.storage import attachments
from registry.storage.tables import entries as entries_table


class PathDifference(Struct, frozen=True):
    """One path on the day the change is true from, as the record has it and would have it.

    ``outlived_by``: from this day on something else is stated of the path, which stands.
    """

    path: str
    before: Any
    after: Any
    outlived_by: Date | None = None


class FormProposal(Struct, frozen=True):
    """What a form proposes. ``corrects``: it goes back on what was stated, so it needs its reason."""

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


def select_changes(kind: FormKind, typed: Typed, base: Typed, held: Values) -> Values:
    """What a form states that it was not filled with, by path; ``held``: what is recorded."""
    before: Values = {}
    if any(base.values()):
        before = to_record_values(kind, base, held)
    said = to_record_values(kind, typed, held)
    if kind == "approval":  # compared with the approvals themselves: a form shows one, and may speak of several
        return {path: value for path, value in said.items() if value != _drop_empty_values(held.get(path))}
    return {path: value for path, value in said.items() if value != before.get(path)}


def compose_proposal(connection: sa.Connection, kept: FormDraft) -> FormProposal | None:
    """The drafts of a form whose own checks found no error; None when it changes nothing."""
    typed = kept.filled.typed
    effective = read_day(typed, "effective") or asof.find_today(connection)
    held = record_values.read_values_on(connection, kept.subject, effective) if kept.subject else {}
    said = select_changes(kept.kind, typed, kept.filled.base, held)
    if not said:
        return None
    if kept.is_new and kept.kind == "institution":
        said = {"status": "listed", **said}
    subject = kept.subject or _make_subject(connection, kept.kind, said)
    source = _find_or_make_source(connection, kept, said)
    about = ABOUT[kept.kind]
    reason = read_text(typed, "reason") or None
    draft = Draft(
        subject=subject,
        change=Change(kind=about, set=said, reason=reason),
        valid_from=effective,
        source=source.id if source else None,
    )
    stated = record_values.read_entries(connection, subject)
    entry = _to_entry(draft)
    return FormProposal(
        subject=subject,
        drafts=[*_make_source_drafts(source), draft],
        differences=_list_differences(stated, entry),
        title=_make_title(kept, said, subject, held),
        corrects=history.is_correction(stated, entry),
        legal=not said.keys() <= NO_LEGAL_FACT,
    )


def _drop_empty_values(approval: Any) -> Any:
    return {key: value for key, value in approval.items() if value is not None} if approval else None


def _to_entry(draft: Draft) -> Entry:
    """The draft as if it were the newest entry, to see what it would do."""
    return Entry(
        number=2**62,
        recorded_at=instant_at(0),
        subject=draft.subject,
        change=draft.change,
        valid_from=draft.valid_from,
        source=draft.source,
        proposer="",
        approver="",
        proposal=0,
    )


def _list_differences(stated: Sequence[Entry], entry: Entry) -> list[PathDifference]:
    day = entry.valid_from.isoformat()
    spans = record_values.build_spans(stated)
    before = history.get_values_on(spans, day)
    after, _ = timeline.apply_entry(spans, entry)
    found = []
    for path, value in entry.change.set.items():
        later = (span for span in after if span.valid_from > day)
        other = next((s.valid_from for s in later if history.get_values_on([s], s.valid_from).get(path) != value), None)
        outlived = Date.fromisoformat(other) if other else None
        found.append(PathDifference(path=path, before=before.get(path), after=value, outlived_by=outlived))
    return found


def _make_subject(connection: sa.Connection, kind: FormKind, said: Values) -> str:
    """A code nobody has. That of a person says nothing of the person; that of two equal new institutions is one, so
    that only one of two proposals can be approved."""
    seed = f"{said.get('name')}|{said.get('address')}"
    if kind == "ad_certificate":
        seed = f"{said.get('number')}|{said.get('institution')}"
    if kind in ("practitioner", "sanction"):
        seed = secrets.token_hex(16)
    attempt = 0
    while True:
        subject = f"{ABOUT[kind]}:{make_code(seed, attempt)}"
        taken = sa.select(entries_table.c.number).where(entries_table.c.subject == subject).limit(1)
        if connection.execute(taken).first() is None:
            return subject
        attempt += 1


# --- the document ----------------------------------------------------------------------------------------------------


def _find_or_make_source(connection: sa.Connection, kept: FormDraft, said: Values) -> Source | None:
    """The document as a source: the one that is recorded, if it is the same."""
    typed = kept.filled.typed
    title, as_of = read_text(typed, "doc_title"), read_day(typed, "doc_date")
    if not title or as_of is None:
        return None
    number = read_text(typed, "doc_number")
    digest = kept.filled.attachment or None
    if digest is not None:
        attachments.get_attachment(connection, digest)
    made = Source(
        # The draft's number parts two proposals that rest on one document: neither makes the other stale.
        id=f"doc-{as_of}-{(digest or secrets.token_hex(6))[:12]}-{kept.id}",
        title=f"{title}（{number}）" if number and number not in title else title,
        as_of=as_of,
        origin=number or None,
        covers=[code for code in CODES if f"approvals.{code}" in said],
        sha256=digest,
    )
    for one in lookup.read_sources(connection, asof.make_as_of(connection)).values():
        same = (one.title, one.as_of, one.sha256, one.scope) == (made.title, made.as_of, made.sha256, made.scope)
        if digest and same and set(made.covers) <= set(one.covers):
            return one
    return made


def _make_source_drafts(source: Source | None) -> list[Draft]:
    if source is None or source.entry:
        return []
    told: dict[str, Any] = msgspec.to_builtins(source)
    stated = {name: told[name] for name in ("title", "as_of", "scope", "covers", "origin", "sha256")}
    change = Change(kind="source", set={name: value for name, value in stated.items() if value not in (None, [])})
    return [Draft(subject=f"source:{source.id}", change=change, valid_from=source.as_of, source=source.id)]


# --- what is said of it ----------------------------------------------------------------------------------------------

_WORDS: dict[FormKind, tuple[str, str]] = {
    "institution": ("新增机构", "修改机构资料"),
    "approval": ("技术批准", "技术批准"),
    "practitioner": ("新增人员授权", "修改人员授权"),
    "ad_certificate": ("登记广告审查证明", "修改广告审查证明"),
    "sanction": ("登记处罚", "修改处罚"),
}


def _make_title(kept: FormDraft, said: Values, subject: str, held: Values) -> str:
    """What the proposal is about; of people only the code of the institution: a hospital may be named as they are."""
    word = _WORDS[kept.kind][0 if kept.is_new else 1]
    if kept.kind in ("institution", "approval"):
        name = said.get("name") or held.get("name") or ""
        techniques = " ".join(sorted(p.partition(".")[2] for p in said if p.startswith("approvals.")))
        return f"{word}：{name}（{format_code(subject.partition(':')[2])}）{techniques}".rstrip()[:200]
    where = str(said.get("institution") or held.get("institution") or "").partition(":")[2]
    return f"{word}：机构 {format_code(where)}" if where else word


def make_report(kept: FormDraft, confirmed: list[str]) -> dict[str, Any]:
    """What is kept with the proposal: the form as typed, without personal values, so that it can be opened again."""
    return {
        "form": kept.kind,
        "fields": drop_personal_values(kept.kind, kept.filled.typed),
        "base": drop_personal_values(kept.kind, kept.filled.base),
        "attachment": kept.filled.attachment,
        "confirmed": confirmed,
        "to_approver": read_text(kept.filled.typed, "to_approver"),
    }
