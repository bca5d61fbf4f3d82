"""Files of people and advertising certificates: columns, choices, what no cell may hold, templates."""

import datetime as dt
import io
import re
from typing import Any, Literal

import xlsxwriter

from registry.domain.choices import CHOICES
from registry.domain.identifiers import parse_uscc
from registry.domain.normalise import fold_heading, normalise_width
from registry.domain.techniques import TECHNIQUES
from registry.errors import InvalidInput
from registry.importers.people import supervision_rows
from registry.texts import Message

PeopleKind = Literal["practitioners", "ad_certificates", "supervision", "sanctions"]
#: A name of ``HEADINGS``: each technique has a column of its own.
Column = str
#: What names the institution of a row, in both kinds of file.
_INSTITUTION: tuple[Column, ...] = ("code", "uscc", "institution", "address")
TECHNIQUE_COLUMNS: tuple[Column, ...] = CHOICES["technique"]
#: The columns of each kind in the order of its template.
COLUMNS: dict[PeopleKind, tuple[Column, ...]] = {
    "practitioners": (
        *_INSTITUTION,
        "name",
        "role",
        *TECHNIQUE_COLUMNS,
        "valid_from",
        "valid_to",
        "certificate_kind",
        "certificate",
    ),
    "ad_certificates": (*_INSTITUTION, "number", "valid_from", "valid_to"),
    "supervision": supervision_rows.SUPERVISION_COLUMNS,
    "sanctions": supervision_rows.SANCTION_COLUMNS,
}
#: Headings as printed; the first of each is the template's.
HEADINGS: dict[Column, tuple[str, ...]] = {
    "code": ("名录编码", "机构编码", "编码", "code"),
    "uscc": ("统一社会信用代码", "信用代码", "uscc"),
    "institution": ("机构名称", "医疗机构名称", "所属机构", "医疗机构", "institution"),
    "address": ("机构地址", "地址", "执业地址", "address"),
    "name": ("姓名", "人员姓名", "name"),
    "role": ("职务", "岗位", "role"),
    "techniques": ("技术", "获准技术", "批准开展的技术", "techniques"),
    **{technique.code: (technique.official_zh, technique.code) for technique in TECHNIQUES},
    "valid_from": ("有效期自", "授权起始日", "起始日期", "valid_from"),
    "valid_to": ("有效期至", "授权截止日", "截止日期", "valid_to"),
    "certificate_kind": ("证书种类", "证书类别", "certificate_kind"),
    "certificate": ("证书编号", "证书编码", "certificate"),
    "number": ("证明文号", "文号", "医疗广告审查证明文号", "number"),
    **supervision_rows.HEADINGS,
}
ROLES, CERTIFICATE_KINDS = CHOICES["role"], CHOICES["certificate_kind"]
YES, EXAMPLE = ("是", "√", "1", "yes"), "示例行"
#: Signs in headings that do not count.
_MARKS = "_:*"
_BY_HEADING: dict[str, Column] = {
    fold_heading(word, _MARKS): column for column, words in HEADINGS.items() for word in words
}


def find_column(text: str) -> Column | None:
    """The column a heading stands for; None for an unknown heading."""
    return _BY_HEADING.get(fold_heading(text, _MARKS))


# --- personal data that the register does not take -------------------------------------------------------------------

Personal = Literal["identity", "phone", "number", "qualification", "birth"]
#: Headings of columns for birth dates.
BIRTH = re.compile("出生|生日|birth", re.IGNORECASE)
_IDENTITY = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dXx])"
)
#: A qualification's number (医师资格证书编码) ends with the identity number of its holder.
_WITHIN = re.compile(r"\d{4,}[1-9]\d{5}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dXx])")
#: More digits than a practice certificate's number has.
_TOO_LONG = re.compile(r"\d{24}")
_LONG = re.compile(r"(?<!\d)\d{15}(?!\d)")
_MOBILE = re.compile(r"(?<!\d)(?:86)?1[3-9]\d{9}(?!\d)")
_LANDLINE = re.compile(r"(?<!\d)0\d{2,3}-?[2-9]\d{6,7}(?!\d)")
#: Columns that may hold long numbers.
_NUMBERS: frozenset[Column | None] = frozenset({"certificate", "number", "uscc", "valid_from", "valid_to"})
#: An area code in brackets: (024)23388888.
_IN_BRACKETS = re.compile(r"\((\d{2,4})\)(?=\s*\d)")
_DASHES = re.compile(r"(?<=\d)[\s\-‐-―－·.]+(?=[\dXx])")
#: Each kind in Chinese and English, for findings.
WORDS: dict[Personal, Message] = {
    "identity": Message("身份证号"),
    "phone": Message("电话号码"),
    "number": Message("证书号或身份证号"),
    "qualification": Message("含身份证号的资格证书编码"),
    "birth": Message("出生日期"),
}


def find_personal_data(text: str, column: Column | None) -> Personal | None:
    """The kind of personal data in a cell that the register does not take; None when there is none.

    >>> find_personal_data("21030219900101123X", "name"), find_personal_data("138 0000 0000", None)
    ('identity', 'phone')
    >>> find_personal_data("20192111021030219900101123X", "certificate"), find_personal_data("临床医师", "role")
    ('qualification', None)
    """
    plain = _IN_BRACKETS.sub(r"\1-", normalise_width(text))
    joined = _DASHES.sub("", plain)
    if any(map(_IDENTITY.search, (plain, joined))) and not (column == "uscc" and _is_uscc(joined)):
        return "identity"
    if column not in (_NUMBERS - {"certificate"}) and (_WITHIN.search(joined) or _TOO_LONG.search(joined)):
        return "qualification"
    if column not in _NUMBERS and _LONG.search(joined):
        return "number"
    if column not in (_NUMBERS - {"certificate"}) and any(map(_MOBILE.search, (plain, joined))):
        return "phone"
    return "phone" if column not in _NUMBERS and any(map(_LANDLINE.search, (plain, joined))) else None


def _is_uscc(text: str) -> bool:
    try:
        parse_uscc(text)
    except InvalidInput:
        return False
    return True


def mask_certificate(certificate: str) -> str:
    """A certificate's number with all but its last four characters masked.

    >>> mask_certificate("110210000001234")
    '***********1234'
    """
    plain = re.sub(r"[\s\-‐-―－]+", "", normalise_width(certificate))
    return "*" * min(max(len(plain) - 4, 4), 11) + plain[-4:]


_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:\s+00:00:00)?")


def parse_day(text: str) -> dt.date:
    """Parse a day as tables write it: 2025-07-01, 2025/7/1, 2025年7月1日; InvalidInput for anything else."""
    match = _DAY.fullmatch(normalise_width(text).strip())
    try:
        if match is None:
            raise ValueError
        return dt.date(*map(int, match.groups()))
    except ValueError:
        raise InvalidInput(Message("不是日期，请写成 2025-07-01")) from None


#: Rows that the lists to choose from cover.
_ROWS = 5_000
_LISTS: dict[Column, tuple[str, ...]] = {
    "role": ROLES,
    "certificate_kind": CERTIFICATE_KINDS,
    **dict.fromkeys(TECHNIQUE_COLUMNS, ("是",)),
    **{column: tuple(words) for column, words in supervision_rows.WORDS.items()},
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
    **supervision_rows.EXPLANATIONS,
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


#: The sample row of kinds whose columns have other meanings.
_SAMPLES: dict[PeopleKind, dict[Column, str]] = {
    "supervision": {**supervision_rows.SAMPLES, "institution": _SAMPLE["institution"]},
    "sanctions": supervision_rows.SAMPLES,
}
_ROW_MEANINGS: dict[PeopleKind, str] = {
    "practitioners": "每行一人。",
    "ad_certificates": "每行一份医疗广告审查证明。",
    "supervision": "每行一次自查或检查。",
    "sanctions": "每行一项行政处罚或黑名单记录。",
}


def make_template(kind: PeopleKind) -> bytes:
    """The template of one kind as an xlsx file."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
    text, wrapped = book.add_format({"num_format": "@"}), book.add_format({"text_wrap": True, "valign": "top"})
    sheet = book.add_worksheet("填写")
    sample = _SAMPLES.get(kind, _SAMPLE)
    for i, column in enumerate(COLUMNS[kind]):
        sheet.set_column(i, i, 24 if column in ("institution", "address", "number") else 16, text)
        sheet.write_string(0, i, HEADINGS[column][0], bold)
        sheet.write_string(1, i, sample.get(column, ""), text)
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
        ("怎样填写", _ROW_MEANINGS[kind]),
        ("不要填写", "身份证号、电话、出生日期：有这些内容的文件会整份被拒绝。不要增加栏目。"),
        ("示例", f"第2行是虚构的示例，有“{EXAMPLE}”字样的行导入时跳过；填写时可以删去。"),
        *((HEADINGS[column][0], _EXPLANATIONS.get(column, "")) for column in COLUMNS[kind]),
    ]
