"""An evidence letter in words: the parts of its page, zh-CN or English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from registry.domain.model import Struct
from registry.log import codec
from registry.measures.letters.letter_text import Letter
from registry.receipts import describe
from registry.receipts.receipt_text import Receipt, remove_controls
from registry.texts import FixedText, Message, PageText
from registry.verification.phrases import format_date, format_instant

TITLE = Message("名录记载证明函")
INTRO = Message(
    "本函由人类辅助生殖技术机构名录依其公开日志出具，说明下列对象在所问日期的名录记载，供公安机关、人民法院、人民检察院办案使用。"
)
#: What a listing does not say; and, where nothing was found, what its proof cannot show.
MEANING = Message("名录记载说明是否获准开展，不说明诊疗是否合规，也不代替行政许可决定书原件。")
ABSENCE = Message(
    "“名录中未找到”指截至上述日志大小，名录中没有该名称。没有记载无法用单条记录的存在证明来证明，可由全部公开日志复核。"
)
PERSON = Message("人员姓名在日志中只有加盐摘要，故下列记录中不出现姓名；姓名以所附已签名答复为准。")
NOT_COSIGNED = Message("尚无见证方对覆盖这些记录的检查点会签；日志仅由名录自身的密钥签名。")
#: Lines of what an answer says that the letter says elsewhere, or that concern no letter.
_LEFT_OUT = (
    Message("签发者"),
    Message("签发时间"),
    Message("日志条数"),
    Message("日志根哈希"),
    Message("问"),
    Message("所问日期"),
)


class LetterSection(Struct, frozen=True):
    """A part of the page: its heading, and (label, words) pairs; a pair without a label is a sentence."""

    heading: str
    pairs: list[tuple[str, str]]


def describe_letter(letter: Letter, receipts: Sequence[Receipt]) -> list[LetterSection]:
    """Describe a letter in its language."""
    lang = letter.lang
    return [
        LetterSection(heading="", pairs=_describe_head(letter, receipts[0])),
        *(_describe_answer(receipt, lang) for receipt in receipts),
        LetterSection(heading=Message("依据的文件").to_text(lang), pairs=_describe_documents(letter, receipts)),
        LetterSection(heading=Message("日志证明").to_text(lang), pairs=_describe_proof(letter, receipts)),
    ]


def describe_status(letter: Letter, lang: str) -> list[tuple[str, str]]:
    """Describe what a letter says of itself, for the shell: number, instant, whom it was given to, what it proves."""
    lines = [
        (Message("编号"), letter.number),
        (Message("出具时间"), format_instant(letter.issued_at, lang)),
        (Message("致"), letter.authority),
        (Message("案号"), letter.reference),
        (Message("签发者"), letter.iss),
        (Message("所附记录"), Message("{number}条，均有存在证明", number=len(letter.entries)).to_text(lang)),
        (Message("检查点"), _describe_checkpoint(letter, lang)),
        (Message("见证方会签"), _describe_witnesses(letter, lang)),
    ]
    return [(label.to_text(lang), remove_controls(words)) for label, words in lines if words]


def _describe_head(letter: Letter, receipt: Receipt) -> list[tuple[str, str]]:
    lang = letter.lang
    lines = [
        (Message("编号"), letter.number),
        (Message("出具时间"), format_instant(letter.issued_at, lang)),
        (Message("致"), letter.authority),
        (Message("案号"), letter.reference),
        (Message("所问"), describe.describe_question({**receipt.question, "known_at": None}, lang)),
        (Message("所问日期"), format_date(receipt.on, lang)),
        (Message("签发者"), letter.iss),
    ]
    return [(label.to_text(lang), words) for label, words in lines if words]


def _describe_answer(receipt: Receipt, lang: str) -> LetterSection:
    known_at = receipt.question.get("known_at")
    if known_at:
        at = format_instant(dt.datetime.fromisoformat(known_at), lang)
        heading = Message("答复：只按截至{at}所知", at=at)
    else:
        heading = Message("答复：按出具本函时所知")
    left_out = {message.to_text(lang) for message in _LEFT_OUT}
    pairs = [pair for pair in describe.describe_receipt(receipt, lang) if pair[0] not in left_out]
    if receipt.answer["verdict"] == "not_found":
        pairs.append(("", ABSENCE.to_text(lang)))
    return LetterSection(heading=heading.to_text(lang), pairs=pairs)


def _describe_documents(letter: Letter, receipts: Sequence[Receipt]) -> list[tuple[str, str]]:
    """Describe each document that an answer names: number, authority, whether it is a transcription, its age."""
    lang, seen = letter.lang, {}
    for receipt in receipts:
        for basis in _list_bases(receipt.answer):
            seen[basis["entry"], basis["source"], basis.get("document_no")] = basis
    pairs = []
    for basis in seen.values():
        parts = [
            basis.get("document_no") and Message("文号 {number}", number=basis["document_no"]),
            basis.get("authority") and Message("发文机关 {authority}", authority=basis["authority"]),
            Message("截至{day}", day=format_date(dt.date.fromisoformat(basis["as_of"]), lang)),
            Message("距所问日期{days}天", days=basis.get("age_days", 0)),
            basis.get("secondary") and Message("转录件，非原件"),
        ]
        words = Message("；").to_text(lang).join(part.to_text(lang) for part in parts if part)
        pairs.append((basis["source"], words))
    return pairs or [("", Message("没有可引的文件：名录对该日期没有记载。").to_text(lang))]


def _list_bases(answer: Any) -> list[dict[str, Any]]:
    if isinstance(answer, dict):
        if {"source", "as_of", "entry"} <= answer.keys():
            return [answer]
        return [basis for value in answer.values() for basis in _list_bases(value)]
    return [basis for value in answer for basis in _list_bases(value)] if isinstance(answer, list) else []


def _describe_proof(letter: Letter, receipts: Sequence[Receipt]) -> list[tuple[str, str]]:
    lang = letter.lang
    pairs = [
        (Message("检查点").to_text(lang), _describe_checkpoint(letter, lang)),
        (Message("根哈希").to_text(lang), letter.log.root.hex()),
        (Message("见证方会签").to_text(lang), _describe_witnesses(letter, lang)),
    ]
    for evidence in letter.entries:
        entry = codec.decode_entry(evidence.body.encode())
        words = Message(
            "{kind}，{day}起，记录于{at}",
            kind=PageText(f"kind.{entry.change.kind}"),
            day=format_date(entry.valid_from, lang),
            at=format_instant(entry.recorded_at, lang),
        )
        pairs.append((Message("第{number}条", number=evidence.number).to_text(lang), words.to_text(lang)))
    if any(receipt.question.get("practitioner") for receipt in receipts):
        pairs.append(("", PERSON.to_text(lang)))
    pairs.append(("", MEANING.to_text(lang)))
    pairs.append(("", _describe_check().to_text(lang)))
    return pairs


def _describe_check() -> Message:
    return Message(
        "核对：{command}（离线），公钥见名录的 {keys}。本文件最后一行是对其余全部字节 SHA-256 的签名，"
        "任何改动都会被发现；附件 {attachment} 是本函的签名回执。",
        command=FixedText("registry receipt FILE"),
        keys=FixedText("/.well-known/jwks.json"),
        attachment=FixedText("letter.json"),
    )


def _describe_checkpoint(letter: Letter, lang: str) -> str:
    return Message("{origin}，{size}条", origin=letter.log.origin, size=letter.log.size).to_text(lang)


def _describe_witnesses(letter: Letter, lang: str) -> str:
    if not letter.cosignatures:
        return NOT_COSIGNED.to_text(lang)
    named = [
        Message("{name}（{at}）", name=one.name, at=format_instant(one.at, lang)).to_text(lang)
        for one in letter.cosignatures
    ]
    return Message("；").to_text(lang).join(named)


def encode_status(letter: Letter) -> dict[str, Any]:
    """Encode what a letter says of itself for programs: everything but its receipts' text."""
    fields: dict[str, Any] = msgspec.to_builtins(letter)
    return {name: value for name, value in fields.items() if name not in ("receipts", "entries")} | {
        "entries": [entry.number for entry in letter.entries]
    }
