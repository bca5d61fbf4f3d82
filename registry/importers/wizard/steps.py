"""The steps of an import of a list that take long: look at the columns, compare, propose. Done by a process of its own.

Reading, comparing and proposing are ``submit``'s; what is kept here is what a person needs between them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from registry import accounts
from registry.accounts import audit_log, region_scope
from registry.domain import regions
from registry.domain.model import Date
from registry.errors import AuditFailed, RegistryError
from registry.importers.matching.identity import Rulings
from registry.importers.matching.register_side import RegisterSide
from registry.importers.reading import layouts
from registry.importers.reading.audit import shorten_audit
from registry.importers.reading.list_file import AuditLine, ListFile
from registry.importers.wizard import difference_lines, import_store, list_import, pair_decisions
from registry.importers.wizard.import_store import Import
from registry.log.publish import PublishedLog
from registry.proposals import changeset
from registry.storage import attachments
from registry.storage.database import Database
from registry.storage.locks import LockWait
from registry.storage.tables import proposals

#: (phase, rows done, rows in all; 0: unknown). Raises Stopped when the import is no longer this process's.
Told = Callable[[str, int, int], None]
#: Findings of each level kept for a person, and lines of them on a page.
FINDINGS, AUDIT_PAGE = 10_000, 50
_LEVELS = ("error", "warning", "info")


class ImportTask:
    """One import in the hands of a process: ``run`` is its name, ``path`` the file, ``told`` hears how far it is."""

    def __init__(
        self, database: Database, one: Import, run: str, path: Path, told: Told, log: PublishedLog | None = None
    ) -> None:
        self.database, self.one, self.run, self.path, self.told, self.log = database, one, run, path, told, log

    def fail(self, error: RegistryError) -> None:
        """The import ends here, with what to do."""
        with self.database.writing() as connection:
            import_store.delete_pages(connection, self.one.id)
            import_store.finish_run(
                connection, self.one.id, self.run, state="failed", found={"error": [error.zh, error.en]}
            )


def inspect_columns(work: ImportTask) -> None:
    """Which columns the file has; then a person names them."""
    seen = layouts.read_layouts(work.path, lambda done: work.told("look", done, 0))
    with work.database.writing() as connection:
        import_store.finish_run(connection, work.one.id, work.run, state="mapping", found=msgspec.to_builtins(seen))


def compare_file(work: ImportTask) -> None:
    """Audit and difference, kept page by page; then a person decides."""
    try:
        compared = _read_and_compare(work)
    except AuditFailed as error:
        _save_audit(work, error.details["outcome"])
        return
    _save_comparison(work, compared, said=None)


def propose_difference(work: ImportTask) -> None:
    """Compare once more, and propose exactly what was seen; where that changed, a person looks again."""
    compared = _read_and_compare(work)
    if _hash_drafts(compared) != work.one.found.get("digest"):
        _save_comparison(work, compared, said="moved")
        return
    one = work.one
    more = {
        "decisions": pair_decisions.report_decisions(one.decisions),
        "file": {"name": one.name, "sha256": one.file},
        "counts": one.found.get("counts", {}),
    }
    short = msgspec.structs.replace(compared.outcome, audit=shorten_audit(compared.outcome.audit))
    compared = msgspec.structs.replace(compared, outcome=short)

    def store_upload_and_finish(connection: sa.Connection, proposal: int) -> None:
        with work.path.open("rb") as file:
            attachments.add_attachment(
                connection, file, name=one.name, media_type="application/octet-stream", by=one.account
            )
        finish_proposed_import(connection, work, proposal)

    total = len(compared.found.drafts)
    together = GuardedDatabase(work.database, work, store_upload_and_finish)
    list_import.propose_difference(
        together,
        compared,
        by=one.account,
        progress=lambda _phase, n: work.told("propose", n, total),
        more=more,
        log=work.log,
    )


def finish_proposed_import(connection: sa.Connection, work: ImportTask, proposal: int) -> None:
    """The import is a proposal now: in the transaction that made it."""
    one = work.one
    is_list = one.kind == "list"
    import_store.delete_pages(connection, one.id, only_file=is_list, also_file=not is_list)
    import_store.finish_run(
        connection, one.id, work.run, state="proposed", proposal=proposal, **import_store.list_cleared_columns(one)
    )
    audit_log.record_event(connection, one.account, "import_proposed", f"import:{one.id} proposal:{proposal}")


class GuardedDatabase(Database):
    """The database while an import is proposed: whatever is written, is written if the import is still this process's,
    and with its state. So a cancelled import leaves no proposal, and a killed process not half of one."""

    def __init__(self, database: Database, work: ImportTask, done: Callable[[sa.Connection, int], None]) -> None:
        self.__dict__.update(vars(database))  # the same connections, and the same place in the line
        self._work, self._done = work, done

    @contextmanager
    def writing(self, wait: LockWait | None = None) -> Iterator[sa.Connection]:
        """The one writer, as ever; Stopped before anything is written."""
        with super().writing(wait) as connection:
            import_store.get_import_of_run(connection, self._work.one.id, self._work.run)
            latest = sa.select(sa.func.coalesce(sa.func.max(proposals.c.id), 0))
            before = connection.execute(latest).scalar_one()
            yield connection
            made = int(connection.execute(latest).scalar_one())
            if made > before:
                self._done(connection, made)


# --- comparing -------------------------------------------------------------------------------------------------------


def make_request(one: Import, path: Path) -> list_import.ImportRequest:
    """The import as the command would be asked for it."""
    said = one.said
    return list_import.ImportRequest(
        path=path,
        as_of=Date.fromisoformat(said["as_of"]),
        published=Date.fromisoformat(said["published"]) if said.get("published") else None,
        title=said["title"],
        scope=said["scope"],
        origin=said.get("origin") or None,
        secondary=bool(said.get("secondary")),
        mapping=layouts.make_mapping([msgspec.convert(one, layouts.Layout) for one in said.get("layouts", [])]),
        most_findings=FINDINGS,
    )


def _read_and_compare(work: ImportTask) -> list_import.ListComparison:
    one, total = work.one, int(work.one.said.get("rows", 0))
    with work.database.reading() as connection:
        account = accounts.get_account(connection, one.account)

    def make_rulings(parsed: ListFile, register: RegisterSide) -> Rulings:
        keys = {difference_lines.make_listed_key(row.name, row.address): i for i, row in enumerate(parsed.institutions)}
        return pair_decisions.make_rulings(one.decisions, keys, register)

    compared = list_import.compare_file(
        work.database,
        make_request(one, work.path),
        lambda phase, done: work.told(phase, done, total),
        ruling=make_rulings,
        check=lambda parsed: check_account_region(account, parsed),
    )
    work.told("check", 0, 0)
    with work.database.reading() as connection:
        region_scope.require_may_propose(connection, one.account, compared.make_drafts())
    return compared


def check_account_region(account: accounts.Account, parsed: ListFile) -> list[AuditLine]:
    """An error for every row about an institution outside the region of the account."""
    if not account.region:
        return []
    inside = regions.get_prefix(account.region)
    return [
        AuditLine(
            level="error",
            row=one.row,
            cell=None,
            message=f"不在您账号的行政区划（{account.region}）内：{one.name}",
            message_en=f"outside the region of your account ({account.region}): {one.name}",
        )
        for one in parsed.institutions
        if not (one.region or "").startswith(inside)
    ]


def _hash_drafts(compared: list_import.ListComparison) -> str:
    made = hashlib.sha256()
    for draft in compared.make_drafts():
        made.update(changeset.encode_value(draft))
    return made.hexdigest()


def _save_comparison(work: ImportTask, compared: list_import.ListComparison, said: str | None) -> None:
    one, identifier = work.one, work.one.id
    pairs = difference_lines.collect_pairs(compared, one.decisions)
    applying = {key: decision for key, decision in one.decisions.items() if key in pairs}
    digest, counted = _hash_drafts(compared), count_levels(compared.outcome.audit)
    work.told("keep", 0, 0)
    with work.database.writing() as connection:
        import_store.get_import_of_run(connection, identifier, work.run)
        import_store.delete_pages(connection, identifier)
        counts = {
            name: import_store.write_pages(connection, identifier, name, lines(), difference_lines.PAGE)
            for name, lines in difference_lines.list_sections(compared).items()
        }
        import_store.write_pages(connection, identifier, "pairs", pairs.values(), difference_lines.PAIRS)
        import_store.write_pages(connection, identifier, "audit", make_audit_lines(compared.outcome.audit), AUDIT_PAGE)
        found = {
            "rows": compared.outcome.rows,
            "institutions": compared.outcome.institutions,
            "scope": compared.outcome.scope,
            "source": compared.outcome.source,
            "counts": counts,
            "audit": counted,
            "pairs": [[key, line["listed_key"], line["known"], line["suggested"]] for key, line in pairs.items()],
            "drafts": 1 + len(compared.found.drafts),
            "digest": digest,
            "decided": pair_decisions.hash_decisions(applying),
            "dropped": len(one.decisions) - len(applying),
            "said": said,
        }
        import_store.finish_run(
            connection,
            identifier,
            work.run,
            state="deciding",
            found=found,
            decisions=applying,
            base_size=compared.size,
        )


def _save_audit(work: ImportTask, outcome: list_import.ImportOutcome) -> None:
    with work.database.writing() as connection:
        import_store.get_import_of_run(connection, work.one.id, work.run)
        import_store.delete_pages(connection, work.one.id)
        import_store.write_pages(connection, work.one.id, "audit", make_audit_lines(outcome.audit), AUDIT_PAGE)
        found = {"rows": outcome.rows, "institutions": outcome.institutions, "audit": count_levels(outcome.audit)}
        import_store.finish_run(connection, work.one.id, work.run, state="audit", found=found)


def count_levels(audit: Sequence[AuditLine]) -> dict[str, int]:
    """How many findings there are of each level."""
    return {level: sum(line.level == level for line in audit) for level in _LEVELS}


def make_audit_lines(audit: Sequence[AuditLine]) -> list[dict[str, Any]]:
    """The findings as lines of pages: errors first, for they are what has to be done."""
    ordered = sorted(audit, key=lambda line: _LEVELS.index(line.level))
    return [msgspec.to_builtins(line) for line in ordered]
