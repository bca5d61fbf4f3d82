"""Files of claims: what a row means, which rows are bad, and that a bad one stops no other."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.batch.answer_stream import AnswerStream, CsvAnswerWriter, JsonAnswerWriter
from registry.batch.batch import Batch
from registry.batch.claim_rows import ClaimRow, CsvReader, NdjsonReader
from registry.batch.columns import COLUMNS, NAMES, recognise_columns
from registry.domain.answers import Claim, Provider
from registry.domain.techniques import find_technique
from registry.errors import InvalidInput
from registry.storage.uploads.limits import MAX_LINE_LENGTH
from registry.verification.view import VerificationView
from tests import factories as f

HOSPITAL = "鞍山市示例医院"


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VerificationView]:
    database = f.a_register(tmp_path_factory.mktemp("claims"), f.a_source(), f.an_institution(HOSPITAL))
    yield f.a_view(database)
    database.close()


def read(data: bytes, size: int = 1 << 16, charset: str | None = None) -> list[ClaimRow]:
    """All rows of a csv file that comes in pieces of so many bytes."""
    reader = CsvReader(charset)
    rows = [row for at in range(0, len(data), size) for row in reader.feed(data[at : at + size])]
    return rows + list(reader.feed_end())


def answered(view: VerificationView, data: bytes, size: int = 1 << 16, most: int = 100_000) -> bytes:
    reader = CsvReader()
    answering = AnswerStream(reader, CsvAnswerWriter(Batch(view), reader.get_layout), most)
    pieces = [piece for at in range(0, len(data), size) for piece in answering.feed(data[at : at + size])]
    return b"".join([*pieces, *answering.feed_end()])


def table(data: bytes) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def ndjson(view: VerificationView, data: bytes, most: int = 100_000) -> list[dict[str, Any]]:
    answering = AnswerStream(NdjsonReader(), JsonAnswerWriter(Batch(view)), most)
    return [json.loads(line) for line in b"".join([*answering.feed(data), *answering.feed_end()]).splitlines()]


# --- columns ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.field)
def test_every_heading_of_the_table_of_columns_reaches_its_field(column: Any) -> None:
    value = {"on": "2025-07-01", "known_at": "2025-07-01", "techniques": "IVF"}.get(column.field, "x")
    for heading in column.headings:
        columns = recognise_columns(
            [heading.upper(), "其他", "domain" if column.field != "provider.domain" else "code"]
        )
        assert columns is not None
        claim = columns.make_claim([value, "y", "example.org"])
        owner, _, field = column.field.rpartition(".")
        assert getattr(getattr(claim, owner) if owner else claim, field) not in (None, [])


def test_columns_come_in_any_order_in_chinese_or_english() -> None:
    (row,) = read("日期,地址,备注,机构名称,技术\n2025/7/1,示例路1号,甲,某医院,IVF、PGT；aih\n".encode())
    assert row.claim is not None
    assert row.claim.on == dt.date(2025, 7, 1)
    assert row.claim.techniques == ["IVF", "PGT", "aih"]
    assert (row.claim.provider.name, row.claim.provider.address) == ("某医院", "示例路1号")


@pytest.mark.parametrize("cell", ["AIH IVF PGT", "AIH/IVF/PGT", "AIH+IVF 三代试管", "人授和IVF-ET、PGD/PGS"])
def test_techniques_may_be_parted_as_the_national_list_or_people_do(cell: str) -> None:
    (row,) = read(f"name,techniques\n某医院,{cell}\n".encode())
    assert row.claim is not None
    assert [find_technique(word) for word in row.claim.techniques] == ["AIH", "IVF", "PGT"]


@pytest.mark.parametrize("cell", ["2025/7/1 0:00", "2025-07-01 08:30:00", "2025-07-01T00:00:00", "2025年7月1日 9:05"])
def test_a_spreadsheets_time_of_day_is_of_the_same_day(cell: str) -> None:
    (row,) = read(f"name,on\n某医院,{cell}\n".encode())
    assert row.claim is not None
    assert row.claim.on == dt.date(2025, 7, 1)


@pytest.mark.parametrize("headings", ["名称,机构名称", "地址,日期", "foo"])
def test_headings_that_cannot_mean_claims_are_refused_before_any_row(headings: str) -> None:
    with pytest.raises(InvalidInput):
        read(f"{headings}\na,b\n".encode())


def test_a_file_of_answers_can_be_asked_again_without_its_old_verdicts(view: VerificationView) -> None:
    first = answered(view, f"name,备注\n{HOSPITAL},甲\n".encode()).replace(b"licensed", b"STALE")
    again = answered(view, first)
    assert b"STALE" not in again
    assert again.splitlines()[0].decode() == ",".join(["name", "备注", *NAMES])
    assert table(again)[0]["verdict"] == "licensed"


# --- rows ------------------------------------------------------------------------------------------------------------

BAD = {
    "techniques": f"{HOSPITAL},冻卵,\n",
    "date": f"{HOSPITAL},,2025-02-30\n",
    "nobody": ",IVF,2025-07-01\n",
    "nobody but marks": "（）\u200b——,IVF,2025-07-01\n",
    "techniques that are none": f"{HOSPITAL},IVF 冻卵,\n",
    "techniques of marks": f"{HOSPITAL},/,\n",
    "few": f"{HOSPITAL},IVF\n",
    "many": f"{HOSPITAL},IVF,2025-07-01,x\n",
    "quotes": f'"{HOSPITAL}"x,IVF,\n',
    "long name": f"{'长' * 301},IVF,\n",
    "long line": f"{'长' * (MAX_LINE_LENGTH + 1)},IVF,\n",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("size", [7, 1 << 16])
def test_a_bad_row_has_its_error_in_its_place_and_the_others_are_answered(
    view: VerificationView, bad: str, size: int
) -> None:
    size = max(size, len(bad) // 100)
    good = f"{HOSPITAL},IVF,2025-07-01\n"
    rows = table(answered(view, f"name,techniques,on\n{good}{bad}{good}".encode(), size))
    assert [row["verdict"] for row in rows] == ["licensed", "", "licensed"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert rows[1]["error_code"] == "invalid_input"
    assert rows[1]["log_size"] == rows[0]["log_size"]


def test_a_quote_that_is_never_closed_costs_one_row_only(view: VerificationView) -> None:
    lines = "".join(f"{HOSPITAL},IVF,\n" for _ in range(500))
    rows = table(answered(view, f'name,techniques,on\n"{HOSPITAL},IVF,\n{lines}'.encode()))
    assert len(rows) == 501
    assert [row["verdict"] for row in rows] == [""] + ["licensed"] * 500


def test_quoted_cells_may_hold_separators_quotes_and_line_breaks() -> None:
    rows = read(b'name,note\r\n"a, ""b""","one\r\ntwo"\r\n\r\nc,d\r\n', size=3)
    assert [list(row.cells) for row in rows] == [['a, "b"', "one\r\ntwo"], ["c", "d"]]
    assert [row.number for row in rows] == [3, 5]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_headings_say_what_parts_the_cells(view: VerificationView, separator: str) -> None:
    line = separator.join(["name", "techniques"]) + "\n" + separator.join([HOSPITAL, "IVF"]) + "\n"
    shown = answered(view, line.encode()).decode().splitlines()
    assert next(csv.reader([shown[1]], delimiter=separator))[2] == "licensed"


TEXT = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["C"]), max_size=8)
CELLS = st.lists(TEXT, min_size=2, max_size=2)


@given(rows=st.lists(CELLS, max_size=12), size=st.integers(1, 40))
def test_rows_are_the_same_however_the_bytes_are_cut(rows: list[list[str]], size: int) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["name", "note"], *(["x", *row[1:]] for row in rows)])
    found = read(out.getvalue().encode(), size, charset="utf-8")
    assert [list(row.cells) for row in found] == [["x", row[1]] for row in rows]


@given(data=st.binary(max_size=300), size=st.integers(1, 50))
def test_no_bytes_at_all_break_a_reader(data: bytes, size: int) -> None:
    begin = b"name,note\n"
    for row in read(begin + data, size):
        assert (row.claim is None) != (row.error is None)
    reader = NdjsonReader()
    for row in [*reader.feed(data), *reader.feed_end()]:
        assert (row.claim is None) != (row.error is None)


# --- encodings and formulas ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("size", [1, 5, 1 << 16])
@pytest.mark.parametrize("headings", ["name,备注", "name,note"])
def test_the_usual_encodings_are_told_apart(view: VerificationView, encoding: str, size: int, headings: str) -> None:
    data = answered(view, f"{headings}\n{HOSPITAL},甲\n".encode(encoding), size)
    assert table(data)[0]["verdict"] == "licensed"
    if encoding == "utf-8":
        assert not data.startswith(b"\xef\xbb\xbf")
    elif headings != "name,note" or encoding in ("utf-8-sig", "utf-16"):
        assert data.startswith(b"\xef\xbb\xbf")


def test_bytes_of_no_encoding_spoil_their_row_only(view: VerificationView) -> None:
    data = f"name,note\n{HOSPITAL},甲\n".encode() + b"\xff\xfe\xff,x\n" + f"{HOSPITAL},乙\n".encode()
    assert [row["verdict"] for row in table(answered(view, data))] == ["licensed", "", "licensed"]


def test_a_charset_nobody_knows_is_refused_with_what_to_use() -> None:
    with pytest.raises(InvalidInput, match="UTF-8"):
        CsvReader("klingon")


@pytest.mark.parametrize("text", ["=1+1", "+86", "-1", "@SUM(A1)", "＝1", " =1", "\t=1"])
def test_what_a_spreadsheet_would_run_is_made_harmless(view: VerificationView, text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["name", text], [text, text]])
    lines = list(csv.reader(io.StringIO(answered(view, out.getvalue().encode()).decode(), newline="")))
    assert [lines[0][1], *lines[1][:2]] == [f"'{text}"] * 3


# --- ndjson ----------------------------------------------------------------------------------------------------------


def test_ids_come_back_with_answers_and_with_errors(view: VerificationView) -> None:
    told = ndjson(
        view,
        b"\xef\xbb\xbf"
        + "\n".join(
            [
                json.dumps({"id": "a", "provider": {"name": HOSPITAL}}),
                "{",
                json.dumps({"id": "c", "provider": {"name": HOSPITAL}, "tecniques": ["IVF"]}),
                "  ",
                json.dumps({"id": 5, "provider": {"name": HOSPITAL}}),
                json.dumps({"id": "e", "provider": {"address": "x"}}),
                json.dumps({"provider": {"name": HOSPITAL}, "known_at": "2025-07-01T00:00:00"}),
                json.dumps({"id": "g", "provider": {"name": HOSPITAL}}),
            ]
        ).encode(),
    )
    assert [one["id"] for one in told] == ["a", None, "c", 5, "e", None, "g"]
    assert [one.get("verdict") for one in told] == ["licensed", None, None, None, None, None, "licensed"]
    assert [one["row"] for one in told if "error" in one] == [2, 3, 5, 6, 7]
    assert all(one["error"]["status"] == 400 and one["error"]["detail"] for one in told if "error" in one)


def test_rows_beyond_the_limit_are_said_to_be_unanswered(view: VerificationView) -> None:
    line = json.dumps({"provider": {"name": HOSPITAL}}).encode() + b"\n"
    told = ndjson(view, line * 5, most=3)
    assert [one.get("verdict") for one in told] == ["licensed"] * 3 + [None]
    assert (told[-1]["row"], told[-1]["error"]["status"], told[-1]["error"]["code"]) == (4, 413, "too_large")
    assert "error" not in ndjson(view, line * 3, most=3)[-1]
    rows = table(answered(view, b"name\n" + HOSPITAL.encode() + b"\n" + b"x\n" * 3, most=2))
    assert [row["error_code"] for row in rows] == ["", "", "too_large"]


# --- one moment ------------------------------------------------------------------------------------------------------


def test_a_batch_answers_from_the_log_as_it_was_when_it_began(tmp_path: Path) -> None:
    hospital = f.an_institution(HOSPITAL)
    database = f.a_register(tmp_path, f.a_source(), hospital)
    view = f.a_view(database)
    batch = Batch(view)
    claim = Claim(provider=Provider(name=HOSPITAL), techniques=["IVF"])
    before = batch.answer_claim(claim)
    f.enter(database, f.a_change(hospital, f.DAY, {"approvals.IVF": {"stage": "revoked"}}, reason="更正"))
    view.follow_log(database)
    assert f.ask(view, HOSPITAL, "IVF").verdict == "revoked"
    assert batch.answer_claim(claim) == before
    assert (before.verdict, before.log.size) == ("licensed", 2)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert batch.answer_claim(Claim(provider=Provider(name=HOSPITAL), known_at=later)).log == before.log
    database.close()


def test_rows_that_ask_the_same_are_told_the_same_as_one_alone(view: VerificationView) -> None:
    claims = [
        {"provider": {"name": HOSPITAL}, "techniques": [t], "id": str(n)} for n in range(3) for t in ("IVF", "PGT")
    ]
    told = ndjson(view, b"\n".join(json.dumps(claim).encode() for claim in claims))
    for claim, one in zip(claims, told, strict=True):
        alone = json.loads(
            JsonAnswerWriter(Batch(view)).answer_row(next(NdjsonReader().feed(json.dumps(claim).encode() + b"\n")))
        )
        assert {**one, "known_at": None} == {**alone, "known_at": None}
