"""Made-up answers beside the licence: every word of a certificate, of a person, of a text. Names all say 示例."""

from __future__ import annotations

import datetime as dt
from typing import get_args

import msgspec

from public_site.check_pages import CheckForm, CheckPage
from public_site.responses import FieldError, PageContext
from registry.domain import answers
from registry.domain.ad_lexicon import find_flags
from registry.domain.comparison import Compared, ComparedWord

TEXT = (
    "示例医院三代试管，成功率85%，包成功！代孕套餐、普通选性别代孕套餐，高价求卵，三甲专家亲诊，不需要结婚证。"
    "我院不开展供精人工授精。"
)
CODES_AND_VERDICTS: tuple[tuple[str | None, answers.VerdictWord], ...] = (
    ("7HV2-JKMV", "technique_not_licensed"),
    (None, "ambiguous"),
)
NUMBER = "(示)医广[2025]第07-15-001号"


def make_check_pages(page: CheckPage, answer: answers.Answer) -> dict[str, PageContext]:
    """Pages with answers beside the licence, and the form with fields that are too long."""
    form = CheckForm(name="示例市妇幼保健院", text=TEXT, ad_certificate=NUMBER, practitioner="示例员")
    full = msgspec.structs.replace(
        answer,
        techniques=[answers.TechniqueAnswer(technique="PGT", verdict="licensed", stage="trial", from_text=True)],
        content_flags=make_flags(condemned=False),
        content_against=make_flags(condemned=True),
        mentions=make_mentions(),
        sanctions=[make_sanction()],
    )
    pages: dict[str, PageContext] = {}
    for word in get_args(answers.CertificateWord):
        said = msgspec.structs.replace(full, ad_certificate=make_certificate_answer(word))
        pages[f"check-certificate-{word}"] = msgspec.structs.replace(page, form=form, answer=said)
    for person in get_args(answers.PersonWord):
        held = answers.PersonAnswer(verdict=person, explanation="此姓名的人员2025年7月1日在该机构有授权记载。")
        said = msgspec.structs.replace(full, practitioner=held, content_flags=[])
        pages[f"check-person-{person}"] = msgspec.structs.replace(page, form=form, answer=said)
    for compared in get_args(ComparedWord):
        said = msgspec.structs.replace(answer, compared=Compared(name="same", address=compared))
        pages[f"check-compared-{compared}"] = msgspec.structs.replace(page, answer=said)
    fields = {"text": "20000", "practitioner": "60", "ad_certificate": "100"}
    wrong = tuple(FieldError(field=field, key="check.error_long", value=most) for field, most in fields.items())
    pages["check-long"] = msgspec.structs.replace(page, form=form, answer=None, errors=wrong)
    return pages


def make_flags(condemned: bool) -> list[answers.ContentFlag]:
    """What stands in the sample text, or in its sentences against what they name."""
    return [
        answers.ContentFlag(kind=one.kind, text=one.text, start=one.start, end=one.end, technique=one.technique)
        for one in find_flags(TEXT)
        if one.is_condemned is condemned
    ]


def make_sanction() -> answers.SanctionFinding:
    """A record of the blacklist."""
    return answers.SanctionFinding(
        kind="blacklist",
        party="organisation",
        authority="示例市卫生健康委员会",
        document_no="示卫列〔2025〕3号",
        decided_on=dt.date(2025, 7, 1),
        legal_basis="示例条例第一条",
        until=dt.date(2028, 6, 30),
        matched="name",
        explanation="此名称的组织在黑名单中：示例市卫生健康委员会，示卫列〔2025〕3号，2025年7月1日，公示至2028年6月30日。",
        entry=1208,
    )


def make_mentions() -> list[answers.Mention]:
    """One institution named for certain, and one that only may be meant."""
    return [
        answers.Mention(
            start=0,
            end=4,
            text="示例医院",
            code=code,
            name=code and "示例医院",
            verdict=verdict,
            explanation="该机构在名录中，但未获准开展三代试管。",
        )
        for code, verdict in CODES_AND_VERDICTS
    ]


def make_certificate_answer(word: answers.CertificateWord) -> answers.CertificateAnswer:
    """The answer of each word."""
    if word == "malformed":
        said = "这不是医疗广告审查证明的文号格式。"
        return answers.CertificateAnswer(verdict=word, explanation=said, registered=False)
    registered = word != "unknown"
    return answers.CertificateAnswer(
        verdict=word,
        explanation="该证明登记在该机构名下，2025年7月20日在有效期内（至2026年7月14日）。",
        registered=registered,
        number=NUMBER,
        valid_from=dt.date(2025, 7, 15),
        valid_to=dt.date(2026, 7, 14),
        computed=[] if registered else ["valid_from", "valid_to"],
        institution=answers.Holder(code="7K2M-9QX4", name="示例市示例医院") if registered else None,
    )
