"""Lists against registers: who is the same, who is new, who has gone, and what a person is asked."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry import proposals
from registry.domain.model import Institution
from registry.domain.normalise import fold_text
from registry.importers.matching.difference import CENTRE_TECHNIQUES
from registry.importers.wizard.list_import import ImportOutcome, ImportRequest, import_list
from registry.log import check as log_check
from registry.proposals import views
from registry.records import lookup
from registry.records.asof import make_as_of
from registry.records.history import list_versions
from registry.records.selection import InstitutionFilter
from registry.storage.database import Database
from registry.storage.tables import standings, versions
from tests.factories import (
    DAY,
    LIST_2018,
    LIST_2025,
    a_database,
    a_list,
    a_source,
    a_view,
    an_institution,
    approve,
    ask,
    code_of,
    enter,
    the_real_lists,
)

RENAMES = Path(__file__).parents[1] / "data" / "renames-2018-2025.csv"
LATER = DAY + dt.timedelta(days=200)
ANSHAN = {"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁西区示例路1号"}
HAICHENG = {"name": "海城市示例医院", "address": "辽宁省鞍山市海城市示例街5号"}
DALIAN = {"name": "大连市示例妇产医院", "address": "辽宁省大连市中山区示例路8号"}
SHENYANG = {"name": "沈阳市示例医院", "address": "辽宁省沈阳市沈河区示例路1号"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    yield database
    database.close()


def compare(
    database: Database, rows: list[dict[str, Any]], on: dt.date = DAY, scope: str = "national", dry: bool = True
) -> ImportOutcome:
    path = Path(str(database.url.database)).with_name(f"list-{on}-{len(rows)}.csv")
    request = ImportRequest(path=a_list(path, rows), as_of=on, scope=scope, title=f"示例名单{on}")
    return import_list(database, request, by="editor.a", dry_run=dry)


def import_rows(
    database: Database, rows: list[dict[str, Any]], on: dt.date = DAY, scope: str = "national"
) -> ImportOutcome:
    outcome = compare(database, rows, on, scope, dry=False)
    assert outcome.proposal is not None
    approve(database, outcome.proposal)
    with database.reading() as connection:
        log_check.check_log(connection)
    views.check_views(database)
    return outcome


def nothing_but(outcome: ImportOutcome, *expected: str) -> bool:
    return {name for name, lines in outcome.difference.items() if lines} == set(expected)


def everybody(database: Database, on: dt.date) -> dict[str, Institution]:
    with database.reading() as connection:
        subjects = connection.execute(
            sa.select(versions.c.subject).where(versions.c.kind == "institution").distinct()
        ).scalars()
        found = lookup.read_institutions(connection, list(subjects), make_as_of(connection, on))
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def test_a_first_list_is_all_new(database: Database) -> None:
    outcome = import_rows(database, [ANSHAN, DALIAN])
    assert nothing_but(outcome, "new")
    assert set(everybody(database, DAY)) == {ANSHAN["name"], DALIAN["name"]}


def test_the_same_list_again_changes_nothing_and_confirms(database: Database) -> None:
    import_rows(database, [ANSHAN, DALIAN])
    before = everybody(database, LATER)
    outcome = import_rows(database, [ANSHAN, DALIAN], LATER)
    assert nothing_but(outcome)
    after = everybody(database, LATER)
    for name, one in after.items():
        old = before[name]
        assert (one.code, one.approvals, one.address, one.status) == (old.code, old.approvals, old.address, old.status)
        assert one.source is not None
        assert one.source.as_of == LATER
        with database.reading() as connection:
            told = list_versions(connection, f"institution:{one.code.replace('-', '')}", make_as_of(connection))
        assert [version.changes == [] for version in told] == [False, True]


def test_the_same_list_of_the_same_day_is_quiet_too(database: Database) -> None:
    import_rows(database, [ANSHAN, DALIAN])
    assert nothing_but(import_rows(database, [ANSHAN, DALIAN]))
    assert len(everybody(database, DAY)) == 2


def test_the_same_street_and_number_is_a_rename(database: Database) -> None:
    import_rows(database, [ANSHAN, DALIAN])
    code = everybody(database, DAY)[ANSHAN["name"]].code
    renamed = {**ANSHAN, "name": "鞍山示例生殖医院有限公司"}
    outcome = import_rows(database, [renamed, DALIAN], LATER)
    assert nothing_but(outcome, "renamed")
    assert outcome.difference["renamed"] == [
        {"from": ANSHAN["name"], "to": renamed["name"], "code": code, "why": "same_address"}
    ]
    one = everybody(database, LATER)[renamed["name"]]
    assert one.code == code
    assert [(former.name, former.until) for former in one.former_names] == [(ANSHAN["name"], LATER)]


def test_the_same_name_in_the_same_city_is_a_move(database: Database) -> None:
    import_rows(database, [ANSHAN, DALIAN])
    moved = {**ANSHAN, "address": "辽宁省鞍山市铁东区示例街77号"}
    outcome = import_rows(database, [moved, DALIAN], LATER)
    assert nothing_but(outcome, "moved", "changed")
    assert [(line["from"], line["to"]) for line in outcome.difference["moved"]] == [
        (ANSHAN["address"], moved["address"])
    ]


def test_the_same_name_in_another_city_is_another_institution(database: Database) -> None:
    import_rows(database, [{"name": "示例妇产医院", "address": "辽宁省鞍山市铁西区示例路1号"}])
    outcome = compare(database, [{"name": "示例妇产医院", "address": "辽宁省大连市中山区示例路1号"}], LATER)
    assert nothing_but(outcome, "new", "gone")


def test_one_street_name_in_two_cities_is_no_rename(database: Database) -> None:
    import_rows(database, [SHENYANG])
    outcome = compare(database, [{"name": "大连市示例乙医院", "address": "辽宁省大连市中山区示例路1号"}], LATER)
    assert nothing_but(outcome, "new", "gone")


def test_two_new_ones_at_an_old_address_are_put_before_a_person(database: Database) -> None:
    import_rows(database, [ANSHAN])
    rows = [{**ANSHAN, "name": "鞍山甲示范专科中心"}, {**ANSHAN, "name": "鞍山乙康复门诊部"}]
    outcome = compare(database, rows, LATER)
    assert nothing_but(outcome, "new", "gone", "undecided")
    assert {line["to"] for line in outcome.difference["undecided"]} == {row["name"] for row in rows}


def test_near_names_at_other_addresses_are_put_before_a_person_and_never_merged(database: Database) -> None:
    import_rows(database, [{**SHENYANG, "name": "沈阳市示例妇婴医院"}])
    near = {"name": "沈阳市示例妇幼医院", "address": "辽宁省沈阳市沈河区示范街41号"}
    outcome = import_rows(database, [near], LATER)
    assert nothing_but(outcome, "new", "gone", "undecided")
    assert len({one.code for one in everybody(database, LATER).values()}) == 2


def test_a_lost_technique_is_no_longer_approved(database: Database) -> None:
    import_rows(database, [{**ANSHAN, "techniques": "AIH IVF ICSI"}])
    outcome = import_rows(database, [{**ANSHAN, "techniques": "AIH IVF", "stages": "trial"}], LATER)
    assert nothing_but(outcome, "changed")
    assert {a.technique: a.stage for a in everybody(database, LATER)[ANSHAN["name"]].approvals} == {
        "AIH": "trial",
        "IVF": "trial",
    }


def test_a_complete_list_delists_who_is_not_on_it(database: Database) -> None:
    import_rows(database, [ANSHAN, DALIAN])
    outcome = import_rows(database, [ANSHAN], LATER)
    assert nothing_but(outcome, "gone")
    standing = everybody(database, LATER)
    assert (standing[DALIAN["name"]].status, standing[DALIAN["name"]].approvals) == ("delisted", [])
    assert everybody(database, LATER - dt.timedelta(days=1))[DALIAN["name"]].status == "listed"


def test_a_partial_list_delists_nobody_and_takes_nothing_away(database: Database) -> None:
    import_rows(database, [{**ANSHAN, "techniques": "AIH IVF"}, DALIAN])
    outcome = import_rows(database, [{**ANSHAN, "techniques": "IVF"}], LATER, "partial")
    assert nothing_but(outcome)
    standing = everybody(database, LATER)
    assert {one.status for one in standing.values()} == {"listed"}
    assert [a.technique for a in standing[ANSHAN["name"]].approvals] == ["AIH", "IVF"]


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        ("210300", {HAICHENG["name"]}),
        ("210381", {HAICHENG["name"]}),
        ("210303", set()),
        ("210000", {HAICHENG["name"], DALIAN["name"]}),
        ("220000", set()),
        ("national", {HAICHENG["name"], DALIAN["name"]}),
    ],
)
def test_a_list_of_a_region_delists_only_within(database: Database, scope: str, gone: set[str]) -> None:
    import_rows(database, [ANSHAN, HAICHENG, DALIAN])
    outcome = import_rows(database, [ANSHAN], LATER, scope)
    assert {line["name"] for line in outcome.difference["gone"]} == gone
    assert {one.name for one in everybody(database, LATER).values() if one.status == "delisted"} == gone


def test_a_list_of_sperm_banks_delists_no_centre(database: Database) -> None:
    import_rows(database, [ANSHAN, DALIAN])
    outcome = import_rows(database, [{**ANSHAN, "techniques": "SPERM_BANK"}], LATER)
    assert nothing_but(outcome, "changed")
    standing = everybody(database, LATER)
    assert {one.status for one in standing.values()} == {"listed"}
    assert [a.technique for a in standing[ANSHAN["name"]].approvals] == ["IVF", "ICSI", "SPERM_BANK"]


def test_a_list_of_centres_takes_no_sperm_bank_away(database: Database) -> None:
    import_rows(database, [ANSHAN])
    import_rows(database, [{**ANSHAN, "techniques": "SPERM_BANK"}, {**DALIAN, "techniques": "SPERM_BANK"}], DAY)
    outcome = import_rows(database, [SHENYANG], LATER)
    assert {line["name"] for line in outcome.difference["gone"]} == {ANSHAN["name"]}
    standing = everybody(database, LATER)
    assert {name: one.status for name, one in standing.items()} == {
        ANSHAN["name"]: "listed",
        DALIAN["name"]: "listed",
        SHENYANG["name"]: "listed",
    }
    assert [a.technique for a in standing[ANSHAN["name"]].approvals] == ["SPERM_BANK"]


def test_what_staff_had_entered_of_an_approval_is_kept_by_a_list(database: Database) -> None:
    number = {"stage": "trial", "document_no": "示卫医〔2025〕1号", "verification_due": "2027-06-30"}
    hospital = an_institution(ANSHAN["name"], ANSHAN["address"], **{"approvals.IVF": number, "uscc": None})
    enter(database, a_source(covers=list(CENTRE_TECHNIQUES)), hospital)
    import_rows(database, [{**ANSHAN, "techniques": "IVF"}], LATER)
    one = everybody(database, LATER)[ANSHAN["name"]]
    assert [(a.stage, a.document_no) for a in one.approvals] == [("formal", "示卫医〔2025〕1号")]
    assert one.code.replace("-", "") == code_of(hospital)


def test_an_older_list_brought_later_does_not_override_what_is_newer(database: Database) -> None:
    import_rows(database, [{**ANSHAN, "techniques": "AIH IVF", "stages": "formal"}, DALIAN], LATER)
    import_rows(database, [{**ANSHAN, "techniques": "AIH", "stages": "trial"}], DAY)
    view = a_view(database)
    assert ask(view, ANSHAN["name"], "IVF", on=LATER).verdict == "licensed"
    assert ask(view, ANSHAN["name"], "AIH", on=LATER).techniques[0].stage == "formal"
    assert ask(view, ANSHAN["name"], "AIH", on=DAY).techniques[0].stage == "trial"
    assert ask(view, ANSHAN["name"], "IVF", on=DAY).verdict == "technique_not_licensed"
    assert ask(view, DALIAN["name"], "IVF", on=DAY).verdict == "not_found"


def test_an_older_list_brought_later_gives_nobody_a_second_code(database: Database) -> None:
    import_rows(database, [ANSHAN, DALIAN], LATER)
    codes = {name: one.code for name, one in everybody(database, LATER).items()}
    outcome = import_rows(database, [{**ANSHAN, "name": "鞍山示例旧名医院"}, DALIAN, SHENYANG], DAY)
    assert {line["name"] for line in outcome.difference["new"]} == {SHENYANG["name"]}
    then = everybody(database, DAY)
    assert then["鞍山示例旧名医院"].code == codes[ANSHAN["name"]]
    assert then[DALIAN["name"]].code == codes[DALIAN["name"]]
    now = everybody(database, LATER)
    assert now[ANSHAN["name"]].code == codes[ANSHAN["name"]]
    assert [former.name for former in now[ANSHAN["name"]].former_names] == ["鞍山示例旧名医院"]


def test_what_only_an_older_list_states_ended_with_the_newer_one(database: Database) -> None:
    import_rows(database, [{**ANSHAN, "techniques": "AIH"}], LATER)
    import_rows(database, [{**ANSHAN, "techniques": "AIH IVF"}, SHENYANG], DAY)
    view = a_view(database)
    day_before = LATER - dt.timedelta(days=1)
    assert ask(view, SHENYANG["name"], "IVF", on=day_before).verdict == "licensed"
    assert ask(view, SHENYANG["name"], "IVF", on=LATER).verdict == "not_found"
    assert ask(view, ANSHAN["name"], "IVF", on=day_before).verdict == "licensed"
    assert ask(view, ANSHAN["name"], "IVF", on=LATER).verdict == "technique_not_licensed"


def test_a_dry_run_proposes_nothing(database: Database) -> None:
    assert compare(database, [ANSHAN]).proposal is None
    with database.reading() as connection:
        assert proposals.list_proposals(connection, None) == []


# --- the two real lists -----------------------------------------------------------------------------------------------


def printed(path: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["name"].strip(), []).append(row)
    return found


def renames() -> list[dict[str, str]]:
    with RENAMES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def reported() -> dict[str, list[dict[str, Any]]]:
    database = the_real_lists()
    with database.reading() as connection:
        told = next(p for p in proposals.list_proposals(connection, "approved") if "2025年6月30日" in p.title)
    database.close()
    difference: dict[str, list[dict[str, Any]]] = told.report["difference"]
    return difference


def test_every_true_rename_is_proposed_and_no_other(reported: dict[str, list[dict[str, Any]]]) -> None:
    assert len(renames()) >= 50
    assert {(line["from"], line["to"]) for line in reported["renamed"]} == {(r["from"], r["to"]) for r in renames()}


def test_the_true_renames_are_what_the_two_lists_print() -> None:
    """The evidence of each judged pair, read off the files without the importer."""
    old, new = printed(LIST_2018), printed(LIST_2025)
    for rename in renames():
        assert rename["from_address"] in [row["address"] for row in old[rename["from"]]]
        assert rename["to_address"] in [row["address"] for row in new[rename["to"]]]
        assert rename["from"] not in new  # its name stands no more
        streets, numbers = ([doors(rename[side], n) for side in ("from_address", "to_address")] for n in (2, 0))
        if rename["kind"] in ("same street and number", "same address, a level of the place left out"):
            assert streets[0] & streets[1], rename
        elif rename["kind"] == "name and street alike, same number":
            assert numbers[0] & numbers[1] and not streets[0] & streets[1], rename
        elif rename["kind"] == "same name, other spaces or brackets":
            assert fold_text(rename["from"]) == fold_text(rename["to"]), rename
        elif "bracket" in rename["kind"]:
            bare = re.split("[（(]", rename["from"])[0].strip()
            assert bare in rename["to"], rename
        else:
            assert rename["kind"] == "moved and renamed, the distinctive word stayed"
            assert "菁华" in rename["from"] and "菁华" in rename["to"]


def doors(address: str, letters: int) -> set[str]:
    """The house numbers of an address, each with so many letters of its street."""
    plain = address.translate(str.maketrans("（）－", "()-"))
    return set(re.findall(rf"[一-鿿]{{{letters}}}\d+(?:-\d+)?(?=号)", plain))


def test_who_keeps_a_name_keeps_a_code_and_nobody_else_gets_it() -> None:
    database = the_real_lists()
    before, after = {}, {}
    with database.reading() as connection:
        for found, day in ((before, "2025-06-29"), (after, "2025-06-30")):
            asof = make_as_of(connection, dt.date.fromisoformat(day))
            subjects = connection.execute(
                sa.select(standings.c.subject).where(
                    InstitutionFilter(standings=(), statuses=("listed",)).make_condition(asof)
                )
            ).scalars()
            for one in lookup.read_institutions(connection, list(subjects), asof):
                found.setdefault(fold_text(one.name), []).append(one.code)
    database.close()
    assert sum(map(len, before.values())) == 325
    assert sum(map(len, after.values())) == 635
    shared = before.keys() & after.keys()
    assert len(shared) > 240
    assert all(set(before[name]) <= set(after[name]) for name in shared)
    # A code that changed its name did so by a judged rename.
    named = {code: name for name, codes in before.items() for code in codes}
    changed = {(named[c], name) for name, codes in after.items() for c in codes if c in named and named[c] != name}
    assert changed <= {(fold_text(r["from"]), fold_text(r["to"])) for r in renames()}
