"""A difference as lines for a person: before and after, section by section, and the pairs to decide."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from registry.domain.identifiers import format_subject_code
from registry.domain.techniques import TECHNIQUES
from registry.importers.matching.matches import InstitutionMatch
from registry.importers.matching.register_side import RegisterInstitution
from registry.importers.matching.spellings import is_same_but_for_spelling
from registry.importers.reading.list_file import ListedInstitution
from registry.importers.wizard.list_import import ListComparison

Line = dict[str, Any]
#: Lines on one page of a section, and pairs, or conflicts, on one page.
PAGE, PAIRS = 50, 20


def make_pair_key(name: str, address: str, subject: str) -> str:
    """The key of a pair, the same in every comparison of the same row with the same institution."""
    return hashlib.sha256(f"{name}\n{address}\n{subject}".encode()).hexdigest()[:20]


def make_listed_key(name: str, address: str) -> str:
    """The key of an institution of the list, of which no two have the same name and address."""
    return hashlib.sha256(f"{name}\n{address}".encode()).hexdigest()[:20]


def make_sections(comparison: ListComparison) -> dict[str, Iterator[Line]]:
    """The sections in the order of their tabs, each as an iterator, so that not all lines are held at once."""
    found = comparison.found

    def make_section(make_line: Callable[[InstitutionMatch], Line | None]) -> Iterator[Line]:
        return (line for match in found.matched if (line := make_line(match)) is not None)

    return {
        "new": make_section(lambda match: _make_line(match) if match.known is None else None),
        "gone": (
            {"code": format_subject_code(known.subject), "before": _make_register_side(known)} for known in found.gone
        ),
        "relisted": make_section(lambda match: _make_line(match) if match.is_relisted else None),
        "renamed": make_section(lambda match: _make_line(match) if match.is_renamed else None),
        "moved": make_section(lambda match: _make_line(match) if match.has_moved else None),
        "gained": make_section(_make_gained_line),
        "lost": make_section(_make_lost_line),
        "stage": make_section(_make_stage_line),
        "other": make_section(_make_other_line),
        "spelling": make_section(_make_spelling_line),
    }


# --- two sides -------------------------------------------------------------------------------------------------------


def _make_register_side(known: RegisterInstitution) -> dict[str, Any]:
    return {
        "name": known.likeness["name"],
        "address": known.likeness["address"],
        "techniques": _map_stages(known.likeness),
    }


def _make_listed_side(listed: ListedInstitution) -> dict[str, Any]:
    stages = {approval.technique: approval.stage for approval in listed.approvals}
    ordered = {t.code: stages[t.code] for t in TECHNIQUES if t.code in stages}
    return {"name": listed.name, "address": listed.address, "techniques": ordered}


def _map_stages(values: dict[str, Any]) -> dict[str, str]:
    """The stage of each technique that is recorded."""
    approvals = {t.code: values.get(f"approvals.{t.code}") for t in TECHNIQUES}
    return {code: approval["stage"] for code, approval in approvals.items() if approval}


def _make_line(match: InstitutionMatch, **additions: Any) -> Line:
    line: Line = {
        "row": match.listed.row,
        "code": format_subject_code(match.subject),
        "after": {**_make_listed_side(match.listed), "techniques": _list_stages_before_after(match)[1]},
        **additions,
    }
    if match.known is not None:
        line["before"] = _make_register_side(match.known)
        printed = match.printed or match.listed
        line["key"] = make_pair_key(printed.name, printed.address, match.subject)
        line["why"] = match.why
        line["spelling"] = is_same_but_for_spelling(line["before"], line["after"])
    return line


# --- sections --------------------------------------------------------------------------------------------------------


def _list_stages_before_after(match: InstitutionMatch) -> tuple[dict[str, str], dict[str, str]]:
    """The stage of each technique before and after; a technique that the list does not mention, or may not, stays."""
    before = _map_stages(match.known.values) if match.known is not None else {}
    after = {**before, **_map_stages(match.statement)}
    ended = {path.removeprefix("approvals.") for path, value in match.statement.items() if value is None}
    return before, {t.code: after[t.code] for t in TECHNIQUES if t.code in after and t.code not in ended}


def _make_gained_line(match: InstitutionMatch) -> Line | None:
    before, after = _list_stages_before_after(match)
    gained = [code for code in after if code not in before]
    return _make_line(match, techniques=gained) if match.known is not None and gained else None


def _make_lost_line(match: InstitutionMatch) -> Line | None:
    before, after = _list_stages_before_after(match)
    lost = [code for code in before if code not in after]
    return _make_line(match, techniques=lost) if lost else None


def _make_stage_line(match: InstitutionMatch) -> Line | None:
    before, after = _list_stages_before_after(match)
    stages = [[code, before[code], after[code]] for code in before if code in after and before[code] != after[code]]
    return _make_line(match, stages=stages) if stages else None


def _make_other_line(match: InstitutionMatch) -> Line | None:
    if match.known is None:
        return None
    values, moved = match.known.values, match.has_moved
    changes = [
        [path, _format_value(values.get(path)), _format_value(value)]
        for path, value in match.statement.items()
        if path != "name"
        and not path.startswith("approvals.")
        and not (path == "address" and moved)
        and values.get(path) != value
    ]
    return _make_line(match, changes=changes) if changes else None


def _make_spelling_line(match: InstitutionMatch) -> Line | None:
    """What the list spells otherwise, beside the register's spelling, which stays."""
    return _make_line(match) | {"after": _make_listed_side(match.printed)} if match.printed is not None else None


def _format_value(value: Any) -> str | None:
    return "、".join(map(str, value)) if isinstance(value, list) else None if value is None else str(value)


# --- pairs -----------------------------------------------------------------------------------------------------------

#: Rules whose pairs a person confirms, since the names differ or names and sites are only alike.
_INFERRED = {"earlier_record": "earlier_record", "same_address": "same_address", "similar_name_and_address": "similar"}


def collect_pairs(comparison: ListComparison, decisions: dict[str, dict[str, Any]]) -> dict[str, Line]:
    """Every pair that a person has to decide or decided, by its key: doubts, pairs of such rules, then the rest.

    ``suggested``: a rule takes the two for one.
    """
    pairs: dict[str, Line] = {}
    for doubt in comparison.found.doubts:
        _add_pair(pairs, doubt.listed, doubt.known, doubt.rule, suggested=False)
    for match in comparison.found.matched:
        is_unseen = match.is_elsewhere and not match.is_at_earlier_address
        rule = _INFERRED.get(match.why or "") or ("moved" if is_unseen and match.why != "decided" else None)
        if match.why == "same_code":
            rule = "same_code" if match.is_renamed or match.is_elsewhere else None
        if match.known is not None and rule is not None and match.printed is None:
            _add_pair(pairs, match.listed, match.known, rule, suggested=True)
    rows = {make_listed_key(row.name, row.address): row for row in comparison.parsed.institutions}
    subjects = {known.subject: known for known in (*comparison.register.listed, *comparison.register.others)}
    for key, decision in decisions.items():
        listed, known = rows.get(decision["listed_key"]), subjects.get(decision["known"])
        if key not in pairs and listed is not None and known is not None:
            _add_pair(pairs, listed, known, decision["rule"], suggested=decision["suggested"])
    return pairs


def _add_pair(
    pairs: dict[str, Line], listed: ListedInstitution, known: RegisterInstitution, rule: str, *, suggested: bool
) -> None:
    key = make_pair_key(listed.name, listed.address, known.subject)
    pairs[key] = {
        "key": key,
        "listed_key": make_listed_key(listed.name, listed.address),
        "known": known.subject,
        "row": listed.row,
        "code": format_subject_code(known.subject),
        "before": _make_register_side(known),
        "after": _make_listed_side(listed),
        "spelling": is_same_but_for_spelling(_make_register_side(known), _make_listed_side(listed)),
        "rule": rule,
        "suggested": suggested,
    }
