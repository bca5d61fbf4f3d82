"""Inspections and penalties beside the list of an edition: those of its institutions that are public on its day.

Nobody else's are there: of others one asks exactly.
"""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec

from registry.domain.normalise import escape_cells
from registry.domain.techniques import BY_CODE
from registry.editions import labels, manifest
from registry.editions.content import ListContent
from registry.editions.edition import Edition
from registry.errors import LogDamaged
from registry.records.asof import AsOf
from registry.records.supervision import Sanction, Supervision, list_records_of_institutions
from registry.storage.database import Database
from registry.texts import Message

_json = msgspec.json.Encoder(order="sorted")
_HEADINGS = (
    *(
        "编码",
        "医疗机构名称",
        "种类",
        "日期",
        "自查期间起",
        "自查期间止",
        "结果",
        "情况",
        "责令整改期限",
        "完成整改日期",
    ),
    *("处罚内容", "罚款（元）", "没收违法所得（元）", "撤销批准的技术", "暂停的技术", "依据", "机关", "文号", "公示至"),
)
_WORDS = {
    **{"self_inspection": "自查", "inspection": "检查", "penalty": "行政处罚", "blacklist": "黑名单"},
    **{"no_problem": "未发现问题", "problems_found": "发现问题"},
}


def list_records(database: Database, asof: AsOf, content: ListContent) -> list[Sanction | Supervision]:
    """List what is public on a day of the institutions of a content."""
    codes = {institution.code for institution in content.read_list()}
    with database.reading() as connection:
        return [one for one in list_records_of_institutions(connection, asof) if one.institution in codes]


def write_files(folder: Path, database: Database, edition: Edition, content: ListContent) -> None:
    """Write both files; LogDamaged unless there are as many records as the edition's entry says."""
    records = list_records(database, edition.asof, content)
    if len(records) != edition.supervision:
        message = Message(
            "第{edition}期名录批准时为{stated}项监督记录，现在读出{found}项。请运行：registry log check",
            edition=edition.id,
            stated=edition.supervision,
            found=len(records),
        )
        raise LogDamaged(message)
    items = b",\n".join(_json.encode(record) for record in records)
    head = b'{"edition":' + _json.encode(manifest.make_head(edition)) + b',"log":' + _json.encode(edition.log)
    (folder / manifest.SUPERVISION[0]).write_bytes(head + b',"items":[\n' + items + b"\n]}\n")
    names = {institution.code: institution.name for institution in content.read_list()}
    with (folder / manifest.SUPERVISION[1]).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADINGS)
        for record in records:
            cells = _make_cells(record, names.get(record.institution or "", ""))
            writer.writerow(escape_cells([labels.remove_unprintable(cell) for cell in cells]))


def _make_cells(record: Sanction | Supervision, name: str) -> list[str]:
    """Make one row: a cell for each heading."""
    if isinstance(record, Supervision):
        days = (record.held_on, record.period_from, record.period_to)
        middle = [_WORDS.get(record.result or "", ""), record.summary, record.rectify_by, record.rectified_on]
        own = [*days, *middle, *[None] * 6]
    else:
        techniques = (["、".join(BY_CODE[code].official_zh for code in codes or ())] for codes in _list_codes(record))
        own = [record.decided_on, None, None, record.violation, record.summary, None, None, record.measure]
        own += [record.fine, record.confiscated, *(text for texts in techniques for text in texts), record.legal_basis]
    row = [record.institution, name, _WORDS.get(record.kind or "", ""), *own]
    return [str(cell or "") for cell in (*row, record.authority, record.document_no, record.public_until)]


def _list_codes(record: Sanction) -> tuple[list[str], list[str]]:
    return [*(record.revokes or ())], [*(record.suspends or ())]
