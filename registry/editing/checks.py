"""Inline checks of what stands in a form by itself: days, periods, stages. Look-alikes: ``likenesses``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from registry.editing import particulars
from registry.editing.findings import Finding, error, note, warning
from registry.editing.forms import CODES, LONGEST, WITHDRAWN, Field, FormKind, Typed, fields, lines, text, ticked
from registry.editing.values import day
from registry.errors import InvalidInput
from registry.facts import EARLIEST, LATEST
from registry.identifiers import certificate_expiry, compact_domain, read_certificate, validate_code
from registry.records.asof import day_of
from registry.techniques import LAWFUL_STAGES, STAGES

#: A day further ahead is more likely a slip.
_FAR = dt.timedelta(days=366)


def plain(
    kind: FormKind, new: bool, typed: Typed, today: dt.date, refused: frozenset[str] = frozenset()
) -> list[Finding]:
    """What can be said of a form, on the register's ``today``, without looking into it. ``refused``: ``typed.read``."""
    found = [_not_kept(name) for name in sorted(refused)]
    missing = {field.name for field in fields(kind, new) if field.required and not typed.get(field.name)} - refused
    found += [_missing(name) for name in sorted(missing)]
    for field in fields(kind, new):
        found += _of_input(field, typed)
    found += _effective(typed, today)
    found += _BY_KIND[kind](typed, new, today)
    return found


def _not_kept(name: str) -> Finding:
    return error(
        name,
        "这里像是身份证号、电话或资格证书号，名录不保存这类号码，已删去；请改写。",
        "This looks like an identity number, a telephone or a qualification's number. The register keeps none, so it "
        "was taken out; please reword it.",
    )


def _missing(name: str) -> Finding:
    return error(name, "请填写这一项。", "Please fill this in.")


def _of_input(field: Field, typed: Typed) -> Iterator[Finding]:
    said = text(typed, field.name)
    if field.input == "day" and said:
        try:
            if not EARLIEST <= day_of(said) <= LATEST:
                raise InvalidInput("", "")
        except InvalidInput:
            yield error(
                field.name,
                f"“{said}”不是日期，请写成 2025-07-01 这样。",
                f"“{said}” is not a day; write it like 2025-07-01.",
            )
    if field.input in ("text", "area", "lines") and len(said) > (most := LONGEST[field.input]):
        yield error(
            field.name,
            f"最多{most}字，更长的没有保存，请缩短。",
            f"At most {most} characters: what is longer was not kept, please shorten it.",
        )
    if field.input == "choice" and said and said not in field.choices:
        yield error(field.name, "请从所列项中选择。", "Choose one of those listed.")
    if field.name == "institution" and said:
        try:
            validate_code(said)
        except InvalidInput as wrong:
            yield error("institution", wrong.zh, wrong.en)


def _effective(typed: Typed, today: dt.date) -> Iterator[Finding]:
    effective, document = day(typed, "effective"), day(typed, "doc_date")
    if effective and effective > today + _FAR:
        yield warning(
            "effective",
            f"生效日期 {effective} 在一年以后，请确认没有写错年份。",
            f"{effective} is more than a year ahead; confirm that the year is right.",
        )
    if document and document > today:
        yield error(
            "doc_date",
            f"文件日期 {document} 还没有到，请核对。",
            f"The document's day {document} has not come yet; please check it.",
        )
    if effective and document and effective < document <= today:
        yield warning(
            "effective",
            f"生效日期 {effective} 早于文件日期 {document}：文件须写明可以追溯。",
            f"{effective} is before the document's day {document}: the document has to say that it reaches back.",
        )


# --- institutions ----------------------------------------------------------------------------------------------------


def _institution(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    yield from particulars.address(text(typed, "address"), text(typed, "region"))
    yield from particulars.uscc(text(typed, "uscc"))
    yield from particulars.licence(text(typed, "practice_licence_no"), text(typed, "uscc"))
    for line in lines(typed, "domains"):
        if compact_domain(line) is None:
            yield error(
                "domains",
                f"“{line[:40]}”不是网站域名，请写成 www.example.cn 这样，每行一个。",
                f"“{line[:40]}” is not the domain of a website; write it like www.example.cn, one a line.",
            )
    stages = [stage for code in CODES if (stage := text(typed, f"stage.{code}"))]
    if stages:
        yield from _approval_days(typed, today, lawful=any(stage in LAWFUL_STAGES for stage in stages))
    elif any(text(typed, name) for name in ("document_no", "authority", "valid_from", "verification_due")):
        yield error(
            f"stage.{CODES[0]}",
            "填写了批准文件，但没有选择任何技术的运行情况。",
            "The approval's document is filled in, but no technique has a stage.",
        )


# --- approvals -------------------------------------------------------------------------------------------------------


def _approval(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    stage = text(typed, "stage")
    if not stage:
        return
    if stage == WITHDRAWN and not text(typed, "reason"):
        yield error("reason", "撤回误登的批准须写明理由。", "Taking back what was stated by mistake needs a reason.")
    if stage in STAGES:
        yield from _approval_days(typed, today, lawful=stage in LAWFUL_STAGES)
    if text(typed, "technique") in ticked(typed, "also"):
        yield note("also", "本项技术已在上面，不必再选。", "The technique above need not be ticked again.")


def _approval_days(typed: Typed, today: dt.date, *, lawful: bool) -> Iterator[Finding]:
    start, due, effective = day(typed, "valid_from"), day(typed, "verification_due"), day(typed, "effective")
    if start and due and due <= start:
        yield error(
            "verification_due",
            f"下次校验 {due} 不能早于批准起始日 {start}。",
            f"The next verification, {due}, cannot be before the approval begins, {start}.",
        )
    if lawful and due and due < today:
        yield warning(
            "verification_due",
            f"下次校验 {due} 已过：公众将看到该项批准已失效。",
            f"The verification was due on {due}: the public will read that the approval has lapsed.",
        )
    if lawful and start and effective and start > effective:
        yield warning(
            "valid_from",
            f"批准起始日 {start} 晚于生效日期 {effective}：到起始日之前，公众看不到该项批准。",
            f"The approval begins on {start}, after {effective}: until then the public sees no such approval.",
        )


# --- people, certificates, sanctions ---------------------------------------------------------------------------------


def _practitioner(typed: Typed, new: bool, _today: dt.date) -> Iterator[Finding]:
    start, end = day(typed, "valid_from"), day(typed, "valid_to")
    if start and end and end < start:
        yield _order("valid_to")
    effective = day(typed, "effective")
    if new and start and effective and start < effective:
        yield _late(start, effective)
    number = text(typed, "certificate_no")
    if number and not number.startswith("**"):
        yield error("certificate_no", "证书号太短，请核对。", "The certificate's number is too short; check it.")
    elif number and "医师执业" in text(typed, "certificate_kind") and len(number) != 15:
        yield warning(
            "certificate_no",
            f"医师执业证书编码为15位，现有{len(number)}位。",
            f"A physician's practice certificate has 15 digits; this has {len(number)}.",
        )


def _certificate(typed: Typed, new: bool, today: dt.date) -> Iterator[Finding]:
    said = text(typed, "number")
    if not said:
        return
    try:
        number = read_certificate(said)
    except InvalidInput as wrong:
        yield error("number", wrong.zh, wrong.en)
        return
    start, usual = number.approved, certificate_expiry(number.approved)
    end = day(typed, "valid_to")
    yield note(
        "number",
        f"由文号推算：{start} 批准，有效期至 {usual}。",
        f"By the number: approved on {start}, valid until {usual}.",
    )
    if end and end < start:
        yield _order("valid_to")
    if end and end > usual:
        yield error(
            "valid_to",
            f"有效期最多一年，至 {usual}（《医疗广告管理办法》第十八条）。",
            f"It is valid for one year at most, until {usual} (医疗广告管理办法 art. 18).",
        )
    if start > today:
        yield error("number", f"文号中的批准日 {start} 还没有到。", f"The day in the number, {start}, has not come.")
    effective = day(typed, "effective")
    if new and effective and start < effective:
        yield _late(start, effective)


def _sanction(typed: Typed, _new: bool, today: dt.date) -> Iterator[Finding]:
    about = [name for name in ("institution", "organisation", "person") if text(typed, name)]
    if not about:
        yield error(
            "institution",
            "请写明处罚对象：名录内机构的编码、未在名录的组织，或个人。",
            "Say whom it is about: the code of an institution, an unlisted organisation, or a person.",
        )
    if "institution" in about and "organisation" in about:
        yield error(
            "organisation",
            "名录内机构和未在名录的组织只填一项。",
            "Give either an institution of the register or an unlisted organisation.",
        )
    decided = day(typed, "decided_on")
    if decided and decided > today:
        yield error("decided_on", f"决定日期 {decided} 还没有到。", f"{decided} has not come yet.")


def _order(field: str) -> Finding:
    return error(field, "有效期的结束早于开始，请核对。", "The period ends before it begins; please check it.")


def _late(start: dt.date, effective: dt.date) -> Finding:
    return warning(
        "effective",
        f"生效日期 {effective} 晚于 {start}：核验 {start} 至 {effective} 之间的日期时，名录不会显示这一记载。"
        f"如应自 {start} 起有效，请把生效日期改为该日。",
        f"{effective} is after {start}: answers about days between will not know this. If it holds from {start} on, "
        "let that be the day it is true from.",
    )


_BY_KIND = {
    "institution": _institution,
    "approval": _approval,
    "practitioner": _practitioner,
    "ad_certificate": _certificate,
    "sanction": _sanction,
}
