"""Examples of the operations about published editions."""

from __future__ import annotations

from typing import Any

from registry.editions import manifest

_ROOT = "43af0436e9b1fdb7979fa41587d02027cfa950f40eef99208c70daab29433c10"
_PAGE = "https://register.example/editions/1"
_SHA = "9f2c1b7d0c7de5a1b3d5f60a4c1e6a2f3b8d9e0f1a2b3c4d5e6f708192a3b4c5"
_EDITION: dict[str, Any] = {
    "id": "1",
    "number": 1,
    "title": "经批准开展人类辅助生殖技术的医疗机构名单",
    "as_of": "2025-06-30",
    "scope": "national",
    "institutions": 635,
    "techniques": {"AIH": 635, "AID": 117, "IVF": 479, "ICSI": 479, "PGT": 129},
    "log": {"size": 979, "root": _ROOT},
    "published": "2026-01-05T02:00:00Z",
    "withdrawn": None,
    "page": _PAGE,
    "entry": 980,
}
_SIZES = {
    "list.json": 709627,
    "list.csv": 298694,
    "list.xlsx": 104233,
    "list.docx": 37573,
    "list.pdf": 289048,
    "list.html": 186234,
    "difference.json": 190,
}
_FILES = [{"name": name, "size": size, "sha256": _SHA} for name, size in _SIZES.items()]
_MANIFEST: dict[str, Any] = {
    "format": 1,
    "issuer": "register.example/log",
    "edition": {name: value for name, value in _EDITION.items() if name not in ("log", "withdrawn")},
    "log": _EDITION["log"],
    "provinces": [{"code": "210000", "name": "辽宁省", "institutions": 22}],
    "files": _FILES,
}
#: What a withdrawn edition's files answer.
GONE: dict[str, Any] = {
    "type": "about:blank",
    "title": "Gone",
    "status": 410,
    "detail": "第1期名录已撤回：示例市一家机构的地址有误。",
    "code": "gone",
}


def make_examples() -> dict[str, dict[str, Any]]:
    """operation -> its example's parts."""
    urls = [{**one, "url": f"https://register.example/api/v1/editions/1/{one['name']}"} for one in _FILES]
    return {
        "listEditions": {"response": {"items": [_EDITION], "latest": "1"}, "parameters": {"lang": "zh-CN"}},
        "getEdition": {"response": {**_EDITION, "files": urls}, "parameters": {"edition": "latest"}},
        "getEditionFile": {"response": _MANIFEST, "parameters": {"edition": "latest", "file": "manifest.json"}},
    }


def make_other_forms() -> dict[str, dict[str, Any]]:
    """operation -> media type -> OpenAPI content of the files, each of which has a form of its own."""
    text = {manifest.MEDIA[name] for name in ("list.csv", "list.html", manifest.SUMS, manifest.SIGNED)}
    binary = {manifest.MEDIA[name] for name in ("list.xlsx", "list.docx", "list.pdf")}
    forms = {kind: {"schema": {"type": "string"}} for kind in sorted(text)}
    packed = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in sorted(binary)}
    documents = {"application/json": {"schema": {"type": "object"}, "example": _MANIFEST}}
    return {"getEditionFile": documents | forms | packed}
