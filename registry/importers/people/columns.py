"""The columns of files of people and advertising certificates: headings, choices, and what no cell may hold."""

from __future__ import annotations

import datetime as dt
import re
from typing import Literal

from registry.domain.identifiers import parse_uscc
from registry.domain.normalise import fold_heading, normalise_width
from registry.domain.techniques import TECHNIQUES
from registry.errors import InvalidInput
from registry.texts import Message

PeopleKind = Literal["practitioners", "ad_certificates"]
#: A name of ``HEADINGS``: each technique has a column of its own.
Column = str
#: What names the institution of a row, in both kinds of file.
_INSTITUTION: tuple[Column, ...] = ("code", "uscc", "institution", "address")
TECHNIQUE_COLUMNS: tuple[Column, ...] = tuple(technique.code for technique in TECHNIQUES)
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
}
ROLES = ("临床医师", "男科医师", "实验室技术人员", "护士", "遗传咨询人员", "精子库工作人员", "管理人员")
CERTIFICATE_KINDS = ("医师执业证书", "护士执业证书", "卫生专业技术资格证书", "母婴保健技术考核合格证书")
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
_BIRTH = re.compile("出生|生日|birth", re.IGNORECASE)
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


def is_birth_heading(heading: str) -> bool:
    """Whether a column is for birth dates."""
    return _BIRTH.search(heading) is not None


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
