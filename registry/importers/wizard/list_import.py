"""From a file to a proposal: read, audit, compare, propose. Nothing of a file with an audit error goes anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from registry import proposals
from registry.domain import regions
from registry.domain.model import Date, Draft, Source, Struct
from registry.errors import AuditFailed, InvalidInput
from registry.importers.matching import alarms, difference, identity, register_side
from registry.importers.reading import headings, lists
from registry.importers.reading.audit import MOST
from registry.importers.reading.list_file import AuditLine, ListFile
from registry.log import store
from registry.log.publish import PublishedLog
from registry.storage.database import Database

PROVINCES = 31
Progress = Callable[[str, int], None]


class ImportRequest(Struct, frozen=True):
    """What is said about a file: its day, its publication, its title, what an absence from it means.

    ``mapping``: columns as a person named them; ``most_findings`` of each level the audit keeps.
    """

    path: Path
    as_of: Date
    published: Date | None = None
    title: str | None = None
    scope: str | None = None
    origin: str | None = None
    secondary: bool = False
    source_id: str | None = None
    decided: dict[str, str] = msgspec.field(default_factory=dict)
    mapping: headings.Mapping = msgspec.field(default_factory=dict)
    most_findings: int = MOST


class ImportOutcome(Struct, frozen=True):
    """What an import found; the contract's JSON. ``proposal`` is None for a dry run."""

    proposal: int | None
    rows: int
    institutions: int
    audit: list[AuditLine]
    difference: dict[str, list[dict[str, Any]]]
    scope: str
    source: str


class ListComparison(Struct, frozen=True):
    """A list that was read and compared with the register at a log size; ``outcome`` is what it found."""

    parsed: ListFile
    source: Source
    size: int
    register: register_side.RegisterSide
    found: difference.Difference
    outcome: ImportOutcome

    def make_drafts(self) -> Iterator[Draft]:
        """What approval would append: the source first."""
        yield from difference.make_source_draft(self.source)
        yield from self.found.drafts


def import_list(
    database: Database,
    request: ImportRequest,
    *,
    by: str | None,
    dry_run: bool = False,
    progress: Progress | None = None,
    log: PublishedLog | None = None,
) -> ImportOutcome:
    """Read, audit and compare a list; propose the difference unless ``dry_run``.

    AuditFailed carries the whole outcome when the audit has errors; UnreadableFile when the file is no list.
    """
    told = progress or (lambda _phase, _done: None)
    compared = compare_file(database, request, told)
    if dry_run:
        return compared.outcome
    if by is None:
        raise InvalidInput("请用 --by 指明提案人的账号。", "Name the proposing account with --by.")
    identifier = propose_difference(database, compared, by=by, progress=told, log=log)
    return msgspec.structs.replace(compared.outcome, proposal=identifier)


def compare_file(
    database: Database,
    request: ImportRequest,
    told: Progress,
    *,
    ruling: Callable[[ListFile, register_side.RegisterSide], identity.Rulings] | None = None,
    check: Callable[[ListFile], list[AuditLine]] | None = None,
) -> ListComparison:
    """Read, audit and compare a list; AuditFailed and UnreadableFile as ``import_list``.

    ``ruling`` says what a person decided of the pairs; ``check`` finds more
    errors in what was read.
    """
    parsed = lists.read_list(
        request.path,
        progress=lambda done: told("read", done),
        mapping=request.mapping or None,
        most=request.most_findings,
    )
    source = _make_source(request, parsed, _choose_scope(request.scope, parsed))
    if check is not None:
        parsed = msgspec.structs.replace(parsed, audit=(*parsed.audit, *check(parsed)))
    if parsed.errors:
        outcome = _make_outcome(None, parsed, list(parsed.audit), _make_empty_report(), source)
        raise AuditFailed(
            f"{request.path.name}：审核发现{len(parsed.errors)}处错误，未导入任何内容。首条：{parsed.errors[0].describe('zh-CN')}",
            f"{request.path.name}: the audit found {len(parsed.errors)} error(s); nothing was imported. First: "
            f"{parsed.errors[0].describe('en')}",
            outcome=outcome,
        )
    told("compare", 0)
    with database.reading() as connection:
        size = store.read_head(connection).size
        register = register_side.read_register_side(connection, request.as_of, size)
    ruled = ruling(parsed, register) if ruling else None
    found = difference.compare_list(register, parsed.institutions, source, request.decided, ruled)
    audit = [*parsed.audit, *alarms.collect_alarms(found, register, parsed, source)]
    return ListComparison(
        parsed=parsed,
        source=source,
        size=size,
        register=register,
        found=found,
        outcome=_make_outcome(None, parsed, audit, found.report, source),
    )


def propose_difference(
    database: Database,
    compared: ListComparison,
    *,
    by: str,
    progress: Progress,
    more: dict[str, Any] | None = None,
    log: PublishedLog | None = None,
) -> int:
    """Propose what a comparison found, with the whole of it as the report, and ``more`` beside it; the id."""
    return proposals.propose(
        database,
        compared.make_drafts(),
        by=by,
        title=compared.source.title,
        kind="import",
        report={**msgspec.to_builtins(compared.outcome), **(more or {})},
        base_size=compared.size,
        progress=lambda done: progress("propose", done),
        log=log,
    )


def _make_outcome(
    proposal: int | None,
    parsed: ListFile,
    audit: list[AuditLine],
    report: dict[str, list[dict[str, Any]]],
    source: Source,
) -> ImportOutcome:
    return ImportOutcome(
        proposal=proposal,
        rows=parsed.rows,
        institutions=len(parsed.institutions),
        audit=audit,
        difference=report,
        scope=source.scope,
        source=source.id,
    )


def _make_empty_report() -> dict[str, list[dict[str, Any]]]:
    return {name: [] for name in ("new", "gone", "renamed", "moved", "changed", "undecided")}


def _choose_scope(given: str | None, parsed: ListFile) -> str:
    """What an absence means: as said; else national for a list with every province, else nothing."""
    if given is None:
        provinces = {(one.region or "")[:2] for one in parsed.institutions} - {""}
        return "national" if len(provinces) >= PROVINCES else "partial"
    if given not in ("national", "partial") and regions.find_region(given) is None:
        raise InvalidInput(
            f"范围“{given}”有误：national、partial 或行政区划代码（如 210300）。",
            f"Scope “{given}” is not national, partial or a region code such as 210300.",
        )
    return given


def _make_source(request: ImportRequest, parsed: ListFile, scope: str) -> Source:
    title = request.title or f"{request.path.name}（截至{request.as_of}）"
    if request.published is not None and request.published < request.as_of:
        raise InvalidInput(
            f"公布日期 {request.published} 早于名录截止日期 {request.as_of}，请核对。",
            f"The list was published on {request.published}, before its as-of day {request.as_of}; please check.",
        )
    return Source(
        id=request.source_id or f"list-{request.as_of}-{parsed.sha256[:12]}",
        title=title,
        as_of=request.as_of,
        published=request.published,
        scope=scope,
        origin=request.origin,
        secondary=request.secondary,
        covers=difference.list_covered_techniques(parsed.institutions),
        rows=parsed.rows,
        sha256=parsed.sha256,
    )
