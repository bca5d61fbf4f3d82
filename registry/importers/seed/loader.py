"""The data the product ships in seed_data/, loaded through the same importer and the same four eyes as any other.

The makers of the product propose (account system.seed), whoever installs it approves (system.installation). A run that
was cut short goes on where it stopped.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path

import msgspec
import sqlalchemy as sa

from registry import accounts, proposals
from registry.domain.model import Change, Draft, Struct
from registry.errors import AuditFailed, InvalidInput
from registry.importers.reading import lists
from registry.importers.seed import common_names, demo, seed_sources
from registry.importers.wizard import list_import
from registry.log.publish import PublishedLog
from registry.storage.database import Database
from registry.storage.tables import proposals as proposals_table
from registry.texts import FixedText, Message


class SeedResult(Struct, frozen=True):
    """A source of the seed and the numbers of its entries; ``first`` is None when it had been loaded before."""

    source: str
    institutions: int
    first: int | None = None
    last: int | None = None


class ExpectedCounts(Struct, frozen=True):
    """The contents a seed file must have, so that a damaged or swapped file is noticed before it is loaded."""

    institutions: int
    by_province: dict[str, int]
    by_technique: dict[str, int]


def load_seed(
    database: Database,
    progress: list_import.Progress | None = None,
    with_demo: bool = False,
    log: PublishedLog | None = None,
) -> list[SeedResult]:
    """Load every list not loaded yet by day, then the names people use; ``with_demo`` also the fictional city."""
    done = [_load_list(database, folder, progress, log) for folder in seed_sources.list_sources()]
    done.append(_load_common_names(database, log))
    if with_demo:
        done.append(_load_demo(database, log))
    return done


def read_request(folder: Path) -> list_import.ImportRequest:
    """The import that a source.toml describes."""
    source = seed_sources.read_source(folder)
    return list_import.ImportRequest(
        path=folder / source["file"],
        as_of=source["as_of"],
        published=source.get("published"),
        title=source["title"],
        scope=source["scope"],
        origin=source["origin"],
        secondary=source["secondary"],
        source_id=folder.name,
        decided=_read_decisions(folder / "identity.csv"),
    )


def check_expected_counts(folder: Path) -> None:
    """Raise InvalidInput unless the file of a source holds exactly what expected.json says."""
    request = read_request(folder)
    parsed = lists.read_list(request.path)
    if parsed.errors:
        raise AuditFailed(FixedText(parsed.errors[0].message, parsed.errors[0].message_en), audit=parsed.audit)
    expected = msgspec.json.decode((folder / "expected.json").read_bytes(), type=ExpectedCounts)
    found = ExpectedCounts(
        institutions=len(parsed.institutions),
        by_province=dict(sorted(Counter(listed.province or "" for listed in parsed.institutions).items())),
        by_technique=dict(
            sorted(Counter(a.technique for listed in parsed.institutions for a in listed.approvals).items())
        ),
    )
    if found != expected:
        raise InvalidInput(
            Message(
                "{request_path_name} 与 expected.json 不符：应为 {expected}，实为 {found}。",
                request_path_name=request.path.name,
                expected=expected,
                found=found,
            )
        )


def _load_list(
    database: Database, folder: Path, progress: list_import.Progress | None, log: PublishedLog | None
) -> SeedResult:
    request = read_request(folder)
    if seed_sources.has_source(database, folder.name):
        return SeedResult(source=folder.name, institutions=0)
    check_expected_counts(folder)
    _reject_leftovers(database, request.title or "", log)
    outcome = list_import.import_list(database, request, by=accounts.SEED_PROPOSER, progress=progress, log=log)
    first, last = _approve_proposal(database, outcome.proposal or 0, progress, log)
    return SeedResult(source=folder.name, institutions=outcome.institutions, first=first, last=last)


def _load_common_names(database: Database, log: PublishedLog | None) -> SeedResult:
    if seed_sources.has_source(database, seed_sources.ALIASES):
        return SeedResult(source=seed_sources.ALIASES, institutions=0)
    described = seed_sources.read_common_names_source()
    day, title = described["as_of"], described["title"]
    _reject_leftovers(database, title, log)
    path = seed_sources.SEED_DATA / described["file"]
    fields = {
        "title": title,
        "as_of": day.isoformat(),
        "scope": "partial",
        "origin": described["origin"],
        "secondary": True,
        "rows": len(common_names.read_rows(path)),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    source = Draft(subject=f"source:{seed_sources.ALIASES}", change=Change(kind="source", set=fields), valid_from=day)
    names = common_names.make_drafts(common_names.compare_file(database, path), day, seed_sources.ALIASES)
    identifier = proposals.propose(
        database, [source, *names], by=accounts.SEED_PROPOSER, title=title, kind="names", report={}, log=log
    )
    first, last = _approve_proposal(database, identifier, None, log)
    return SeedResult(source=seed_sources.ALIASES, institutions=len(names), first=first, last=last)


def _load_demo(database: Database, log: PublishedLog | None) -> SeedResult:
    folder = seed_sources.SEED_DATA / "demo"
    if seed_sources.has_source(database, demo.SOURCE):
        return SeedResult(source=demo.SOURCE, institutions=0)
    drafts = demo.read_drafts(folder / "demo.toml")
    identifier = proposals.propose(
        database, drafts, by=accounts.SEED_PROPOSER, title="示例数据（虚构）", kind="demo", report={}, log=log
    )
    first, last = _approve_proposal(database, identifier, None, log)
    number = len({draft.subject for draft in drafts if draft.change.kind == "institution"})
    return SeedResult(source=demo.SOURCE, institutions=number, first=first, last=last)


def _approve_proposal(
    database: Database, identifier: int, progress: list_import.Progress | None, log: PublishedLog | None
) -> tuple[int, int]:
    with database.reading() as connection:
        seen = proposals.get_proposal(connection, identifier).content_hash
    report = (lambda done: progress("append", done)) if progress else None
    return proposals.approve(database, identifier, by=accounts.SEED_APPROVER, seen=seen, log=log, progress=report)


def _reject_leftovers(database: Database, title: str, log: PublishedLog | None) -> None:
    """Reject the pending proposal of a run that was cut short between proposal and approval."""
    with database.reading() as connection:
        query = sa.select(proposals_table.c.id).where(
            proposals_table.c.state == "pending", proposals_table.c.title == title
        )
        leftovers = [
            identifier
            for identifier in connection.execute(query).scalars().all()
            if proposals.get_proposal(connection, identifier).proposer == accounts.SEED_PROPOSER
        ]
    for identifier in leftovers:
        reason = "上次加载中断，已重新提出"
        proposals.reject(database, identifier, by=accounts.SEED_APPROVER, reason=reason, log=log)


def _read_decisions(path: Path) -> dict[str, str]:
    """The reviewed identities of a source: names in the register by the names in the list."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["to"]: row["from"] for row in csv.DictReader(file)}
