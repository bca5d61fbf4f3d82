"""What citizens and programs ask: requests as bytes, each with what a judge has to know of it."""

from __future__ import annotations

import base64
import datetime as dt
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from bench.soak.oracle import TECHNIQUES, Log, find_day_at

#: How often each door is question, beside the others.
WEIGHTS = {
    "POST /api/v1/verify": 36,
    "GET /api/v1/verify": 6,
    "POST /api/v1/verify, receipt": 2,
    "POST /api/v1/verify/batch": 4,
    "GET /api/v1/institutions/{code}": 14,
    "GET /api/v1/institutions/{code}/history": 2,
    "GET /api/v1/institutions": 4,
    "GET /api/v1/institutions?q=": 6,
    "GET /api/v1/suggest": 6,
    "GET /search": 6,
    "GET /i/{code}": 10,
    "POST /reconcile": 3,
    "GET /api/v1/changes": 1,
    "GET /log/checkpoint": 1,
    "GET /readyz": 2,
}
_DAYS = 900  # days back and 60 on from today that are asked about
_ROWS = 8  # claims of a batch


class Questions:
    """Writes the questions about a log as it is now into the file that the generator reads."""

    def __init__(self, path: Path, port: int, chance: random.Random) -> None:
        self._path, self._host, self._chance = path, f"127.0.0.1:{port}", chance

    def write_file(self, log: Log, wall: float, each: int = 400) -> None:
        """``each`` questions a door; replaced whole, so that a reader never sees half of them."""
        self._log, self._today = log, find_day_at(wall)
        subjects = [one for one in log.list_subjects() if log.is_recorded(one, log.get_size, self._today)]
        held = {one: log.get_values(one, log.get_size, self._today) for one in subjects}
        named: dict[str, int] = {}
        for value in held.values():
            for name in (value["name"], *value.get("aliases", ()), *value.get("known_as", ())):
                named[name] = named.get(name, 0) + 1
        self._held, self._subjects = held, subjects
        self._own = [one for one in subjects if named[held[one]["name"]] == 1]  # nobody else has this name
        lines = [json.dumps(WEIGHTS)]
        for door in WEIGHTS:
            for _ in range(each):
                lines.append(self._write_line(door))
        aside = self._path.with_suffix(".new")
        aside.write_text("\n".join(lines), "utf-8")
        aside.rename(self._path)

    def ask_about(self, subject: str) -> list[tuple[str, dict[str, Any], str, str, Any]]:
        """(door, question, method, path, JSON body) of questions that show whether a change has arrived."""
        code = _format_code(subject)
        question = {"subject": subject, "technique": "IVF", "check": "verdict"}
        claim = {"provider": {"code": code}, "techniques": ["IVF"]}
        item = {"subject": subject, "check": "item"}
        return [
            ("POST /api/v1/verify", question, "POST", "/api/v1/verify", claim),
            ("GET /api/v1/institutions/{code}", item, "GET", f"/api/v1/institutions/{code}", None),
            ("GET /i/{code}", {**item, "check": "page"}, "GET", f"/i/{code}", None),
            ("GET /api/v1/institutions", {"check": "listing"}, "GET", "/api/v1/institutions?limit=5", None),
            ("GET /api/v1/changes", {"check": "changes", "since": 0}, "GET", "/api/v1/changes?since=0&limit=1", None),
        ]

    # --- each door ---------------------------------------------------------------------------------------------------

    def _write_line(self, door: str) -> str:
        made: dict[str, Callable[[], tuple[dict[str, Any], bytes]]] = {
            "POST /api/v1/verify": self._ask_verify,
            "GET /api/v1/verify": self._ask_verify_by_query,
            "POST /api/v1/verify, receipt": self._ask_receipt,
            "POST /api/v1/verify/batch": self._ask_batch,
            "GET /api/v1/institutions/{code}": self._ask_item,
            "GET /api/v1/institutions/{code}/history": self._ask_history,
            "GET /api/v1/institutions": self._ask_list,
            "GET /api/v1/institutions?q=": self._ask_search,
            "GET /api/v1/suggest": self._ask_suggest,
            "GET /search": self._ask_search_page,
            "GET /i/{code}": self._ask_page,
            "POST /reconcile": self._ask_reconcile,
            "GET /api/v1/changes": self._ask_changes,
            "GET /log/checkpoint": lambda: ({"check": "checkpoint"}, self._make_get("/log/checkpoint")),
            "GET /readyz": lambda: ({}, self._make_get("/readyz")),
        }
        question, request = made[door]()
        data = {"door": door, "question": question, "request": base64.b64encode(request).decode()}
        return json.dumps(data, ensure_ascii=False)

    def _choose_some(self) -> str:
        """An institution; every other time one of the latest, about which most is said."""
        late = self._subjects[-200:] if self._chance.random() < 0.3 else self._subjects
        return self._chance.choice(late)

    def _make_claim(self, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """(what the judge has to know, the claim)."""
        by_name = self._chance.random() < 0.5
        subject = self._chance.choice(self._own) if by_name else self._choose_some()
        technique = self._chance.choice(list(TECHNIQUES))
        question: dict[str, Any] = {"subject": subject, "technique": technique, "check": "verdict", **more}
        claim: dict[str, Any] = {"techniques": [technique], **more}
        if by_name:
            question["name"] = self._held[subject]["name"]
            claim["provider"] = {"name": question["name"]}
        else:
            claim["provider"] = {"code": _format_code(subject)}
        if (chance := self._chance.random()) < 0.25:
            question["on"] = claim["on"] = self._draw_day()
        elif chance < 0.3:
            question["known_at"] = claim["known_at"] = self._chance.choice(self._log.instants)
        return question, claim

    def _draw_day(self) -> str:
        today = dt.date.fromisoformat(self._today)
        return (today + dt.timedelta(days=self._chance.randrange(-_DAYS, 60))).isoformat()

    def _ask_verify(self) -> tuple[dict[str, Any], bytes]:
        question, claim = self._make_claim()
        return question, self._make_post("/api/v1/verify", claim)

    def _ask_verify_by_query(self) -> tuple[dict[str, Any], bytes]:
        question, claim = self._make_claim()
        query = {**claim["provider"], "technique": claim["techniques"][0]}
        query |= {name: claim[name] for name in ("on", "known_at") if name in claim}
        return question, self._make_get(f"/api/v1/verify?{urlencode(query)}")

    def _ask_receipt(self) -> tuple[dict[str, Any], bytes]:
        question, claim = self._make_claim()
        return {**question, "receipt": True}, self._make_post("/api/v1/verify", {**claim, "receipt": True})

    def _ask_batch(self) -> tuple[dict[str, Any], bytes]:
        made = [self._make_claim() for _ in range(_ROWS)]
        claims = [{"id": f"row-{n}", **claim} for n, (_, claim) in enumerate(made)]
        for claim in claims:
            claim.pop("known_at", None)  # the rows of one batch are of one size
        known = [
            {**{field: value for field, value in question.items() if field != "known_at"}, "id": f"row-{n}"}
            for n, (question, _) in enumerate(made)
        ]
        question: dict[str, Any] = {"claims": known, "check": "batch"}
        if self._chance.random() < 0.5:
            return question, self._make_post("/api/v1/verify/batch", {"claims": claims})
        body = "\n".join(json.dumps(claim, ensure_ascii=False) for claim in claims).encode()
        return {**question, "lines": True}, self._make_request("/api/v1/verify/batch", body, "application/x-ndjson")

    def _ask_item(self) -> tuple[dict[str, Any], bytes]:
        subject = self._choose_some()
        question: dict[str, Any] = {"subject": subject, "check": "item"}
        query: dict[str, str] = {}
        if self._chance.random() < 0.1:
            question["known_at"] = query["known_at"] = self._log.instants[-1]
        more = f"?{urlencode(query)}" if query else ""
        return question, self._make_get(f"/api/v1/institutions/{_format_code(subject)}{more}")

    def _ask_history(self) -> tuple[dict[str, Any], bytes]:
        subject = self._choose_some()
        question = {"subject": subject, "check": "history"}
        return question, self._make_get(f"/api/v1/institutions/{_format_code(subject)}/history")

    def _ask_list(self) -> tuple[dict[str, Any], bytes]:
        region = self._held[self._choose_some()].get("region") or ""
        province = region[:2] if self._chance.random() < 0.7 else ""
        query = {"status": "all", "limit": "20", **({"region": f"{province}0000"} if province else {})}
        return {"check": "listing", "count": province}, self._make_get(f"/api/v1/institutions?{urlencode(query)}")

    def _ask_search(self) -> tuple[dict[str, Any], bytes]:
        subject = self._chance.choice(self._own)
        name = self._held[subject]["name"]
        if self._chance.random() < 0.5:
            return {"check": "listing"}, self._make_get(f"/api/v1/institutions?limit=20&q={quote(name[2:6])}")
        question = {"check": "listing", "subject": subject, "name": name}
        return question, self._make_get(f"/api/v1/institutions?limit=20&status=all&q={quote(name)}")

    def _ask_suggest(self) -> tuple[dict[str, Any], bytes]:
        name = self._held[self._choose_some()]["name"]
        return {"check": "names"}, self._make_get(f"/api/v1/suggest?q={quote(name[: self._chance.randrange(2, 6)])}")

    def _ask_search_page(self) -> tuple[dict[str, Any], bytes]:
        name = self._held[self._choose_some()]["name"]
        return {"check": "cards"}, self._make_get(f"/search?q={quote(name[: self._chance.randrange(2, 9)])}")

    def _ask_page(self) -> tuple[dict[str, Any], bytes]:
        subject = self._choose_some()
        return {"subject": subject, "check": "page"}, self._make_get(f"/i/{_format_code(subject)}")

    def _ask_reconcile(self) -> tuple[dict[str, Any], bytes]:
        queries = {f"q{n}": {"query": self._held[self._choose_some()]["name"], "limit": 3} for n in range(3)}
        body = urlencode({"queries": json.dumps(queries, ensure_ascii=False)}).encode()
        return {"check": "names"}, self._make_request("/reconcile", body, "application/x-www-form-urlencoded")

    def _ask_changes(self) -> tuple[dict[str, Any], bytes]:
        since = self._chance.randrange(self._log.get_size)
        return {"check": "changes", "since": since}, self._make_get(f"/api/v1/changes?since={since}&limit=20")

    # --- as bytes ----------------------------------------------------------------------------------------------------

    def _make_get(self, path: str) -> bytes:
        return f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\n\r\n".encode()

    def _make_post(self, path: str, body: object) -> bytes:
        return self._make_request(path, json.dumps(body, ensure_ascii=False).encode(), "application/json")

    def _make_request(self, path: str, body: bytes, kind: str) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
        return f"{head}\r\n\r\n".encode() + body


def _format_code(subject: str) -> str:
    code = subject.partition(":")[2]
    return f"{code[:4]}-{code[4:]}"
