"""What about a whole list makes its file or its scope look wrong: warnings, before anybody approves what it ends."""

from __future__ import annotations

from collections import Counter

from registry.domain import regions
from registry.domain.model import Source
from registry.importers.matching.difference import Difference
from registry.importers.matching.register_side import RegisterSide
from registry.importers.reading.list_file import AuditLine, ListFile

#: A list that would remove more than this share of the register is more likely the wrong file or scope.
ALARMING = 0.2
#: Of so many institutions of a place not one in the list: a page is missing, more likely than that all have left.
WHOLE, TOLD = 2, 5


def collect_alarms(found: Difference, register: RegisterSide, parsed: ListFile, source: Source) -> list[AuditLine]:
    """The warnings about a compared list: too many gone, a whole place gone, rows outside the scope."""
    return [
        *_check_removals(found, len(register.listed)),
        *_check_whole_provinces(found, parsed),
        *_check_scope(parsed, source),
    ]


def _make_warning(zh: str, en: str) -> AuditLine:
    return AuditLine(level="warning", row=None, cell=None, message=zh, message_en=en)


def _check_removals(found: Difference, known: int) -> list[AuditLine]:
    gone = len(found.gone)
    if not known or gone <= known * ALARMING:
        return []
    return [
        _make_warning(
            f"名录现有{known}家机构，其中{gone}家不在此文件中，批准后将移出名录；请确认文件与范围无误。",
            f"{gone} of the register's {known} institutions are not in this file and would be delisted; "
            "check the file and its scope.",
        )
    ]


def _check_whole_provinces(found: Difference, parsed: ListFile) -> list[AuditLine]:
    """Provinces of which all would leave, each with its number."""
    there = {(one.region or "")[:2] for one in parsed.institutions}
    gone = Counter((one.values.get("region") or "")[:2] for one in found.gone)
    lines = []
    for province, count in sorted(gone.items()):
        place = regions.find_region(f"{province}0000") if province else None
        if place is None or province in there or count < WHOLE:
            continue
        lines.append(
            _make_warning(
                f"此文件中没有{place.province}的任何机构，批准后该省{count}家将全部移出名录；请确认文件没有缺页，范围无误。",
                f"Not one institution of {place.province} is in this file; all {count} would be delisted. "
                "Check that no page is missing, and the scope.",
            )
        )
    return lines


def _check_scope(parsed: ListFile, source: Source) -> list[AuditLine]:
    """How many rows lie outside the region that the list is said to be complete for, and the first of them."""
    if source.scope in ("national", "partial"):
        return []
    prefix, scope = regions.get_prefix(source.scope), source.scope
    outside = [one for one in parsed.institutions if one.region and not _may_be_in_scope(one.region, prefix)]
    if not outside:
        return []
    first = "、".join(f"{one.name}（第{one.row}行）" for one in outside[:TOLD])
    first_en = ", ".join(f"{one.name} (row {one.row})" for one in outside[:TOLD])
    return [
        _make_warning(
            f"有{len(outside)}家机构不在所选范围 {scope} 内：{first}；请确认范围无误。",
            f"{len(outside)} institutions lie outside the scope {scope}: {first_en}. Check the scope.",
        )
    ]


def _may_be_in_scope(region: str, prefix: str) -> bool:
    """Whether a region is in the scope, or so coarsely known that it may be."""
    return region.startswith(prefix) or prefix.startswith(regions.get_prefix(region))
