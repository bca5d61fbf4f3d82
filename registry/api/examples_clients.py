"""Examples of what a client sees with its key: its limits, its checks on record, its watch list."""

from __future__ import annotations

from typing import Any

#: Operations that answer only to whoever has a key.
NEED_A_KEY = frozenset({"getKey", "getRecordedChecks", "addWatches", "listWatches", "getWatchChanges", "removeWatch"})
_AT = "2026-01-06T02:00:00Z"
_USE = {"day": "2026-01-06", "operation": "verifyBatch", "requests": 3, "questions": 7500, "refused": 0}


_KEY = {
    "id": "0a1b2c3d",
    "client": "示例市市场监督管理局",
    "scopes": ["verify", "watch"],
    "per_minute": 6000,
    "per_day": 1000000,
    "left_today": 992499,
    "recorded": True,
    "created_at": _AT,
    "expires_at": None,
    "usage": [_USE],
}


def make_examples(claim: dict[str, Any], answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The parts of each example."""
    return {
        "getKey": {"response": _KEY},
        "getRecordedChecks": {
            "parameters": {"since": 0, "limit": 100},
            "response": {"items": [_make_recorded_check(claim, answer)], "next": None},
        },
        **_make_watch_examples(claim, answer),
    }


def _make_recorded_check(claim: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": 1,
        "key": _KEY["id"],
        "at": _AT,
        "operation": "verify",
        "question": claim,
        "verdict": answer["verdict"],
        "code": answer["match"]["code"],
        "log_size": answer["log"]["size"],
    }


def _make_watch_examples(claim: dict[str, Any], answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    size = answer["log"]["size"]
    watched = {"watch": 17, "claim": claim}
    since = f"{size}.2026-01-06"
    said = "该机构自2026年1月5日起停业整改，不得开展辅助生殖技术。"
    suspended = {**answer, "verdict": "suspended", "explanation": said}
    return {
        "addWatches": {
            "request": {"claims": [claim]},
            "response": {"items": [{"watch": 17, "answer": answer}], "since": since},
        },
        "listWatches": {
            "parameters": {"after": 0, "limit": 100},
            "response": {
                "items": [{**watched, "log_size": size, "day": "2026-01-06", "created_at": _AT}],
                "next": None,
                "total": 1,
            },
        },
        "getWatchChanges": {
            "parameters": {"since": since},
            "response": {
                "items": [{**watched, "before": answer, "now": suspended}],
                "next": f"{size + 20}.2026-01-07",
                "more": False,
            },
        },
        "removeWatch": {"parameters": {"watch": 17}, "response": None},
    }
