"""What is said beside the licence of penalties and the blacklist: of whom a claim names exactly, and of nobody else.

It changes no verdict: what a penalty does to an approval, the approval says itself (see ``records.standing``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import cast

from registry.domain.answers import Claim, Match, SanctionFinding, SanctionMatch
from registry.domain.identifiers import compact_code, compact_uscc
from registry.domain.model import Date, Struct
from registry.domain.normalise import fold_text
from registry.errors import InvalidInput
from registry.records import lookup
from registry.records.asof import AsOf
from registry.records.publicity import find_last_public_day
from registry.records.supervision import Sanction, fill_record
from registry.texts import Message
from registry.verification.phrases import format_date
from registry.verification.sanction_index import (
    FoundSanction,
    Key,
    make_account_key,
    make_domain_key,
    make_person_key,
)
from registry.verification.view import VerificationView

_KINDS: dict[str | None, Message] = {
    "penalty": Message("{who}有一项公示的行政处罚：{paper}{until}。这是许可之外的信息，不改变许可的答复。"),
    "blacklist": Message("{who}在黑名单中：{paper}{until}。这是许可之外的信息，不改变许可的答复。"),
}
_MATCHED: dict[SanctionMatch, Message] = {
    "institution": Message("该机构"),
    "name": Message("此名称的组织", context="sanctions"),
    "uscc": Message("此统一社会信用代码的组织"),
    "domain": Message("此网站"),
    "account": Message("此账号"),
    "practitioner": Message("此姓名的人员"),
}


class SanctionQuestion(Struct, frozen=True):
    """Whom somebody looks up, by one of these; a person by ``name`` and ``institution`` together, each exactly."""

    name: str | None = None
    uscc: str | None = None
    domain: str | None = None
    account: str | None = None
    institution: str | None = None


class SanctionHit(Struct, frozen=True):
    """A record that was looked up, and by what it was found."""

    matched: SanctionMatch
    until: Date | None
    explanation: str
    sanction: Sanction


def find_claimed(
    view: VerificationView, claim: Claim, match: Match | None, asof: AsOf, lang: str
) -> list[SanctionFinding]:
    """Find what is public of those whom a claim names; ``match``: the institution that answers it."""
    found = view.sanctions.find_public(_list_claim_keys(claim, match), asof)
    return [_make_finding(one, lang) for one in found]


def _list_claim_keys(claim: Claim, match: Match | None) -> Iterator[Key]:
    provider = claim.provider
    places: list[Key] = [("institution", match.code.replace("-", ""))] if match else []
    if name := fold_text(provider.name or ""):
        places.append(("name", name))
    yield from places
    text = provider.name or ""  # seldom an account, platform:name
    if (":" in text or "：" in text) and (account := make_account_key(text)) is not None:
        yield account
    if provider.uscc:
        yield ("uscc", compact_uscc(provider.uscc))
    if provider.domain and (key := make_domain_key(provider.domain)) is not None:
        yield key
    if claim.practitioner is not None:
        keys = (make_person_key(claim.practitioner.name, place) for place in places)
        yield from (key for key in keys if key is not None)


def find_written(view: VerificationView, text: str, asof: AsOf, lang: str) -> list[SanctionFinding]:
    """Find what is public of whoever a text is the exact name, number, domain or account of; never of a person."""
    if not view.sanctions:
        return []
    keys: list[Key | None] = [("uscc", compact_uscc(text)), make_domain_key(text), make_account_key(text)]
    keys += _list_places(view, text) if fold_text(text) else []
    return [_make_finding(one, lang) for one in view.sanctions.find_public((key for key in keys if key), asof)]


def find_hits(view: VerificationView, question: SanctionQuestion, asof: AsOf, lang: str) -> list[SanctionHit]:
    """Look up what is public of somebody on a day; InvalidInput unless exactly one thing is asked by, and readable."""
    keys = _list_question_keys(view, question)
    hits = []
    for found in view.sanctions.find_public(keys, asof):
        span = found.span
        source = lookup.make_source_ref(view.sources.select_known(asof.size).get(span.source or ""))
        record = cast("Sanction", fill_record(span.subject, span.values, source, span.entry))
        finding = _make_finding(found, lang)
        hits.append(
            SanctionHit(matched=finding.matched, until=finding.until, explanation=finding.explanation, sanction=record)
        )
    return hits


def _list_question_keys(view: VerificationView, question: SanctionQuestion) -> list[Key]:
    asked = [name for name in ("name", "uscc", "domain", "account") if getattr(question, name) is not None]
    if len(asked) != 1:
        raise InvalidInput(Message("请用 name、uscc、domain、account 之一查询，且只用其一；不能列出全部。"))
    if question.institution is not None and asked != ["name"]:
        raise InvalidInput(Message("institution 只与 name 一起使用：查询该机构的人员。"))
    if question.name is not None:
        if not fold_text(question.name):
            raise InvalidInput(Message("name 是空的：请填写完整的名称。"))
        places = _list_places(view, question.name if question.institution is None else question.institution)
        if question.institution is None:
            return places
        people = (make_person_key(question.name, place) for place in places)
        return [key for key in people if key is not None]
    if question.uscc is not None:
        return [("uscc", compact_uscc(question.uscc))]
    if question.domain is not None:
        key = make_domain_key(question.domain)
        message = Message("domain 的值不是网站域名，请写成 www.example.cn 这样。")
    else:
        key = make_account_key(question.account or "")
        message = Message("account 须写成“平台:账号名称”，例如 微信公众号:示例助孕。")
    if key is None:
        raise InvalidInput(message)
    return [key]


def _list_places(view: VerificationView, name: str) -> list[Key]:
    """List the keys of an organisation of a name, and of the institutions that have it, or whose code it is."""
    folded = fold_text(name)
    compact = compact_code(name)
    codes = [compact] if view.institutions.list_spans(compact) else view.institutions.find_by_name(folded)
    return [("name", folded), *(("institution", code) for code in sorted(codes))]


def _make_finding(found: FoundSanction, lang: str) -> SanctionFinding:
    values, matched = found.span.values, cast("SanctionMatch", found.key[0])
    until = find_last_public_day(values)
    day = values.get("decided_on")
    decided_on = dt.date.fromisoformat(day) if day else None
    sentence = _KINDS[values.get("kind") if values.get("kind") in _KINDS else "penalty"].fill_in(
        who=_MATCHED[matched],
        paper=_describe_paper(values.get("authority"), values.get("document_no"), decided_on, lang),
        until=Message("，公示至{day}", day=format_date(until, lang)).to_text(lang) if until else "",
    )
    return SanctionFinding(
        kind=values.get("kind"),
        party=values.get("party"),
        authority=values.get("authority"),
        document_no=values.get("document_no"),
        decided_on=decided_on,
        legal_basis=values.get("legal_basis"),
        until=until,
        matched=matched,
        explanation=sentence.to_text(lang),
        entry=found.span.entry,
    )


def _describe_paper(authority: str | None, number: str | None, day: dt.date | None, lang: str) -> str:
    parts = [part for part in (authority, number, format_date(day, lang) if day else None) if part]
    return Message("，").to_text(lang).join(parts) if parts else Message("未写明决定").to_text(lang)
