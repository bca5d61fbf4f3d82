"""Sample pages of the public log: before the first signature, as it is, one entry of every kind, wrong numbers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from public_site.pages import LogPage, to_version
from public_site.responses import FieldError, PageContext
from registry.domain import model
from registry.domain.model import PublicLog
from tests.pages.records import AT, SITE

SIGNED = PublicLog(
    origin="register.example/log",
    size=1000,
    root="8f775c224fee36cfc539c7aa8ea8e0cd486f5301e91fa47c3b22bc6d4695bad0",
    vkeys=["register.example/log+ee70fc45+AY6AuOywC7s7jWQ77zqtXmg3h8OgIlYpeYjvm0nQCxKAAAA="],
)

#: One of every kind of change between a list as received and what was imported of it.
_LIST_CHANGES: list[dict[str, Any]] = [
    {"place": "表1第3行", "what": "corrected", "before": "夫精人工受精", "after": "夫精人工授精"},
    {"place": "表1第4行", "what": "corrected", "before": None, "after": "示例市示例医院"},
    {"place": "表1第5行", "what": "left_out", "before": "示例市第二示例医院"},
    {"place": "表1第6行", "what": "set_aside", "before": "示例市第三示例医院"},
    {"place": "表1第7行", "what": "taken", "before": "示例市第四示例医院"},
    {"place": "表1第8行", "what": "accepted", "before": "合计 3", "reason": "示例理由：合计数系笔误"},
]


def _make_entry(number: int, kind: model.Kind, values: dict[str, Any], **more: Any) -> model.Entry:
    return model.Entry(
        number=number,
        recorded_at=AT,
        subject=f"{kind}:7K2M9QX4",
        change=model.Change(kind=kind, set=values, **more),
        valid_from=dt.date(2025, 6, 30),
        source=None,
        proposer="anshan-editor-1",
        approver="anshan-approver-1",
        proposal=7,
    )


def _make_page(entry: model.Entry, code: str | None = None) -> LogPage:
    return LogPage(
        site=SITE,
        here=f"/log?entry={entry.number}",
        log=SIGNED,
        typed=str(entry.number),
        entry=entry,
        code=code,
        says=to_version(entry) if code else None,
        bytes='{"approver":"anshan-approver-1","change":{"kind":"示例"}}',
    )


def make_pages() -> dict[str, PageContext]:
    """Every state of the page."""
    stated = {"name": "示例市示例医院", "status": "listed", "approvals.IVF": {"stage": "formal"}, "level": None}
    correction = _make_entry(421, "institution", stated, reason="示例理由：公告日期登记有误")
    unnamed = _make_entry(1001, "institution", {"approvals.IVF": None}, reason="示例理由")
    others: list[model.Kind] = ["ad_certificate", "sanction", "supervision", "source", "edition", "credential"]
    wrong = {"number": ("log.error_number", "四百"), "missing": ("log.error_missing", "5000")}
    return {
        "log": LogPage(site=SITE, here="/log", log=SIGNED),
        "log-unsigned": LogPage(site=SITE, here="/log", log=None),
        "log-entry": _make_page(correction, "7K2M-9QX4"),
        "log-entry-new": _make_page(unnamed, "7K2M-9QX4"),
        "log-entry-erasing": _make_page(_make_entry(9, "practitioner", {}, erases=["name"], reason="本人申请")),
        "log-entry-list": _make_page(_make_entry(8, "source", {"sha256": SIGNED.root, "changes": _LIST_CHANGES})),
        **{f"log-entry-{kind}": _make_page(_make_entry(8, kind, {})) for kind in others},
        "log-entry-published": msgspec.structs.replace(_make_page(_make_entry(8, "edition", {})), edition="1"),
        **{
            f"log-{name}": LogPage(
                site=SITE,
                here="/log",
                log=SIGNED,
                typed=value,
                errors=(FieldError(field="entry", key=key, value=value),),
            )
            for name, (key, value) in wrong.items()
        },
    }
