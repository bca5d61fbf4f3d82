"""A receipt in words, zh-CN or English: for the shell and for paper."""

from __future__ import annotations

import datetime as dt
from typing import Any

from registry.domain.techniques import BY_CODE, find_technique
from registry.receipts.receipt_text import Reason, Receipt, remove_controls
from registry.verification.phrases import (
    NUMBERS,
    STAGE_WORDS,
    format_date,
    format_instant,
    format_technique,
    join_words,
)

#: Verdict -> words; the design's.
VERDICTS: dict[str, tuple[str, str]] = {
    "licensed": ("已获批准", "Approved"),
    "technique_not_licensed": ("未获批此项技术", "Not approved for this technique"),
    "site_mismatch": ("地址不符", "Address differs"),
    "preparing": ("筹建中", "In preparation"),
    "suspended": ("已暂停", "Suspended"),
    "revoked": ("已撤销", "Revoked"),
    "lapsed": ("已失效", "Lapsed"),
    "ambiguous": ("无法唯一确定", "Cannot be told apart"),
    "not_found": ("名录中未找到", "Not on the list"),
    "unknown": ("该日期无记录", "Nothing recorded for that day"),
}
_PERSONS = {
    "authorised": ("有授权记载", "Authorised"),
    "not_for_technique": ("授权不含此项技术", "Not authorised for this technique"),
    "not_authorised": ("没有此姓名的授权记载", "No such name among the authorised"),
    "institution_not_licensed": ("机构本身未获准", "The institution is not approved for it"),
    "unknown": ("无法回答", "Cannot say"),
    "ambiguous": ("无法唯一确定", "More than one fits"),
}
_CERTIFICATES = {
    "valid": ("在有效期内", "In force"),
    "expired": ("已过期", "Expired"),
    "not_yet_valid": ("尚未生效", "Not yet in force"),
    "other_institution": ("属于另一家机构", "Another institution's"),
    "unknown": ("无法核实", "Cannot be confirmed"),
    "malformed": ("文号格式不对", "Not such a number"),
}
_FLAGS = {
    "technique": ("技术名称", "technique"),
    "surrogacy": ("代孕", "surrogacy"),
    "gamete_trade": ("买卖卵子、精子、胚胎", "trade in eggs, sperm or embryos"),
    "sex_selection": ("选择胎儿性别", "choosing a child's sex"),
    "guarantee": ("保证效果", "promise of success"),
    "endorsement": ("以专家、患者、排名或军队名义作证明", "experts, patients, rankings or the army as proof"),
    "lure": ("招揽用语", "enticement"),
}
#: Characters of an advertisement's text, and different words of one kind in it, that are shown; the receipt has all.
SHOWN_TEXT, _SHOWN_WORDS = 160, 6
#: Why a receipt is not genuine, or what cannot be told of a genuine one.
REASONS: dict[Reason, tuple[str, str]] = {
    "incomplete": ("不完整：缺少一部分，请从头到尾完整复制", "incomplete: a part is missing; copy all of it"),
    "altered": ("内容或签名被改动过，或抄写有误", "its content or signature was altered, or miscopied"),
    "unknown_key": ("不是用这些公钥所属的密钥签发的", "it was not signed by any of the keys given"),
    "other_register": ("自称由另一个名录签发，请向该名录核对", "it says another register gave it; ask that one"),
    "after_retirement": ("签发时间晚于该密钥停用之时", "it was signed after its key was retired"),
    "other_log": ("所依据的日志不是本名录的日志", "the log it rests on is not this register's"),
    "ahead": (
        "所依据的日志比本机的新，暂时无法比较",
        "the log it rests on is newer than the one here: nothing to compare",
    ),
}
_PROVIDER: dict[str, tuple[str, str]] = {
    "name": ("名称", "name"),
    "address": ("地址", "address"),
    "code": ("名录编码", "register code"),
    **NUMBERS,
}


def has_person_name(receipt: Receipt) -> bool:
    """Whether a receipt holds the name of a person: then no address that we make may carry it."""
    return bool(receipt.question.get("practitioner"))


def describe_verdict(verdict: str, english: bool) -> str:
    """Return a verdict's words; the code itself for one that a newer register gave."""
    return VERDICTS.get(verdict, (verdict, verdict))[english]


def describe_technique(code: str, english: bool) -> str:
    """Return a technique in words; as it was written where the table does not know it."""
    technique = find_technique(code)
    return format_technique(technique, english) if technique in BY_CODE else code


def describe_receipt(receipt: Receipt, english: bool) -> list[tuple[str, str]]:
    """List (label, words) of everything a receipt says, in the order a reader needs it."""
    answer = receipt.answer
    lines = [
        (("问", "Asked")[english], describe_question(receipt.question, english)),
        (("所问广告内容", "Advertisement asked about")[english], _shorten_text(receipt.question, english)),
        (("所问日期", "Day asked about")[english], format_date(receipt.on, english)),
        (("答", "Answer")[english], describe_verdict(answer["verdict"], english)),
        (("说明", "Explanation")[english], answer.get("explanation") or ""),
        *(
            (describe_technique(technique["technique"], english), _describe_technique_answer(technique, english))
            for technique in answer.get("techniques") or []
        ),
        (("对应机构", "Institution")[english], _describe_institution(answer)),
        (("医务人员", "Staff")[english], _describe_answer(answer.get("practitioner"), _PERSONS, english)),
        (
            ("医疗广告审查证明", "Advertising certificate")[english],
            _describe_answer(answer.get("ad_certificate"), _CERTIFICATES, english),
        ),
        (("广告内容", "Wording")[english], _describe_wording(receipt, english)),
        (("依据", "Rests on")[english], _describe_basis(answer, english)),
        (("日志条数", "Entries of the log")[english], str(receipt.log.size)),
        (("日志根哈希", "Root hash of the log")[english], receipt.log.root),
        (("签发时间", "Signed at")[english], format_instant(receipt.signed_at, english)),
        (("签发者", "Signed by")[english], receipt.issuer),
        (("回执摘要（SHA-256）", "Digest of the receipt (SHA-256)")[english], receipt.digest),
    ]
    return [(remove_controls(label), remove_controls(words)) for label, words in lines if words]


def describe_question(question: dict[str, Any], english: bool) -> str:
    """Describe the question without its text: who, where, which techniques, which person, known as of when."""
    provider = question.get("provider") or {}
    parts = [f"{words[english]} {provider[field]}" for field, words in _PROVIDER.items() if provider.get(field)]
    if techniques := question.get("techniques"):
        named = join_words((describe_technique(code, english) for code in techniques), english)
        parts.append(f"{('技术', 'techniques')[english]} {named}")
    if person := question.get("practitioner"):
        parts.append(f"{('医务人员', 'staff')[english]} {person['name']}")
    if number := question.get("ad_certificate"):
        parts.append(f"{('医疗广告审查证明', 'advertising certificate')[english]} {number}")
    if known_at := question.get("known_at"):
        instant = format_instant(dt.datetime.fromisoformat(known_at), english)
        parts.append(f"as known at {instant}" if english else f"只按截至{instant}所知")
    return ("; " if english else "；").join(parts)


def _describe_technique_answer(answer: dict[str, Any], english: bool) -> str:
    words = describe_verdict(answer["verdict"], english)
    stage = STAGE_WORDS.get(answer.get("stage") or "")
    if stage is None:
        return words
    return f"{words}, {stage[1]}" if english else f"{words}，{stage[0]}"


def _shorten_text(question: dict[str, Any], english: bool) -> str:
    """Return the text of the advertisement, cut with a note where it is long."""
    text = question.get("text") or ""
    if len(text) <= SHOWN_TEXT:
        return str(text)
    note = (
        f"……（前{SHOWN_TEXT}字，全文{len(text)}字见回执原文）",
        f" ... (the first {SHOWN_TEXT} of {len(text)} characters; the receipt itself has all)",
    )
    return f"{text[:SHOWN_TEXT]}{note[english]}"


def _describe_answer(answer: dict[str, Any] | None, words: dict[str, tuple[str, str]], english: bool) -> str:
    """Describe the answer on a person or certificate: its word, and its sentence in the language it was signed in."""
    if not answer:
        return ""
    word = words.get(answer["verdict"], (answer["verdict"],) * 2)[english]
    return f"{word}: {answer.get('explanation') or ''}" if english else f"{word}：{answer.get('explanation') or ''}"


def _describe_wording(receipt: Receipt, english: bool) -> str:
    """Describe what the words of a text ask for; that nothing was found is said too, where a text was given."""
    if not receipt.question.get("text"):
        return ""
    flags, against = (receipt.answer.get(field) or [] for field in ("content_flags", "content_against"))
    if flags:
        words = (
            f"有{len(flags)}处词语需要人工查看（列出不等于认定违法）：{_describe_flags(flags, False)}。",
            f"{len(flags)} {'word needs' if len(flags) == 1 else 'words need'} a look by a person, which is no finding "
            f"of an offence: {_describe_flags(flags, True)}.",
        )[english]
    else:
        words = (
            "没有发现需要人工查看的词语，这不代表广告合法。",
            "No word that needs a look was found, which does not mean that the advertisement is lawful.",
        )[english]
    if against:
        words += (
            f"另有词语出现在反对或否认的句子里，未计入：{_describe_flags(against, False)}。",
            f" Words in sentences that oppose or deny what they name, not counted: {_describe_flags(against, True)}.",
        )[english]
    return words


def _describe_flags(flags: list[dict[str, Any]], english: bool) -> str:
    """Describe flags by kind, each word once; of many words the first ones."""
    kinds: dict[str, dict[str, None]] = {}
    for flag in flags:
        kinds.setdefault(flag["kind"], {})[" ".join(flag["text"].split())] = None
    parts = []
    for kind, texts in kinds.items():
        words = (", " if english else "").join(f"“{word}”" for word in list(texts)[:_SHOWN_WORDS])
        rest = (" and others" if english else "等") if len(texts) > _SHOWN_WORDS else ""
        parts.append(f"{_FLAGS.get(kind, (kind, kind))[english]}{' ' if english else ''}{words}{rest}")
    return ("; " if english else "；").join(parts)


def _describe_institution(answer: dict[str, Any]) -> str:
    match = answer.get("match")
    return f"{match['name']} · {match['address']} · {match['code']}" if match else ""


def _describe_basis(answer: dict[str, Any], english: bool) -> str:
    basis = answer.get("basis")
    if not basis:
        return ""
    day = format_date(dt.date.fromisoformat(basis["as_of"]), english)
    if format_date(dt.date.fromisoformat(basis["as_of"]), False) in basis["source"]:  # many titles say their day
        note = (f"（日志第{basis['entry']}条）", f" (log entry {basis['entry']})")
    else:
        note = (f"（截至{day}，日志第{basis['entry']}条）", f" (as of {day}, log entry {basis['entry']})")
    return f"{basis['source']}{note[english]}"
