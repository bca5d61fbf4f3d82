"""Templates of files of people and advertising certificates: headings, explanations, lists to choose from, examples.

The examples are of no real institution and no real person, and their row is skipped by the importer.
"""

from __future__ import annotations

import io
from typing import Any

import xlsxwriter

from registry.importers.people.columns import (
    CERTIFICATE_KINDS,
    COLUMNS,
    EXAMPLE,
    HEADINGS,
    ROLES,
    TECHNIQUE_COLUMNS,
    Column,
    PeopleKind,
)

#: Rows that the lists to choose from cover.
_ROWS = 5_000
_LISTS: dict[Column, tuple[str, ...]] = {
    "role": ROLES,
    "certificate_kind": CERTIFICATE_KINDS,
    **dict.fromkeys(TECHNIQUE_COLUMNS, ("是",)),
}
_EXPLANATIONS: dict[Column, str] = {
    "code": "名录编码，如 7K2M-9QX4。编码、信用代码、名称加地址，三者填一即可；编码最可靠。",
    "uscc": "18位统一社会信用代码。",
    "institution": "与名录中的名称一致。同名机构有几家时，须再填地址或编码。",
    "address": "与名录中的地址一致。",
    "name": "姓名，公众可见。",
    "role": f"从列表选择：{'、'.join(ROLES)}。",
    "valid_from": "日期，如 2025-07-01。不填：广告审查证明按文号推算，人员为未写明。",
    "valid_to": "日期。不填：广告审查证明自批准日起一年，人员为未写明。",
    "certificate_kind": f"从列表选择：{'、'.join(CERTIFICATE_KINDS)}。不收医师资格证书，其编码含身份证号。",
    "certificate": "只保存末四位，其余在读取时即遮盖。",
    "number": "医疗广告审查证明文号，如 (辽)医广[2023]第07-15-001号。",
    **dict.fromkeys(TECHNIQUE_COLUMNS, "获准参与这项技术的填“是”，否则留空。"),
}
_SAMPLE: dict[Column, str] = {
    "institution": f"示例市第一示例医院（{EXAMPLE}，导入时跳过）",
    "address": "示例省示例市示例一区示例路1号",
    "name": "示例甲",
    "role": ROLES[0],
    "AIH": "是",
    "IVF": "是",
    "valid_from": "2025-07-01",
    "certificate_kind": CERTIFICATE_KINDS[0],
    "certificate": "000000000000001",
    "number": "(示)医广[2025]第07-15-001号",
}


def make_template(kind: PeopleKind) -> bytes:
    """The template of one kind as an xlsx file."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    text, wrapped = book.add_format({"num_format": "@"}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet("填写")
    for i, column in enumerate(COLUMNS[kind]):
        sheet.set_column(i, i, 24 if column in ("institution", "address", "number") else 16, text)
        sheet.write_string(0, i, HEADINGS[column][0], bold)
        sheet.write_string(1, i, _SAMPLE.get(column, ""), text)
        if column in _LISTS:
            _add_choice_list(sheet, i, _LISTS[column])
    sheet.freeze_panes(1, 0)
    guide = book.add_worksheet("说明")
    guide.set_column(0, 0, 26)
    guide.set_column(1, 1, 90)
    for n, (left, right) in enumerate(_list_explanations(kind)):
        guide.write_string(n, 0, left, bold)
        guide.write_string(n, 1, right, wrapped)
    book.close()
    return file.getvalue()


def _add_choice_list(sheet: Any, column: int, words: tuple[str, ...]) -> None:
    messages = {"error_title": "请从列表选择", "error_message": "请从列表中选择一项。"}
    sheet.data_validation(1, column, _ROWS, column, {"validate": "list", "source": list(words), **messages})


def _list_explanations(kind: PeopleKind) -> list[tuple[str, str]]:
    return [
        ("怎样填写", "每行一人。" if kind == "practitioners" else "每行一份医疗广告审查证明。"),
        ("不要填写", "身份证号、电话、出生日期：有这些内容的文件会整份被拒绝。不要增加栏目。"),
        ("示例", f"第2行是虚构的示例，机构名称中有“{EXAMPLE}”的行导入时跳过；填写时可以删去。"),
        *((HEADINGS[column][0], _EXPLANATIONS[column]) for column in COLUMNS[kind]),
    ]
