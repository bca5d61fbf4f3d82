"""Rows of files of inspections, penalties and the blacklist: their columns, choices, and what each row states."""

from __future__ import annotations

import re
from typing import Any, Protocol

from registry.domain import region_names
from registry.domain.identifiers import compact_domain, compact_uscc
from registry.domain.model import Date
from registry.domain.normalise import normalise_width
from registry.domain.techniques import TECHNIQUES, find_printed_technique
from registry.records.publicity import derive_party
from registry.texts import Listing, Message

Column = str
SUPERVISION_COLUMNS: tuple[Column, ...] = (
    *("code", "institution", "address", "supervision_kind", "held_on", "period_from", "period_to", "inspection_kind"),
    *("result", "summary", "rectify_by", "rectified_on", "authority", "document_no", "public_until"),
)
SANCTION_COLUMNS: tuple[Column, ...] = (
    *("code", "institution", "address", "organisation", "uscc", "domains", "accounts", "person", "region"),
    *("sanction_kind", "authority", "document_no", "decided_on", "violation", "summary", "facts", "legal_basis"),
    *("measure", "fine", "confiscated", "revokes", "suspends", "starts_on", "ends_on", "published_on", "public_until"),
)
HEADINGS: dict[Column, tuple[str, ...]] = {
    "supervision_kind": ("记录种类", "自查或检查"),
    "held_on": ("检查日期", "完成日期", "held_on"),
    "period_from": ("自查期间起", "period_from"),
    "period_to": ("自查期间止", "period_to"),
    "inspection_kind": ("检查方式", "检查类型", "inspection_kind"),
    "result": ("检查结果", "结果", "result"),
    "summary": ("摘要", "情况摘要", "summary"),
    "rectify_by": ("责令整改期限", "整改期限", "rectify_by"),
    "rectified_on": ("完成整改日期", "rectified_on"),
    "authority": ("机关", "检查机关", "处罚机关", "作出处罚决定机关名称", "authority"),
    "document_no": ("决定书文号", "处罚决定文号", "document_no"),
    "public_until": ("公示截止日期", "公示期至", "public_until"),
    "organisation": ("未在名录的组织", "organisation"),
    "domains": ("网站域名", "domains"),
    "accounts": ("账号", "accounts"),
    "person": ("个人姓名", "person"),
    "region": ("所在地区", "region"),
    "sanction_kind": ("种类", "处罚或黑名单"),
    "decided_on": ("决定日期", "处罚决定日期", "decided_on"),
    "violation": ("违法行为类型", "violation"),
    "facts": ("违法事实", "facts"),
    "legal_basis": ("法律依据", "处罚依据", "legal_basis"),
    "measure": ("行政处罚内容", "处罚内容", "measure"),
    "fine": ("罚款（元）", "fine"),
    "confiscated": ("没收违法所得（元）", "confiscated"),
    "revokes": ("撤销批准的技术", "revokes"),
    "suspends": ("暂停的技术", "suspends"),
    "starts_on": ("列入日期", "starts_on"),
    "ends_on": ("列入截止日期", "ends_on"),
    "published_on": ("公示日期", "published_on"),
}
#: The words of a cell, and what the record holds for each.
WORDS: dict[Column, dict[str, str]] = {
    "supervision_kind": {"自查": "self_inspection", "检查": "inspection"},
    "inspection_kind": {
        **{"日常检查": "routine", "专项检查": "special", "随机抽查": "random", "投诉举报核查": "complaint"},
        "复查": "follow_up",
    },
    "result": {"未发现问题": "no_problem", "发现问题": "problems_found"},
    "sanction_kind": {"行政处罚": "penalty", "黑名单": "blacklist"},
}
EXPLANATIONS: dict[Column, str] = {
    "supervision_kind": "从列表选择。自查须填自查期间，检查须填检查方式和机关。",
    "held_on": "检查的日期；自查为完成的日期。",
    "summary": "一两句，会公开，不要写姓名。",
    "organisation": "从未获批的机构、中介等的完整名称。名录内机构填编码或名称，不填这一栏。",
    "domains": "几个之间用顿号分开。",
    "accounts": "写成“平台:账号名称”，几个之间用顿号分开。",
    "person": "只填终局决定认定的个人，须同时填其所在的机构或组织；公众只能以两者查询。",
    "region": "未在名录的组织所在的省、市、区县，名称或代码。",
    "legal_basis": "列入黑名单的必填。",
    "fine": "以元计，最多两位小数。",
    "revokes": "由本决定撤销批准的技术，用顿号分开；名录中该项批准自决定日期起撤销。",
    "suspends": "由本决定暂停的技术，用顿号分开。",
    "public_until": "公示的最后一天；此后公众不再看到，日志仍保留。",
}
SAMPLES: dict[Column, str] = {
    "supervision_kind": "检查",
    "held_on": "2025-09-10",
    "inspection_kind": "专项检查",
    "result": "未发现问题",
    "authority": "示例市卫生健康委员会",
    "organisation": "示例健康咨询有限公司（示例行，导入时跳过）",
    "sanction_kind": "行政处罚",
    "document_no": "示卫罚〔2025〕1号",
    "decided_on": "2025-10-20",
    "summary": "示例事由",
    "fine": "30000",
}
_MONEY = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?")
_SEPARATORS = re.compile(r"[、，,;；\n]+")
_DAYS = {
    "supervision": ("held_on", "period_from", "period_to", "rectify_by", "rectified_on", "public_until"),
    "sanctions": ("decided_on", "starts_on", "ends_on", "published_on", "public_until"),
}


class Cells(Protocol):
    """The cells of one row by column."""

    def get_text(self, column: Column) -> str:
        """Return the text of a cell."""

    def add_finding(self, column: Column, message: Message) -> None:
        """Note what is wrong with a cell."""

    def read_day(self, column: Column) -> Date | None:
        """Read a day; what is none is noted."""


def read_supervision(cells: Cells) -> dict[str, Any]:
    """Read a self-inspection or an inspection."""
    values = {
        "kind": _read_word(cells, "supervision_kind", required=True),
        **_read_days(cells, "supervision", "held_on"),
        "inspection_kind": _read_word(cells, "inspection_kind"),
        "result": _read_word(cells, "result", required=True),
        **{column: cells.get_text(column) for column in ("summary", "authority", "document_no")},
    }
    if values["kind"] == "self_inspection" and not values.get("period_from"):
        cells.add_finding("period_from", Message("自查须写明所查的期间"))
    if values["kind"] == "inspection" and not (values["inspection_kind"] and values["authority"]):
        cells.add_finding("authority", Message("检查须写明检查方式和机关"))
    return {path: value for path, value in values.items() if value}


def read_sanction(cells: Cells) -> dict[str, Any]:
    """Read a penalty or a record of the blacklist; of an institution of the register its other columns say which."""
    texts = ("organisation", "person", "authority", "document_no", "violation", "summary", "facts", "legal_basis")
    values: dict[str, Any] = {
        **{column: cells.get_text(column) for column in (*texts, "measure")},
        "kind": _read_word(cells, "sanction_kind", required=True),
        **_read_days(cells, "sanctions", "decided_on"),
        **{column: _read_money(cells, column) for column in ("fine", "confiscated")},
        **{column: _read_techniques(cells, column) for column in ("revokes", "suspends")},
        "domains": [compact_domain(text) or text for text in _split(cells, "domains")],
        "accounts": _split(cells, "accounts"),
        "region": _read_region(cells),
    }
    for column in ("authority", "document_no", "summary"):
        if not values[column]:
            cells.add_finding(column, Message("请填写这一项"))
    is_listed = bool(cells.get_text("code") or cells.get_text("institution"))
    if not is_listed:
        values["uscc"] = compact_uscc(cells.get_text("uscc"))
    elif values["organisation"]:
        cells.add_finding("organisation", Message("名录内机构和未在名录的组织只填一项"))
    party = "institution" if is_listed and not values["person"] else derive_party(values)
    if party is None or (party == "person" and not (is_listed or values["organisation"])):
        cells.add_finding("organisation", Message("请写明是哪家机构、组织、网站或账号；个人须连同其所在的机构或组织"))
    if values["kind"] == "blacklist" and not values["legal_basis"]:
        cells.add_finding("legal_basis", Message("列入黑名单须写明法律依据"))
    if (values["revokes"] or values["suspends"]) and not is_listed:
        cells.add_finding("revokes", Message("只有名录内机构的批准可以撤销或暂停"))
    return {path: value for path, value in {**values, "party": party}.items() if value}


def _read_word(cells: Cells, column: Column, *, required: bool = False) -> str | None:
    text = cells.get_text(column)
    words = WORDS[column]
    if (text and text not in words) or (required and not text):
        cells.add_finding(column, Message("应为：{words}", words=Listing(words)))
    return words.get(text)


def _read_days(cells: Cells, kind: str, required: Column) -> dict[str, str]:
    days = {column: cells.read_day(column) for column in _DAYS[kind]}
    if not cells.get_text(required):
        cells.add_finding(required, Message("请填写日期"))
    for first, last in (("period_from", "period_to"), ("starts_on", "ends_on"), (required, "public_until")):
        start, end = days.get(first), days.get(last)
        if start and end and end < start:
            cells.add_finding(last, Message("截止日早于起始日"))
    return {column: day.isoformat() for column, day in days.items() if day is not None}


def _read_money(cells: Cells, column: Column) -> str | None:
    text = re.sub(r"[,，\s]|元$", "", normalise_width(cells.get_text(column)))
    if text and not _MONEY.fullmatch(text):
        cells.add_finding(column, Message("金额以元计，最多两位小数，如 30000 或 1234.50"))
    return text or None


def _read_techniques(cells: Cells, column: Column) -> list[str]:
    codes = {technique.code for technique in TECHNIQUES}
    found = set()
    for piece in _split(cells, column):
        code = find_printed_technique(piece) or (piece if piece in codes else None)
        if code is None:
            cells.add_finding(column, Message("不能识别的技术"))
        else:
            found.add(code)
    return [technique.code for technique in TECHNIQUES if technique.code in found]


def _read_region(cells: Cells) -> str | None:
    text = cells.get_text("region")
    code = region_names.find_code(text) if text else None
    if text and code is None:
        cells.add_finding("region", region_names.describe_unclear_place(text))
    return code


def _split(cells: Cells, column: Column) -> list[str]:
    return [piece.strip() for piece in _SEPARATORS.split(cells.get_text(column)) if piece.strip()]
