"""What is wrong with a form of a penalty, of the blacklist or of an inspection, by itself."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from registry.domain.identifiers import compact_domain
from registry.staff.forms.forms import Typed, read_boxes, read_lines, read_text
from registry.staff.forms.record_values import read_day, read_money
from registry.texts import Message
from registry.verification.sanction_index import make_account_key

_MONEY = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,2})?")
#: An error at a field.
_Error = tuple[str, Message]


def list_sanction_errors(typed: Typed, today: dt.date) -> Iterator[_Error]:
    """List what is wrong with a penalty, or a record of the blacklist, on the register's ``today``."""
    yield from _list_party_errors(typed)
    decided = read_day(typed, "decided_on")
    if decided and decided > today:
        yield "decided_on", Message("决定日期 {decided} 还没有到。", decided=decided)
    for name in ("fine", "confiscated"):
        text = read_money(typed, name)
        if text and not _MONEY.fullmatch(text):
            yield name, Message("金额以元计，最多两位小数，如 30000 或 1234.50。")
    if read_text(typed, "kind") == "blacklist" and not read_text(typed, "legal_basis"):
        yield "legal_basis", Message("列入黑名单须写明法律依据。")
    takes_away = [name for name in ("revokes", "suspends") if read_boxes(typed, name)]
    if takes_away and not read_text(typed, "institution"):
        yield takes_away[0], Message("只有名录内机构的批准可以撤销或暂停，请写明机构。")
    if set(read_boxes(typed, "revokes")) & set(read_boxes(typed, "suspends")):
        yield "suspends", Message("同一项技术不能既撤销又暂停。")
    for first, last in (("starts_on", "ends_on"), ("published_on", "public_until"), ("decided_on", "public_until")):
        yield from _list_order_errors(typed, first, last)
    yield from _list_removal_errors(typed)


def _list_party_errors(typed: Typed) -> Iterator[_Error]:
    named = ("institution", "organisation", "person", "domains", "accounts")
    given = [name for name in named if read_text(typed, name)]
    if not given:
        yield "institution", Message("请写明处罚对象：名录内机构的编码、未在名录的组织，或个人。")
    if "institution" in given and "organisation" in given:
        yield "organisation", Message("名录内机构和未在名录的组织只填一项。")
    if "person" in given and not {"institution", "organisation"} & set(given):
        yield "person", Message("个人须连同其所在的机构或组织填写：公众只能以两者查询。")
    for line in read_lines(typed, "domains"):
        if compact_domain(line) is None:
            yield "domains", Message("“{line}”不是网站域名，请写成 www.example.cn 这样，每行一个。", line=line[:40])
    for line in read_lines(typed, "accounts"):
        if make_account_key(line) is None:
            yield "accounts", Message("账号请写成“平台:账号名称”，每行一个。")


def list_supervision_errors(typed: Typed, today: dt.date) -> Iterator[_Error]:
    """List what is wrong with a self-inspection or an inspection on the register's ``today``."""
    for name in ("held_on", "rectified_on"):
        day = read_day(typed, name)
        if day and day > today:
            yield name, Message("日期 {day} 还没有到。", day=day)
    kind = read_text(typed, "kind")
    if kind == "self_inspection":
        if not (read_day(typed, "period_from") and read_day(typed, "period_to")):
            yield "period_from", Message("自查须写明所查的期间。")
        if read_text(typed, "inspection_kind"):
            yield "inspection_kind", Message("检查方式只用于检查。")
    elif kind == "inspection":
        if not read_text(typed, "authority"):
            yield "authority", Message("检查须写明检查机关。")
        if not read_text(typed, "inspection_kind"):
            yield "inspection_kind", Message("请选择检查方式。")
    if read_text(typed, "result") == "no_problem" and read_text(typed, "rectify_by"):
        yield "rectify_by", Message("没有发现问题，就没有整改期限。")
    for first, last in (("period_from", "period_to"), ("held_on", "rectify_by"), ("held_on", "public_until")):
        yield from _list_order_errors(typed, first, last)
    yield from _list_removal_errors(typed)


def _list_order_errors(typed: Typed, first: str, last: str) -> Iterator[_Error]:
    start, end = read_day(typed, first), read_day(typed, last)
    if start and end and end < start:
        yield last, Message("{end} 早于 {start}，请核对。", start=start, end=end)


def _list_removal_errors(typed: Typed) -> Iterator[_Error]:
    if read_text(typed, "removed_on") and not read_text(typed, "removal"):
        yield "removal", Message("移出须写明理由。")
    if read_text(typed, "removal") and not read_text(typed, "removed_on"):
        yield "removed_on", Message("写了移出的理由，请填写移出的日期。")
