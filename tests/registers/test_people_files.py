"""Files of people and certificates: read strictly, matched to institutions, nothing kept that must not be."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from registry import proposals
from registry.importers.people import columns
from registry.importers.people.columns import HEADINGS, PeopleKind, find_personal_data, mask_certificate
from registry.importers.wizard import import_store
from registry.proposals import changeset
from registry.storage.database import Database
from registry.storage.tables import import_pages, imports, proposal_items, trail
from registry.storage.tables import proposals as proposals_table
from tests.factories import a_certificate, a_database, a_person, a_source, an_institution, approve, enter
from tests.wizard import Wizard

ONE = an_institution("鞍山市示例医院", "辽宁省鞍山市铁西区示例路1号", uscc="12210300MB0000027N")
TWINS = [an_institution("鞍山市示例妇产医院", f"辽宁省鞍山市铁东区示例街{n}号", region="210302") for n in (5, 6)]
CODE = ONE.subject.partition(":")[2]
PERSON = {"机构名称": "鞍山市示例医院", "姓名": "示例员丙", "职务": "临床医师", "体外受精-胚胎移植": "是"}
FULL = "110210000005678"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = a_database(tmp_path)
    enter(database, a_source(), ONE, *TWINS)
    yield database
    database.close()


@pytest.fixture
def wizard(database: Database, tmp_path: Path) -> Wizard:
    return Wizard(database, tmp_path / "var")


def a_file(*rows: dict[str, str], extra: tuple[str, ...] = ()) -> bytes:
    titles = list(dict.fromkeys([*(title for row in rows for title in row), *extra]))
    held = io.StringIO()
    writer = csv.DictWriter(held, titles)
    writer.writeheader()
    writer.writerows(rows)
    return held.getvalue().encode()


def compare_file(wizard: Wizard, body: bytes, kind: PeopleKind = "practitioners", **said: Any) -> import_store.Import:
    return wizard.upload_and_compare(body, kind=kind, as_of="2025-09-01", **said)


def errors(wizard: Wizard, one: import_store.Import) -> list[tuple[int | None, str | None, str]]:
    assert one.state == "audit", one.found
    lines = wizard.lines(one, "audit")
    return [(line["row"], line["cell"], line["message"]) for line in lines if line["level"] == "error"]


def stated(database: Database, number: int | None) -> list[dict[str, Any]]:
    with database.reading() as connection:
        return [draft.change.set for draft in proposals.read_drafts(connection, number or 0)]


# --- people ----------------------------------------------------------------------------------------------------------


def test_a_person_is_proposed_with_a_masked_number_and_nothing_else_of_it_stays(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    row = {**PERSON, "证书种类": "医师执业证书", "证书编号": FULL, "有效期自": "2025/7/1"}
    one = compare_file(wizard, a_file(row))
    assert one.found["counts"] == {"new": 1, "changed": 0, "unchanged": 0, "ended": 0}
    assert one.name == ""
    done = wizard.work(one, "proposing")
    assert stated(database, done.proposal) == [
        {
            "institution": ONE.subject,
            "name": "示例员丙",
            "role": "临床医师",
            "techniques": ["IVF"],
            "certificate_kind": "医师执业证书",
            "certificate_masked": "***********5678",
            "valid_from": "2025-07-01",
        }
    ]
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(import_pages)).scalar_one() == 0
        row_left = connection.execute(sa.select(imports)).one()
        report = connection.execute(sa.select(proposals_table.c.report).order_by(proposals_table.c.id.desc())).scalar()
        about = connection.execute(
            sa.select(proposal_items.c.personal).order_by(proposal_items.c.proposal.desc())
        ).scalar()
        deeds = " ".join(connection.execute(sa.select(trail.c.about)).scalars())
    assert (row_left.found, row_left.state) == (None, "proposed")
    assert about and about.startswith("practitioner:")
    for kept_for_ever in (report.decode(), deeds, str(row_left.said)):
        assert "示例员丙" not in kept_for_ever and FULL not in kept_for_ever
    approve(database, done.proposal or 0)
    database.close()
    assert FULL.encode() not in Path(str(database.url.database)).read_bytes()


@pytest.mark.parametrize(
    ("title", "value", "word"),
    [
        ("姓名", "210302199001011236", "身份证号"),
        ("职务", "临床医师 21030219900101123X", "身份证号"),
        ("证书编号", "210302 19900101 123X", "身份证号"),
        ("统一社会信用代码", "210302199001011236", "身份证号"),
        ("机构地址", "电话 138-0013-8000", "电话号码"),
        ("证书编号", "13800138000", "电话号码"),
        ("职务", "0412-5550123", "电话号码"),
        ("姓名", FULL, "证书号或身份证号"),
        ("证书编号", "20192111021030219900101123X", "资格证书编码"),
        ("证书编号", "2019 2111 0210 3021 9900 1011 236", "资格证书编码"),
        ("机构地址", "（024）23388888", "电话号码"),
    ],
)
def test_what_is_not_taken_in_about_anybody_is_refused_by_cell_and_not_repeated(
    wizard: Wizard, title: str, value: str, word: str
) -> None:
    body = a_file({**PERSON, title: value})
    column = next(csv.reader(io.StringIO(body.decode()))).index(title)
    found = errors(wizard, compare_file(wizard, body))
    assert found[0][:2] == (2, f"{title} {chr(ord('A') + column)}2")
    assert word in found[0][2]
    assert not any(value in line[2] for line in found)


@pytest.mark.parametrize(
    ("title", "word"), [("出生日期", "不收出生日期"), ("手机", "不认识的栏目"), ("备注", "不认识的栏目")]
)
def test_columns_that_are_none_of_the_templates_are_refused(wizard: Wizard, title: str, word: str) -> None:
    found = errors(wizard, compare_file(wizard, a_file({**PERSON, title: "1990-01-01"})))
    assert [(line[0], line[1]) for line in found] == [(1, "E1")]
    assert word in found[0][2]


@pytest.mark.parametrize(
    ("row", "cell"),
    [
        ({"职务": "院长"}, "职务"),
        ({"姓名": "甲"}, "姓名"),
        ({"姓名": "示例员3"}, "姓名"),
        ({"体外受精-胚胎移植": ""}, "技术"),
        ({"体外受精-胚胎移植": "可能"}, "体外受精-胚胎移植"),
        ({"证书种类": "医师资格证书"}, "证书种类"),
        ({"证书编号": "12"}, "证书编号"),
        ({"有效期自": "去年"}, "有效期自"),
        ({"有效期自": "2025-01-02", "有效期至": "2025-01-01"}, "有效期至"),
        ({"机构名称": "没有这家医院"}, "机构名称"),
        ({"机构名称": "鞍山市示例妇产医院"}, "机构名称"),
        ({"机构地址": "辽宁省鞍山市铁西区示例路99号"}, "机构地址"),
        ({"名录编码": "7K2M-9QX5"}, "名录编码"),
    ],
)
def test_a_wrong_cell_is_named(wizard: Wizard, row: dict[str, str], cell: str) -> None:
    found = errors(wizard, compare_file(wizard, a_file({**PERSON, **row})))
    assert [(line[0], (line[1] or "").split()[0]) for line in found][:1] == [(2, cell)]


def test_an_ambiguous_name_lists_whom_it_may_mean_and_an_address_settles_it(wizard: Wizard, database: Database) -> None:
    twins = {**PERSON, "机构名称": "鞍山市示例妇产医院"}
    message = errors(wizard, compare_file(wizard, a_file(twins)))[0][2]
    assert "示例街5号" in message and "示例街6号" in message
    one = wizard.work(compare_file(wizard, a_file({**twins, "机构地址": "鞍山市铁东区示例街6号"})), "proposing")
    assert stated(database, one.proposal)[0]["institution"] == TWINS[1].subject


@pytest.mark.parametrize("who", [{"名录编码": f"{CODE[:4]}-{CODE[4:]}"}, {"统一社会信用代码": "12210300mb0000027n"}])
def test_a_code_or_number_finds_the_institution_by_itself(
    wizard: Wizard, database: Database, who: dict[str, str]
) -> None:
    row = {**PERSON, "机构名称": "", **who}
    one = wizard.work(compare_file(wizard, a_file(row)), "proposing")
    assert stated(database, one.proposal)[0]["institution"] == ONE.subject
    other = errors(wizard, compare_file(wizard, a_file({**row, "机构名称": "鞍山市示例妇产医院"})))
    assert "不符" in other[0][2]


def test_who_is_known_changes_or_stays_and_a_complete_file_ends_the_others(wizard: Wizard, database: Database) -> None:
    people = [
        a_person(ONE, name, certificate=f"***********{n:04}")
        for n, name in enumerate(("示例员甲", "示例员乙", "示例员丁"), 1)
    ]
    enter(database, *people, a_person(TWINS[0], "示例员戊"))
    rows = [
        {**PERSON, "姓名": "示例员甲", "职务": "护士"},
        {**PERSON, "姓名": "示例员乙", "证书编号": "110210000000002"},
        {**PERSON, "姓名": "示例员丁", "证书编号": "110210000009999"},  # another person of the same name
    ]
    one = compare_file(wizard, a_file(*rows))
    assert one.found["counts"] == {"new": 1, "changed": 1, "unchanged": 1, "ended": 0}
    one = compare_file(wizard, a_file(*rows), complete=True)
    assert one.found["counts"] == {"new": 1, "changed": 1, "unchanged": 1, "ended": 1}
    done = wizard.work(one, "proposing")
    with database.reading() as connection:
        made = {draft.subject: draft.change.set for draft in proposals.read_drafts(connection, done.proposal or 0)}
    assert made[people[0].subject] == {"role": "护士"}
    assert made[people[2].subject] == {"valid_to": "2025-08-31"}
    assert people[1].subject not in made
    assert len(made) == 3


def test_a_row_twice_is_an_error(wizard: Wizard) -> None:
    assert "与第2行重复" in errors(wizard, compare_file(wizard, a_file(PERSON, PERSON)))[0][2]


def test_a_code_is_not_made_of_the_name(wizard: Wizard, database: Database) -> None:
    made = set()
    for _ in range(2):
        one = wizard.work(compare_file(wizard, a_file(PERSON)), "proposing")
        with database.reading() as connection:
            made.add(next(iter(proposals.read_drafts(connection, one.proposal or 0))).subject)
    assert len(made) == 2


def test_a_cancelled_or_forgotten_import_leaves_nothing_about_anybody(wizard: Wizard, database: Database) -> None:
    one = compare_file(wizard, a_file(PERSON))
    with database.writing() as connection:
        import_store.cancel_import(connection, one)
    compare_file(wizard, a_file(PERSON))
    with database.writing() as connection:
        connection.execute(
            sa.update(imports).values(updated_at=import_store.get_time_ms() - import_store.PATIENCE * 1000 - 1)
        )
        import_store.cancel_abandoned_imports(connection)
    with database.reading() as connection:
        assert connection.execute(sa.select(import_pages)).all() == []
        assert {(row.state, row.found) for row in connection.execute(sa.select(imports))} == {("cancelled", None)}


def test_people_outside_the_region_of_the_account_are_refused(wizard: Wizard, database: Database) -> None:
    from registry import accounts

    with database.writing() as connection:
        accounts.change_rights(connection, "editor.a", ["editor"], "210200")
    one = compare_file(wizard, a_file(PERSON))
    assert one.state == "failed"
    assert "辽宁省大连市" in one.found["error"][0] and "示例员丙" not in str(one.found)


# --- certificates ----------------------------------------------------------------------------------------------------


def test_a_certificate_gets_its_period_from_its_number(wizard: Wizard, database: Database) -> None:
    row = {"机构名称": "鞍山市示例医院", "证明文号": "辽医广【2025】第0715-001-2103号"}
    one = wizard.work(compare_file(wizard, a_file(row, extra=("有效期自", "有效期至")), "ad_certificates"), "proposing")
    assert stated(database, one.proposal) == [
        {
            "institution": ONE.subject,
            "number": "(辽)医广[2025]第07-15-001-2103号",
            "valid_from": "2025-07-15",
            "valid_to": "2026-07-14",
        }
    ]


@pytest.mark.parametrize("number", ["医广2025", "(辽)医广[2025]第13-45-001号", ""])
def test_a_number_that_is_none_is_refused(wizard: Wizard, number: str) -> None:
    row = {"机构名称": "鞍山市示例医院", "证明文号": number, "有效期自": "2025-07-15"}
    assert errors(wizard, compare_file(wizard, a_file(row), "ad_certificates"))[0][1] == "证明文号 B2"


def test_a_number_of_another_institution_is_refused_and_a_complete_file_ends_others(
    wizard: Wizard, database: Database
) -> None:
    there = a_certificate(ONE)
    enter(
        database,
        there,
        a_certificate(ONE, "(示)医广[2025]第08-01-001号", valid_from="2025-08-01", valid_to="2026-07-31"),
    )
    other = {
        "名录编码": TWINS[0].subject.partition(":")[2],
        "证明文号": "(示)医广[2025]第07-15-001号",
        "有效期至": "2026-07-14",
    }
    assert "另一家机构" in errors(wizard, compare_file(wizard, a_file(other), "ad_certificates"))[0][2]
    mine = {**other, "名录编码": CODE}
    one = compare_file(wizard, a_file(mine), "ad_certificates", complete=True)
    assert one.found["counts"] == {"new": 0, "changed": 0, "unchanged": 1, "ended": 1}


# --- the template ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["practitioners", "ad_certificates"])
def test_the_template_goes_through_and_its_example_is_skipped(
    wizard: Wizard, database: Database, kind: PeopleKind
) -> None:
    body = columns.make_template(kind)
    empty = compare_file(wizard, body, kind)
    assert "没有可导入的行" in errors(wizard, empty)[0][2]
    assert [line["row"] for line in wizard.lines(empty, "audit") if line["level"] == "info"] == [2]
    book = openpyxl.load_workbook(io.BytesIO(body))
    sheet = book["填写"]
    titles = [cell.value for cell in sheet[1]]
    filled = (
        PERSON
        if kind == "practitioners"
        else {"机构名称": PERSON["机构名称"], "证明文号": "(示)医广[2025]第07-15-001号"}
    )
    for title, value in filled.items():
        sheet.cell(3, titles.index(title) + 1, value)
    held = io.BytesIO()
    book.save(held)
    one = wizard.work(compare_file(wizard, held.getvalue(), kind), "proposing")
    assert one.state == "proposed"
    assert len(stated(database, one.proposal)) == 1


def test_the_template_lets_choose_what_is_a_list_and_its_example_is_nobody(database: Database) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(columns.make_template("practitioners")))["填写"]
    chosen = {next(iter(validation.sqref.ranges)).min_col for validation in sheet.data_validations.dataValidation}
    titles = [cell.value for cell in sheet[1]]
    assert {titles[column - 1] for column in chosen} >= {"职务", "证书种类", HEADINGS["IVF"][0]}
    example = {title: cell.value for title, cell in zip(titles, sheet[2], strict=True) if cell.value}
    assert "示例" in example["机构名称"] and "示例" in example["姓名"]
    assert changeset.encode_value(example)


def test_numbers_are_masked_whatever_their_length() -> None:
    assert [mask_certificate(n) for n in (FULL, "123456", "11 0210 0000 05678")] == [
        "***********5678",
        "****3456",
        "***********5678",
    ]


def test_real_addresses_codes_and_numbers_are_not_taken_for_personal_data() -> None:
    fine = [
        ("uscc", "12210300MB0000027N"),
        ("address", "辽宁省鞍山市铁西区三道街115号1-5层，601-615，701-719"),
        ("number", "鲁医广【2013】第0902-001-3711号"),
        ("certificate", FULL),
        ("valid_from", "2025-07-01 00:00:00"),
        ("institution", "联勤保障部队第九六〇医院"),
        ("code", "7K2M-9QX4"),
    ]
    assert [(column, text) for column, text in fine if find_personal_data(text, column)] == []  # type: ignore[arg-type]
