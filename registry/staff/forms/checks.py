"""Inline checks of what stands in a form by itself: days, periods, stages. Look-alikes: ``likenesses``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from registry.domain.identifiers import compact_domain, compute_certificate_expiry, parse_certificate, parse_code
from registry.domain.schema import EARLIEST, LATEST
from registry.domain.techniques import LAWFUL_STAGES, STAGES
from registry.errors import InvalidInput
from registry.records.asof import parse_day
from registry.staff.forms import number_checks
from registry.staff.forms.findings import Finding, make_error, make_note, make_warning
from registry.staff.forms.forms import (
    CODES,
    LONGEST,
    WITHDRAWN,
    Field,
    FormKind,
    Typed,
    list_fields,
    read_boxes,
    read_lines,
    read_text,
)
from registry.staff.forms.values import read_day

#: A day further ahead is more likely a slip.
_FAR = dt.timedelta(days=366)


def check_form(
    kind: FormKind, new: bool, typed: Typed, today: dt.date, refused: frozenset[str] = frozenset()
) -> list[Finding]:
    """What can be said of a form, on the register's ``today``, without looking into it. ``refused``: ``typed.read``."""
    found = [_make_forbidden_number_error(name) for name in sorted(refused)]
    missing = {field.name for field in list_fields(kind, new) if field.required and not typed.get(field.name)} - refused
    found += [_make_missing_error(name) for name in sorted(missing)]
    for field in list_fields(kind, new):
        found += _check_input(field, typed)
    found += _check_effective_day(typed, today)
    found += _BY_KIND[kind](typed, new, today)
    return found


def _make_forbidden_number_error(name: str) -> Finding:
    return make_error(
        name,
        "这里像是身份证号、电话或资格证书号，名录不保存这类号码，已删去；请改写。",
        "This looks like an identity number, a telephone or a qualification's number. The register keeps none, so it "
        "was taken out; please reword it.",
    )


def _make_missing_error(name: str) -> Finding:
    return make_error(name, "请填写这一项。", "Please fill this in.")


def _check_input(field: Field, typed: Typed) -> Iterator[Finding]:
    said = read_text(typed, field.name)
    if field.input == "day" and said:
        try:
            if not EARLIEST <= parse_day(said) <= LATEST:
                raise InvalidInput("", "")
        except InvalidInput:
            yield make_error(
                field.name,
                f"“{said}”不是日期，请写成 2025-07-01 这样。",
                f"“{said}” is not a day; write it like 2025-07-01.",
            )
    if field.input in ("text", "area", "lines") and len(said) > (most := LONGEST[field.input]):
        yield make_error(
            field.name,
            f"最多{most}字，更长的没有保存，请缩短。",
            f"At most {most} characters: what is longer was not kept, please shorten it.",
        )
    if field.input == "choice" and said and said not in field.choices:
        yield make_error(field.name, "请从所列项中选择。", "Choose one of those listed.")
    if field.name == "institution" and said:
        try:
            parse_code(said)
        except InvalidInput as wrong:
            yield make_error("institution", wrong.zh, wrong.en)


def _check_effective_day(typed: Typed, today: dt.date) -> Iterator[Finding]:
    effective, document = read_day(typed, "effective"), read_day(typed, "doc_date")
    if effective and effective > today + _FAR:
        yield make_warning(
            "effective",
            f"生效日期 {effective} 在一年以后，请确认没有写错年份。",
            f"{effective} is more than a year ahead; confirm that the year is right.",
        )
    if document and document > today:
        yield make_error(
            "doc_date",
            f"文件日期 {document} 还没有到，请核对。",
            f"The document's day {document} has not come yet; please check it.",
        )
    if effective and document and effective < document <= today:
        yield make_warning(
            "effective",
            f"生效日期 {effective} 早于文件日期 {document}：文件须写明可以追溯。",
            f"{effective} is before the document's day {document}: the document has to say that it reaches back.",
        )


# --- institutions ----------------------------------------------------------------------------------------------------


def _check_institution(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    yield from number_checks.check_address(read_text(typed, "address"), read_text(typed, "region"))
    yield from number_checks.check_uscc(read_text(typed, "uscc"))
    yield from number_checks.check_licence_number(read_text(typed, "practice_licence_no"), read_text(typed, "uscc"))
    for line in read_lines(typed, "domains"):
        if compact_domain(line) is None:
            yield make_error(
                "domains",
                f"“{line[:40]}”不是网站域名，请写成 www.example.cn 这样，每行一个。",
                f"“{line[:40]}” is not the domain of a website; write it like www.example.cn, one a line.",
            )
    stages = [stage for code in CODES if (stage := read_text(typed, f"stage.{code}"))]
    if stages:
        yield from _check_approval_days(typed, today, lawful=any(stage in LAWFUL_STAGES for stage in stages))
    elif any(read_text(typed, name) for name in ("document_no", "authority", "valid_from", "verification_due")):
        yield make_error(
            f"stage.{CODES[0]}",
            "填写了批准文件，但没有选择任何技术的运行情况。",
            "The approval's document is filled in, but no technique has a stage.",
        )


# --- approvals -------------------------------------------------------------------------------------------------------


def _check_approval(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    stage = read_text(typed, "stage")
    if not stage:
        return
    if stage == WITHDRAWN and not read_text(typed, "reason"):
        yield make_error(
            "reason", "撤回误登的批准须写明理由。", "Taking back what was stated by mistake needs a reason."
        )
    if stage in STAGES:
        yield from _check_approval_days(typed, today, lawful=stage in LAWFUL_STAGES)
    if read_text(typed, "technique") in read_boxes(typed, "also"):
        yield make_note("also", "本项技术已在上面，不必再选。", "The technique above need not be ticked again.")


def _check_approval_days(typed: Typed, today: dt.date, *, lawful: bool) -> Iterator[Finding]:
    start, due, effective = (
        read_day(typed, "valid_from"),
        read_day(typed, "verification_due"),
        read_day(typed, "effective"),
    )
    if start and due and due <= start:
        yield make_error(
            "verification_due",
            f"下次校验 {due} 不能早于批准起始日 {start}。",
            f"The next verification, {due}, cannot be before the approval begins, {start}.",
        )
    if lawful and due and due < today:
        yield make_warning(
            "verification_due",
            f"下次校验 {due} 已过：公众将看到该项批准已失效。",
            f"The verification was due on {due}: the public will read that the approval has lapsed.",
        )
    if lawful and start and effective and start > effective:
        yield make_warning(
            "valid_from",
            f"批准起始日 {start} 晚于生效日期 {effective}：到起始日之前，公众看不到该项批准。",
            f"The approval begins on {start}, after {effective}: until then the public sees no such approval.",
        )


# --- people, certificates, sanctions ---------------------------------------------------------------------------------


def _check_practitioner(typed: Typed, new: bool, _today: dt.date) -> Iterator[Finding]:
    start, end = read_day(typed, "valid_from"), read_day(typed, "valid_to")
    if start and end and end < start:
        yield _make_period_error("valid_to")
    effective = read_day(typed, "effective")
    if new and start and effective and start < effective:
        yield _make_late_warning(start, effective)
    number = read_text(typed, "certificate_no")
    if number and not number.startswith("**"):
        yield make_error("certificate_no", "证书号太短，请核对。", "The certificate's number is too short; check it.")
    elif number and "医师执业" in read_text(typed, "certificate_kind") and len(number) != 15:
        yield make_warning(
            "certificate_no",
            f"医师执业证书编码为15位，现有{len(number)}位。",
            f"A physician's practice certificate has 15 digits; this has {len(number)}.",
        )


def _check_certificate(typed: Typed, new: bool, today: dt.date) -> Iterator[Finding]:
    said = read_text(typed, "number")
    if not said:
        return
    try:
        number = parse_certificate(said)
    except InvalidInput as wrong:
        yield make_error("number", wrong.zh, wrong.en)
        return
    start, usual = number.approval_day, compute_certificate_expiry(number.approval_day)
    end = read_day(typed, "valid_to")
    yield make_note(
        "number",
        f"由文号推算：{start} 批准，有效期至 {usual}。",
        f"By the number: approved on {start}, valid until {usual}.",
    )
    if end and end < start:
        yield _make_period_error("valid_to")
    if end and end > usual:
        yield make_error(
            "valid_to",
            f"有效期最多一年，至 {usual}（《医疗广告管理办法》第十八条）。",
            f"It is valid for one year at most, until {usual} (医疗广告管理办法 art. 18).",
        )
    if start > today:
        yield make_error(
            "number", f"文号中的批准日 {start} 还没有到。", f"The day in the number, {start}, has not come."
        )
    effective = read_day(typed, "effective")
    if new and effective and start < effective:
        yield _make_late_warning(start, effective)


def _check_sanction(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    about = [name for name in ("institution", "organisation", "person") if read_text(typed, name)]
    if not about:
        yield make_error(
            "institution",
            "请写明处罚对象：名录内机构的编码、未在名录的组织，或个人。",
            "Say whom it is about: the code of an institution, an unlisted organisation, or a person.",
        )
    if "institution" in about and "organisation" in about:
        yield make_error(
            "organisation",
            "名录内机构和未在名录的组织只填一项。",
            "Give either an institution of the register or an unlisted organisation.",
        )
    decided = read_day(typed, "decided_on")
    if decided and decided > today:
        yield make_error("decided_on", f"决定日期 {decided} 还没有到。", f"{decided} has not come yet.")


def _make_period_error(field: str) -> Finding:
    return make_error(field, "有效期的结束早于开始，请核对。", "The period ends before it begins; please check it.")


def _make_late_warning(start: dt.date, effective: dt.date) -> Finding:
    return make_warning(
        "effective",
        f"生效日期 {effective} 晚于 {start}：核验 {start} 至 {effective} 之间的日期时，名录不会显示这一记载。"
        f"如应自 {start} 起有效，请把生效日期改为该日。",
        f"{effective} is after {start}: answers about days between will not know this. If it holds from {start} on, "
        "let that be the day it is true from.",
    )


_BY_KIND = {
    "institution": _check_institution,
    "approval": _check_approval,
    "practitioner": _check_practitioner,
    "ad_certificate": _check_certificate,
    "sanction": _check_sanction,
}
