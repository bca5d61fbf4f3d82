"""What a list changes in today's register, in words a person can decide on, and as drafts that could be appended.

Every institution of the list gets a full statement of what the list says of it, also when nothing changes: "this list
confirms it" is what later answers rest on. Absence means what the source's scope says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from registry.domain import regions
from registry.domain.identifiers import format_code, make_code
from registry.domain.model import Change, Draft, Source, Struct
from registry.domain.techniques import TECHNIQUES, TechniqueCode
from registry.importers.matching import identity
from registry.importers.matching.pairs import DoubtfulPair, InstitutionMatch
from registry.importers.matching.register_side import RegisterInstitution, RegisterSide
from registry.importers.reading.list_file import ListedInstitution
from registry.verification import addresses

CENTRE_TECHNIQUES: tuple[TechniqueCode, ...] = tuple(t.code for t in TECHNIQUES if t.code != "SPERM_BANK")


class Difference(Struct, frozen=True):
    """A list against the register. The six lists are the contract's; ``drafts`` are what approval would append.

    ``matched`` are all institutions of the list in its order, ``gone`` those that would leave the register.
    """

    report: dict[str, list[dict[str, Any]]]
    drafts: list[Draft]
    matched: list[InstitutionMatch]
    gone: list[RegisterInstitution]
    doubts: list[DoubtfulPair]


def list_covered_techniques(listed: Iterable[ListedInstitution]) -> list[TechniqueCode]:
    """The techniques a file speaks about: a table of centres about all of theirs, a sperm-bank table about that one."""
    stated = {approval.technique for institution in listed for approval in institution.approvals}
    found: list[TechniqueCode] = [*CENTRE_TECHNIQUES] if stated - {"SPERM_BANK"} else []
    return [*found, *(["SPERM_BANK"] if "SPERM_BANK" in stated else [])]  # type: ignore[list-item]


def compare_list(
    register: RegisterSide,
    listed: tuple[ListedInstitution, ...],
    source: Source,
    decided: dict[str, str] | None = None,
    ruled: identity.Rulings | None = None,
) -> Difference:
    """Pair a list with the register and say what differs, with the drafts that approval would append.

    ``decided`` and ``ruled``: see ``identity.pair_parties``; keys of ``ruled`` are (subject, position in the list).
    """
    mine = {one.subject: one for one in (*register.listed, *register.others)}
    pairing = _pair_sides(register, listed, decided, ruled)
    matched: dict[int, InstitutionMatch] = {}
    report: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("new", "gone", "renamed", "moved", "changed", "undecided")
    }
    drafts: dict[int, list[Draft]] = {}
    for pair in pairing.pairs:
        one, before = listed[int(pair.listed.key)], mine[str(pair.known.key)]
        statement = _make_statement(one, before.values, source)
        matched[int(pair.listed.key)] = InstitutionMatch(
            subject=before.subject, listed=one, known=before, why=pair.why, statement=statement
        )
        _add_to_report(report, pair, before, statement)
        drafts[int(pair.listed.key)] = [
            _make_draft(before.subject, statement, source),
            *make_later_endings(before.subject, statement, register.later),
        ]
    for party in pairing.new:
        one = listed[int(party.key)]
        subject = _make_subject(one, register.taken)
        statement = _make_statement(one, {}, source)
        matched[int(party.key)] = InstitutionMatch(
            subject=subject, listed=one, known=None, why=None, statement=statement
        )
        report["new"].append(
            {"name": one.name, "address": one.address, "row": one.row, "code": _format_subject_code(subject)}
        )
        drafts[int(party.key)] = [
            _make_draft(subject, statement, source),
            *make_later_endings(subject, statement, register.later),
        ]
    gone = _delist_missing(mine, pairing, source, report)
    doubts = [
        DoubtfulPair(
            listed=listed[int(d.listed.key)], known=mine[str(d.known.key)], rule=d.rule, why=d.why, why_en=d.why_en
        )
        for d in pairing.doubts
    ]
    report["undecided"] = [doubt.to_report_line() for doubt in doubts]
    return Difference(
        report=report,
        drafts=[*(draft for i in sorted(drafts) for draft in drafts[i]), *gone],
        matched=[matched[i] for i in sorted(matched)],
        gone=[mine[draft.subject] for draft in gone],
        doubts=doubts,
    )


def _delist_missing(
    mine: dict[str, RegisterInstitution],
    pairing: identity.Pairing,
    source: Source,
    report: dict[str, list[dict[str, Any]]],
) -> list[Draft]:
    """The delistings of what the list no longer has, each put into the report too."""
    gone = [_make_delisting(mine[str(p.key)], source) for p in pairing.gone if _has_left(mine[str(p.key)], source)]
    for draft in gone:
        values = mine[draft.subject].values
        report["gone"].append(
            {"name": values["name"], "address": values["address"], "code": _format_subject_code(draft.subject)}
        )
    return gone


def _pair_sides(
    register: RegisterSide,
    listed: tuple[ListedInstitution, ...],
    decided: dict[str, str] | None,
    ruled: identity.Rulings | None,
) -> identity.Pairing:
    """Pair with those listed on the day first; who is left may be one delisted before, or first known later."""
    parties = [_make_listed_party(position, one) for position, one in enumerate(listed)]
    others = [_make_register_party(one) for one in register.others]
    asked = {one.key for one in others}
    back = {pair for pair in ruled.same if pair[0] in asked} if ruled else set()
    taken = {listed_key for _, listed_key in back}  # a person said it is one that had left: no rule has it first
    first = identity.pair_parties(
        (_make_register_party(one) for one in register.listed),
        (p for p in parties if p.key not in taken),
        decided,
        ruled=ruled,
    )
    waiting = [p for p in parties if p.key in taken]
    second = identity.pair_parties(others, [*first.new, *waiting], decided, surely=True, ruled=ruled)
    return identity.Pairing(
        pairs=[*first.pairs, *second.pairs],
        new=second.new,
        gone=first.gone,
        doubts=[doubt for doubt in first.doubts if any(doubt.listed is party for party in second.new)],
    )


def make_later_endings(
    subject: str, statement: dict[str, Any], later: list[tuple[Source, dict[str, dict[str, Any]]]]
) -> Iterator[Draft]:
    """What an older list states and a newer complete one, imported before it, does not: it ends on the newer one's day.

    Without this, an approval that only the older list knows would go on for ever: the newer list could not end what
    nobody had yet stated.
    """
    open_paths = {path for path, value in statement.items() if path.startswith("approvals.") and value is not None}
    names = {path for path in ("aliases", "ownership_form", "campus") if statement.get(path) is not None}
    for source, known_then in later:
        region = statement.get("region")
        if source.scope != "national" and not (region or "").startswith(regions.get_prefix(source.scope)):
            continue
        then = known_then.get(subject, {})
        spoken_of = {path for path in open_paths if path.removeprefix("approvals.") in source.covers}
        ended: dict[str, Any] = {path: None for path in spoken_of if path not in then}
        open_paths -= spoken_of
        if then.get("status") not in ("listed", "suspended"):
            if not open_paths and spoken_of:
                ended["status"] = "delisted"
        else:
            ended |= {path: None for path in names if path not in then}
        names = set()
        if ended:
            yield _make_draft(subject, dict(sorted(ended.items())), source)


def _make_register_party(one: RegisterInstitution) -> identity.Party:
    values = one.likeness
    return identity.Party(
        key=one.subject,
        name=values["name"],
        aliases=tuple(values.get("aliases") or ()),
        campus=values.get("campus"),
        address=values["address"],
        region=values.get("region"),
    )


def _make_listed_party(position: int, one: ListedInstitution) -> identity.Party:
    return identity.Party(
        key=position, name=one.name, aliases=one.aliases, campus=one.campus, address=one.address, region=one.region
    )


def _make_statement(one: ListedInstitution, before: dict[str, Any], source: Source) -> dict[str, Any]:
    """Every path the list states, and None for approvals it would state if they stood."""
    stated: dict[str, Any] = {
        "name": one.name,
        "aliases": list(one.aliases) or None,
        "ownership_form": one.ownership_form,
        "campus": one.campus,
        "address": one.address,
        "region": one.region,
        "status": "listed",
    }
    for field in ("ownership", "level"):
        if getattr(one, field) is not None:
            stated[field] = getattr(one, field)
    for heading, value in one.extra.items():
        stated[f"extra.{heading}"] = value
    for approval in one.approvals:
        path = f"approvals.{approval.technique}"
        # A later list does not print document numbers and dates that staff had entered: they are kept with the stage.
        kept = before.get(path) or {}
        # Of an unclear stage the first remark stays: two copies of one list word it differently.
        same = kept.get("note") if kept.get("stage") == approval.stage == "operating" else None
        stated[path] = {**kept, "stage": approval.stage, "note": same or approval.note}
        if stated[path]["note"] is None:
            del stated[path]["note"]
    if source.scope != "partial":
        for technique in source.covers:
            if f"approvals.{technique}" in before:
                stated.setdefault(f"approvals.{technique}", None)
    return {path: value for path, value in stated.items() if value is not None or path in before}


def _add_to_report(
    report: dict[str, list[dict[str, Any]]], pair: identity.Pair, before: RegisterInstitution, statement: dict[str, Any]
) -> None:
    code, name, old, seen = _format_subject_code(before.subject), statement["name"], before.values, before.likeness

    # The list's wording is what changes to; for one first known later it is what changed from.
    def make_change(a: str, b: str) -> dict[str, Any]:
        return {"from": a, "to": b} if old else {"from": b, "to": a}

    if seen["name"] != name:
        report["renamed"].append({**make_change(seen["name"], name), "code": code, "why": pair.why})
    if seen["address"] != statement["address"]:
        how = addresses.compare_addresses(statement["address"], seen["address"], seen.get("region"))
        if how == "other":
            moved = make_change(seen["address"], statement["address"])
            report["moved"].append({**moved, "code": code, "name": name, "why": pair.why})
    changes = [
        {"field": path, "from": old.get(path), "to": value}
        for path, value in statement.items()
        if path != "name" and old.get(path) != value
    ]
    if changes:
        report["changed"].append({"code": code, "name": name, "changes": changes})


def _has_left(known: RegisterInstitution, source: Source) -> bool:
    """Whether absence means having left: the scope holds the place, and the list speaks of the approvals."""
    if source.scope == "partial":
        return False
    region = known.values.get("region")
    if source.scope != "national" and not (region or "").startswith(regions.get_prefix(source.scope)):
        return False
    held = [t.code for t in TECHNIQUES if known.values.get(f"approvals.{t.code}")]
    return not held or any(technique in source.covers for technique in held)


def _make_delisting(known: RegisterInstitution, source: Source) -> Draft:
    """Leaving the list: the approvals it would state end; the institution is delisted unless others remain."""
    held = [t.code for t in TECHNIQUES if known.values.get(f"approvals.{t.code}")]
    ended: dict[str, Any] = {f"approvals.{t}": None for t in held if t in source.covers}
    if len(ended) == len(held):
        ended["status"] = "delisted"
    return _make_draft(known.subject, ended, source)


def _make_draft(subject: str, values: dict[str, Any], source: Source) -> Draft:
    return Draft(
        subject=subject, change=Change(kind="institution", set=values), valid_from=source.as_of, source=source.id
    )


def _make_subject(one: ListedInstitution, taken: set[str]) -> str:
    attempt = 0
    while (subject := f"institution:{make_code(f'{one.name}|{one.address}', attempt)}") in taken:
        attempt += 1
    taken.add(subject)
    return subject


def _format_subject_code(subject: str) -> str:
    return format_code(subject.removeprefix("institution:"))


def make_source_draft(source: Source) -> Iterator[Draft]:
    """The entry that describes the document itself; first, so that the others may refer to it."""
    values: dict[str, Any] = {
        "title": source.title,
        "as_of": source.as_of.isoformat(),
        "published": source.published.isoformat() if source.published else None,
        "scope": source.scope,
        "origin": source.origin,
        "secondary": source.secondary,
        "covers": list(source.covers),
        "rows": source.rows,
        "sha256": source.sha256,
    }
    yield Draft(
        subject=f"source:{source.id}",
        change=Change(kind="source", set={k: v for k, v in values.items() if v is not None}),
        valid_from=source.as_of,
        source=source.id,
    )
