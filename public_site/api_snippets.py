"""The same question in the languages of those who ask: curl, Python, JavaScript, Java, and a cell of a spreadsheet."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from registry.domain.model import Struct

_VERIFY = "/api/v1/verify"


class Snippet(Struct, frozen=True, kw_only=True):
    """One example; ``name`` is that of its language, ``spreadsheet`` for the formulas."""

    name: str
    code: str


def make_snippets(document: Mapping[str, Any]) -> tuple[Snippet, ...]:
    """Make the examples of asking the first question of a document; none for a document without it."""
    try:
        post = document["paths"][_VERIFY]["post"]
        example = post["requestBody"]["content"]["application/json"]["example"]
        base = document["servers"][0]["url"].rstrip("/")
    except KeyError:
        return ()
    claim = {name: example[name] for name in ("provider", "techniques", "on")}
    body = json.dumps(claim, ensure_ascii=False)
    provider, technique = claim["provider"], claim["techniques"][0]
    query = urlencode({**provider, "technique": technique, "on": claim["on"]})
    address = base + _VERIFY
    return (
        Snippet(name="curl", code=_write_curl(address, query, body)),
        Snippet(name="Python", code=_write_python(address, claim)),
        Snippet(name="JavaScript", code=_write_javascript(address, claim)),
        Snippet(name="Java", code=_write_java(address, body)),
        Snippet(name="spreadsheet", code=_write_formulas(address, technique)),
    )


def _write_curl(address: str, query: str, body: str) -> str:
    return (
        f"curl {shlex.quote(f'{address}?{query}')}\n\n"
        f"curl {address} \\\n  -H 'Content-Type: application/json' \\\n  -d {shlex.quote(body)}"
    )


def _write_python(address: str, claim: object) -> str:
    return (
        "import httpx\n\n"
        f"claim = {json.dumps(claim, ensure_ascii=False, indent=4)}\n"
        f'answer = httpx.post("{address}", json=claim)\n'
        "answer.raise_for_status()\n"
        'print(answer.json()["verdict"], answer.json()["explanation"])'
    )


def _write_javascript(address: str, claim: object) -> str:
    return (
        f"const claim = {json.dumps(claim, ensure_ascii=False, indent=2)};\n"
        f'const response = await fetch("{address}", {{\n'
        '  method: "POST",\n'
        '  headers: { "Content-Type": "application/json" },\n'
        "  body: JSON.stringify(claim),\n"
        "});\n"
        "if (!response.ok) throw new Error((await response.json()).detail);\n"
        "const { verdict, explanation } = await response.json();\n"
        "console.log(verdict, explanation);"
    )


def _write_java(address: str, body: str) -> str:
    return (
        "import java.net.URI;\nimport java.net.http.*;\n\n"
        f"String claim = {json.dumps(body, ensure_ascii=False)};\n"
        f'HttpRequest request = HttpRequest.newBuilder(URI.create("{address}"))\n'
        '    .header("Content-Type", "application/json")\n'
        "    .POST(HttpRequest.BodyPublishers.ofString(claim))\n"
        "    .build();\n"
        "HttpResponse<String> response =\n"
        "    HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());\n"
        "System.out.println(response.statusCode() + response.body());"
    )


def _write_formulas(address: str, technique: str) -> str:
    return (
        f'C2  =WEBSERVICE("{address}?technique={technique}&name="&ENCODEURL(A2)&"&address="&ENCODEURL(B2))\n'
        'D2  =MID(C2,FIND("""verdict"":""",C2)+11,FIND("""",C2,FIND("""verdict"":""",C2)+11)'
        '-FIND("""verdict"":""",C2)-11)'
    )
