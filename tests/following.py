"""A follower as a stranger writes one: public HTTP answers, docs/log-format.md and docs/api.md, nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
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
PRACTITIONER = "practitioner"  # whom snapshots leave out
Api = Callable[..., Any]


class Said(NamedTuple):
    """One value of one path as one entry states it."""

    valid_from: str
    entry: int
    source: str | None
    value: Any


class Follower:
    """Keeps what was said about every subject, and folds it for any day."""

    def __init__(self) -> None:
        self.position = 0
        self.leaves: list[str] = []
        self.said: dict[str, dict[str, list[Said]]] = {}

    # --- taking in ---------------------------------------------------------------------------------------------------

    def start(self, lines: Iterable[str]) -> dict[str, Any]:
        """Begin with a snapshot's ndjson; its head."""
        head, *records, end = [json.loads(line) for line in lines]
        assert end == {"end": True, "records": len(records)}
        for record in records:
            for part in record["state"]:
                self._take(record["subject"], part["set"], part["valid_from"], part["entry"], part["source"])
        self.position = head["log_size"]
        return dict(head)

    def follow(self, changes: Api, limit: int = 1000) -> int:
        """Read the feed to its end as of the first page or later; the log size it came to."""
        while True:
            page = changes(since=self.position, limit=limit)
            self.read(page)
            if self.position == page["log_size"]:
                return self.position

    def read(self, page: dict[str, Any]) -> None:
        """Take in one page, after making sure that it goes on where the last one ended and is what was logged."""
        numbers = [entry["number"] for entry in page["entries"]]
        assert numbers == list(range(self.position + 1, self.position + 1 + len(numbers)))
        assert page["next"] == self.position + len(numbers)
        assert len(page["leaves"]) == len(numbers)
        for entry, leaf in zip(page["entries"], page["leaves"], strict=True):
            assert leaf_of(entry) == leaf
            change = entry["change"]
            self._take(entry["subject"], change["set"], entry["valid_from"], entry["number"], entry["source"])
        self.leaves += page["leaves"]
        self.position = page["next"]

    def _take(self, subject: str, values: dict[str, Any], valid_from: str, entry: int, source: str | None) -> None:
        paths = self.said.setdefault(subject, {}) if values else {}
        for path, value in values.items():
            paths.setdefault(path, []).append(Said(valid_from, entry, source, value))

    # --- folding -----------------------------------------------------------------------------------------------------

    def holds(self, subject: str, on: str) -> dict[str, Said]:
        """Per path the one with the greatest (valid_from, entry) among those not after the day."""
        found = {}
        for path, said in self.said[subject].items():
            if known := [one for one in said if one.valid_from <= on]:
                found[path] = max(known, key=lambda one: one[:2])
        return found

    def record(self, subject: str, on: str) -> dict[str, Any] | None:
        """What a snapshot of that day must show of a subject."""
        kind, _, identifier = subject.partition(":")
        held = self.holds(subject, "9999" if kind == "source" else on)
        value = {path: said.value for path, said in held.items() if said.value is not None}
        if not held:
            return None
        basis = self._basis(held)
        if kind == "source":
            return _source(identifier, value, basis.entry)
        told = {"code": f"{identifier[:4]}-{identifier[4:]}", "entry": basis.entry}
        if kind == "institution":
            # a statement without a source leaves the record on the one it rested on before
            with_source = [said for said in self._telling(held) if said.source is not None]
            last = max(with_source, key=lambda said: said[:2], default=basis)
            told["source"] = self._source_ref(last.source)
            return self._institution(subject, on, value, told)
        told["source"] = self._source_ref(basis.source)
        institution = value.get("institution")
        code = institution and institution.partition(":")[2]
        told["institution"] = code and f"{code[:4]}-{code[4:]}"
        if kind == "sanction" and (party := value.get("party") or _find_party(held)) is not None:
            value["party"] = party
        if kind != "ad_certificate" and not _is_public(value, on):
            return None
        fields = {
            "ad_certificate": ("number", "valid_from", "valid_to"),
            "sanction": (
                *("organisation", "kind", "authority", "document_no", "decided_on", "summary", "party", "violation"),
                *("facts", "legal_basis", "measure", "fine", "confiscated", "revokes", "suspends", "starts_on"),
                *("ends_on", "published_on", "public_until", "removed_on", "uscc", "domains"),
            ),
            "supervision": (
                *("kind", "held_on", "period_from", "period_to", "inspection_kind", "result", "summary", "rectify_by"),
                *("rectified_on", "authority", "document_no", "public_until", "removed_on"),
            ),
        }[kind]
        return {**told, **{field: value.get(field) for field in fields}}

    def _telling(self, held: dict[str, Said]) -> list[Said]:
        """Names in use say nothing of the licence: they are the basis of a record only where nothing else is known."""
        beside = ("known_as", "extra.俗称依据", "name_en", "extra.英文名称依据")
        return [said for path, said in held.items() if path not in beside] or list(held.values())

    def _basis(self, held: dict[str, Said]) -> Said:
        return max(self._telling(held), key=lambda said: said[:2])

    def _covers(self, identifier: str | None, technique: str) -> bool:
        """Whether a source is a complete list that speaks of a technique."""
        source = self.record(f"source:{identifier}", "9999") if f"source:{identifier}" in self.said else None
        return bool(source) and source["scope"] != "partial" and technique in source["covers"]

    def _standing(self, subject: str, on: str, status: str, technique: str) -> str:
        """What an approval comes to on a day that is not ahead."""
        path = f"approvals.{technique}"
        said = self.holds(subject, on)[path]
        approval = said.value
        if approval["stage"] in ("preparing", "suspended", "revoked", "lapsed"):
            return str(approval["stage"])
        if (approval.get("valid_from") or "") > on:
            return "not_yet"
        if status == "delisted" or (approval.get("verification_due") or "9999") < on:
            return "lapsed"
        if status == "suspended":
            return "suspended"
        source = self.record(f"source:{said.source}", "9999") if f"source:{said.source}" in self.said else None
        evidence = max(said.valid_from, (source or {}).get("as_of", ""))
        year, rest = evidence[:4], evidence[4:]
        return (
            "unknown" if on > f"{int(year) + 2}{rest}" and self._is_denied_later(subject, on, technique) else "in_force"
        )

    def _is_denied_later(self, subject: str, on: str, technique: str) -> bool:
        """Whether the next complete list no longer states what an older one did."""
        path = f"approvals.{technique}"
        for day in sorted({one.valid_from for said in self.said[subject].values() for one in said} - {on}):
            held = self.holds(subject, day)
            if day <= on:
                continue
            if held["status"].value != "delisted" and held.get(path) and held[path].value is not None:
                if held[path].valid_from == day:
                    return False
                continue
            return self._covers(self._basis(held).source, technique)
        return False

    def _source_ref(self, identifier: str | None) -> dict[str, Any] | None:
        if f"source:{identifier}" not in self.said:
            return None
        source = self.record(f"source:{identifier}", "9999")
        return source and {name: source[name] for name in ("title", "as_of", "published", "scope", "secondary")}

    def _institution(self, subject: str, on: str, value: dict[str, Any], told: dict[str, Any]) -> dict[str, Any] | None:
        if not {"name", "address", "status"} <= value.keys():
            return None
        stages = {value[f"approvals.{code}"]["stage"] for code in TECHNIQUES if f"approvals.{code}" in value}
        status = "suspended" if stages == {"suspended"} and value["status"] == "listed" else value["status"]
        approvals = [
            {
                **dict.fromkeys(APPROVAL),
                **value[f"approvals.{code}"],
                "technique": code,
                "name": name,
                "standing": self._standing(subject, on, status, code),
            }
            for code, name in TECHNIQUES.items()
            if f"approvals.{code}" in value
        ]
        plain = ("name", "address", "uscc", "practice_licence_no", "ownership", "level", "campus", "name_en")
        return {
            **told,
            **{field: value.get(field) for field in plain},
            "aliases": value.get("aliases", []),
            "known_as": value.get("known_as", []),
            "domains": value.get("domains", []),
            "former_names": self._former_names(subject, on),
            "region": value.get("region"),
            "status": status,
            "standing": _sum_up(status, {one["standing"] for one in approvals}),
            "approvals": approvals,
            "log_size": self.position,
        }

    def _former_names(self, subject: str, on: str) -> list[dict[str, Any]]:
        days = sorted({said.valid_from for said in self.said[subject]["name"] if said.valid_from <= on})
        names = [(day, self.holds(subject, day)["name"].value) for day in days]
        named = [(day, name) for day, name in names if name is not None]
        ended = {before: day for (_, before), (day, now) in pairwise(named) if before != now}
        ended.pop(named[-1][1], None)
        return [
            {"name": name, "until": day} for name, day in sorted(ended.items(), key=lambda one: one[1], reverse=True)
        ]

    def state(self, subject: str, on: str) -> list[dict[str, Any]]:
        """What has a say on the day or later; of an institution's name, on any day."""
        groups: dict[int, dict[str, Any]] = {}
        for path, said in self.said[subject].items():
            always = path == "name" and subject.startswith("institution:")
            days = {one.valid_from for one in said if always or one.valid_from > on} | {on}
            for day in days:
                if (one := self.holds(subject, day).get(path)) is not None:
                    fresh = {"entry": one.entry, "valid_from": one.valid_from, "source": one.source, "set": {}}
                    groups.setdefault(one.entry, fresh)["set"][path] = one.value
        return sorted(groups.values(), key=lambda group: (group["valid_from"], group["entry"]))

    def snapshot(self, on: str) -> dict[str, tuple[Any, Any]]:
        """subject -> (record, state) of everything a snapshot holds."""
        subjects = [subject for subject in self.said if not subject.startswith(f"{PRACTITIONER}:")]
        return {subject: (self.record(subject, on), self.state(subject, on)) for subject in subjects}


def _find_party(held: dict[str, Said]) -> str | None:
    """Whom a sanction is about that does not say so, as docs/api.md says."""
    named = [path for path, said in held.items() if said.value]
    for path, party in (("institution", "institution"), ("organisation", "organisation"), ("domains", "website")):
        if "person" not in held and path in named:
            return party
    return "person" if "person" in held else "account" if "accounts" in named else None


def _is_public(value: dict[str, Any], on: str) -> bool:
    """Whether a sanction or a supervision may be shown on a day, as docs/api.md says."""
    if value.get("party") == "person" or any(
        on < value.get(start, "") for start in ("decided_on", "held_on", "published_on")
    ):
        return False
    return all(on <= value.get(end, "9999") for end in ("public_until", "ends_on")) and on < value.get(
        "removed_on", "9999"
    )


def _sum_up(status: str, words: set[str]) -> str:
    """The standing of an institution, from those of its approvals."""
    if not words:
        return "suspended" if status == "suspended" else "delisted"
    if status == "delisted":
        return "delisted"
    if "in_force" in words:
        return "approved" if words == {"in_force"} else "partly_approved"
    gravest = [word for word in ("revoked", "lapsed", "suspended", "preparing", "unknown") if word in words]
    return gravest[0] if gravest else "preparing"


APPROVAL = ("since", "stage", "valid_from", "verification_due", "document_no", "authority", "note")


def _source(identifier: str, value: dict[str, Any], entry: int) -> dict[str, Any] | None:
    if not {"title", "as_of"} <= value.keys():
        return None
    absent = {"published": None, "scope": "partial", "origin": None, "secondary": False, "covers": []}
    return {"id": identifier, **absent, "rows": None, "sha256": None, **value, "entry": entry}


def told_by(lines: Iterable[str]) -> dict[str, tuple[Any, Any]]:
    """subject -> (record, state) as a snapshot's ndjson says; of a region, its code: the names are GB/T 2260's."""
    found = {}
    for record in map(json.loads, list(lines)[1:-1]):
        shown = record["record"]
        if shown and record["kind"] == "institution":
            shown = {**shown, "region": shown["region"]["code"]}
        found[record["subject"]] = (shown, record["state"])
    return found


def canonical(value: Any) -> bytes:
    """RFC 8785 as far as the log needs it: there are no fractions, and no key is beyond the basic plane."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def leaf_of(entry: dict[str, Any]) -> str:
    """RFC 6962 leaf hash of an entry's canonical bytes."""
    return hashlib.sha256(b"\x00" + canonical(entry)).hexdigest()


def root_of(leaves: list[str]) -> str:
    """RFC 6962 section 2.1, word for word."""

    def tree(hashes: list[bytes]) -> bytes:
        if len(hashes) == 1:
            return hashes[0]
        half = 1 << (len(hashes) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + tree(hashes[:half]) + tree(hashes[half:])).digest()

    return (tree([bytes.fromhex(leaf) for leaf in leaves]) if leaves else hashlib.sha256(b"").digest()).hex()


def numbers_of(pages: Iterable[dict[str, Any]]) -> Iterator[int]:
    """The entry numbers of pages, in the order given."""
    for page in pages:
        yield from (entry["number"] for entry in page["entries"])
