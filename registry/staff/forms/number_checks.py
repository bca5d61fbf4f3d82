"""Checks of an institution's address and numbers. A structural error stops, a doubtful check character warns."""

from __future__ import annotations

from collections.abc import Iterator

from registry.domain import regions
from registry.domain.identifiers import compact_licence, compact_uscc, parse_uscc
from registry.errors import InvalidInput
from registry.staff.forms.findings import Finding, make_error, make_note, make_warning
from registry.verification import addresses

_USCC_ALPHABET = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")


def check_address(said: str, region: str) -> Iterator[Finding]:
    """Whether an address names a place, the stated region is that place, and there is a house number."""
    resolved = regions.resolve_address(said)
    stated = regions.find_region(region) if region else None
    if region and stated is None:
        yield make_error(
            "region",
            f"没有行政区划代码“{region[:12]}”，例如 210303（鞍山市铁西区）；留空则由地址读出。",
            f"There is no region code “{region[:12]}”; 210303, say, is 鞍山市铁西区. Empty: taken from the address.",
        )
    elif resolved.code and region and not regions.overlap(resolved.code, region):
        yield make_error(
            "region",
            f"地址在{_format_region_name(resolved.code)}（{resolved.code}），行政区划却是{_format_region_name(region)}（{region}）。"
            "请更正其一，或将行政区划留空。",
            f"The address lies in {_format_region_name(resolved.code)} ({resolved.code}), the region is {_format_region_name(region)} "
            f"({region}). Correct one of them, or leave the region empty.",
        )
    elif said and not resolved.code and not region:
        yield make_warning(
            "address",
            "地址里读不出省、市、区县，按地区查询时找不到这家机构。",
            "The address names no province, city or district; nobody will find this institution by its place.",
        )
    elif resolved.code and not region:
        yield make_note(
            "region",
            f"由地址读出：{_format_region_name(resolved.code)}（{resolved.code}）",
            f"From the address: {_format_region_name(resolved.code)} ({resolved.code})",
        )
    if said and not any(c.isdigit() for c in addresses.split_address(said)[1]):
        yield make_warning(
            "address",
            "地址没有门牌号，核验地址时分不清是不是这一处。",
            "The address has no house number, so that a claim's address cannot be told from others.",
        )


def _format_region_name(code: str) -> str:
    found = regions.find_region(code)
    levels = (found.province, found.city, found.district) if found else (code,)
    return "".join(dict.fromkeys(level for level in levels if level))


def check_uscc(said: str) -> Iterator[Finding]:
    """A wrong length or character stops; a check character that does not fit is for a person to confirm."""
    number = compact_uscc(said)
    if not number:
        return
    if len(number) != 18 or not set(number) <= _USCC_ALPHABET:
        yield make_error(
            "uscc",
            f"统一社会信用代码须为18位数字或大写字母（不含 I、O、S、V、Z），现有{len(number)}位。",
            f"A unified social credit code has 18 digits or letters (no I, O, S, V, Z); this has {len(number)}.",
        )
        return
    try:
        parse_uscc(number)
    except InvalidInput:
        yield make_warning(
            "uscc",
            f"统一社会信用代码 {number} 的校验位不符，很可能抄错了一位。与证照核对无误才确认。",
            f"The check character of {number} does not fit: one character is probably wrong. Confirm only after "
            "comparing it with the licence.",
        )


def check_licence_number(said: str, code: str) -> Iterator[Finding]:
    """22 characters, the first nine those of the organisation; older ones differ, so a person confirms."""
    number, organisation = compact_licence(said), compact_uscc(code)
    if number and len(number) != 22:
        yield make_warning(
            "practice_licence_no",
            f"执业许可证登记号通常为22位，现有{len(number)}位（旧证可能不同）。",
            f"A practice licence number has 22 characters, this has {len(number)}; older licences may differ.",
        )
    elif number and len(organisation) == 18 and number[:9] != organisation[8:17]:
        yield make_warning(
            "practice_licence_no",
            "登记号前9位应与统一社会信用代码第9至17位一致，现在不一致。",
            "The first nine characters are usually characters 9 to 17 of the credit code; here they differ.",
        )
