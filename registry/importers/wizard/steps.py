"""The slow steps of an import of a list, done by a process of its own: inspect the columns, compare, propose.

``list_import`` reads, compares and proposes; here is stored what a person needs and decides between the steps.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from registry import accounts
from registry.accounts import audit_log, region_scope
from registry.domain.model import Date, Draft
from registry.errors import AuditFailed, RegistryError
from registry.importers.matching.organisations import Rulings
from registry.importers.matching.register_side import RegisterSide
from registry.importers.reading import headings
from registry.importers.reading.audit import shorten_audit
from registry.importers.reading.list_file import AuditLine, ListFile
from registry.importers.wizard import answers, difference_lines, import_store, list_import
from registry.importers.wizard.import_store import Import
from registry.log.publish import PublishedLog
from registry.proposals import changeset
from registry.storage import attachments
from registry.storage.database import Database

#: (phase, rows done, rows in all; 0: unknown). Raises ImportStopped when the import no longer belongs to this process.
ReportProgress = Callable[[str, int, int], None]
#: Findings of each level kept for a person, and lines of them on a page.
FINDINGS, AUDIT_PAGE = 10_000, 50
_LEVELS = ("error", "warning", "info")


class ImportTask:
    """An import in the hands of a process: the name of its ``run``, the ``path`` of its file, where to report."""

    def __init__(
        self,
        database: Database,
        record: Import,
        run: str,
        path: Path,
        report_progress: ReportProgress,
        log: PublishedLog | None = None,
    ) -> None:
        self.database, self.record, self.run, self.path = database, record, run, path
        self.report_progress, self.log = report_progress, log

    def fail(self, error: RegistryError) -> None:
        """End the import with the reason and what to do."""
        with self.database.writing() as connection:
            import_store.delete_pages(connection, self.record.id)
            self.finish(connection, state="failed", found={"error": [error.zh, error.en]})

    def finish(self, connection: sa.Connection, **columns: Any) -> None:
        """Store the result of the step; ImportStopped when the import no longer belongs to this process."""
        import_store.finish_run(connection, self.record.id, self.run, **columns)

    def replace_pages(self, connection: sa.Connection, audit: Sequence[AuditLine]) -> dict[str, int]:
        """Delete the pages of the step before and write those of the findings; return their number by level."""
        import_store.get_import_of_run(connection, self.record.id, self.run)
        import_store.delete_pages(connection, self.record.id)
        ordered = sorted(audit, key=lambda line: _LEVELS.index(line.level))  # errors first: they have to be mended
        self.write_sections(connection, {"audit": map(msgspec.to_builtins, ordered)}, AUDIT_PAGE)
        return count_levels(audit)

    def write_sections(
        self, connection: sa.Connection, sections: Mapping[str, Iterable[Any]], size: int
    ) -> dict[str, int]:
        """Write the pages of sections, ``size`` lines to a page; return the number of lines of each."""
        return {
            name: import_store.write_pages(connection, self.record.id, name, lines, size)
            for name, lines in sections.items()
        }


def inspect_columns(task: ImportTask) -> None:
    """Store which columns the file has; then a person names them."""
    file_layouts = headings.read_layouts(task.path, lambda done: task.report_progress("look", done, 0))
    with task.database.writing() as connection:
        task.finish(connection, state="mapping", found=msgspec.to_builtins(file_layouts))


def compare_file(task: ImportTask) -> None:
    """Store findings and difference page by page; then a person decides."""
    try:
        comparison = _read_and_compare(task)
    except AuditFailed as error:
        _save_audit(task, error.details["outcome"])
        return
    _save_comparison(task, comparison, reason=None)


def propose_difference(task: ImportTask) -> None:
    """Compare once more and propose exactly what was seen; where that changed, a person looks again."""
    comparison, record = _read_and_compare(task), task.record
    if _hash_comparison(comparison) != record.found.get("digest"):
        _save_comparison(task, comparison, reason="moved")
        return
    additions = {
        "decisions": report_decisions(record.decisions),
        "file": {"name": record.name, "sha256": record.file},
        "counts": record.found.get("counts", {}),
        "aside": msgspec.to_builtins(comparison.parsed.aside),
    }
    outcome = msgspec.structs.replace(comparison.outcome, audit=shorten_audit(comparison.outcome.audit))

    def store_upload_and_finish(connection: sa.Connection, proposal: int) -> None:
        with task.path.open("rb") as file:
            attachments.add_attachment(
                connection, file, name=record.name, media_type="application/octet-stream", by=record.account
            )
        finish_proposed_import(connection, task, proposal)

    total = len(comparison.found.drafts)
    list_import.propose_difference(
        task.database,
        msgspec.structs.replace(comparison, outcome=outcome),
        by=record.account,
        progress=lambda _phase, done: task.report_progress("propose", done, total),
        additions=additions,
        log=task.log,
        in_transaction=store_upload_and_finish,
    )


def finish_proposed_import(connection: sa.Connection, task: ImportTask, proposal: int) -> None:
    """Mark the import proposed, in the transaction that keeps the proposal.

    ImportStopped undoes both, so that a cancelled import leaves no proposal and a killed process not half of one.
    """
    record, is_list = import_store.get_import_of_run(connection, task.record.id, task.run), task.record.kind == "list"
    import_store.delete_pages(connection, record.id, only_file=is_list, also_file=not is_list)
    task.finish(connection, state="proposed", proposal=proposal, **import_store.make_cleared_columns(record))
    audit_log.record_event(connection, record.account, "import_proposed", f"import:{record.id} proposal:{proposal}")


def hash_drafts(drafts: Iterable[Draft]) -> str:
    """The SHA-256 of drafts in hex, by which a second comparison is told to propose the same."""
    digest = hashlib.sha256()
    for draft in drafts:
        digest.update(changeset.encode_value(draft))
    return digest.hexdigest()


def _hash_comparison(comparison: list_import.ListComparison) -> str:
    """A hash of what would be proposed, and of the conflicts that a person has to have seen."""
    conflicts = msgspec.json.encode(comparison.outcome.difference["conflicts"])
    return hash_drafts(comparison.make_drafts()) + hashlib.sha256(conflicts).hexdigest()


# --- comparing -------------------------------------------------------------------------------------------------------


def _make_request(record: Import, path: Path) -> list_import.ImportRequest:
    """The request of the command for the same import."""
    options = record.said
    layouts = msgspec.convert(options.get("layouts", []), list[headings.Layout])
    return list_import.ImportRequest(
        path=path,
        as_of=Date.fromisoformat(options["as_of"]),
        published=Date.fromisoformat(options["published"]) if options.get("published") else None,
        title=options["title"],
        scope=options["scope"],
        origin=options.get("origin") or None,
        secondary=bool(options.get("secondary")),
        mapping={tuple(layout.titles): tuple(layout.uses) for layout in layouts},
        most_findings=FINDINGS,
        find_reason=lambda conflict: get_reasons(record).get(conflict.key),
        answers=answers.get_answers(record),
    )


def _read_and_compare(task: ImportTask) -> list_import.ListComparison:
    record, total = task.record, int(task.record.said.get("rows", 0))
    with task.database.reading() as connection:
        account = accounts.get_account(connection, record.account)

    def apply_decisions(parsed: ListFile, register: RegisterSide) -> Rulings:
        keys = {difference_lines.make_listed_key(row.name, row.address): i for i, row in enumerate(parsed.institutions)}
        rulings = make_rulings(record.decisions, keys, register)
        return msgspec.structs.replace(rulings, keeps_spelling=has_own_spelling(record))

    comparison = list_import.compare_file(
        task.database,
        _make_request(record, task.path),
        lambda phase, done: task.report_progress(phase, done, total),
        make_rulings=apply_decisions,
        check=lambda parsed: answers.leave_outside_rows(parsed, account.region, answers.get_answers(record)),
    )
    task.report_progress("check", 0, 0)
    with task.database.reading() as connection:
        region_scope.require_may_propose(connection, record.account, comparison.make_drafts())
    return comparison


def _save_comparison(task: ImportTask, comparison: list_import.ListComparison, reason: str | None) -> None:
    """Store a comparison for a person to decide; ``reason`` why it has to be looked at again, if so."""
    decisions, outcome = task.record.decisions, comparison.outcome
    pairs = difference_lines.collect_pairs(comparison, decisions)
    applying = {key: decision for key, decision in decisions.items() if key in pairs}
    reasons, found_conflicts = get_reasons(task.record), {one.key for one in comparison.found.conflicts}
    reasons = {key: reason for key, reason in reasons.items() if key in found_conflicts}
    digest = _hash_comparison(comparison)
    task.report_progress("keep", 0, 0)
    with task.database.writing() as connection:
        levels = task.replace_pages(connection, outcome.audit)
        counts = task.write_sections(
            connection, {"conflicts": outcome.difference["conflicts"]}, difference_lines.PAIRS
        ) | task.write_sections(connection, difference_lines.make_sections(comparison), difference_lines.PAGE)
        task.write_sections(connection, {"pairs": pairs.values()}, difference_lines.PAIRS)
        aside = map(msgspec.to_builtins, comparison.parsed.aside)
        task.write_sections(connection, {"aside": aside}, difference_lines.PAGE)
        found = {
            "rows": outcome.rows,
            "institutions": outcome.institutions,
            "scope": outcome.scope,
            "source": outcome.source,
            "counts": counts,
            "audit": levels,
            "pairs": [[key, line["listed_key"], line["known"], line["suggested"]] for key, line in pairs.items()],
            "drafts": 1 + len(comparison.found.drafts),
            "aside": len(comparison.parsed.aside),
            "digest": digest,
            "decided": hash_decisions(
                applying, reasons, answers.get_answers(task.record), is_kept=has_own_spelling(task.record)
            ),
            "dropped": len(decisions) - len(applying) + len(get_reasons(task.record)) - len(reasons),
            "said": reason,
        }
        options = {**task.record.said, "reasons": reasons}
        task.finish(
            connection,
            state="deciding",
            found=found,
            decisions=applying,
            said=options,
            base_size=comparison.size,
        )


def _save_audit(task: ImportTask, outcome: list_import.ImportOutcome) -> None:
    with task.database.writing() as connection:
        levels = task.replace_pages(connection, outcome.audit)
        found = {"rows": outcome.rows, "institutions": outcome.institutions, "audit": levels}
        record = task.record
        found |= answers.summarise_questions(outcome.audit, answers.get_answers(record))
        given = answers.get_answers(record)
        is_kept = has_own_spelling(record)
        found["decided"] = hash_decisions(record.decisions, get_reasons(record), given, is_kept=is_kept)
        task.finish(connection, state="audit", found=found)


def count_levels(audit: Sequence[AuditLine]) -> dict[str, int]:
    """The number of findings of each level."""
    return {level: sum(line.level == level for line in audit) for level in _LEVELS}


# --- a person's decisions on the pairs of an import, and the pairs still open ---

Decisions = dict[str, dict[str, Any]]
#: (key, key of the listed institution, subject, ...) of every pair, as in ``Import.found``.
Pairs = list[list[Any]]


def add_decision(
    decisions: Decisions, line: dict[str, Any], same: bool, by: str, at: int, *, spelling: bool = False
) -> Decisions:
    """The decisions with one more. One institution is never the same as two: an earlier "same" gives way.

    ``spelling``: the same, and the register's own spelling of name and address stays.
    """
    remaining = {
        key: decision
        for key, decision in decisions.items()
        if key != line["key"]
        and not (
            same
            and decision["same"]
            and (decision["listed_key"] == line["listed_key"] or decision["known"] == line["known"])
        )
    }
    remaining[line["key"]] = {
        "same": same,
        "by": by,
        "at": at,
        "listed": line["after"]["name"],
        "address": line["after"]["address"],
        "listed_key": line["listed_key"],
        "known": line["known"],
        "known_name": line["before"]["name"],
        "rule": line["rule"],
        "suggested": line["suggested"],
    } | ({"spelling": True} if spelling else {})
    return remaining


def list_open_pairs(pairs: Pairs, decisions: Decisions) -> list[str]:
    """The keys of pairs without a decision. Where one of two is the same as a third, nothing is left to decide."""
    same = [decision for decision in decisions.values() if decision["same"]]
    listed, known = {decision["listed_key"] for decision in same}, {decision["known"] for decision in same}
    return [
        key
        for key, listed_key, subject, *_ in pairs
        if key not in decisions and listed_key not in listed and subject not in known
    ]


def make_rulings(decisions: Decisions, listed_keys: dict[str, int], register: RegisterSide) -> Rulings:
    """The decisions that still apply, by the positions of rows: a row or an institution may be gone by now."""
    subjects = {institution.subject for institution in (*register.listed, *register.others)}
    same: set[tuple[int | str, int | str]] = set()
    apart: set[tuple[int | str, int | str]] = set()
    spelling: set[tuple[int | str, int | str]] = set()
    for decision in decisions.values():
        position = listed_keys.get(decision["listed_key"])
        if position is not None and decision["known"] in subjects:
            (same if decision["same"] else apart).add((decision["known"], position))
            if decision.get("spelling"):
                spelling.add((decision["known"], position))
    return Rulings(same=frozenset(same), apart=frozenset(apart), spelling=frozenset(spelling))


def get_reasons(record: Import) -> dict[str, str]:
    """By the key of a conflict, the reason for which the list is taken; without one, the decision stays."""
    reasons: dict[str, str] = record.said.get("reasons", {})
    return reasons


def has_own_spelling(record: Import) -> bool:
    """Whether the register's spelling stays where nothing else differs: so it is unless a person says no."""
    return record.said.get("spelling") != "list"


def hash_decisions(
    decisions: Decisions, reasons: dict[str, str], given: answers.Answers, *, is_kept: bool = True
) -> str:
    """A hash of decisions on pairs, reasons for taking the list and answers, whoever gave them and when."""
    pairs = sorted(
        (key, "spelling" if decision.get("spelling") else decision["same"]) for key, decision in decisions.items()
    )
    content: list[Any] = [pairs, sorted(reasons.items())]
    if not is_kept:
        content.append("list")
    if given:
        content.append(sorted((key, one.choice, one.text, one.reason) for key, one in given.items()))
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def report_decisions(decisions: Decisions) -> list[dict[str, Any]]:
    """The decisions as the report of a proposal lists them."""
    return [
        {
            "listed": decision["listed"],
            "address": decision["address"],
            "known": decision["known"].removeprefix("institution:"),
            "known_name": decision["known_name"],
            "same": decision["same"],
            **({"spelling": True} if decision.get("spelling") else {}),
            "by": decision["by"],
            "rule": decision["rule"],
        }
        for decision in decisions.values()
    ]
