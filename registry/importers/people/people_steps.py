"""The steps of an import of people or certificates that take long: compare, propose. Done by a process of its own.

What names people is kept in the import's own pages only, and goes when it is over; the report of the proposal holds
numbers and codes, because it is kept for ever.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from registry import proposals
from registry.accounts import region_scope
from registry.domain.identifiers import format_code
from registry.domain.model import Date, Draft, Struct
from registry.importers.people import people_file, people_matching
from registry.importers.people.columns import PeopleKind
from registry.importers.people.people_matching import PeopleDifference
from registry.importers.reading.audit import shorten_audit
from registry.importers.reading.list_file import AuditLine
from registry.importers.wizard import difference_lines, import_store
from registry.importers.wizard.steps import (
    AUDIT_PAGE,
    GuardedDatabase,
    ImportTask,
    count_levels,
    finish_proposed_import,
    make_audit_lines,
)
from registry.log import store
from registry.proposals import changeset
from registry.records.asof import AsOf

_WORDS = {"practitioners": "人员授权", "ad_certificates": "广告审查证明"}


class _PeopleComparison(Struct, frozen=True):
    """A file that was read and compared at a log size; ``salt``: see ``people_match.match``."""

    rows: int
    found: PeopleDifference
    audit: tuple[AuditLine, ...]
    size: int
    salt: str
    drafts: list[Draft]

    @property
    def digest(self) -> str:
        """The same where the same would be proposed."""
        made = hashlib.sha256()
        for draft in self.drafts:
            made.update(changeset.encode_value(draft))
        return made.hexdigest()


def compare_file(work: ImportTask) -> None:
    """Audit and difference, kept page by page."""
    _save_comparison(work, _read_and_compare(work), said=None)


def propose_difference(work: ImportTask) -> None:
    """Compare once more, and propose exactly what was seen; where that changed, somebody looks again."""
    compared, one = _read_and_compare(work), work.one
    if compared.digest != one.found.get("digest") or any(line.level == "error" for line in compared.audit):
        _save_comparison(work, compared, said="moved")
        return
    report = {
        "rows": compared.rows,
        "institutions": compared.found.about,
        "audit": msgspec.to_builtins(shorten_audit(compared.audit)),
        "counts": one.found.get("counts", {}),
        "decisions": [],
        "file": {"name": None, "sha256": one.file},
    }
    together = GuardedDatabase(
        work.database, work, lambda connection, made: finish_proposed_import(connection, work, made)
    )
    about = f"{len(compared.drafts)}项，涉及{compared.found.about}家机构"
    proposals.propose(
        together,
        compared.drafts,
        by=one.account,
        title=f"{_WORDS[one.kind]}：{about}（截至{one.said['as_of']}）",
        kind="people" if one.kind == "practitioners" else "certificates",
        report=report,
        base_size=compared.size,
        progress=lambda done: work.told("propose", done, len(compared.drafts)),
        log=work.log,
    )


def _read_and_compare(work: ImportTask) -> _PeopleComparison:
    one = work.one
    kind = cast("PeopleKind", one.kind)
    day = Date.fromisoformat(one.said["as_of"])
    salt = one.found.get("salt") or secrets.token_hex(16)
    file = people_file.read_people_file(work.path, kind, lambda done: work.told("read", done, 0))
    work.told("compare", 0, 0)
    with work.database.reading() as connection:
        size = store.read_head(connection).size
        register = people_matching.PeopleRegister(connection, kind, AsOf(valid_on=day, size=size))
        found = people_matching.match_rows(
            register, file.rows, file.audit, day=day, complete=bool(one.said.get("complete")), salt=salt
        )
        made = list(found.make_drafts(kind, day, one.said.get("origin") or None))
        if not file.audit.error_count:
            region_scope.require_may_propose(connection, one.account, made)
    return _PeopleComparison(
        rows=len(file.rows), found=found, audit=file.audit.list_lines(), size=size, salt=salt, drafts=made
    )


def _save_comparison(work: ImportTask, compared: _PeopleComparison, said: str | None) -> None:
    one, audit = work.one, count_levels(compared.audit)
    failed = audit["error"] > 0
    found: dict[str, Any] = {"rows": compared.rows, "institutions": compared.found.about, "audit": audit}
    with work.database.writing() as connection:
        import_store.get_import_of_run(connection, one.id, work.run)
        import_store.delete_pages(connection, one.id)
        import_store.write_pages(connection, one.id, "audit", make_audit_lines(compared.audit), AUDIT_PAGE)
        if not failed:
            sections: dict[str, list[difference_lines.Line]] = {
                name: [] for name in ("new", "changed", "unchanged", "ended")
            } | _group_lines(compared.found)
            counts = {
                name: import_store.write_pages(connection, one.id, name, lines, difference_lines.PAGE)
                for name, lines in sections.items()
            }
            found |= {
                "counts": counts,
                "drafts": len(compared.drafts),
                "digest": compared.digest,
                "salt": compared.salt,
                "pairs": [],
                "said": said,
            }
        import_store.finish_run(
            connection,
            one.id,
            work.run,
            state="audit" if failed else "deciding",
            found=found,
            base_size=compared.size,
        )


def _group_lines(found: PeopleDifference) -> dict[str, list[difference_lines.Line]]:
    made: dict[str, list[difference_lines.Line]] = {}
    for section, line in _make_lines(found):
        made.setdefault(section, []).append(line)
    return made


def _make_lines(found: PeopleDifference) -> Iterator[tuple[str, difference_lines.Line]]:
    for one in found.matched:
        section = "new" if one.before is None else "changed" if one.changes else "unchanged"
        stated = {"institution": one.institution, **one.row.stated}
        yield (
            section,
            {
                "row": one.row.row,
                "who": stated.get("name") or stated.get("number"),
                "code": None if one.before is None else format_code(one.subject.partition(":")[2]),
                "institution": found.institutions[one.institution]["name"],
                "changes": [
                    [path, (one.before or {}).get(path), value]
                    for path, value in one.changes.items()
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
                "code": format_code(subject.partition(":")[2]),
                "institution": found.institutions[values["institution"]]["name"],
                "changes": [],
            },
        )
