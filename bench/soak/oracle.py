"""What the log says, read from its public feed and folded by a few lines of its own: nothing of the product is used.

The rules are those of docs/log-format.md and docs/api.md: of every path the value with the greatest (day, number) among
those not after the day and within the size.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from bisect import bisect_right
from itertools import pairwise
from typing import Any, NamedTuple

TECHNIQUES = {
    "AIH": "夫精人工授精",
    "AID": "供精人工授精",
    "IVF": "体外受精-胚胎移植",
    "ICSI": "卵胞浆内单精子显微注射",
    "PGT": "植入前胚胎遗传学检测",
    "SPERM_BANK": "人类精子库",
}
LAWFUL = frozenset({"trial", "formal", "operating", "rectification"})
#: Names in use, and what they rest on: they say nothing of the licence.
BESIDE = ("known_as", "extra.俗称依据", "name_en", "extra.英文名称依据")
APPROVAL = ("stage", "valid_from", "verification_due", "document_no", "authority", "note")
SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def _find_last_source(telling: list[Statement]) -> str | None:
    """A statement without a source leaves a record on the one it rested on before."""
    return max((one for one in telling if one.source is not None), key=lambda one: one[:2], default=telling[0]).source


class Statement(NamedTuple):
    """One value of one path as one entry states it."""

    day: str
    number: int
    source: str | None
    value: Any


class Log:
    """The entries so far; every question is of a log size and a day."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.leaves: list[str] = []
        self.roots = {0: hashlib.sha256(b"").hexdigest()}
        self.instants: list[str] = []  # recorded_at, which never goes back
        self.last_of: dict[int, int] = {}  # the last entry of a proposal
        self.first_of: dict[int, int] = {}
        self.sources: dict[str, None] = {}
        self._stated: dict[str, dict[str, list[Statement]]] = {}
        self._plain: dict[str, set[str]] = {}  # a name without what is in brackets -> who ever had it
        self._edge: list[tuple[int, bytes]] = []  # (leaves, hash) of whole subtrees, largest first
        self._known: dict[tuple[str, int, str], dict[str, Statement]] = {}

    @property
    def get_size(self) -> int:
        """Entries read so far."""
        return len(self.entries)

    def append(self, entry: dict[str, Any], leaf: str) -> None:
        """Take in the next entry; ValueError where it is not the next, or not what its leaf says."""
        if entry["number"] != self.get_size + 1:
            raise ValueError(f"entry {entry['number']} came after {self.get_size}")
        if hashlib.sha256(b"\x00" + encode_canonically(entry)).hexdigest() != leaf:
            raise ValueError(f"entry {entry['number']} has another leaf hash than {leaf}")
        self.entries.append(entry)
        self.leaves.append(leaf)
        self.instants.append(entry["recorded_at"])
        self.last_of[entry["proposal"]] = self.get_size
        self.first_of.setdefault(entry["proposal"], self.get_size)
        self._add_size(bytes.fromhex(leaf))
        if entry["subject"].startswith("source:"):
            self.sources[entry["subject"]] = None
        paths = self._stated.setdefault(entry["subject"], {})
        for path, value in entry["change"]["set"].items():
            stated = Statement(entry["valid_from"], entry["number"], entry["source"], value)
            paths.setdefault(path, []).append(stated)
            if path == "name" and value:
                self._plain.setdefault(_normalise_name(value), set()).add(entry["subject"])

    def _add_size(self, leaf: bytes) -> None:
        self._edge.append((1, leaf))
        while len(self._edge) > 1 and self._edge[-1][0] == self._edge[-2][0]:
            (leaves, left), (_, right) = self._edge[-2:]
            self._edge[-2:] = [(2 * leaves, hashlib.sha256(b"\x01" + left + right).digest())]
        root = self._edge[-1][1]
        for _, left in self._edge[-2::-1]:
            root = hashlib.sha256(b"\x01" + left + root).digest()
        self.roots[self.get_size] = root.hex()

    # --- folding -----------------------------------------------------------------------------------------------------

    def holds_entry(self, subject: str, size: int, day: str) -> dict[str, Statement]:
        """What is stated of a subject, path by path, on a day, as known at a size."""
        key = (subject, self._list_changes(subject, size), day)
        if key not in self._known:
            found = {}
            for path, stated in self._stated.get(subject, {}).items():
                if known := [one for one in stated if one.day <= day and one.number <= size]:
                    found[path] = max(known, key=lambda one: one[:2])
            if len(self._known) > 50_000:
                self._known.clear()
            self._known[key] = found
        return self._known[key]

    def _list_changes(self, subject: str, size: int) -> int:
        """The last entry about a subject within a size: what is known of it is the same from there on."""
        numbers = [one.number for stated in self._stated.get(subject, {}).values() for one in stated]
        return max((number for number in numbers if number <= size), default=0)

    def get_values(self, subject: str, size: int, day: str) -> dict[str, Any]:
        """The same, values alone, without what is no longer stated."""
        held = self.holds_entry(subject, size, day)
        return {path: one.value for path, one in held.items() if one.value is not None}

    def is_recorded(self, subject: str, size: int, day: str) -> bool:
        """Whether enough is known to show an institution."""
        return {"name", "address", "status"} <= self.get_values(subject, size, day).keys()

    def get_size_at(self, instant: str) -> int:
        """Entries recorded by an instant, written like `recorded_at`."""
        return bisect_right(self.instants, instant)

    def find_sizes_shown_as(self, seconds: str) -> range:
        """The sizes whose last entry was recorded within a second, ``2026-01-05T02:00:00``."""
        first = bisect_right(self.instants, seconds)  # a prefix of everything within its second is before it
        return range(first + 1, bisect_right(self.instants, f"{seconds}.999Z") + 1)

    def list_subjects(self) -> list[str]:
        """Every institution that anything was ever said of."""
        return [subject for subject in self._stated if subject.startswith("institution:")]

    def is_shared(self, subject: str, name: str, size: int, day: str) -> bool:
        """Whether another institution has the same name but for a bracket: then the name alone may be either."""
        others = self._plain.get(_normalise_name(name), set()) - {subject}
        return any(
            _normalise_name(self.get_values(one, size, day).get("name") or "") == _normalise_name(name)
            for one in others
        )

    # --- what the register must answer -------------------------------------------------------------------------------

    def judge_claim(self, subject: str, technique: str, size: int, day: str) -> tuple[str, str | None]:  # noqa: PLR0911
        """(verdict, stage) of an institution for a technique."""
        value = self.get_values(subject, size, day)
        if not {"name", "address", "status"} <= value.keys():
            return ("not_found" if self._is_denied(technique, None, size, day) else "unknown"), None
        if value["status"] == "delisted":
            return "not_found", None
        approval = value.get(f"approvals.{technique}")
        if approval is None:
            denied = self._is_denied(technique, value.get("region"), size, day)
            return ("technique_not_licensed" if denied else "unknown"), None
        stage = approval["stage"]
        if stage not in LAWFUL:
            return stage, stage
        if (approval.get("valid_from") or "") > day:
            return "technique_not_licensed", None
        if (approval.get("verification_due") or "9999") < day:
            return "lapsed", "lapsed"
        if value["status"] == "suspended":
            return "suspended", stage
        return ("unknown", None) if self._is_in_doubt(subject, technique, size, day) else ("licensed", stage)

    def _is_in_doubt(self, subject: str, technique: str, size: int, day: str) -> bool:
        """Whether the next complete list no longer states an approval that was stated more than two years before."""
        path = f"approvals.{technique}"
        said = self.holds_entry(subject, size, day)[path]
        source = self._find_source(said.source, size)
        evidence = max(said.day, (source or {}).get("as_of", ""))
        if day <= f"{int(evidence[:4]) + 2}{evidence[4:]}":
            return False
        stated = (one for paths in self._stated[subject].values() for one in paths if one.number <= size)
        for later in sorted({one.day for one in stated if one.day > day}):
            held = self.holds_entry(subject, size, later)
            if held["status"].value != "delisted" and held.get(path) and held[path].value is not None:
                if held[path].day == later:
                    return False
                continue
            telling = [one for name, one in held.items() if name not in BESIDE] or list(held.values())
            last = self.get_values(f"source:{max(telling, key=lambda one: one[:2]).source}", size, "9999-12-31")
            return last.get("scope", "partial") != "partial" and technique in last.get("covers", [])
        return False

    def _is_denied(self, technique: str, region: str | None, size: int, day: str) -> bool:
        """Whether a complete list of the place and the technique was known: what it does not name is denied."""
        for subject in self.sources:
            data = self.get_values(subject, size, "9999-12-31")
            scope = data.get("scope", "partial")
            place = scope == "national" or (region is not None and region.startswith(scope.rstrip("0")))
            speaks = "as_of" in data and data["as_of"] <= day and technique in data.get("covers", [])
            if speaks and scope != "partial" and place:
                return True
        return False

    def find_institution(self, subject: str, size: int, day: str) -> dict[str, Any] | None:
        """The fields that an institution's record must have; None where it must not be there."""
        if not self.is_recorded(subject, size, day):
            return None
        held, value = self.holds_entry(subject, size, day), self.get_values(subject, size, day)
        telling = [one for path, one in held.items() if path not in BESIDE] or list(held.values())
        basis = max(telling, key=lambda one: one[:2])
        approvals = [
            {**dict.fromkeys(APPROVAL), **value[f"approvals.{code}"], "technique": code, "name": name}
            for code, name in TECHNIQUES.items()
            if f"approvals.{code}" in value
        ]
        stopped = bool(approvals) and all(one["stage"] == "suspended" for one in approvals)
        plain = ("name", "address", "uscc", "practice_licence_no", "ownership", "level", "campus", "name_en")
        code = subject.partition(":")[2]
        return {
            "code": f"{code[:4]}-{code[4:]}",
            **{field: value.get(field) for field in plain},
            **{field: value.get(field, []) for field in ("aliases", "known_as", "domains")},
            "former_names": self._list_former_names(subject, size, day),
            "region": value.get("region"),
            "status": "suspended" if stopped and value["status"] == "listed" else value["status"],
            "approvals": approvals,
            "source": self._find_source(_find_last_source(telling), size),
            "entry": basis.number,
            "log_size": size,
        }

    def _list_former_names(self, subject: str, size: int, day: str) -> list[dict[str, str]]:
        stated = self._stated[subject]["name"]
        days = sorted({one.day for one in stated if one.day <= day and one.number <= size})
        names = [(day, self.holds_entry(subject, size, day)["name"].value) for day in days]
        ended = {before: day for (_, before), (day, now) in pairwise(names) if before != now}
        ended.pop(names[-1][1], None)
        found = [{"name": name, "until": day} for name, day in ended.items()]
        return sorted(found, key=lambda one: one["until"], reverse=True)

    def _find_source(self, identifier: str | None, size: int) -> dict[str, Any] | None:
        data = self.get_values(f"source:{identifier}", size, "9999-12-31")
        if not {"title", "as_of"} <= data.keys():
            return None
        plain = {"published": None, "scope": "partial", "secondary": False, **data}
        return {field: plain[field] for field in ("title", "as_of", "published", "scope", "secondary")}


def _normalise_name(name: str) -> str:
    return name.partition("（")[0]


def encode_canonically(value: Any) -> bytes:
    """RFC 8785 as far as the log needs it: there are no fractions, and no key is beyond the basic plane."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def compact_code(code: str) -> str:
    """The log's subject of a printed code."""
    return f"institution:{code.replace('-', '')}"


def find_day_at(wall: float) -> str:
    """The day in Shanghai at a time in seconds since 1970."""
    return dt.datetime.fromtimestamp(wall, SHANGHAI).date().isoformat()
