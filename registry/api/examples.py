"""Examples of the OpenAPI document, one set per operation; a test asks a real register and compares their shape."""

from __future__ import annotations

from typing import Any

import msgspec

from registry.api import examples_batch, examples_clients, examples_editions, examples_log, examples_receipts
from registry.domain.model import Struct

_SOURCE = {
    "title": "经批准开展人类辅助生殖技术的医疗机构名单（截至2025年6月30日）",
    "as_of": "2025-06-30",
    "published": None,
    "scope": "national",
    "secondary": True,
}
_REGION = {"code": "210303", "province": "辽宁省", "city": "鞍山市", "district": "铁西区"}
_NAME = "鞍山市妇儿医院（鞍山市妇幼保健院）"
_CODE = "7HV2-JKMV"
_ADDRESS = "辽宁省鞍山市铁西区三道街115号"
_ROOT = "43af0436e9b1fdb7979fa41587d02027cfa950f40eef99208c70daab29433c10"


def _make_approval(technique: str, name: str) -> dict[str, Any]:
    return {
        "technique": technique,
        "name": name,
        "stage": "formal",
        "valid_from": None,
        "verification_due": None,
        "document_no": None,
        "authority": None,
        "note": None,
    }


INSTITUTION: dict[str, Any] = {
    "code": _CODE,
    "name": _NAME,
    "aliases": ["鞍山市妇幼保健院"],
    "known_as": [],
    "former_names": [{"name": "鞍山市妇儿医院", "until": "2025-06-30"}],
    "region": _REGION,
    "address": _ADDRESS,
    "status": "listed",
    "approvals": [
        _make_approval("AIH", "夫精人工授精"),
        _make_approval("IVF", "体外受精-胚胎移植"),
        _make_approval("ICSI", "卵胞浆内单精子显微注射"),
    ],
    "uscc": None,
    "practice_licence_no": None,
    "domains": [],
    "ownership": "public",
    "level": "三级",
    "campus": None,
    "source": _SOURCE,
    "entry": 421,
    "log_size": 980,
}
_VERSION = {
    "entry": 421,
    "recorded_at": "2026-01-05T02:00:00.000Z",
    "valid_from": "2025-06-30",
    "changes": [{"field": "name", "from": "鞍山市妇儿医院", "to": _NAME}],
    "source": _SOURCE,
    "reason": None,
    "corrects": False,
}
_FICTIONAL = "65VN-YC5Y"  # of the 示例 city: no invented person at a real institution
_PRACTITIONER = {
    "code": "EHG6-0C0Y",
    "name": "示例甲",
    "institution": _FICTIONAL,
    "role": "临床医师",
    "techniques": ["AIH", "IVF"],
    "valid_from": "2020-05-01",
    "valid_to": None,
    "certificate_kind": "医师执业证书",
    "source": None,
    "entry": 986,
    "log_size": 995,
}
_BASIS = {"source": _SOURCE["title"], "as_of": "2025-06-30", "entry": 421}
CLAIM: dict[str, Any] = {
    "id": "row-1",
    "provider": {"name": "鞍山市妇儿医院", "address": _ADDRESS},
    "techniques": ["IVF"],
    "on": "2025-07-01",
    "practitioner": {"name": "示例员"},
    "ad_certificate": "(辽)医广[2023]第07-15-001号",
    "text": "体外受精，包成功",
}
_SAID: dict[str, Any] = {
    "practitioner": {
        "verdict": "unknown",
        "explanation": "名录没有该机构2025年7月1日的人员授权记载，无法回答；这不代表此人未获授权。",
        "techniques": [],
        "role": None,
        "exact": None,
        "entry": None,
    },
    "ad_certificate": {
        "verdict": "expired",
        "explanation": "名录中没有登记该文号；仅按文号推算，2023年7月15日批准，有效期一年，"
        "至2024年7月14日，2025年7月1日已过期。",
        "registered": False,
        "number": "(辽)医广[2023]第07-15-001号",
        "valid_from": "2023-07-15",
        "valid_to": "2024-07-14",
        "computed": ["valid_from", "valid_to"],
        "institution": None,
        "entry": None,
    },
    "content_flags": [
        {"kind": "technique", "text": "体外受精", "start": 0, "end": 4, "technique": "IVF"},
        {"kind": "guarantee", "text": "包成功", "start": 5, "end": 8, "technique": None},
    ],
}
_UNSAID: dict[str, Any] = {"practitioner": None, "ad_certificate": None, "content_flags": []}
ANSWER: dict[str, Any] = {
    "id": "row-1",
    "verdict": "licensed",
    "explanation": "该机构2025年7月1日在此地址获准开展试管婴儿（体外受精-胚胎移植），正式运行"
    "（依据截至2025年6月30日的名录）。",
    "techniques": [{"technique": "IVF", "verdict": "licensed", "stage": "formal", "basis": _BASIS, "from_text": False}],
    "match": {
        "code": _CODE,
        "name": _NAME,
        "address": _ADDRESS,
        "on": "name",
        "exact": False,
        "rule": "without_brackets",
    },
    "candidates": [],
    "on": "2025-07-01",
    "known_at": "2026-01-06T02:00:00Z",
    "basis": _BASIS,
    "log": {"size": 980, "root": _ROOT},
    "state_age": 0,
    **_SAID,
    "content_against": [],
    "receipt": None,
}
_STATS = {
    "total": 635,
    "as_of": "2025-06-30",
    "source": _SOURCE,
    "by_region": [{"code": "210000", "name": "辽宁省", "count": 22}],
    "by_technique": [{"technique": "IVF", "count": 479}],
    "by_stage": [{"stage": "formal", "count": 548}],
    "log_size": 980,
    "updated": "2026-01-05T02:00:00Z",
}


class Example(Struct, frozen=True):
    """What to show of one operation."""

    response: Any
    request: Any = None
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)


BY_OPERATION: dict[str, Example] = {
    "listInstitutions": Example(
        response={
            "items": [INSTITUTION],
            "next": None,
            "total": 1,
            "log_size": 980,
            "at_least": False,
            "why": [{"code": _CODE, "match": "name", "by": None, "lacks": []}],
            "understood": [],
            "similar": False,
            "did_you_mean": None,
            "warning": None,
        },
        parameters={"q": "鞍山", "technique": ["IVF"], "region": "210300", "stage": "formal", "limit": 20},
    ),
    "getInstitution": Example(response=INSTITUTION, parameters={"code": _CODE, "on": "2025-07-01"}),
    "getHistory": Example(
        response={"versions": [_VERSION], "log_size": 980}, parameters={"code": _CODE, "on": "2025-07-01"}
    ),
    "listPractitioners": Example(response={"items": [_PRACTITIONER]}, parameters={"code": _FICTIONAL}),
    "suggest": Example(
        response={"items": [{"code": _CODE, "name": _NAME, "region": _REGION, "match": "name", "by": None}]},
        parameters={"q": "鞍山市妇", "limit": 8, "on": "2025-07-01"},
    ),
    "getStats": Example(response=_STATS, parameters={"on": "2025-07-01"}),
    **{operation: Example(**parts) for operation, parts in examples_log.make_examples(INSTITUTION).items()},
    "verify": Example(response=ANSWER, request=CLAIM),
    "verifyBatch": Example(response={"answers": [ANSWER]}, request={"claims": [CLAIM]}),
    "verifyByQuery": Example(
        response={**ANSWER, "id": None, **_UNSAID},
        parameters={"name": "鞍山市妇儿医院", "technique": ["IVF"], "on": "2025-07-01", "address": _ADDRESS},
    ),
    "checkReceipt": Example(**examples_receipts.make_example(CLAIM, ANSWER)),
    **{operation: Example(**parts) for operation, parts in examples_editions.make_examples().items()},
    **{operation: Example(**parts) for operation, parts in examples_clients.make_examples(CLAIM, ANSWER).items()},
}

PROBLEMS: dict[str, dict[str, Any]] = {
    "400": {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "编码“7HV2-JKMW”有误：校验位不符，很可能抄错了一位，请核对。",
        "code": "invalid_code",
    },
    "404": {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "编码 7HV2-JKMV 在 2017-01-01 的名录中没有对应的机构。",
        "code": "not_found",
    },
    "409": examples_log.CONFLICT,
    "410": examples_editions.GONE,
    "413": examples_batch.TOO_LARGE,
    "415": examples_batch.UNSUPPORTED,
    "503": {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "系统暂时无法核验，这不代表该机构未获批准，请稍后再试。",
        "code": "cannot_answer",
    },
}
