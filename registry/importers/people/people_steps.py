"""The slow steps of an import of people or certificates, done by a process of its own: compare, propose.

What names people is stored only in the pages of the import, which go when it is over; the report of the proposal, which
stays for ever, holds numbers and codes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from registry import proposals
from registry.accounts import region_scope
from registry.domain.identifiers import format_subject_code
from registry.domain.model import Date, Draft, Struct
from registry.importers.people import people_difference, people_file
from registry.importers.people.columns import PeopleKind
from registry.importers.people.people_difference import PeopleDifference
from registry.importers.reading.audit import shorten_audit
from registry.importers.reading.list_file import AuditLine
from registry.importers.wizard import difference_lines
from registry.importers.wizard.difference_lines import Line
from registry.importers.wizard.steps import ImportTask, count_levels, finish_proposed_import, hash_drafts
from registry.log import store
from registry.records.asof import AsOf

_WORDS = {"practitioners": "人员授权", "ad_certificates": "广告审查证明"}


class _PeopleComparison(Struct, frozen=True):
    """A file compared with the register at a log size; ``salt``: see ``people_difference.match_rows``."""

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
        kind="people" if record.kind == "practitioners" else "certificates",
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
        register = people_difference.PeopleRegister(connection, kind, AsOf(valid_on=day, size=size))
        found = people_difference.match_rows(
            register, file.rows, file.audit, day=day, complete=bool(record.said.get("complete")), salt=salt
        )
        drafts = list(found.make_drafts(kind, day, record.said.get("origin") or None))
        if not file.audit.error_count:
            region_scope.require_may_propose(connection, record.account, drafts)
    return _PeopleComparison(
        rows=len(file.rows), found=found, audit=file.audit.list_lines(), size=size, salt=salt, drafts=drafts
    )


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


def _make_lines(found: PeopleDifference) -> Iterator[tuple[str, Line]]:
    """(section, line) of every row, then of everybody whose record ends."""
    for match in found.matched:
        section = "new" if match.before is None else "changed" if match.changes else "unchanged"
        yield (
            section,
            {
                "row": match.row.row,
                "who": match.row.stated.get("name") or match.row.stated.get("number"),
                "code": None if match.before is None else format_subject_code(match.subject),
                "institution": found.institutions[match.institution]["name"],
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
