"""The import of people or certificates: rows matched with the register, what would change, and the steps of the job."""

import secrets
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from registry import proposals
from registry.accounts import region_scope
from registry.domain.identifiers import format_subject_code
from registry.domain.model import Date, Draft, Struct
from registry.importers.people import people_file, supervision_drafts
from registry.importers.people.columns import PeopleKind
from registry.importers.people.people_match import (
    DOCUMENTED,
    PeopleDifference,
    PeopleRegister,
    RowMatch,
    Values,
    match_rows,
)
from registry.importers.reading.audit import shorten_audit
from registry.importers.reading.list_file import AuditLine
from registry.importers.wizard import difference_lines
from registry.importers.wizard.difference_lines import Line
from registry.importers.wizard.import_store import Import
from registry.importers.wizard.steps import ImportTask, count_levels, finish_proposed_import, hash_drafts
from registry.log import store
from registry.records.asof import AsOf

_WORDS = {
    **{"practitioners": "人员授权", "ad_certificates": "广告审查证明"},
    **{"supervision": "监督检查", "sanctions": "行政处罚与黑名单"},
}
#: What a proposal of each kind is called.
_PROPOSALS = {"practitioners": "people", "ad_certificates": "certificates"}


class _PeopleComparison(Struct, frozen=True):
    """A file compared with the register at a log size; ``salt``: see ``match_rows``."""

    rows: int
    found: PeopleDifference
    audit: tuple[AuditLine, ...]
    size: int
    salt: str
    drafts: list[Draft]

    @property
    def has_errors(self) -> bool:
        return count_levels(self.audit)["error"] > 0


def compare_file(task: ImportTask) -> None:
    """Store findings and difference page by page; then a person decides."""
    _save_comparison(task, _read_and_compare(task), reason=None)


def propose_difference(task: ImportTask) -> None:
    """Compare once more and propose exactly what was seen; where that changed, a person looks again."""
    comparison, record = _read_and_compare(task), task.record
    if hash_drafts(comparison.drafts) != record.found.get("digest") or comparison.has_errors:
        _save_comparison(task, comparison, reason="moved")
        return
    institutions = comparison.found.institution_count
    report = {
        "rows": comparison.rows,
        "institutions": institutions,
        "audit": msgspec.to_builtins(shorten_audit(comparison.audit)),
        "counts": record.found.get("counts", {}),
        "decisions": [],
        "file": {"name": None, "sha256": record.file},
    }
    extent = f"{len(comparison.drafts)}项，涉及{institutions}家机构"
    proposals.propose(
        task.database,
        comparison.drafts,
        by=record.account,
        title=f"{_WORDS[record.kind]}：{extent}（截至{record.said['as_of']}）",
        kind=_PROPOSALS.get(record.kind, record.kind),
        report=report,
        base_size=comparison.size,
        progress=lambda done: task.report_progress("propose", done, len(comparison.drafts)),
        log=task.log,
        in_transaction=lambda connection, proposal: finish_proposed_import(connection, task, proposal),
    )


def _read_and_compare(task: ImportTask) -> _PeopleComparison:
    record = task.record
    kind = cast("PeopleKind", record.kind)
    day = Date.fromisoformat(record.said["as_of"])
    salt = record.found.get("salt") or secrets.token_hex(16)
    file = people_file.read_people_file(task.path, kind, lambda done: task.report_progress("read", done, 0))
    task.report_progress("compare", 0, 0)
    with task.database.reading() as connection:
        size = store.read_head(connection).size
        register = PeopleRegister(connection, kind, AsOf(valid_on=day, size=size))
        found = match_rows(
            *(register, file.rows, file.audit),
            day=day,
            complete=bool(record.said.get("complete")) and kind not in DOCUMENTED,
            salt=salt,
        )
        drafts = list(found.make_drafts(kind, day, record.said.get("origin") or None))
        if kind in DOCUMENTED and drafts:
            drafts = _add_document(drafts, found, kind, day, record, salt)
        if not file.audit.error_count:
            region_scope.require_may_propose(connection, record.account, drafts)
    return _PeopleComparison(
        rows=len(file.rows), found=found, audit=file.audit.list_lines(), size=size, salt=salt, drafts=drafts
    )


def _add_document(
    drafts: list[Draft], found: PeopleDifference, kind: PeopleKind, day: Date, record: Import, salt: str
) -> list[Draft]:
    """The drafts resting on the file as their document, each new record from its own day, with what penalties do."""
    source = f"import-{salt[:12]}"
    title = record.said.get("origin") or f"{_WORDS[kind]}（截至{day}）"
    starts = {
        match.subject: Date.fromisoformat(first)
        for match in found.matched
        if match.before is None and (first := match.row.stated.get("decided_on") or match.row.stated.get("held_on"))
    }
    rested = [
        msgspec.structs.replace(draft, source=source, valid_from=starts.get(draft.subject, day)) for draft in drafts
    ]
    penalties = [
        ({"institution": match.institution, **match.row.stated}, match.before, found.institutions[match.institution])
        for match in found.matched
        if match.institution and kind == "sanctions" and match.changes
    ]
    effects = list(supervision_drafts.list_effect_drafts(penalties, source))
    return [supervision_drafts.make_source_draft(source, title, day, record.file), *rested, *effects]


def _save_comparison(task: ImportTask, comparison: _PeopleComparison, reason: str | None) -> None:
    """Store a comparison for a person to decide; ``reason`` why it has to be looked at again, if so."""
    with task.database.writing() as connection:
        found: dict[str, Any] = {
            "rows": comparison.rows,
            "institutions": comparison.found.institution_count,
            "audit": task.replace_pages(connection, comparison.audit),
        }
        if not comparison.has_errors:
            found |= {
                "counts": task.write_sections(connection, _make_sections(comparison.found), difference_lines.PAGE),
                "drafts": len(comparison.drafts),
                "digest": hash_drafts(comparison.drafts),
                "salt": comparison.salt,
                "pairs": [],
                "said": reason,
            }
        state = "audit" if comparison.has_errors else "deciding"
        task.finish(connection, state=state, found=found, base_size=comparison.size)


def _make_sections(found: PeopleDifference) -> dict[str, list[Line]]:
    sections: dict[str, list[Line]] = {name: [] for name in ("new", "changed", "unchanged", "ended")}
    for section, line in _make_lines(found):
        sections[section].append(line)
    return sections


def _find_title(values: Values) -> str | None:
    return next((values[path] for path in ("name", "number", "document_no", "held_on") if values.get(path)), None)


def _find_party_name(found: PeopleDifference, match: RowMatch) -> str:
    """The name of whom a row is about, never a person's."""
    if match.institution:
        return str(found.institutions[match.institution]["name"])
    named = match.row.stated.get("organisation") or (match.row.stated.get("domains") or [""])[0]
    return str(named)


def _make_lines(found: PeopleDifference) -> Iterator[tuple[str, Line]]:
    """(section, line) of every row, then of everybody whose record ends."""
    for match in found.matched:
        section = "new" if match.before is None else "changed" if match.changes else "unchanged"
        yield (
            section,
            {
                "row": match.row.row,
                "who": _find_title(match.row.stated),
                "code": None if match.before is None else format_subject_code(match.subject),
                "institution": _find_party_name(found, match),
                "changes": [
                    [path, (match.before or {}).get(path), value]
                    for path, value in match.changes.items()
                    if path not in ("institution", "name", "number")
                ],
            },
        )
    for subject, values in found.ended:
        yield (
            "ended",
            {
                "row": None,
                "who": values.get("name") or values.get("number"),
                "code": format_subject_code(subject),
                "institution": found.institutions[values["institution"]]["name"],
                "changes": [],
            },
        )
