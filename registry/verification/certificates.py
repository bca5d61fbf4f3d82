"""A 医疗广告审查证明 by its number: whether it is registered, and for whom, on a day; else what the number says by
itself.

医疗广告管理办法 (2007) art. 18: valid for one year. The day of approval is inside the number, so an end can be computed
for a certificate nobody registered; that it exists, and for whom, cannot. A computed certificate is never `valid`.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from registry.domain.answers import CertificateAnswer, CertificateWord, Holder
from registry.domain.identifiers import (
    compact_certificate,
    compact_code,
    compute_certificate_expiry,
    format_certificate,
    format_code,
    parse_certificate,
)
from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.records.asof import AsOf
from registry.texts import Message
from registry.verification.people_index import RecordSpan
from registry.verification.phrases import format_date
from registry.verification.verdict import Judgement
from registry.verification.view import VerificationView

_SENTENCES: dict[str, Message] = {
    "valid": Message("该证明登记在该机构名下，{day}在有效期内（至{to}{computed}）。"),
    "expired": Message("该证明登记在该机构名下，有效期至{to}{computed}，{day}已过期。"),
    "not_yet_valid": Message("该证明登记在该机构名下，自{start}起有效，{day}尚未生效。"),
    "other_institution": Message("该证明登记在另一家机构名下：{holder}。"),
    "unmatched": Message("该证明登记在{holder}名下；所问机构未能唯一确定（或地址不符），无法回答是否为同一家。"),
    "undated": Message("该证明登记在该机构名下，但没有登记有效期，文号中也读不出，无法回答{day}是否有效。"),
    "computed": Message(
        "名录中没有登记该文号，是否真实、属于哪家机构均不知道；仅按文号推算，{start}批准，有效期一年，至{to}。"
    ),
    "computed_expired": Message("名录中没有登记该文号；仅按文号推算，{start}批准，有效期一年，至{to}，{day}已过期。"),
    "computed_not_yet": Message("名录中没有登记该文号；仅按文号推算，{start}才批准，{day}尚未生效。"),
    "malformed": Message(
        "这不是医疗广告审查证明的文号格式：应如 (辽)医广[2023]第07-15-001号，其中有批准的年月日，请核对。"
    ),
}


class _Period(Struct, frozen=True):
    """The days of a certificate, and which of the two are only computed."""

    start: dt.date | None
    to: dt.date | None
    computed: tuple[Literal["valid_from", "valid_to"], ...] = ()

    def judge_day(self, day: dt.date) -> CertificateWord:
        """Judge a day, both ends included; `unknown` without an end."""
        if self.start is not None and day < self.start:
            return "not_yet_valid"
        if self.to is None:
            return "unknown"
        return "expired" if self.to < day else "valid"


def answer_certificate(
    view: VerificationView, number: str, judgement: Judgement, asof: AsOf, lang: str
) -> CertificateAnswer:
    """Return the answer about the certificate a claim names; InvalidInput for an empty number."""
    if not number.strip():
        raise InvalidInput(
            Message("ad_certificate 是空的：请填写医疗广告审查证明文号，或不填此项。"),
        )
    registered = view.people.list_certificates(compact_certificate(number), asof)
    if not registered:
        return _answer_by_number(number, asof.valid_on, lang)
    matching = [span for span in registered if span.institution in judgement.codes]
    return _answer_from_register(view, number, (matching or registered)[0], judgement, asof, lang)


def _answer_by_number(text: str, day: dt.date, lang: str) -> CertificateAnswer:
    """Answer for a number that nobody registered, by what it says itself."""
    try:
        number = parse_certificate(text)
    except InvalidInput:
        return CertificateAnswer(
            verdict="malformed", explanation=_format_sentence("malformed", day, lang), registered=False
        )
    period = _Period(
        start=number.approval_day,
        to=compute_certificate_expiry(number.approval_day),
        computed=("valid_from", "valid_to"),
    )
    word = period.judge_day(day)
    reason = {"expired": "computed_expired", "not_yet_valid": "computed_not_yet"}.get(word, "computed")
    return CertificateAnswer(
        verdict="unknown" if word == "valid" else word,  # genuine or not is what nobody here knows
        explanation=_format_sentence(reason, day, lang, period),
        registered=False,
        number=format_certificate(number),
        valid_from=period.start,
        valid_to=period.to,
        computed=list(period.computed),
    )


def _answer_from_register(
    view: VerificationView, number: str, certificate: RecordSpan, judgement: Judgement, asof: AsOf, lang: str
) -> CertificateAnswer:
    period = _make_period(certificate)
    word: CertificateWord = period.judge_day(asof.valid_on)
    reason = "undated" if word == "unknown" else str(word)
    if certificate.institution not in judgement.codes:
        is_possible = judgement.verdict in (
            "ambiguous",
            "site_mismatch",
        ) or certificate.institution in _list_candidate_codes(judgement)
        word, reason = ("unknown", "unmatched") if is_possible else ("other_institution", "other_institution")
    site = view.find_site(certificate.institution, asof)
    holder = Holder(code=format_code(certificate.institution), name=site.name if site else None)
    return CertificateAnswer(
        verdict=word,
        explanation=_format_sentence(reason, asof.valid_on, lang, period, holder),
        registered=True,
        number=certificate.printed or number,
        valid_from=period.start,
        valid_to=period.to,
        computed=list(period.computed),
        institution=holder,
        entry=certificate.entry,
    )


def _list_candidate_codes(judgement: Judgement) -> set[str]:
    return {compact_code(candidate.code) for candidate in judgement.candidates}


def _make_period(certificate: RecordSpan) -> _Period:
    """Make the period registered; a missing day is computed from the number, or from the other day."""
    start, to = certificate.since, certificate.until
    computed: list[Literal["valid_from", "valid_to"]] = []
    if start is None:
        try:
            start = parse_certificate(certificate.printed or "").approval_day
            computed.append("valid_from")
        except InvalidInput:
            pass
    if to is None and start is not None:
        to = compute_certificate_expiry(start)
        computed.append("valid_to")
    return _Period(start=start, to=to, computed=tuple(computed))


def _format_sentence(
    reason: str, day: dt.date, lang: str, period: _Period | None = None, holder: Holder | None = None
) -> str:
    start, to = (period.start, period.to) if period else (None, None)
    is_computed = period is not None and "valid_to" in period.computed
    return (
        _SENTENCES[reason]
        .to_text(lang)
        .format(
            day=format_date(day, lang),
            start=format_date(start, lang) if start else "",
            to=format_date(to, lang) if to else "",
            computed=Message("，按一年推算").to_text(lang) if is_computed else "",
            holder=(holder.name or holder.code) if holder else "",
        )
    )
