"""The data the product ships in seed_data/, loaded through the same importer and the same four eyes as any other.

The makers of the product propose (account system.seed), whoever installs it approves (system.installation). A run that
was cut short goes on where it stopped.
"""

import csv
import datetime as dt
import hashlib
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from registry import accounts, proposals
from registry.domain.identifiers import make_code
from registry.domain.model import Change, Date, Draft, Kind, Struct
from registry.errors import AuditFailed, InvalidInput
from registry.importers.reading import lists
from registry.importers.seed import common_names
from registry.importers.wizard import list_import
from registry.log.publish import PublishedLog
from registry.storage.database import Database
from registry.storage.tables import proposals as proposals_table
from registry.storage.tables import versions
from registry.texts import FixedText, Message

#: The sources of names that no list prints, whose files lie beside the lists: those people use, and English ones.
NAMES = ("aliases", "name-en")
#: The id of the fictional city.
DEMO = "demo"
SEED_DATA = Path(__file__).parents[3] / "seed_data"


def list_sources() -> list[Path]:
    """The folders with an institution list, oldest list first."""
    folders = [path.parent for path in SEED_DATA.glob("*/expected.json")]
    return sorted(folders, key=lambda folder: str(read_source(folder)["as_of"]))


def read_source(folder: Path) -> dict[str, Any]:
    """Read a source.toml; InvalidInput when a date in it is none."""
    return _read_toml(folder / "source.toml", folder.name)


def _read_toml(path: Path, name: str) -> dict[str, Any]:
    with path.open("rb") as file:
        data = tomllib.load(file)
    for field in ("as_of", "published"):
        if field in data and not isinstance(data[field], dt.date):
            raise InvalidInput(
                Message("{name}/{path_name}：{field} 须为日期", name=name, path_name=path.name, field=field)
            )
    return data


def is_seed_incomplete(database: Database) -> bool:
    """Whether a shipped source is missing, and no other source was added: the first start is not done."""
    with database.reading() as connection:
        query = sa.select(versions.c.subject).where(versions.c.kind == "source").distinct()
        present = set(connection.execute(query).scalars())
    shipped = {f"source:{folder.name}" for folder in list_sources()} | {f"source:{name}" for name in NAMES}
    return present < shipped


def has_source(database: Database, source: str) -> bool:
    """Whether the register has a source of this id."""
    with database.reading() as connection:
        query = sa.select(versions.c.subject).where(versions.c.subject == f"source:{source}").limit(1)
        return connection.execute(query).first() is not None


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
    """Load every list not loaded yet by day, then the names that none prints; ``with_demo`` also the fictional city."""
    done = [_load_list(database, folder, progress, log) for folder in list_sources()]
    done += [_load_common_names(database, name, log) for name in NAMES]
    if with_demo:
        done.append(_load_demo(database, log))
    return done


def read_request(folder: Path) -> list_import.ImportRequest:
    """The import that a source.toml describes."""
    source = read_source(folder)
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
        message = Message(
            "{request_path_name} 与 expected.json 不符：应为 {expected}，实为 {found}。",
            request_path_name=request.path.name,
            expected=expected,
            found=found,
        )
        raise InvalidInput(message)


def _load_list(
    database: Database, folder: Path, progress: list_import.Progress | None, log: PublishedLog | None
) -> SeedResult:
    request = read_request(folder)
    if has_source(database, folder.name):
        return SeedResult(source=folder.name, institutions=0)
    check_expected_counts(folder)
    _reject_leftovers(database, request.title or "", log)
    outcome = list_import.import_list(database, request, by=accounts.SEED_PROPOSER, progress=progress, log=log)
    first, last = _approve_proposal(database, outcome.proposal or 0, progress, log)
    return SeedResult(source=folder.name, institutions=outcome.institutions, first=first, last=last)


def _load_common_names(database: Database, name: str, log: PublishedLog | None) -> SeedResult:
    if has_source(database, name):
        return SeedResult(source=name, institutions=0)
    described = _read_toml(SEED_DATA / f"{name}.toml", name)
    day, title = described["as_of"], described["title"]
    _reject_leftovers(database, title, log)
    path = SEED_DATA / described["file"]
    fields = {
        "title": title,
        "as_of": day.isoformat(),
        "scope": "partial",
        "origin": described["origin"],
        "secondary": True,
        "rows": len(common_names.read_rows(path)),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    source = Draft(subject=f"source:{name}", change=Change(kind="source", set=fields), valid_from=day)
    names = common_names.make_drafts(common_names.compare_file(database, path), day, name)
    identifier = proposals.propose(
        database, [source, *names], by=accounts.SEED_PROPOSER, title=title, kind="names", report={}, log=log
    )
    first, last = _approve_proposal(database, identifier, None, log)
    return SeedResult(source=name, institutions=len(names), first=first, last=last)


def _load_demo(database: Database, log: PublishedLog | None) -> SeedResult:
    folder = SEED_DATA / DEMO
    if has_source(database, DEMO):
        return SeedResult(source=DEMO, institutions=0)
    drafts = read_demo_drafts(folder / "demo.toml")
    identifier = proposals.propose(
        database, drafts, by=accounts.SEED_PROPOSER, title="示例数据（虚构）", kind="demo", report={}, log=log
    )
    first, last = _approve_proposal(database, identifier, None, log)
    number = len({draft.subject for draft in drafts if draft.change.kind == "institution"})
    return SeedResult(source=DEMO, institutions=number, first=first, last=last)


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


def read_demo_drafts(path: Path) -> list[Draft]:
    """The drafts of a demo.toml, which has one table per kind of subject."""
    with path.open("rb") as file:
        data = msgspec.to_builtins(tomllib.load(file))
    source = data["source"]
    day = source["as_of"]
    first = [_make_draft("source", DEMO, source, day)]
    later: list[Draft] = []
    subjects: dict[str, str] = {}
    for institution in data["institution"]:
        code = make_code(f"{institution['name']}|{institution['address']}")
        subjects[institution["name"]] = f"institution:{code}"
        for statement in institution.pop("later", []):
            later.append(
                _make_draft("institution", code, _make_approval_paths(statement["approvals"]), statement["valid_from"])
            )
        values = {"status": "listed", **_make_approval_paths(institution.pop("approvals")), **institution}
        first.append(_make_draft("institution", code, values, day))
    kinds: tuple[Kind, ...] = ("practitioner", "ad_certificate", "sanction", "supervision")
    for kind in kinds:
        for number, fields in enumerate(data.get(kind, [])):
            institution = fields.get("institution")  # of somebody who is in no list there is none
            values = {**fields, **({"institution": subjects[institution]} if institution else {})}
            start = str(fields.get("decided_on") or fields.get("held_on") or day)
            later.append(_make_draft(kind, make_code(f"{DEMO}|{kind}|{number}"), values, start))
    return first + later


def _make_approval_paths(approvals: dict[str, Any]) -> dict[str, Any]:
    return {f"approvals.{technique}": approval for technique, approval in approvals.items()}


def _make_draft(kind: Kind, identifier: str, values: dict[str, Any], day: str) -> Draft:
    return Draft(
        subject=f"{kind}:{identifier}",
        change=Change(kind=kind, set=values),
        valid_from=Date.fromisoformat(day),
        source=DEMO,
    )
