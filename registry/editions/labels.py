"""The words of a printed list: headings, banners, stages; and text that every format can hold."""

import re

from registry.domain import regions
from registry.domain.techniques import BY_CODE, STAGES, Stage
from registry.editions.content import ApprovalLine, Totals
from registry.editions.edition import NATIONAL, Edition
from registry.verification.phrases import format_date, format_instant

CENTRES = ("省份", "序号", "医疗机构名称", "地址", "批准开展的技术", "运行情况")
PLACELESS = CENTRES[1:]
PLACELESS_TITLE = "未注明行政区划的医疗机构"
BANKS = ("序号", "设置人类精子库的医疗机构", "地址", "批准开展的技术", "运行情况")
BANKS_TITLE = "经批准设置人类精子库的医疗机构名单"
UNSTATED = "运行情况空白的，来源未写明是试运行还是正式运行。"
#: Where a list is read and not imported, a blank is put in words.
_OPERATING = "运行（未写明试运行或正式运行）"
#: What XML cannot hold, and what is invisible.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


def format_stage(line: ApprovalLine) -> str:
    """Return a stage as the attachment prints it; blank where the source left it open.

    >>> format_stage(ApprovalLine("IVF", "trial")), format_stage(ApprovalLine("IVF", "operating"))
    ('试运行', '')
    """
    words = STAGES[line.stage]
    return words[0] if words else ""


def describe_stage(stage: Stage) -> str:
    """Return a stage for readers: never blank."""
    words = STAGES[stage]
    return words[0] if words else _OPERATING


def format_technique(line: ApprovalLine) -> str:
    """Return a technique as the attachment prints it."""
    return BY_CODE[line.technique].official_zh


def remove_unprintable(text: str) -> str:
    """Remove what no file format can hold."""
    return _UNPRINTABLE.sub("", text)


def format_banner(edition: Edition, count: int) -> str:
    """Format the line above a table; its count is what importers check by."""
    return f"截至{format_date(edition.as_of, lang='zh-CN')} 共{count}家"


def describe_publication(edition: Edition) -> str:
    """Format the line below the title: number and day of publication."""
    return f"第{edition.number}期，{format_instant(edition.published, lang='zh-CN', clock='%H:%M')}公布"


def describe_scope(scope: str) -> str:
    """Return the country or the region an edition lists."""
    region = None if scope == NATIONAL else regions.find_region(scope)
    if region is None:
        return "全国"
    return "".join(dict.fromkeys(level for level in (region.province, region.city, region.district) if level))


def describe_totals(totals: Totals) -> str:
    """Describe the figures in a sentence."""
    centres = totals.centres + totals.placeless
    parts = f"，其中辅助生殖机构{centres}家，设有人类精子库的{totals.banks}家" if totals.banks else ""
    return f"共公布{totals.institutions}家机构{parts}。"
