"""A receipt in words, zh-CN or English: for the shell and for paper."""

import datetime as dt
from typing import Any

from registry.domain.techniques import BY_CODE, find_technique
from registry.receipts.receipt_text import Reason, Receipt, remove_controls
from registry.texts import FixedText, Message, PluralMessage
from registry.verification.phrases import (
    NUMBERS,
    STAGE_WORDS,
    format_date,
    format_instant,
    format_technique,
    join_words,
)

#: Verdict -> words; the design's.
VERDICTS: dict[str, Message] = {
    "licensed": Message("已获批准"),
    "partly_licensed": Message("部分获批"),
    "technique_not_licensed": Message("未获批此项技术"),
    "site_mismatch": Message("地址不符"),
    "preparing": Message("筹建中"),
    "suspended": Message("已暂停", context="receipts.describe"),
    "revoked": Message("已撤销", context="receipts.describe"),
    "lapsed": Message("已失效"),
    "ambiguous": Message("无法唯一确定"),
    "not_found": Message("名录中未找到"),
    "unknown": Message("无法回答"),
}
_PERSONS = {
    "authorised": Message("有授权记载"),
    "not_for_technique": Message("授权不含此项技术"),
    "not_authorised": Message("没有此姓名的授权记载"),
    "institution_not_licensed": Message("机构本身未获准"),
    "unknown": Message("无法回答"),
    "ambiguous": Message("无法唯一确定", context="receipts.describe"),
}
_CERTIFICATES = {
    "valid": Message("在有效期内"),
    "expired": Message("已过期"),
    "not_yet_valid": Message("尚未生效"),
    "other_institution": Message("属于另一家机构"),
    "unknown": Message("无法核实"),
    "malformed": Message("文号格式不对"),
}
_FLAGS = {
    "technique": Message("技术名称"),
    "surrogacy": Message("代孕"),
    "gamete_trade": Message("买卖卵子、精子、胚胎"),
    "sex_selection": Message("选择胎儿性别"),
    "guarantee": Message("保证效果"),
    "endorsement": Message("以专家、患者、排名或军队名义作证明"),
    "lure": Message("招揽用语"),
}
#: Characters of an advertisement's text, and different words of one kind in it, that are shown; the receipt has all.
SHOWN_TEXT, _SHOWN_WORDS = 160, 6
#: Why a receipt is not genuine, or what cannot be told of a genuine one.
REASONS: dict[Reason, Message] = {
    "incomplete": Message("不完整：缺少一部分，请从头到尾完整复制"),
    "altered": Message("内容或签名被改动过，或抄写有误"),
    "unknown_key": Message("不是用这些公钥所属的密钥签发的"),
    "other_register": Message("自称由另一个名录签发，请向该名录核对"),
    "withdrawn_key": Message("签名所用的密钥已被收回（可能已为他人所得）"),
    "after_retirement": Message("签发时间晚于该密钥停用之时"),
    "other_log": Message("所依据的日志不是本名录的日志"),
    "ahead": Message("所依据的日志比本机的新，暂时无法比较"),
}
_PROVIDER: dict[str, Message] = {
    "name": Message("名称"),
    "address": Message("地址"),
    "code": Message("名录编码"),
    **NUMBERS,
}


def has_person_name(receipt: Receipt) -> bool:
    """Whether a receipt holds the name of a person: then no address that we make may carry it."""
    return bool(receipt.question.get("practitioner"))


def describe_verdict(verdict: str, lang: str) -> str:
    """Return a verdict's words; the code itself for one that a newer register gave."""
    return VERDICTS.get(verdict, FixedText(verdict)).to_text(lang)


def describe_technique(code: str, lang: str) -> str:
    """Return a technique in words; as it was written where the table does not know it."""
    technique = find_technique(code)
    return format_technique(technique, lang) if technique in BY_CODE else code


def describe_receipt(receipt: Receipt, lang: str) -> list[tuple[str, str]]:
    """List (label, words) of everything a receipt says, in the order a reader needs it."""
    answer = receipt.answer
    lines: list[tuple[Message, str]] = [
        (Message("问"), describe_question(receipt.question, lang)),
        (Message("所问广告内容"), _shorten_text(receipt.question, lang)),
        (Message("所问日期"), format_date(receipt.on, lang)),
        (Message("答"), describe_verdict(answer["verdict"], lang)),
        (Message("说明", context="receipts.describe"), answer.get("explanation") or ""),
        *(
            (FixedText(describe_technique(technique["technique"], lang)), _describe_technique_answer(technique, lang))
            for technique in answer.get("techniques") or []
        ),
        (Message("对应机构"), _describe_institution(answer)),
        (Message("医务人员"), _describe_answer(answer.get("practitioner"), _PERSONS, lang)),
        (Message("医疗广告审查证明"), _describe_answer(answer.get("ad_certificate"), _CERTIFICATES, lang)),
        (Message("处罚或黑名单"), " ".join(one["explanation"] for one in answer.get("sanctions") or [])),
        (Message("广告内容"), _describe_wording(receipt, lang)),
        (Message("文中机构"), _describe_mentions(answer, lang)),
        (Message("依据"), _describe_basis(answer, lang)),
        (Message("日志条数"), str(receipt.log.size)),
        (Message("日志根哈希"), receipt.log.root),
        (Message("签发时间"), format_instant(receipt.signed_at, lang)),
        (Message("签发者"), receipt.issuer),
        (Message("回执摘要（SHA-256）"), receipt.digest),
    ]
    return [(remove_controls(label.to_text(lang)), remove_controls(words)) for label, words in lines if words]


def describe_question(question: dict[str, Any], lang: str) -> str:
    """Describe the question without its text: who, where, which techniques, which person, known as of when."""
    provider = question.get("provider") or {}
    parts = [f"{words.to_text(lang)} {provider[field]}" for field, words in _PROVIDER.items() if provider.get(field)]
    if techniques := question.get("techniques"):
        named = join_words((describe_technique(code, lang) for code in techniques), lang)
        parts.append(f"{Message('技术', context='receipts.describe').to_text(lang)} {named}")
    if person := question.get("practitioner"):
        parts.append(f"{Message('医务人员', context='receipts.describe').to_text(lang)} {person['name']}")
    if number := question.get("ad_certificate"):
        parts.append(f"{Message('医疗广告审查证明', context='receipts.describe').to_text(lang)} {number}")
    if known_at := question.get("known_at"):
        instant = format_instant(dt.datetime.fromisoformat(known_at), lang)
        parts.append(Message("只按截至{instant}所知", instant=instant).to_text(lang))
    return Message("；").to_text(lang).join(parts)


def _describe_technique_answer(answer: dict[str, Any], lang: str) -> str:
    words = describe_verdict(answer["verdict"], lang)
    stage = STAGE_WORDS.get(answer.get("stage") or "")
    if stage is None:
        return words
    return Message("{words}，{stage}", words=words, stage=stage).to_text(lang)


def _shorten_text(question: dict[str, Any], lang: str) -> str:
    """Return the text of the advertisement, cut with a note where it is long."""
    text = question.get("text") or ""
    if len(text) <= SHOWN_TEXT:
        return str(text)
    note = Message("……（前{shown_text}字，全文{count}字见回执原文）", shown_text=SHOWN_TEXT, count=len(text))
    return f"{text[:SHOWN_TEXT]}{note.to_text(lang)}"


def _describe_answer(answer: dict[str, Any] | None, words: dict[str, Message], lang: str) -> str:
    """Describe the answer on a person or certificate: its word, and its sentence in the language it was signed in."""
    if not answer:
        return ""
    word = words.get(answer["verdict"], FixedText(answer["verdict"])).to_text(lang)
    return Message("{word}：{value}", word=word, value=answer.get("explanation") or "").to_text(lang)


def _describe_wording(receipt: Receipt, lang: str) -> str:
    """Describe what the words of a text ask for; that nothing was found is said too, where a text was given."""
    if not receipt.question.get("text"):
        return ""
    flags, against = (receipt.answer.get(field) or [] for field in ("content_flags", "content_against"))
    if flags:
        words = PluralMessage(
            "有{count}处词语需要人工查看（列出不等于认定违法）：{flags}。",
            count=len(flags),
            flags=_describe_flags(flags, lang),
        ).to_text(lang)
    else:
        words = Message("没有发现需要人工查看的词语，这不代表广告合法。").to_text(lang)
    if against:
        words += Message(
            "另有词语出现在反对或否认的句子里，未计入：{against}。", against=_describe_flags(against, lang)
        ).to_text(lang)
    return words


def _describe_mentions(answer: dict[str, Any], lang: str) -> str:
    """Describe the institutions that the text names, each with its verdict."""
    words = [
        Message("{word}：{value}", word=mention["text"], value=describe_verdict(mention["verdict"], lang)).to_text(lang)
        for mention in answer.get("mentions") or []
    ]
    return Message("；").to_text(lang).join(words)


def _describe_flags(flags: list[dict[str, Any]], lang: str) -> str:
    """Describe flags by kind, each word once; of many words the first ones."""
    kinds: dict[str, dict[str, None]] = {}
    for flag in flags:
        kinds.setdefault(flag["kind"], {})[" ".join(flag["text"].split())] = None
    parts = []
    for kind, texts in kinds.items():
        quoted = Message("”“").to_text(lang).join(list(texts)[:_SHOWN_WORDS])
        sentence = Message("{kind}“{words}”等") if len(texts) > _SHOWN_WORDS else Message("{kind}“{words}”")
        parts.append(sentence.fill_in(kind=_FLAGS.get(kind, FixedText(kind)), words=quoted).to_text(lang))
    return Message("；").to_text(lang).join(parts)


def _describe_institution(answer: dict[str, Any]) -> str:
    match = answer.get("match")
    return f"{match['name']} · {match['address']} · {match['code']}" if match else ""


def _describe_basis(answer: dict[str, Any], lang: str) -> str:
    basis = answer.get("basis")
    if not basis:
        return ""
    day = format_date(dt.date.fromisoformat(basis["as_of"]), lang)
    if format_date(dt.date.fromisoformat(basis["as_of"]), "zh-CN") in basis["source"]:  # many titles say their day
        note = Message("（日志第{entry}条）", entry=basis["entry"])
    else:
        note = Message("（截至{day}，日志第{entry}条）", day=day, entry=basis["entry"])
    return f"{basis['source']}{note.to_text(lang)}"
