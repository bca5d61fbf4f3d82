"""Checks of a form by itself: days, periods, stages, numbers. Similar records: ``possible_duplicates``."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from itertools import starmap
from typing import Literal

import msgspec

from registry.domain import identifiers, region_names, regions
from registry.domain.fields import FIELDS
from registry.domain.model import Struct
from registry.domain.schema import EARLIEST, LATEST
from registry.domain.techniques import LAWFUL_STAGES, STAGES
from registry.errors import InvalidInput, RegistryError
from registry.records.asof import parse_day
from registry.staff.forms import forms, supervision_checks
from registry.staff.forms.forms import (
    APPROVAL_DETAILS,
    CODES,
    FormKind,
    Typed,
    list_fields,
    read_boxes,
    read_lines,
    read_text,
)
from registry.staff.forms.record_values import read_day
from registry.texts import FixedText, Message
from registry.verification import addresses

_USCC_ALPHABET = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")
#: A day further ahead is more likely a slip.
_FAR = dt.timedelta(days=366)
_FORBIDDEN_NUMBER = Message("这里像是身份证号、电话或资格证书号，名录不保存这类号码，已删去；请改写。")


class Finding(Struct, frozen=True):
    """The result of a check at a field (empty: the whole form). ``links``: (label, path in the workspace)."""

    level: Literal["error", "warning", "note"]
    field: str
    zh: str
    en: str
    links: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """The value by which a person confirms exactly this finding."""
        return hashlib.sha256(f"{self.field}|{self.zh}|{self.links}".encode()).hexdigest()[:16]

    def get_text(self, lang: str) -> str:
        """Return the sentence in a language."""
        return self.en if lang.startswith("en") else self.zh


def make_error(field: str, message: Message) -> Finding:
    """Make a finding that has to be corrected before anything is proposed."""
    return Finding(level="error", field=field, zh=message.to_text("zh-CN"), en=message.to_text("en"))


def make_warning(field: str, message: Message, *links: tuple[str, str]) -> Finding:
    """Make a finding that may be right, for a person to confirm."""
    return Finding(level="warning", field=field, zh=message.to_text("zh-CN"), en=message.to_text("en"), links=links)


def make_note(field: str, message: Message) -> Finding:
    """Make a finding that only tells what the form works out."""
    return Finding(level="note", field=field, zh=message.to_text("zh-CN"), en=message.to_text("en"))


def to_finding(error: RegistryError, field: str = "") -> Finding:
    """Turn a refusal into an error at a field, or of the whole form."""
    return make_error(field, error.message)


def check_form(
    kind: FormKind, new: bool, typed: Typed, today: dt.date, refused: frozenset[str] = frozenset()
) -> list[Finding]:
    """Check a form by itself, on the register's ``today``; ``refused``: fields that ``read_input`` emptied."""
    findings = [make_error(name, _FORBIDDEN_NUMBER) for name in sorted(refused)]
    missing = {field.name for field in list_fields(kind, new) if field.required and not typed.get(field.name)} - refused
    findings += [make_error(name, Message("请填写这一项。")) for name in sorted(missing)]
    for field in list_fields(kind, new):
        findings += _check_input(field, typed)
    findings += _check_effective_day(typed, today)
    findings += _BY_KIND[kind](typed, new, today)
    return findings


def _check_input(field: forms.FormField, typed: Typed) -> Iterator[Finding]:
    text = read_text(typed, field.name)
    if field.input == "day" and text:
        try:
            if not EARLIEST <= parse_day(text) <= LATEST:
                raise InvalidInput(FixedText(""))
        except InvalidInput:
            message = Message("“{text}”不是日期，请写成 2025-07-01 这样。", text=text)
            yield make_error(field.name, message)
    if field.input in ("text", "area", "lines") and len(text) > (limit := forms.LONGEST[field.input]):
        yield make_error(field.name, Message("最多{limit}字，更长的没有保存，请缩短。", limit=limit))
    if field.input == "choice" and text and text not in field.choices:
        yield make_error(field.name, Message("请从所列项中选择。"))
    if field.name == "institution" and text:
        try:
            identifiers.parse_code(text)
        except InvalidInput as error:
            is_code = identifiers.is_code_rather_than_name(text)
            message = Message("没有唯一叫这个名称的机构：请选择其一，或写名录编码。")
            yield to_finding(error, "institution") if is_code else make_error("institution", message)


def _check_effective_day(typed: Typed, today: dt.date) -> Iterator[Finding]:
    effective, document = read_day(typed, "effective"), read_day(typed, "doc_date")
    if effective and effective > today + _FAR:
        yield make_warning(
            "effective", Message("生效日期 {effective} 在一年以后，请确认没有写错年份。", effective=effective)
        )
    if document and document > today:
        yield make_error("doc_date", Message("文件日期 {document} 还没有到，请核对。", document=document))
    if effective and document and effective < document <= today:
        yield make_warning(
            "effective",
            Message(
                "生效日期 {effective} 早于文件日期 {document}：文件须写明可以追溯。",
                effective=effective,
                document=document,
            ),
        )


# --- institutions ----------------------------------------------------------------------------------------------------


def _check_institution(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    for field in FIELDS:
        if field.check and (text := read_text(typed, field.name)) and (message := field.check(text)):
            yield make_error(field.name, Message("{message}。", message=message))
    yield from check_address(read_text(typed, "address"), read_text(typed, "region"))
    yield from check_uscc(read_text(typed, "uscc"))
    yield from check_licence_number(read_text(typed, "practice_licence_no"), read_text(typed, "uscc"))
    for line in read_lines(typed, "domains"):
        if identifiers.compact_domain(line) is None:
            yield make_error(
                "domains", Message("“{line}”不是网站域名，请写成 www.example.cn 这样，每行一个。", line=line[:40])
            )
    stages = {code: stage for code in CODES if (stage := read_text(typed, f"stage.{code}"))}
    if stages:
        yield from _check_approval_days(typed, today, lawful=not LAWFUL_STAGES.isdisjoint(stages.values()))
    for code, stage in stages.items():
        own = {name: text for name in APPROVAL_DETAILS if (text := read_text(typed, f"{name}.{code}"))}
        if own:
            found = _check_approval_days({**typed, **own}, today, lawful=stage in LAWFUL_STAGES)
            yield from (msgspec.structs.replace(one, field=f"{one.field}.{code}") for one in found if one.field in own)
    if not stages and any(
        read_text(typed, name) for name in ("document_no", "authority", "valid_from", "verification_due")
    ):
        yield make_error(f"stage.{CODES[0]}", Message("填写了批准文件，但没有选择任何技术的运行情况。"))


def check_address(address: str, region: str) -> Iterator[Finding]:
    """Check that an address names a place, that the region given is that place, and that there is a house number."""
    resolved = regions.resolve_address(address)
    known_region = regions.find_region(region) if region else None
    place = region_names.format_place(resolved.code) if resolved.code else ""
    if region and known_region is None:
        yield make_error("region", region_names.describe_unclear_place(region))
    elif resolved.code and region and not regions.overlap(resolved.code, region):
        yield make_error(
            "region",
            Message(
                "地址在{place}，所在地区却是{region}。请更正其一，或将所在地区留空。",
                place=place,
                region=region_names.format_place(region),
            ),
        )
    elif address and not resolved.code and not region:
        yield make_warning("address", Message("地址里读不出省、市、区县，按地区查询时找不到这家机构。"))
    elif resolved.code and not region:
        yield make_note("region", Message("由地址读出：{place}", place=place))
    if address and not any(c.isdigit() for c in addresses.split_address(address)[1]):
        yield make_warning("address", Message("地址没有门牌号，核验地址时分不清是不是这一处。"))


def check_uscc(text: str) -> Iterator[Finding]:
    """Check a credit code: a wrong length or character is an error, a wrong check character a warning."""
    number = identifiers.compact_uscc(text)
    if not number:
        return
    if len(number) != 18 or not set(number) <= _USCC_ALPHABET:
        yield make_error(
            "uscc",
            Message("统一社会信用代码须为18位数字或大写字母（不含 I、O、S、V、Z），现有{count}位。", count=len(number)),
        )
        return
    try:
        identifiers.parse_uscc(number)
    except InvalidInput:
        yield make_warning(
            "uscc",
            Message("统一社会信用代码 {number} 的校验位不符，很可能抄错了一位。与证照核对无误才确认。", number=number),
        )


def check_licence_number(text: str, uscc: str) -> Iterator[Finding]:
    """Warn unless there are 22 characters and the first nine are those of the organisation; older licences differ."""
    number, organisation = identifiers.compact_licence(text), identifiers.compact_uscc(uscc)
    if number and len(number) != 22:
        yield make_warning(
            "practice_licence_no",
            Message("执业许可证登记号通常为22位，现有{count}位（旧证可能不同）。", count=len(number)),
        )
    elif number and len(organisation) == 18 and number[:9] != organisation[8:17]:
        yield make_warning("practice_licence_no", Message("登记号前9位应与统一社会信用代码第9至17位一致，现在不一致。"))


# --- approvals -------------------------------------------------------------------------------------------------------


def _check_approval(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    stage = read_text(typed, "stage")
    if not stage:
        return
    if stage == forms.WITHDRAWN and not read_text(typed, "reason"):
        yield make_error("reason", Message("撤回误登的批准须写明理由。"))
    if stage in STAGES:
        yield from _check_approval_days(typed, today, lawful=stage in LAWFUL_STAGES)
    if read_text(typed, "technique") in read_boxes(typed, "also"):
        yield make_note("also", Message("本项技术已在上面，不必再选。"))


def _check_approval_days(typed: Typed, today: dt.date, *, lawful: bool) -> Iterator[Finding]:
    start, verification_due = read_day(typed, "valid_from"), read_day(typed, "verification_due")
    effective = read_day(typed, "effective")
    if start and verification_due and verification_due <= start:
        yield make_error(
            "verification_due",
            Message(
                "下次校验 {verification_due} 不能早于批准起始日 {start}。",
                verification_due=verification_due,
                start=start,
            ),
        )
    if lawful and verification_due and verification_due < today:
        yield make_warning(
            "verification_due",
            Message("下次校验 {verification_due} 已过：公众将看到该项批准已失效。", verification_due=verification_due),
        )
    if lawful and start and effective and start > effective:
        yield make_warning(
            "valid_from",
            Message(
                "批准起始日 {start} 晚于生效日期 {effective}：到起始日之前，公众看不到该项批准。",
                start=start,
                effective=effective,
            ),
        )


# --- people, certificates, sanctions ---------------------------------------------------------------------------------


def _check_practitioner(typed: Typed, new: bool, _today: dt.date) -> Iterator[Finding]:
    start, end = read_day(typed, "valid_from"), read_day(typed, "valid_to")
    if start and end and end < start:
        yield _make_period_error()
    effective = read_day(typed, "effective")
    if new and start and effective and start < effective:
        yield _make_late_warning(start, effective)
    number = read_text(typed, "certificate_no")
    if number and not number.startswith("**"):
        yield make_error("certificate_no", Message("证书号太短，请核对。"))
    elif number and "医师执业" in read_text(typed, "certificate_kind") and len(number) != 15:
        yield make_warning("certificate_no", Message("医师执业证书编码为15位，现有{count}位。", count=len(number)))


def _check_certificate(typed: Typed, new: bool, today: dt.date) -> Iterator[Finding]:
    text = read_text(typed, "number")
    if not text:
        return
    try:
        number = identifiers.parse_certificate(text)
    except InvalidInput as error:
        yield to_finding(error, "number")
        return
    start, expiry = number.approval_day, identifiers.compute_certificate_expiry(number.approval_day)
    end = read_day(typed, "valid_to")
    yield make_note("number", Message("由文号推算：{start} 批准，有效期至 {expiry}。", start=start, expiry=expiry))
    if end and end < start:
        yield _make_period_error()
    if end and end > expiry:
        yield make_error(
            "valid_to", Message("有效期最多一年，至 {expiry}（《医疗广告管理办法》第十八条）。", expiry=expiry)
        )
    if start > today:
        yield make_error("number", Message("文号中的批准日 {start} 还没有到。", start=start))
    effective = read_day(typed, "effective")
    if new and effective and start < effective:
        yield _make_late_warning(start, effective)


def _check_sanction(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    region = read_text(typed, "region")
    if region and regions.find_region(region) is None:
        yield make_error("region", region_names.describe_unclear_place(region))
    yield from check_uscc(read_text(typed, "uscc"))
    yield from starmap(make_error, supervision_checks.list_sanction_errors(typed, today))


def _check_supervision(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    yield from starmap(make_error, supervision_checks.list_supervision_errors(typed, today))


def _make_period_error() -> Finding:
    return make_error("valid_to", Message("有效期的结束早于开始，请核对。"))


def _make_late_warning(start: dt.date, effective: dt.date) -> Finding:
    return make_warning(
        "effective",
        Message(
            "生效日期 {effective} 晚于 {start}：核验 {start} 至 {effective} 之间的日期时，名录不会显示这一记载。"
            "如应自 {start} 起有效，请把生效日期改为该日。",
            effective=effective,
            start=start,
        ),
    )


_BY_KIND = {
    "institution": _check_institution,
    "approval": _check_approval,
    "practitioner": _check_practitioner,
    "ad_certificate": _check_certificate,
    "sanction": _check_sanction,
    "supervision": _check_supervision,
}
