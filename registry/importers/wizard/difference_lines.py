"""What a list would change, as lines for a person: before and after, section by section, and the pairs to decide."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from registry.domain.identifiers import format_code
from registry.domain.techniques import TECHNIQUES
from registry.importers.matching.pairs import InstitutionMatch
from registry.importers.matching.register_side import RegisterInstitution
from registry.importers.reading.list_file import ListedInstitution
from registry.importers.wizard.list_import import ListComparison
from registry.verification import addresses

Line = dict[str, Any]
#: Sections of the difference, in the order of their tabs.
SECTIONS = ("new", "gone", "renamed", "moved", "gained", "lost", "stage", "other")
#: Lines on one page of a section, and pairs on one page.
PAGE, PAIRS = 50, 20


def make_pair_key(name: str, address: str, subject: str) -> str:
    """The key of a pair: the same for the same row and the same institution, in every comparison."""
    return hashlib.sha256(f"{name}\n{address}\n{subject}".encode()).hexdigest()[:20]


def make_listed_key(name: str, address: str) -> str:
    """The key of an institution of the list, of which no two have the same name and address."""
    return hashlib.sha256(f"{name}\n{address}".encode()).hexdigest()[:20]


def list_sections(compared: ListComparison) -> dict[str, Callable[[], Iterator[Line]]]:
    """The lines of each section; made anew each time they are asked for, so that they need not all be held."""
    matched, gone = compared.found.matched, compared.found.gone

    def make_section(of: Callable[[InstitutionMatch], Line | None]) -> Callable[[], Iterator[Line]]:
        return lambda: (line for one in matched if (line := of(one)) is not None)

    return {
        "new": make_section(_make_new_line),
        "gone": lambda: (_make_gone_line(one) for one in gone),
        "renamed": make_section(_make_renamed_line),
        "moved": make_section(_make_moved_line),
        "gained": make_section(_make_gained_line),
        "lost": make_section(_make_lost_line),
        "stage": make_section(_make_stage_line),
        "other": make_section(_make_other_line),
    }


# --- two sides -------------------------------------------------------------------------------------------------------


def _make_register_side(known: RegisterInstitution) -> dict[str, Any]:
    return {
        "name": known.likeness["name"],
        "address": known.likeness["address"],
        "techniques": list_technique_stages(known.likeness),
    }


def _make_listed_side(listed: ListedInstitution) -> dict[str, Any]:
    stated = {approval.technique: approval.stage for approval in listed.approvals}
    ordered = {t.code: stated[t.code] for t in TECHNIQUES if t.code in stated}
    return {"name": listed.name, "address": listed.address, "techniques": ordered}


def list_technique_stages(values: dict[str, Any]) -> dict[str, str]:
    """Technique -> stage of what is recorded."""
    held = {t.code: values.get(f"approvals.{t.code}") for t in TECHNIQUES}
    return {code: approval["stage"] for code, approval in held.items() if approval}


def _make_line(one: InstitutionMatch, **more: Any) -> Line:
    told: Line = {
        "row": one.listed.row,
        "code": _format_subject_code(one.subject),
        "after": _make_listed_side(one.listed),
        **more,
    }
    if one.known is not None:
        told["before"] = _make_register_side(one.known)
        told["key"] = make_pair_key(one.listed.name, one.listed.address, one.subject)
        told["why"] = one.why
    return told


def _format_subject_code(subject: str) -> str:
    return format_code(subject.removeprefix("institution:"))


# --- sections --------------------------------------------------------------------------------------------------------


def _make_new_line(one: InstitutionMatch) -> Line | None:
    return _make_line(one) if one.known is None else None


def _make_gone_line(known: RegisterInstitution) -> Line:
    return {"code": _format_subject_code(known.subject), "before": _make_register_side(known)}


def _make_renamed_line(one: InstitutionMatch) -> Line | None:
    return _make_line(one) if one.known is not None and one.known.likeness["name"] != one.listed.name else None


def has_moved(one: InstitutionMatch) -> bool:
    """Whether the addresses of both sides are those of two sites."""
    if one.known is None or one.known.likeness["address"] == one.listed.address:
        return False
    seen = one.known.likeness
    return addresses.compare_addresses(one.listed.address, seen["address"], seen.get("region")) == "other"


def _make_moved_line(one: InstitutionMatch) -> Line | None:
    return _make_line(one) if has_moved(one) else None


def _list_stages_before_after(one: InstitutionMatch) -> tuple[dict[str, str], dict[str, str]]:
    """Techniques before, and after: what the list leaves unsaid of a technique stays."""
    before = list_technique_stages(one.known.values) if one.known is not None else {}
    after = {**before, **_make_listed_side(one.listed)["techniques"]}
    return before, {code: stage for code, stage in after.items() if not _has_ended(one, code)}


def _has_ended(one: InstitutionMatch, code: str) -> bool:
    return one.statement.get(f"approvals.{code}", "") is None


def _make_gained_line(one: InstitutionMatch) -> Line | None:
    before, after = _list_stages_before_after(one)
    found = [code for code in after if code not in before]
    return _make_line(one, techniques=found) if one.known is not None and found else None


def _make_lost_line(one: InstitutionMatch) -> Line | None:
    before, after = _list_stages_before_after(one)
    found = [code for code in before if code not in after]
    return _make_line(one, techniques=found) if found else None


def _make_stage_line(one: InstitutionMatch) -> Line | None:
    before, after = _list_stages_before_after(one)
    found = [[code, before[code], after[code]] for code in before if code in after and before[code] != after[code]]
    return _make_line(one, stages=found) if found else None


def _make_other_line(one: InstitutionMatch) -> Line | None:
    if one.known is None:
        return None
    seen, moved = one.known.values, has_moved(one)
    changes = [
        [path, _format_value(seen.get(path)), _format_value(value)]
        for path, value in one.statement.items()
        if path != "name"
        and not path.startswith("approvals.")
        and not (path == "address" and moved)
        and seen.get(path) != value
    ]
    return _make_line(one, changes=changes) if changes else None


def _format_value(value: Any) -> str | None:
    return "、".join(map(str, value)) if isinstance(value, list) else None if value is None else str(value)


# --- pairs -----------------------------------------------------------------------------------------------------------

#: Rules whose pairs a person confirms: the names differ, the sites differ, or both are only alike.
_INFERRED = {"same_address": "same_address", "similar_name_and_address": "similar"}


def collect_pairs(compared: ListComparison, decisions: dict[str, dict[str, Any]]) -> dict[str, Line]:
    """Every pair that a person has to decide, or decided, by its key: doubts, then what rules paired, then the rest.

    ``suggested``: a rule takes the two for one.
    """
    found: dict[str, Line] = {}
    for doubt in compared.found.doubts:
        _add_pair(found, doubt.listed, doubt.known, doubt.rule, suggested=False)
    for one in compared.found.matched:
        rule = _INFERRED.get(one.why or "") or ("moved" if has_moved(one) and one.why != "decided" else None)
        if one.known is not None and rule is not None:
            _add_pair(found, one.listed, one.known, rule, suggested=True)
    listed = {make_listed_key(one.name, one.address): one for one in compared.parsed.institutions}
    known = {one.subject: one for one in (*compared.register.listed, *compared.register.others)}
    for key, decision in decisions.items():
        there = listed.get(decision["listed_key"]), known.get(decision["known"])
        if key not in found and there[0] is not None and there[1] is not None:
            _add_pair(found, there[0], there[1], decision["rule"], suggested=decision["suggested"])
    return found


def _add_pair(
    found: dict[str, Line], listed: ListedInstitution, known: RegisterInstitution, rule: str, *, suggested: bool
) -> None:
    key = make_pair_key(listed.name, listed.address, known.subject)
    found[key] = {
        "key": key,
        "listed_key": make_listed_key(listed.name, listed.address),
        "known": known.subject,
        "row": listed.row,
        "code": _format_subject_code(known.subject),
        "before": _make_register_side(known),
        "after": _make_listed_side(listed),
        "rule": rule,
        "suggested": suggested,
    }
