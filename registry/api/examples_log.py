"""Examples of the operations that hand out the log: the change feed and the snapshot."""

from __future__ import annotations

from typing import Any

import msgspec

from registry.api.changes import NDJSON
from registry.log import codec, merkle

_ROOT = "43af0436e9b1fdb7979fa41587d02027cfa950f40eef99208c70daab29433c10"
_SUBJECT, _LIST = "institution:7HV2JKMV", "national-2025-06"
_SET = {
    "address": "辽宁省鞍山市铁西区三道街115号",
    "aliases": ["鞍山市妇幼保健院"],
    "approvals.AIH": {"stage": "formal"},
    "approvals.ICSI": {"stage": "formal"},
    "approvals.IVF": {"stage": "formal"},
    "name": "鞍山市妇儿医院（鞍山市妇幼保健院）",
    "region": "210303",
    "status": "listed",
}
_ENTRY = {
    "approver": "system.installation",
    "change": {"kind": "institution", "reason": None, "set": _SET},
    "format": 1,
    "number": 421,
    "proposal": 2,
    "proposer": "system.seed",
    "recorded_at": "2026-01-05T02:00:00.000Z",
    "source": _LIST,
    "subject": _SUBJECT,
    "valid_from": "2025-06-30",
}
_LEAF = merkle.hash_leaf(codec.encode_canonical(_ENTRY)).hex()  # so that a reader can check the example, too
_HEAD = {"log_size": 980, "root": _ROOT, "on": "2025-07-01", "known_at": None}
#: An institution of the demonstration data: what is invented is never said of a real one.
_FICTIONAL = "65VN-YC5Y"

#: What the change feed answers to a follower that is ahead of the log.
CONFLICT: dict[str, Any] = {
    "type": "about:blank",
    "title": "Conflict",
    "status": 409,
    "detail": "since=1200 超出日志的长度（980 条）：您的位置比本名录更靠前，本名录可能是从较早的备份恢复的。"
    "请先核对双方的检查点，再从 /api/v1/snapshot 重新开始。",
    "code": "conflict",
}


def make_examples(institution: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """operation -> its example's parts; ``institution`` is the one that every example shows."""
    source = {**institution["source"], "id": _LIST, "origin": None, "covers": ["AIH", "AID", "IVF", "ICSI", "PGT"]}
    source |= {"rows": 635, "sha256": None, "entry": 327}
    certificate = {
        "code": "AY6G-T03J",
        "institution": _FICTIONAL,
        "number": "(示)医广[2025]第07-15-001号",
        "valid_from": "2025-07-15",
        "valid_to": "2026-07-14",
        "source": None,
        "entry": 978,
    }
    sanction = {
        "code": "QB5Q-2VGM",
        "institution": None,
        "organisation": "示例市示例健康咨询公司",
        "kind": "penalty",
        "authority": "示例市市场监督管理局",
        "document_no": "示市监处罚〔2025〕88号",
        "decided_on": "2025-10-20",
        "summary": "发布虚假医疗广告（虚构示例）",
        "source": None,
        "entry": 979,
    }
    edition = {
        "id": "1",
        "number": 1,
        "title": "经批准开展人类辅助生殖技术的医疗机构名单",
        "as_of": "2025-06-30",
        "scope": "national",
        "log_size": 979,
        "root": _ROOT,
        "institutions": 635,
        "techniques": {"AIH": 635, "AID": 117, "IVF": 479, "ICSI": 479, "PGT": 129},
        "page": "https://register.example/editions/1",
        "release": None,
        "withdrawn": None,
        "withdrawal": None,
        "entry": 980,
    }
    return {
        "getChanges": {
            "response": {"entries": [_ENTRY], "leaves": [_LEAF], "next": 421, "log_size": 980},
            "parameters": {"since": 420, "limit": 1},
        },
        "getSnapshot": {
            "response": {
                **_HEAD,
                "sources": [source],
                "items": [institution],
                "ad_certificates": [certificate],
                "sanctions": [sanction],
                "editions": [edition],
                "total": 1,
            },
            "parameters": {"on": "2025-07-01"},
        },
    }


def make_other_forms(institution: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """operation -> media type -> OpenAPI content of the forms that are not JSON."""
    earlier = {"level": "三级", "name": "鞍山市妇儿医院", "ownership": "public"}
    state: list[dict[str, Any]] = [
        {"entry": 311, "valid_from": "2018-02-21", "source": "national-2018-02", "set": earlier},
        {"entry": 421, "valid_from": "2025-06-30", "source": _LIST, "set": _SET},
    ]
    record = {"subject": _SUBJECT, "kind": "institution", "record": institution, "state": state}
    lines = [_HEAD, record, {"end": True, "records": 1}]
    shown = "".join(f"{msgspec.json.encode(line).decode()}\n" for line in lines)
    return {"getSnapshot": {NDJSON: {"schema": {"type": "string"}, "example": shown}}}
