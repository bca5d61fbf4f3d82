"""What a list changes in the register: a report for the person who decides, and the drafts that approval would append.

Every institution of the list gets a full statement of what the list prints of it, also when nothing changes: that this
list confirms it is what later answers rest on. What an absence means depends on the scope of the source.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from registry.domain import regions
from registry.domain.fields import LISTED
from registry.domain.identifiers import format_subject_code, make_subject
from registry.domain.model import Change, Draft, Source, Struct
from registry.domain.techniques import BANK, TECHNIQUES, TechniqueCode
from registry.importers.matching import identity
from registry.importers.matching.organisations import DoubtRule, Pairing, Party, Rulings, Why
from registry.importers.matching.register_side import RegisterInstitution, RegisterSide
from registry.importers.reading.list_file import ListedInstitution
from registry.verification import addresses

CENTRE_TECHNIQUES: tuple[TechniqueCode, ...] = tuple(t.code for t in TECHNIQUES if t.code != BANK)
#: Lines of a report by its sections, which are the contract's.
Report = dict[str, list[dict[str, Any]]]


class InstitutionMatch(Struct, frozen=True):
    """An institution of a list, and the one of the register that a rule (``why``) pairs it with; None for a new one.

    ``subject`` names it in the log; ``statement`` is what the list states of it, path by path.
    """

    subject: str
    listed: ListedInstitution
    known: RegisterInstitution | None
    why: Why | None
    statement: dict[str, Any]

    @property
    def is_renamed(self) -> bool:
        """Whether the two sides have different names."""
        return self.known is not None and self.known.likeness["name"] != self.listed.name

    @property
    def has_moved(self) -> bool:
        """Whether the addresses of the two sides are those of different sites."""
        if self.known is None or self.known.likeness["address"] == self.listed.address:
            return False
        seen = self.known.likeness
        compared = addresses.compare_addresses(self.listed.address, seen["address"], seen.get("region"))
        return compared in ("other", "unreadable")


class DoubtfulPair(Struct, frozen=True):
    """Two institutions that may be one; ``why`` a person has to look, in Chinese and English."""

    listed: ListedInstitution
    known: RegisterInstitution
    rule: DoubtRule
    why: str
    why_en: str

    def to_report_line(self) -> dict[str, Any]:
        """The doubt as a line of the report: both names and addresses, the code and the row."""
        seen = self.known.likeness
        return {
            "from": seen["name"],
            "to": self.listed.name,
            "why": self.why,
            "why_en": self.why_en,
            "code": format_subject_code(self.known.subject),
            "row": self.listed.row,
            "from_address": seen["address"],
            "to_address": self.listed.address,
        }


class Difference(Struct, frozen=True):
    """A list against the register: ``report`` for people, ``drafts`` that approval would append.

    ``matched`` are all institutions of the list in its order, ``gone`` those that would leave the register.
    """

    report: Report
    drafts: list[Draft]
    matched: list[InstitutionMatch]
    gone: list[RegisterInstitution]
    doubts: list[DoubtfulPair]


def make_empty_report() -> Report:
    """A report whose sections have no lines."""
    return {name: [] for name in ("new", "gone", "renamed", "moved", "changed", "undecided")}


def list_covered_techniques(listed: Iterable[ListedInstitution]) -> list[TechniqueCode]:
    """The techniques a file covers: all but sperm banks where it lists a centre, and sperm banks where it lists one."""
    techniques = {approval.technique for institution in listed for approval in institution.approvals}
    centres: list[TechniqueCode] = [*CENTRE_TECHNIQUES] if techniques - {BANK} else []
    return [*centres, *([BANK] if BANK in techniques else [])]


def compare_list(
    register: RegisterSide,
    listed: tuple[ListedInstitution, ...],
    source: Source,
    decided: dict[str, str] | None = None,
    rulings: Rulings | None = None,
) -> Difference:
    """Pair a list with the register; return what differs, with the drafts that approval would append.

    ``decided`` and ``rulings``: see ``identity.pair_parties``; keys of ``rulings`` are (subject, position in the list).
    """
    known = {institution.subject: institution for institution in (*register.listed, *register.others)}
    pairing = _pair_sides(register, listed, decided, rulings)
    matches: dict[int, InstitutionMatch] = {}
    for pair in pairing.pairs:
        position, institution = int(pair.listed.key), known[str(pair.known.key)]
        matches[position] = InstitutionMatch(
            subject=institution.subject,
            listed=listed[position],
            known=institution,
            why=pair.why,
            statement=_make_statement(listed[position], institution.values, source),
        )
    for party in pairing.new:
        new = listed[int(party.key)]
        matches[int(party.key)] = InstitutionMatch(
            subject=make_subject("institution", f"{new.name}|{new.address}", register.taken),
            listed=new,
            known=None,
            why=None,
            statement=_make_statement(new, {}, source),
        )
    report = make_empty_report()
    for match in matches.values():  # those with a pair before the new ones, each in the order in which they were found
        _add_to_report(report, match)
    in_order = [matches[position] for position in sorted(matches)]
    gone = [i for i in (known[str(party.key)] for party in pairing.gone) if _has_left(i, source)]
    for institution in gone:
        values, code = institution.values, format_subject_code(institution.subject)
        report["gone"].append({"name": values["name"], "address": values["address"], "code": code})
    doubts = [
        DoubtfulPair(
            listed=listed[int(d.listed.key)], known=known[str(d.known.key)], rule=d.rule, why=d.why, why_en=d.why_en
        )
        for d in pairing.doubts
    ]
    report["undecided"] = [doubt.to_report_line() for doubt in doubts]
    drafts: list[Draft] = []
    for match in in_order:
        drafts.append(_make_draft(match.subject, match.statement, source))
        drafts += make_later_endings(match.subject, match.statement, register.later)
    drafts += [_make_delisting(institution, source) for institution in gone]
    return Difference(report=report, drafts=drafts, matched=in_order, gone=gone, doubts=doubts)


def _pair_sides(
    register: RegisterSide,
    listed: tuple[ListedInstitution, ...],
    decided: dict[str, str] | None,
    rulings: Rulings | None,
) -> Pairing:
    """Pair with those listed on the day first; who is left may be one delisted before, or first known later."""
    parties = [_make_listed_party(position, institution) for position, institution in enumerate(listed)]
    others = [_make_register_party(institution) for institution in register.others]
    other_keys = {party.key for party in others}
    # Rows that a person paired with an institution that had left: no rule may pair them with another first.
    reserved = {position for subject, position in rulings.same if subject in other_keys} if rulings else set()
    first = identity.pair_parties(
        (_make_register_party(institution) for institution in register.listed),
        (party for party in parties if party.key not in reserved),
        decided,
        rulings=rulings,
    )
    waiting = [party for party in parties if party.key in reserved]
    second = identity.pair_parties(others, [*first.new, *waiting], decided, only_sure=True, rulings=rulings)
    return Pairing(
        pairs=[*first.pairs, *second.pairs],
        new=second.new,
        gone=first.gone,
        doubts=[doubt for doubt in first.doubts if any(doubt.listed is party for party in second.new)],
    )


def make_later_endings(
    subject: str, statement: dict[str, Any], later: list[tuple[Source, dict[str, dict[str, Any]]]]
) -> Iterator[Draft]:
    """End, on the day of a newer complete list imported before, what only this older list states.

    Without this, an approval that only the older list knows would go on for ever: the newer list could not end what
    nobody had yet stated.
    """
    open_paths = {path for path, value in statement.items() if path.startswith("approvals.") and value is not None}
    names = {path for path in ("aliases", "ownership_form", "campus") if statement.get(path) is not None}
    for source, known_then in later:
        if source.scope != "national" and not regions.is_inside(statement.get("region"), source.scope):
            continue
        then = known_then.get(subject, {})
        covered = {path for path in open_paths if path.removeprefix("approvals.") in source.covers}
        ended: dict[str, Any] = {path: None for path in covered if path not in then}
        open_paths -= covered
        if then.get("status") not in ("listed", "suspended"):
            if not open_paths and covered:
                ended["status"] = "delisted"
        else:
            ended |= {path: None for path in names if path not in then}
        names = set()
        if ended:
            yield _make_draft(subject, dict(sorted(ended.items())), source)


def _make_register_party(institution: RegisterInstitution) -> Party:
    values = institution.likeness
    return Party(
        key=institution.subject,
        name=values["name"],
        aliases=tuple(values.get("aliases") or ()),
        campus=values.get("campus"),
        address=values["address"],
        region=values.get("region"),
    )


def _make_listed_party(position: int, listed: ListedInstitution) -> Party:
    return Party(
        key=position,
        name=listed.name,
        aliases=listed.aliases,
        campus=listed.campus,
        address=listed.address,
        region=listed.region,
    )


def _make_statement(listed: ListedInstitution, before: dict[str, Any], source: Source) -> dict[str, Any]:
    """Every path the list states, and None for approvals that are recorded and that it would list if they stood."""
    statement: dict[str, Any] = {
        "name": listed.name,
        "aliases": list(listed.aliases) or None,
        "ownership_form": listed.ownership_form,
        "campus": listed.campus,
        "address": listed.address,
        "region": listed.region,
        "status": "listed",
    }
    statement |= {f.name: value for f in LISTED if (value := getattr(listed, f.name)) is not None}
    for heading, value in listed.extra.items():
        statement[f"extra.{heading}"] = value
    for approval in listed.approvals:
        path = f"approvals.{approval.technique}"
        # A later list does not print document numbers and dates that staff had entered: they stay with the stage.
        recorded = before.get(path) or {}
        # Of an unclear stage the first remark stays: two copies of one list word it differently.
        same = recorded.get("note") if recorded.get("stage") == approval.stage == "operating" else None
        statement[path] = {**recorded, "stage": approval.stage, "note": same or approval.note}
        if statement[path]["note"] is None:
            del statement[path]["note"]
    if source.scope != "partial":
        for technique in source.covers:
            if f"approvals.{technique}" in before:
                statement.setdefault(f"approvals.{technique}", None)
    return {path: value for path, value in statement.items() if value is not None or path in before}


def _add_to_report(report: Report, match: InstitutionMatch) -> None:
    code, listed = format_subject_code(match.subject), match.listed
    if match.known is None:
        report["new"].append({"name": listed.name, "address": listed.address, "row": listed.row, "code": code})
        return
    old, seen = match.known.values, match.known.likeness

    # The list's wording is what changes to; for an institution first known later it is what changed from.
    def make_change(a: str, b: str) -> dict[str, Any]:
        return {"from": a, "to": b} if old else {"from": b, "to": a}

    if match.is_renamed:
        report["renamed"].append({**make_change(seen["name"], listed.name), "code": code, "why": match.why})
    if match.has_moved:
        moved = make_change(seen["address"], listed.address)
        report["moved"].append({**moved, "code": code, "name": listed.name, "why": match.why})
    changes = [
        {"field": path, "from": old.get(path), "to": value}
        for path, value in match.statement.items()
        if path != "name" and old.get(path) != value
    ]
    if changes:
        report["changed"].append({"code": code, "name": listed.name, "changes": changes})


def _list_approved_techniques(institution: RegisterInstitution) -> list[TechniqueCode]:
    return [t.code for t in TECHNIQUES if institution.values.get(f"approvals.{t.code}")]


def _has_left(known: RegisterInstitution, source: Source) -> bool:
    """Whether absence means having left: the scope holds the place, and the list covers one of the approvals."""
    if source.scope == "partial":
        return False
    if source.scope != "national" and not regions.is_inside(known.values.get("region"), source.scope):
        return False
    approved = _list_approved_techniques(known)
    return not approved or any(technique in source.covers for technique in approved)


def _make_delisting(known: RegisterInstitution, source: Source) -> Draft:
    """End the approvals the list covers; the institution is delisted unless others remain."""
    approved = _list_approved_techniques(known)
    ended: dict[str, Any] = {f"approvals.{t}": None for t in approved if t in source.covers}
    if len(ended) == len(approved):
        ended["status"] = "delisted"
    return _make_draft(known.subject, ended, source)


def _make_draft(subject: str, values: dict[str, Any], source: Source) -> Draft:
    return Draft(
        subject=subject, change=Change(kind="institution", set=values), valid_from=source.as_of, source=source.id
    )


def make_source_draft(source: Source) -> Draft:
    """The entry that describes the document itself; it comes first, so that the others may refer to it."""
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
    return Draft(
        subject=f"source:{source.id}",
        change=Change(kind="source", set={k: v for k, v in values.items() if v is not None}),
        valid_from=source.as_of,
        source=source.id,
    )
