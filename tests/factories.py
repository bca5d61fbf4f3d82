"""Made-up registers for tests: plain functions, real databases, names that all say 示例."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from registry import accounts, proposals
from registry.domain.answers import Answer, Claim, Person, Provider
from registry.domain.identifiers import make_code
from registry.domain.model import Change, Draft, Source
from registry.importers.matching.difference import CENTRE_TECHNIQUES
from registry.importers.seed import loader
from registry.records.site import Site
from registry.storage.database import Database
from registry.storage.tables import FOREVER
from registry.storage.tables import accounts as accounts_table
from registry.verification.answer import answer_claim
from registry.verification.verdict import Situation
from registry.verification.view import VerificationView
from tests.sharing import share_once

ROOT = Path(__file__).parents[1]
LIST_2018 = ROOT / "seed_data" / "national-2018-02" / "national-list-2018-02-partial.csv"
LIST_2025 = ROOT / "seed_data" / "national-2025-06" / "national-list-2025-06.csv"
ALIASES = ROOT / "seed_data" / "aliases.csv"
DAY = dt.date(2025, 6, 30)
#: Entries of the log once everything the product ships is in it: two lists, the names people use, and English ones.
SEEDED = 981 + len({row["name"] for row in csv.DictReader(ALIASES.read_text("utf-8").splitlines())}) + 1 + 635
#: What an approval of each stage comes to for who asks about its technique.
VERDICT_OF_STAGE = {
    "formal": "licensed",
    "trial": "licensed",
    "operating": "licensed",
    "rectification": "licensed",
    "preparing": "preparing",
    "suspended": "suspended",
    "revoked": "revoked",
    "lapsed": "lapsed",
}
PASSWORD = "a long pass phrase"
#: Duty accounts that every made-up register has.
PEOPLE = {
    "editor.a": ["editor"],
    "editor.b": ["editor"],
    "approver.a": ["approver"],
    "approver.b": ["approver"],
    "both.a": ["editor", "approver"],
    "both.b": ["editor", "approver"],
    "auditor.a": ["auditor"],
    "gone.a": ["editor", "approver"],  # disabled
}


@cache
def _empty() -> Path:
    return share_once("empty.sqlite", lambda path: prepare(Database(f"sqlite:///{path}")))


@cache
def _real() -> Path:
    return share_once("real.sqlite", _load_lists)


def _load_lists(path: Path) -> None:
    shutil.copyfile(_empty(), path)
    database = Database(f"sqlite:///{path}")
    loader.load_seed(database)
    database.close()


def prepare(database: Database) -> Path:
    """Migrate an empty database and give it the people; its file."""
    database.migrate()
    with database.writing() as connection:
        for name, roles in PEOPLE.items():
            accounts.create_account(connection, name, roles, PASSWORD)
        connection.execute(
            sa.update(accounts_table).where(accounts_table.c.name == "gone.a").values(disabled_at=1_700_000_000_000)
        )
    database.close()
    return Path(database.url.database or "")


def a_database(folder: Path, name: str = "register.sqlite") -> Database:
    """An empty register of its own in ``folder``, with the people; the caller closes it."""
    shutil.copyfile(_empty(), folder / name)
    return Database(f"sqlite:///{folder / name}")


def the_real_lists(folder: Path | None = None) -> Database:
    """Both national lists, seeded once a run: shared and only read, or a copy in ``folder`` to write to."""
    path = _real()
    if folder is not None:
        path = Path(shutil.copyfile(path, folder / "register.sqlite"))
    return Database(f"sqlite:///{path}")


def a_source(identifier: str = "list-1", as_of: dt.date = DAY, scope: str = "national", **values: Any) -> Draft:
    """A document: by default a complete national list of centres (which says nothing of sperm banks)."""
    stated = {
        "title": f"示例名单（截至{as_of}）",
        "as_of": as_of.isoformat(),
        "scope": scope,
        "covers": list(CENTRE_TECHNIQUES),
        **values,
    }
    return Draft(
        subject=f"source:{identifier}", change=Change(kind="source", set=stated), valid_from=as_of, source=identifier
    )


def an_institution(
    name: str = "鞍山市示例医院",
    address: str = "辽宁省鞍山市铁西区示例路1号",
    *,
    on: dt.date = DAY,
    source: str | None = "list-1",
    code: str | None = None,
    **values: Any,
) -> Draft:
    """A listed institution approved for IVF (formal); ``IVF="trial"`` and the like say other approvals."""
    stages = {technique: values.pop(technique) for technique in list(values) if technique.isupper()}
    stated: dict[str, Any] = {"name": name, "address": address, "region": "210303", "status": "listed", **values}
    if not stages and not any(path.startswith("approvals.") for path in values):
        stages = {"IVF": "formal"}
    for technique, stage in stages.items():
        stated[f"approvals.{technique}"] = {"stage": stage} if stage else None
    return Draft(
        subject=f"institution:{code or make_code(f'{name}|{address}')}",
        change=Change(kind="institution", set=stated),
        valid_from=on,
        source=source,
    )


def a_change(
    about: Draft, on: dt.date, values: dict[str, Any], source: str | None = None, reason: str | None = None
) -> Draft:
    """A later statement about the same subject."""
    return Draft(
        subject=about.subject,
        change=Change(kind=about.change.kind, set=values, reason=reason),
        valid_from=on,
        source=source,
    )


def a_person(
    institution: Draft, name: str = "示例员甲", on: dt.date = DAY, certificate: str = "***********1234", **values: Any
) -> Draft:
    """An authorised person of a made-up institution, with the two personal fields."""
    return Draft(
        subject=f"practitioner:{make_code(name + institution.subject)}",
        change=Change(
            kind="practitioner",
            set={
                "institution": institution.subject,
                "name": name,
                "role": "临床医师",
                "techniques": ["IVF"],
                "certificate_kind": "医师执业证书",
                "certificate_masked": certificate,
                **values,
            },
        ),
        valid_from=on,
    )


def a_certificate(
    institution: Draft, number: str = "(示)医广[2025]第07-15-001号", on: dt.date = DAY, **values: Any
) -> Draft:
    """A registered advertising certificate of a made-up institution, valid for a year from the day in its number."""
    stated = {"valid_from": "2025-07-15", "valid_to": "2026-07-14", **values}
    return Draft(
        subject=f"ad_certificate:{make_code(number + institution.subject)}",
        change=Change(kind="ad_certificate", set={"institution": institution.subject, "number": number, **stated}),
        valid_from=on,
    )


def an_erasure(about: Draft, *paths: str, on: dt.date = DAY, reason: str | None = "本人申请") -> Draft:
    """What erases personal values stated about the same subject before: a practitioner's, unless told which."""
    change = Change(kind=about.change.kind, set={}, reason=reason, erases=list(paths or ("certificate_masked", "name")))
    return Draft(subject=about.subject, change=change, valid_from=on)


def code_of(draft: Draft) -> str:
    """The compact public code of an institution's draft."""
    return draft.subject.partition(":")[2]


def propose(database: Database, *drafts: Draft, by: str = "editor.a", **told: Any) -> int:
    """Put drafts before a second person; the proposal's id."""
    return proposals.propose(database, drafts, by=by, title="示例提案", **told)


def hash_of(database: Database, identifier: int) -> str:
    """The content hash somebody who looks at a proposal sees."""
    with database.reading() as connection:
        return proposals.get_proposal(connection, identifier).content_hash


def approve(database: Database, identifier: int, by: str = "approver.a") -> tuple[int, int]:
    """Approve what is there."""
    return proposals.approve(database, identifier, by=by, seen=hash_of(database, identifier))


def enter(database: Database, *drafts: Draft) -> tuple[int, int]:
    """Propose and approve; (first, last) entry number."""
    return approve(database, propose(database, *drafts))


def a_register(folder: Path, *drafts: Draft) -> Database:
    """A register in which these drafts were approved at once."""
    database = a_database(folder)
    enter(database, *drafts)
    return database


def a_list(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """A csv list, one row per institution: name, address, techniques, and what else a row says."""
    columns = ["province", "name", "address", "techniques", "stages"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow({"province": "辽宁省", "techniques": "IVF ICSI", "stages": "formal", **row})
    return path


def a_view(database: Database) -> VerificationView:
    """The verification view of a register, loaded."""
    view = VerificationView()
    view.follow_log(database)
    return view


def ask(view: VerificationView, name: str | None = None, *techniques: str, **told: Any) -> Answer:
    """The answer to a claim; provider fields, ``on``, ``known_at``, ``person``, ``lang`` and the like by name."""
    lang = told.pop("lang", "zh-CN")
    when = {field: told.pop(field) for field in ("on", "known_at", "id", "ad_certificate", "text") if field in told}
    if "person" in told:
        when["practitioner"] = Person(name=told.pop("person"))
    return answer_claim(view, Claim(provider=Provider(name=name, **told), techniques=list(techniques), **when), lang)


def ask_about(database: Database, *drafts: Draft, on: dt.date) -> Callable[..., Answer]:
    """Enter drafts; what then asks the register that holds them, like ``ask``, of this day unless told another."""
    enter(database, *drafts)
    view = a_view(database)
    return lambda name=None, *techniques, **told: ask(view, name, *techniques, **{"on": on, **told})


class SingleSpan(NamedTuple):
    """A span of days without an end: see ``standing.SiteSpan``."""

    site: Site
    valid_from: str = "2000-01-01"
    valid_to: str = FOREVER


def situate(site: Site, sources: dict[str, Source], day: dt.date) -> Situation:
    """A site of which nothing else was ever known, on a day."""
    return Situation(SingleSpan(site), list, sources, day, ahead=False)
