"""The words of a printed list: headings, banners, stages, dates; and text that every format can hold."""

from __future__ import annotations

import datetime as dt
import re

from registry.domain import regions
from registry.domain.techniques import BY_CODE, STAGES, Stage
from registry.editions.content import ApprovalLine, Totals
from registry.editions.edition import NATIONAL, Edition

CENTRES = ("省份", "序号", "医疗机构名称", "地址", "批准开展的技术", "运行情况")
PLACELESS = CENTRES[1:]
PLACELESS_TITLE = "未注明行政区划的医疗机构"
BANKS = ("序号", "设置人类精子库的医疗机构", "地址", "批准开展的技术", "运行情况")
BANKS_TITLE = "经批准设置人类精子库的医疗机构名单"
UNSTATED = "运行情况空白的，来源未写明是试运行还是正式运行。"
#: Where a list is read and not imported, a blank is said in words.
_OPERATING = "运行（未写明试运行或正式运行）"
#: What XML cannot say, and what nobody sees.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def format_stage(line: ApprovalLine) -> str:
    """A stage as the attachment prints it; blank where the source left it open.

    >>> format_stage(ApprovalLine("IVF", "trial")), format_stage(ApprovalLine("IVF", "operating"))
    ('试运行', '')
    """
    words = STAGES[line.stage]
    return words[0] if words else ""


def describe_stage(which: Stage) -> str:
    """A stage for somebody who reads: never blank."""
    words = STAGES[which]
    return words[0] if words else _OPERATING


def format_technique(line: ApprovalLine) -> str:
    """A technique as the attachment prints it."""
    return BY_CODE[line.technique].official_zh


def format_day(date: dt.date) -> str:
    """2025年6月30日."""
    return f"{date.year}年{date.month}月{date.day}日"


def format_instant(at: dt.datetime) -> str:
    """An instant as the clock in China shows it."""
    here = at.astimezone(_SHANGHAI)
    return f"{format_day(here.date())} {here:%H:%M}（北京时间）"


def remove_unprintable(text: str) -> str:
    """The text without what no file format can hold."""
    return _UNPRINTABLE.sub("", text)


def format_banner(edition: Edition, count: int) -> str:
    """The line above a table; its count is what importers check by."""
    return f"截至{format_day(edition.as_of)} 共{count}家"


def describe_publication(edition: Edition) -> str:
    """The line below the title: number and day of publication."""
    return f"第{edition.number}期，{format_instant(edition.published)}公布"


def describe_scope(scope: str) -> str:
    """The country or the region an edition lists."""
    found = None if scope == NATIONAL else regions.find_region(scope)
    if found is None:
        return "全国"
    levels = dict.fromkeys(level for level in (found.province, found.city, found.district) if level)
    return "".join(levels)


def describe_totals(totals: Totals) -> str:
    """The figure in a sentence."""
    centres = totals.centres + totals.placeless
    parts = f"，其中辅助生殖机构{centres}家，设有人类精子库的{totals.banks}家" if totals.banks else ""
    return f"共公布{totals.institutions}家机构{parts}。"
