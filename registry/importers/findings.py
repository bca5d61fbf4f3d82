"""What a list would change, as lines for a person: before and after, section by section, and the pairs to decide."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from registry.identifiers import format_code
from registry.importers.known import Known
from registry.importers.matched import Matched
from registry.importers.rows import ListedInstitution
from registry.importers.submit import Compared
from registry.techniques import TECHNIQUES
from registry.verification import addresses

Line = dict[str, Any]
#: Sections of the difference, in the order of their tabs.
SECTIONS = ("new", "gone", "renamed", "moved", "gained", "lost", "stage", "other")
#: Lines on one page of a section, and pairs on one page.
PAGE, PAIRS = 50, 20


def pair_key(name: str, address: str, subject: str) -> str:
    """The key of a pair: the same for the same row and the same institution, in every comparison."""
    return hashlib.sha256(f"{name}\n{address}\n{subject}".encode()).hexdigest()[:20]


def listed_key(name: str, address: str) -> str:
    """The key of an institution of the list, of which no two have the same name and address."""
    return hashlib.sha256(f"{name}\n{address}".encode()).hexdigest()[:20]


def sections(compared: Compared) -> dict[str, Callable[[], Iterator[Line]]]:
    """The lines of each section; made anew each time they are asked for, so that they need not all be held."""
    matched, gone = compared.found.matched, compared.found.gone

    def each(of: Callable[[Matched], Line | None]) -> Callable[[], Iterator[Line]]:
        return lambda: (line for one in matched if (line := of(one)) is not None)

    return {
        "new": each(_new),
        "gone": lambda: (_gone(one) for one in gone),
        "renamed": each(_renamed),
        "moved": each(_moved),
        "gained": each(_gained),
        "lost": each(_lost),
        "stage": each(_stage),
        "other": each(_other),
    }


# --- two sides -------------------------------------------------------------------------------------------------------


def _of_known(known: Known) -> dict[str, Any]:
    return {
        "name": known.likeness["name"],
        "address": known.likeness["address"],
        "techniques": techniques_of(known.likeness),
    }


def _of_listed(listed: ListedInstitution) -> dict[str, Any]:
    stated = {approval.technique: approval.stage for approval in listed.approvals}
    ordered = {t.code: stated[t.code] for t in TECHNIQUES if t.code in stated}
    return {"name": listed.name, "address": listed.address, "techniques": ordered}


def techniques_of(values: dict[str, Any]) -> dict[str, str]:
    """Technique -> stage of what is recorded."""
    held = {t.code: values.get(f"approvals.{t.code}") for t in TECHNIQUES}
    return {code: approval["stage"] for code, approval in held.items() if approval}


def _line(one: Matched, **more: Any) -> Line:
    told: Line = {"row": one.listed.row, "code": _code(one.subject), "after": _of_listed(one.listed), **more}
    if one.known is not None:
        told["before"] = _of_known(one.known)
        told["key"] = pair_key(one.listed.name, one.listed.address, one.subject)
        told["why"] = one.why
    return told


def _code(subject: str) -> str:
    return format_code(subject.removeprefix("institution:"))


# --- sections --------------------------------------------------------------------------------------------------------


def _new(one: Matched) -> Line | None:
    return _line(one) if one.known is None else None


def _gone(known: Known) -> Line:
    return {"code": _code(known.subject), "before": _of_known(known)}


def _renamed(one: Matched) -> Line | None:
    return _line(one) if one.known is not None and one.known.likeness["name"] != one.listed.name else None


def is_moved(one: Matched) -> bool:
    """Whether the addresses of both sides are those of two sites."""
    if one.known is None or one.known.likeness["address"] == one.listed.address:
        return False
    seen = one.known.likeness
    return addresses.compare(one.listed.address, seen["address"], seen.get("region")) == "other"


def _moved(one: Matched) -> Line | None:
    return _line(one) if is_moved(one) else None


def _held(one: Matched) -> tuple[dict[str, str], dict[str, str]]:
    """Techniques before, and after: what the list leaves unsaid of a technique stays."""
    before = techniques_of(one.known.values) if one.known is not None else {}
    after = {**before, **_of_listed(one.listed)["techniques"]}
    return before, {code: stage for code, stage in after.items() if not _ends(one, code)}


def _ends(one: Matched, code: str) -> bool:
    return one.statement.get(f"approvals.{code}", "") is None


def _gained(one: Matched) -> Line | None:
    before, after = _held(one)
    found = [code for code in after if code not in before]
    return _line(one, techniques=found) if one.known is not None and found else None


def _lost(one: Matched) -> Line | None:
    before, after = _held(one)
    found = [code for code in before if code not in after]
    return _line(one, techniques=found) if found else None


def _stage(one: Matched) -> Line | None:
    before, after = _held(one)
    found = [[code, before[code], after[code]] for code in before if code in after and before[code] != after[code]]
    return _line(one, stages=found) if found else None


def _other(one: Matched) -> Line | None:
    if one.known is None:
        return None
    seen, moved = one.known.values, is_moved(one)
    changes = [
        [path, _told(seen.get(path)), _told(value)]
        for path, value in one.statement.items()
        if path != "name"
        and not path.startswith("approvals.")
        and not (path == "address" and moved)
        and seen.get(path) != value
    ]
    return _line(one, changes=changes) if changes else None


def _told(value: Any) -> str | None:
    return "、".join(map(str, value)) if isinstance(value, list) else None if value is None else str(value)


# --- pairs -----------------------------------------------------------------------------------------------------------

#: Rules whose pairs a person confirms: the names differ, the sites differ, or both are only alike.
_INFERRED = {"same_address": "same_address", "similar_name_and_address": "similar"}


def pairs(compared: Compared, decisions: dict[str, dict[str, Any]]) -> dict[str, Line]:
    """Every pair that a person has to decide, or decided, by its key: doubts, then what rules paired, then the rest.

    ``suggested``: a rule takes the two for one.
    """
    found: dict[str, Line] = {}
    for doubt in compared.found.doubts:
        _put(found, doubt.listed, doubt.known, doubt.rule, suggested=False)
    for one in compared.found.matched:
        rule = _INFERRED.get(one.why or "") or ("moved" if is_moved(one) and one.why != "decided" else None)
        if one.known is not None and rule is not None:
            _put(found, one.listed, one.known, rule, suggested=True)
    listed = {listed_key(one.name, one.address): one for one in compared.parsed.institutions}
    known = {one.subject: one for one in (*compared.register.listed, *compared.register.others)}
    for key, decision in decisions.items():
        there = listed.get(decision["listed_key"]), known.get(decision["known"])
        if key not in found and there[0] is not None and there[1] is not None:
            _put(found, there[0], there[1], decision["rule"], suggested=decision["suggested"])
    return found


def _put(found: dict[str, Line], listed: ListedInstitution, known: Known, rule: str, *, suggested: bool) -> None:
    key = pair_key(listed.name, listed.address, known.subject)
    found[key] = {
        "key": key,
        "listed_key": listed_key(listed.name, listed.address),
        "known": known.subject,
        "row": listed.row,
        "code": _code(known.subject),
        "before": _of_known(known),
        "after": _of_listed(listed),
        "rule": rule,
        "suggested": suggested,
    }
