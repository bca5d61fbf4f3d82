"""From a file to a proposal: read, audit, compare, propose. Nothing of a file with an audit error goes anywhere."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from registry import proposals
from registry.domain import regions
from registry.domain.model import Date, Draft, Source, Struct
from registry.errors import AuditFailed, InvalidInput
from registry.importers.matching import difference, register_side
from registry.importers.matching.conflicts import Conflict, FindReason
from registry.importers.matching.difference import Difference
from registry.importers.matching.organisations import Rulings
from registry.importers.matching.register_side import RegisterSide
from registry.importers.reading import headings, lists
from registry.importers.reading.audit import MAX_FINDINGS, make_line
from registry.importers.reading.list_file import AuditLine, FileAnswer, ListFile
from registry.log import store
from registry.log.publish import PublishedLog
from registry.storage.database import Database
from registry.texts import FixedText, Listing, Message

PROVINCES = 31
#: A list that would remove more than this share of the register is more likely the wrong file or scope.
ALARMING = 0.2
#: When so many institutions of a province would leave and none stay, a page is more likely missing.
WHOLE_PROVINCE = 2
#: How many rows a warning names.
NAMED = 5
#: (phase, rows done)
Progress = Callable[[str, int], None]


class ImportRequest(Struct, frozen=True):
    """A file and what is known about it: its day, its publication, its title, what an absence from it means.

    ``mapping``: columns as a person named them; ``most_findings`` of each level the audit keeps. ``takes``
    are the conflicts with decisions, each by code and field (empty: any), in which the list is taken for a ``reason``
    that will be published; or ``find_reason`` gives the reason of each. ``answers`` are those to the audit's questions.
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
    most_findings: int = MAX_FINDINGS
    find_reason: FindReason | None = None
    takes: tuple[tuple[str, str], ...] = ()
    reason: str | None = None
    answers: dict[str, FileAnswer] = msgspec.field(default_factory=dict)


class ImportOutcome(Struct, frozen=True):
    """The result of an import, the contract's JSON. ``proposal`` is None for a dry run."""

    proposal: int | None
    rows: int
    institutions: int
    audit: list[AuditLine]
    difference: dict[str, list[dict[str, Any]]]
    scope: str
    source: str


class ListComparison(Struct, frozen=True):
    """A list compared with the register at a log size, and the ``outcome``."""

    parsed: ListFile
    source: Source
    size: int
    register: RegisterSide
    found: Difference
    outcome: ImportOutcome

    def make_drafts(self) -> Iterator[Draft]:
        """What approval would append: the source first."""
        yield difference.make_source_draft(self.source, self.parsed.changes)
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
    progress = progress or (lambda _phase, _done: None)
    comparison = compare_file(database, request, progress)
    if dry_run:
        return comparison.outcome
    if by is None:
        raise InvalidInput(Message("请用 --by 指明提案人的账号。"))
    identifier = propose_difference(database, comparison, by=by, progress=progress, log=log)
    return msgspec.structs.replace(comparison.outcome, proposal=identifier)


def compare_file(
    database: Database,
    request: ImportRequest,
    progress: Progress,
    *,
    make_rulings: Callable[[ListFile, RegisterSide], Rulings] | None = None,
    check: Callable[[ListFile], ListFile] | None = None,
) -> ListComparison:
    """Read, audit and compare a list; AuditFailed and UnreadableFile as ``import_list``.

    ``make_rulings`` gives a person's decisions on pairs; ``check`` may add findings or leave rows out.
    """
    parsed = lists.read_list(
        request.path,
        progress=lambda done: progress("read", done),
        mapping=request.mapping or None,
        limit=request.most_findings,
        answers=request.answers,
    )
    parsed = check(parsed) if check is not None else parsed
    source = _make_source(request, parsed, _choose_scope(request.scope, parsed))
    if parsed.errors:
        outcome = _make_outcome(parsed, list(parsed.audit), difference.make_empty_report(), source)
        message = Message(
            "{request_path_name}：审核发现{count}处错误，未导入任何内容。首条：{first}",
            request_path_name=request.path.name,
            count=len(parsed.errors),
            first=FixedText(parsed.errors[0].describe("zh-CN"), parsed.errors[0].describe("en")),
        )
        raise AuditFailed(message, outcome=outcome)
    progress("compare", 0)
    with database.reading() as connection:
        size = store.read_head(connection).size
        register = register_side.read_register_side(connection, request.as_of, size)
    rulings = make_rulings(parsed, register) if make_rulings else None
    found = difference.compare_list(
        register,
        parsed.institutions,
        source,
        lambda subjects: register_side.read_histories(database, subjects, size),
        request.find_reason or (lambda conflict: _find_take(request, conflict)),
        request.decided,
        rulings,
    )
    _refuse_vain_takes(request, found)
    audit = [
        *parsed.audit,
        *_check_removals(found, len(register.listed)),
        *_check_whole_provinces(found, parsed),
        *_check_scope(parsed, source),
    ]
    return ListComparison(
        parsed=parsed,
        source=source,
        size=size,
        register=register,
        found=found,
        outcome=_make_outcome(parsed, audit, found.report, source),
    )


def propose_difference(  # noqa: PLR0913 - each is a part of what is proposed
    database: Database,
    comparison: ListComparison,
    *,
    by: str,
    progress: Progress,
    additions: dict[str, Any] | None = None,
    log: PublishedLog | None = None,
    in_transaction: Callable[[sa.Connection, int], None] | None = None,
) -> int:
    """Propose the drafts of a comparison; return the id. The report is the outcome, with ``additions``.

    ``in_transaction``: see ``proposals.propose``.
    """
    return proposals.propose(
        database,
        comparison.make_drafts(),
        by=by,
        title=comparison.source.title,
        kind="import",
        report={
            **msgspec.to_builtins(comparison.outcome),
            "changes": msgspec.to_builtins(comparison.parsed.changes),
            **(additions or {}),
        },
        base_size=comparison.size,
        progress=lambda done: progress("propose", done),
        log=log,
        in_transaction=in_transaction,
    )


def _find_take(request: ImportRequest, conflict: Conflict) -> str | None:
    is_taken = any(code == conflict.code and field in ("", conflict.field) for code, field in request.takes)
    return (request.reason or "").strip() if is_taken else None


def _refuse_vain_takes(request: ImportRequest, found: Difference) -> None:
    """InvalidInput for a list to be taken without a reason, or where it is in no conflict with a decision."""
    if request.takes and not (request.reason or "").strip():
        raise InvalidInput(Message("以名单为准须写明理由，理由会公布。"))
    for code, field in request.takes:
        if not any(one.code == code and field in ("", one.field) for one in found.conflicts):
            raise InvalidInput(
                Message("名单与决定在此处没有不一致：{place}", place=f"{code}:{field}" if field else code)
            )


def _make_outcome(parsed: ListFile, audit: list[AuditLine], report: difference.Report, source: Source) -> ImportOutcome:
    return ImportOutcome(
        proposal=None,
        rows=parsed.rows,
        institutions=len(parsed.institutions),
        audit=audit,
        difference=report,
        scope=source.scope,
        source=source.id,
    )


def _choose_scope(scope: str | None, parsed: ListFile) -> str:
    """The scope given; without one, national for a list with every province, else partial."""
    if scope is None:
        provinces = {(listed.region or "")[:2] for listed in parsed.institutions} - {""}
        return "national" if len(provinces) >= PROVINCES else "partial"
    if scope not in ("national", "partial") and regions.find_region(scope) is None:
        raise InvalidInput(Message("范围“{scope}”有误：national、partial 或行政区划代码（如 210300）。", scope=scope))
    return scope


def _make_source(request: ImportRequest, parsed: ListFile, scope: str) -> Source:
    # Never the file's name, which says what somebody called it: the public reads this as the source.
    title = request.title or f"人类辅助生殖技术机构名单（截至{request.as_of}）"
    if request.published is not None and request.published < request.as_of:
        message = Message(
            "公布日期 {published} 早于名录截止日期 {as_of}，请核对。", published=request.published, as_of=request.as_of
        )
        raise InvalidInput(message)
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


# --- warnings before anybody approves what a list ends ---------------------------------------------------------------


def _make_warning(message: Message) -> AuditLine:
    return make_line("warning", None, message)


def _check_removals(found: Difference, known: int) -> list[AuditLine]:
    gone = len(found.gone)
    if not known or gone <= known * ALARMING:
        return []
    return [
        _make_warning(
            Message(
                "名录现有{known}家机构，其中{gone}家不在此文件中，批准后将移出名录；请确认文件与范围无误。",
                known=known,
                gone=gone,
            )
        )
    ]


def _check_whole_provinces(found: Difference, parsed: ListFile) -> list[AuditLine]:
    """A warning for each province of which all institutions would leave."""
    listed = {(institution.region or "")[:2] for institution in parsed.institutions}
    gone = Counter((institution.values.get("region") or "")[:2] for institution in found.gone)
    lines = []
    for province, count in sorted(gone.items()):
        place = regions.find_region(f"{province}0000") if province else None
        if place is None or province in listed or count < WHOLE_PROVINCE:
            continue
        lines.append(
            _make_warning(
                Message(
                    "此文件中没有{province}的任何机构，批准后该省{count}家将全部移出名录；请确认文件没有缺页，范围无误。",
                    province=place.province,
                    count=count,
                )
            )
        )
    return lines


def _check_scope(parsed: ListFile, source: Source) -> list[AuditLine]:
    """A warning with the number of rows outside the scope and the first of them; those that may be inside are not."""
    scope = source.scope
    if scope in ("national", "partial"):
        return []
    outside = [listed for listed in parsed.institutions if not regions.overlap(listed.region or None, scope)]
    if not outside:
        return []
    first = Listing(Message("{name}（第{row}行）", name=listed.name, row=listed.row) for listed in outside[:NAMED])
    return [
        _make_warning(
            Message(
                "有{count}家机构不在所选范围 {scope} 内：{first}；请确认范围无误。",
                count=len(outside),
                scope=scope,
                first=first,
            )
        )
    ]
