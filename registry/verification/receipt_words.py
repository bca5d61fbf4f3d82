"""A receipt in words, zh-CN or English: for the shell and for paper."""

from __future__ import annotations

import datetime as dt
from typing import Any

from registry.records.asof import SHANGHAI
from registry.techniques import BY_CODE, from_words
from registry.verification.phrases import STAGE_WORDS, date_words, technique_words
from registry.verification.receipts import Reason, Receipt

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
_PROVIDER = {
    "name": ("名称", "name"),
    "address": ("地址", "address"),
    "code": ("名录编码", "register code"),
    "uscc": ("统一社会信用代码", "unified social credit code"),
    "practice_licence_no": ("执业许可证登记号", "practice licence number"),
    "domain": ("网站域名", "website domain"),
}


def verdict_words(verdict: str, english: bool) -> str:
    """A verdict's word; the code itself for one that a newer register gave."""
    return VERDICTS.get(verdict, (verdict, verdict))[english]


def moment(at: dt.datetime, english: bool) -> str:
    """An instant as the clock in Shanghai shows it, to the second."""
    here = at.astimezone(SHANGHAI)
    told = f"{date_words(here.date(), english)} {here:%H:%M:%S}"
    return f"{told} (Beijing time)" if english else f"{told}（北京时间）"


def technique(code: str, english: bool) -> str:
    """A technique in words; as it was written where the table does not know it."""
    known = from_words(code)
    return technique_words(known, english) if known in BY_CODE else code


def pairs(receipt: Receipt, english: bool) -> list[tuple[str, str]]:
    """(label, words) of everything a receipt says, in the order a reader needs it."""
    said = receipt.answer
    found = [
        (("问", "Asked")[english], question(receipt.question, english)),
        (("所问日期", "Day asked about")[english], date_words(receipt.on, english)),
        (("答", "Answer")[english], verdict_words(said["verdict"], english)),
        (("说明", "Explanation")[english], said.get("explanation") or ""),
        *((technique(one["technique"], english), _by_technique(one, english)) for one in said.get("techniques") or []),
        (("对应机构", "Institution")[english], _institution(said)),
        (("依据", "Rests on")[english], _basis(said, english)),
        (("日志条数", "Entries of the log")[english], str(receipt.log.size)),
        (("日志根哈希", "Root hash of the log")[english], receipt.log.root),
        (("签发时间", "Signed at")[english], moment(receipt.signed_at, english)),
        (("签发者", "Signed by")[english], receipt.issuer),
        (("回执摘要（SHA-256）", "Digest of the receipt (SHA-256)")[english], receipt.digest),
    ]
    return [(_printable(label), _printable(words)) for label, words in found if words]


def question(asked: dict[str, Any], english: bool) -> str:
    """The question: who, where, which techniques, by what was known when."""
    provider = asked.get("provider") or {}
    parts = [f"{words[english]} {provider[field]}" for field, words in _PROVIDER.items() if provider.get(field)]
    if techniques := asked.get("techniques"):
        named = (", " if english else "、").join(technique(code, english) for code in techniques)
        parts.append(f"{('技术', 'techniques')[english]} {named}")
    if known := asked.get("known_at"):
        told = moment(dt.datetime.fromisoformat(known), english)
        parts.append(f"as known at {told}" if english else f"只按截至{told}所知")
    return ("; " if english else "；").join(parts)


def _printable(text: str) -> str:
    """Without control characters: a question is somebody's, and must not steer the reader's terminal."""
    return "".join(ch for ch in text if ch.isprintable())


def _by_technique(one: dict[str, Any], english: bool) -> str:
    words = verdict_words(one["verdict"], english)
    stage = STAGE_WORDS.get(one.get("stage") or "")
    if stage is None:
        return words
    return f"{words}, {stage[1]}" if english else f"{words}，{stage[0]}"


def _institution(said: dict[str, Any]) -> str:
    match = said.get("match")
    return f"{match['name']} · {match['address']} · {match['code']}" if match else ""


def _basis(said: dict[str, Any], english: bool) -> str:
    basis = said.get("basis")
    if not basis:
        return ""
    day = date_words(dt.date.fromisoformat(basis["as_of"]), english)
    if date_words(dt.date.fromisoformat(basis["as_of"]), False) in basis["source"]:  # many titles say their day
        told = (f"（日志第{basis['entry']}条）", f" (log entry {basis['entry']})")
    else:
        told = (f"（截至{day}，日志第{basis['entry']}条）", f" (as of {day}, log entry {basis['entry']})")
    return f"{basis['source']}{told[english]}"
