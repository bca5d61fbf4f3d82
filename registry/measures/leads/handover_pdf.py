"""A lead as pages to read: what was reported, what the register answers, and the hashes of what lies beside it."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

from reportlab.lib.colors import HexColor, black
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from registry.domain.answers import Answer
from registry.receipts import paper_text
from registry.receipts.describe import describe_verdict
from registry.texts import Message, PageText
from registry.verification.phrases import format_instant

_MARGIN = 20 * mm
_FIELDS = ("what", "who", "where", "link", "contact", "about")


def render_pdf(document: dict[str, Any], answers: list[Answer], lang: str) -> bytes:
    """Render what the JSON file of a hand-over says, with the receipts whole, as PDF."""
    paper_text.load_font()
    buffer = io.BytesIO()
    title = Message("线索移交单").to_text(lang)
    font: Any = paper_text.FONT  # else the page names Helvetica; the stub takes the name for a number
    pages = SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        lang=lang,
        initialFontName=font,
    )
    lines: list[Flowable] = [_write(title, 18, lang), Spacer(1, 4 * mm)]
    for label, words in _list_head(document, lang):
        lines += _write_pair(label, words, lang)
    for report in document["reports"]:
        lines += _write_report(report, lang)
    for answer, line in zip(answers, document["answers"], strict=True):
        lines += _write_answer(answer, line["receipt"], lang)
    note = Message("各文件的SHA-256见SHA256SUMS；回执可在 {url}/receipt 核对。", url=document["register"])
    lines += [Spacer(1, 4 * mm), _write(note.to_text(lang), 9, lang, grey=True)]
    pages.build(lines)
    return buffer.getvalue()


def _list_head(document: dict[str, Any], lang: str) -> list[tuple[Message, str]]:
    due = document["due"] or ""
    return [
        (Message("线索编号"), document["number"]),
        (Message("移交给"), f"{document['region']['name']} {document['department']['name']}"),
        (Message("类别"), PageText(f"lead.kind.{document['kind']}").to_text(lang)),
        (Message("紧急程度"), PageText(f"lead.urgency.{document['urgency']}").to_text(lang)),
        (Message("办理期限"), due),
        (Message("挂牌督办至"), document["supervised_until"] or ""),
        (Message("涉及机构编码"), document["institution"] or ""),
        (Message("移交说明"), document["message"]),
        (Message("制作时间"), _format_time(document["made_at"], lang)),
    ]


def _format_time(text: str, lang: str) -> str:
    return format_instant(dt.datetime.fromisoformat(text), lang)


def _write_report(report: dict[str, Any], lang: str) -> list[Flowable]:
    heading = Message("线索内容（{at}收到）", at=_format_time(report["received_at"], lang)).to_text(lang)
    lines: list[Flowable] = [Spacer(1, 4 * mm), _write(heading, 13, lang)]
    for name in _FIELDS:
        lines += _write_pair(PageText(f"lead.content.{name}"), report.get(name, ""), lang)
    for picture in report["pictures"]:
        lines += _write_pair(Message("图片 {file} 的SHA-256", file=picture["file"]), picture["sha256"], lang)
    return lines


def _write_answer(answer: Answer, file: str, lang: str) -> list[Flowable]:
    heading = Message("名录对{on}的答复", on=answer.on.isoformat()).to_text(lang)
    return [
        Spacer(1, 4 * mm),
        _write(heading, 13, lang),
        *_write_pair(Message("答"), describe_verdict(answer.verdict, lang), lang),
        *_write_pair(Message("说明", context="receipts.describe"), answer.explanation, lang),
        *_write_pair(Message("日志条数"), str(answer.log.size), lang),
        *_write_pair(Message("回执原文（{file}）", file=file), answer.receipt or "", lang, small=True),
    ]


def _write_pair(label: Message, words: str, lang: str, *, small: bool = False) -> list[Flowable]:
    if not words:
        return []
    shown = [_write(line, 6 if small else 10.5, lang) for line in words.splitlines() if line.strip()]
    return [_write(label.to_text(lang), 9, lang, grey=True), *shown, Spacer(1, 1.5 * mm)]


def _write(text: str, size: float, lang: str, *, grey: bool = False) -> Paragraph:
    style = ParagraphStyle(
        f"lead-{size}-{grey}",
        fontName=paper_text.FONT,
        fontSize=size,
        leading=size * 1.5,
        wordWrap="CJK",
        textColor=HexColor("#444444") if grey else black,
    )
    return Paragraph(paper_text.mark_runs(paper_text.replace_missing_glyphs(text, lang)), style)
