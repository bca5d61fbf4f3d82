"""What a list changes in today's register, in words a person can decide on, and as drafts that could be appended.

Every institution of the list gets a full statement of what the list says of it, also when nothing changes: "this list
confirms it" is what later answers rest on. Absence means what the source's scope says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from registry import regions
from registry.database import versions
from registry.identifiers import format_code, make_code
from registry.importers import identity
from registry.importers.rows import ListedInstitution
from registry.model import Change, Date, Draft, Source, Struct
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.read import Filter, is_complete
from registry.records.view import decode_state
from registry.techniques import TECHNIQUES, TechniqueCode
from registry.verification import addresses

CENTRE_TECHNIQUES: tuple[TechniqueCode, ...] = tuple(t.code for t in TECHNIQUES if t.code != "SPERM_BANK")


class Known(Struct, frozen=True):
    """An institution of the register on the list's day."""

    subject: str
    values: dict[str, Any]


class Difference(Struct, frozen=True):
    """A list against the register. The six lists are the contract's; ``drafts`` are what approval would append."""

    report: dict[str, list[dict[str, Any]]]
    drafts: list[Draft]


def known_on(connection: sa.Connection, day: Date, size: int) -> list[Known]:
    """The listed and suspended institutions as now known for a day."""
    chosen = Filter().where(AsOf(valid_on=day, size=size))
    query = sa.select(versions.c.subject, versions.c.state).where(chosen).order_by(versions.c.subject)
    found = []
    for subject, blob in connection.execute(query):
        state = decode_state(blob)
        if is_complete(state):
            found.append(Known(subject=subject, values={p: f.value for p, f in timeline.facts(state).items()}))
    return found


def every_subject(connection: sa.Connection) -> set[str]:
    """Every institution the log ever spoke of: their codes are never given to another."""
    return set(
        connection.execute(sa.select(versions.c.subject).where(versions.c.kind == "institution").distinct()).scalars()
    )


def covered(listed: Iterable[ListedInstitution]) -> list[TechniqueCode]:
    """The techniques a file speaks about: a table of centres about all of theirs, a sperm-bank table about that one."""
    stated = {approval.technique for institution in listed for approval in institution.approvals}
    found: list[TechniqueCode] = [*CENTRE_TECHNIQUES] if stated - {"SPERM_BANK"} else []
    return [*found, *(["SPERM_BANK"] if "SPERM_BANK" in stated else [])]  # type: ignore[list-item]


def compare(
    known: list[Known],
    listed: tuple[ListedInstitution, ...],
    source: Source,
    taken: set[str],
    decided: dict[str, str] | None = None,
) -> Difference:
    """Pair a list with the register and say what differs; ``taken`` are subjects whose codes are in use."""
    mine = {k.subject: k for k in known}
    pairing = identity.pair(
        (_party(k.subject, k.values) for k in known), (_listed_party(i, one) for i, one in enumerate(listed)), decided
    )
    report: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("new", "gone", "renamed", "moved", "changed", "undecided")
    }
    drafts: dict[int, Draft] = {}
    for pair in pairing.pairs:
        one = listed[int(pair.listed.key)]
        before = mine[str(pair.known.key)]
        statement = _statement(one, before.values, source)
        _describe(report, pair, before, statement)
        drafts[int(pair.listed.key)] = _draft(before.subject, statement, source)
    for party in pairing.new:
        one = listed[int(party.key)]
        subject = _new_subject(one, taken)
        report["new"].append({"name": one.name, "address": one.address, "row": one.row, "code": _code(subject)})
        drafts[int(party.key)] = _draft(subject, _statement(one, {}, source), source)
    gone = [_gone(mine[str(p.key)], source) for p in pairing.gone if _absence_counts(mine[str(p.key)], source)]
    for draft in gone:
        values = mine[draft.subject].values
        report["gone"].append({"name": values["name"], "address": values["address"], "code": _code(draft.subject)})
    for doubt in pairing.doubts:
        report["undecided"].append(
            {"from": doubt.known.name, "to": doubt.listed.name, "why": doubt.why, "why_en": doubt.why_en}
        )
    return Difference(report=report, drafts=[*(drafts[i] for i in sorted(drafts)), *gone])


def _party(subject: str, values: dict[str, Any]) -> identity.Party:
    return identity.Party(
        key=subject,
        name=values["name"],
        aliases=tuple(values.get("aliases") or ()),
        campus=values.get("campus"),
        address=values["address"],
        region=values.get("region"),
    )


def _listed_party(position: int, one: ListedInstitution) -> identity.Party:
    return identity.Party(
        key=position, name=one.name, aliases=one.aliases, campus=one.campus, address=one.address, region=one.region
    )


def _statement(one: ListedInstitution, before: dict[str, Any], source: Source) -> dict[str, Any]:
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


def _describe(
    report: dict[str, list[dict[str, Any]]], pair: identity.Pair, before: Known, statement: dict[str, Any]
) -> None:
    code, name, old = _code(before.subject), statement["name"], before.values
    if old["name"] != name:
        report["renamed"].append({"from": old["name"], "to": name, "code": code, "why": pair.why})
    if old["address"] != statement["address"]:
        how = addresses.compare(statement["address"], old["address"], old.get("region"))
        if how == "other":
            report["moved"].append(
                {"from": old["address"], "to": statement["address"], "code": code, "name": name, "why": pair.why}
            )
    changes = [
        {"field": path, "from": old.get(path), "to": value}
        for path, value in statement.items()
        if path != "name" and old.get(path) != value
    ]
    if changes:
        report["changed"].append({"code": code, "name": name, "changes": changes})


def _absence_counts(known: Known, source: Source) -> bool:
    """Whether absence means having left: the scope holds the place, and the list speaks of the approvals."""
    if source.scope == "partial":
        return False
    region = known.values.get("region")
    if source.scope != "national" and not (region or "").startswith(regions.prefix(source.scope)):
        return False
    held = [t.code for t in TECHNIQUES if known.values.get(f"approvals.{t.code}")]
    return not held or any(technique in source.covers for technique in held)


def _gone(known: Known, source: Source) -> Draft:
    """Leaving the list: the approvals it would state end; the institution is delisted unless others remain."""
    held = [t.code for t in TECHNIQUES if known.values.get(f"approvals.{t.code}")]
    ended: dict[str, Any] = {f"approvals.{t}": None for t in held if t in source.covers}
    if len(ended) == len(held):
        ended["status"] = "delisted"
    return _draft(known.subject, ended, source)


def _draft(subject: str, values: dict[str, Any], source: Source) -> Draft:
    return Draft(
        subject=subject, change=Change(kind="institution", set=values), valid_from=source.as_of, source=source.id
    )


def _new_subject(one: ListedInstitution, taken: set[str]) -> str:
    attempt = 0
    while (subject := f"institution:{make_code(f'{one.name}|{one.address}', attempt)}") in taken:
        attempt += 1
    taken.add(subject)
    return subject


def _code(subject: str) -> str:
    return format_code(subject.removeprefix("institution:"))


def source_draft(source: Source) -> Iterator[Draft]:
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
