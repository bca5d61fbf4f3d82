"""What a list changes in the register: a report for the person who decides, and the drafts that approval would append.

Every institution of the list gets a full statement of what the list prints of it, also when nothing changes: that this
list confirms it is what later answers rest on. What an absence means depends on the scope of the source.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from registry.domain import regions
from registry.domain.identifiers import format_subject_code
from registry.domain.model import Change, Draft, ListChange, Source, Struct
from registry.domain.techniques import BANK, TECHNIQUES, TechniqueCode
from registry.importers.matching import identity
from registry.importers.matching.conflict_judge import ConflictJudge
from registry.importers.matching.conflicts import Conflict, FindReason, ReadHistories
from registry.importers.matching.matches import DoubtfulPair, InstitutionMatch, has_left, make_ending, make_matches
from registry.importers.matching.organisations import Pairing, Party, Rulings
from registry.importers.matching.register_side import RegisterInstitution, RegisterSide
from registry.importers.matching.spellings import is_same_but_for_spelling
from registry.importers.reading.list_file import ListedInstitution

CENTRE_TECHNIQUES: tuple[TechniqueCode, ...] = tuple(t.code for t in TECHNIQUES if t.code != BANK)
#: The sections of a report.
SECTIONS = ("conflicts", "new", "gone", "relisted", "renamed", "moved", "changed", "undecided")
#: Lines of a report by its sections, which are the contract's.
Report = dict[str, list[dict[str, Any]]]


class Difference(Struct, frozen=True):
    """A list against the register: ``report`` for people, ``drafts`` that approval would append.

    ``matched`` are all institutions of the list in its order but those left out for a conflict; ``gone`` those that
    would leave the register; ``conflicts`` where the list would undo a decision, with what became of each.
    """

    report: Report
    drafts: list[Draft]
    matched: list[InstitutionMatch]
    gone: list[RegisterInstitution]
    doubts: list[DoubtfulPair]
    conflicts: list[Conflict]


def make_empty_report() -> Report:
    """A report whose sections have no lines."""
    return {name: [] for name in SECTIONS}


def list_covered_techniques(listed: Iterable[ListedInstitution]) -> list[TechniqueCode]:
    """The techniques a file covers: all but sperm banks where it lists a centre, and sperm banks where it lists one."""
    techniques = {approval.technique for institution in listed for approval in institution.approvals}
    centres: list[TechniqueCode] = [*CENTRE_TECHNIQUES] if techniques - {BANK} else []
    return [*centres, *([BANK] if BANK in techniques else [])]


def compare_list(  # noqa: PLR0913 - each is a part of what is compared, or of what a person decided
    register: RegisterSide,
    listed: tuple[ListedInstitution, ...],
    source: Source,
    read_histories: ReadHistories,
    find_reason: FindReason,
    decided: dict[str, str] | None = None,
    rulings: Rulings | None = None,
) -> Difference:
    """Pair a list with the register; return what differs, with the drafts that approval would append.

    ``decided`` and ``rulings``: see ``identity.pair_parties``; keys of ``rulings`` are (subject, position in the list).
    ``find_reason`` tells in which conflicts a person takes the list.
    """
    known = {institution.subject: institution for institution in (*register.listed, *register.others)}
    pairing = _pair_sides(register, listed, decided, rulings)
    printed, listed = listed, _restore_spelling(listed, known, pairing, rulings or Rulings())
    doubts = [
        DoubtfulPair(
            listed=listed[int(d.listed.key)], known=known[str(d.known.key)], rule=d.rule, why=d.why, why_en=d.why_en
        )
        for d in pairing.doubts
    ]
    gone = [i for i in (known[str(party.key)] for party in pairing.gone) if has_left(i, source)]
    judge = ConflictJudge(register, source, read_histories, find_reason)
    matches = judge.judge_matches(make_matches(pairing, listed, known, register.taken, source), doubts)
    endings = judge.judge_endings(gone, {left.subject: make_ending(left, source) for left in gone})
    report = make_empty_report()
    report["conflicts"] = [conflict.to_report_line() for conflict in judge.conflicts]
    for match in matches.values():  # those with a pair before the new ones, each in the order in which they were found
        _add_to_report(report, match)
    gone = [institution for institution in gone if endings[institution.subject][0]]
    for institution in gone:
        values, code = institution.values, format_subject_code(institution.subject)
        report["gone"].append({"name": values["name"], "address": values["address"], "code": code})
    report["undecided"] = [doubt.to_report_line() for doubt in doubts]
    in_order = [
        msgspec.structs.replace(
            matches[position], printed=printed[position] if printed[position] is not listed[position] else None
        )
        for position in sorted(matches)
    ]
    drafts: list[Draft] = []
    for match in in_order:
        drafts += _make_drafts(match.subject, match.statement, match.taken, source)
        drafts += make_later_endings(match.subject, match.statement, register.later)
    for institution in gone:
        drafts += _make_drafts(institution.subject, *endings[institution.subject], source)
    return Difference(
        report=report, drafts=drafts, matched=in_order, gone=gone, doubts=doubts, conflicts=judge.conflicts
    )


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


def _restore_spelling(
    listed: tuple[ListedInstitution, ...],
    known: dict[str, RegisterInstitution],
    pairing: Pairing,
    rulings: Rulings,
) -> tuple[ListedInstitution, ...]:
    """The list with names, addresses and regions as the register has them, where it only spells them differently."""
    restored = list(listed)
    for pair in pairing.pairs:
        key, position, institution = (pair.known.key, pair.listed.key), int(pair.listed.key), known[str(pair.known.key)]
        own, row = institution.likeness, listed[position]
        sides = {"name": row.name, "address": row.address}
        is_kept = rulings.keeps_spelling and institution.values and key not in rulings.same
        if key in rulings.spelling or (is_kept and is_same_but_for_spelling(own, sides)):
            restored[position] = msgspec.structs.replace(
                row,
                name=own["name"],
                address=own["address"],
                aliases=tuple(own.get("aliases") or ()),
                ownership_form=own.get("ownership_form"),
                campus=own.get("campus"),
                region=own.get("region"),
            )
    return tuple(restored)


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
        earlier=institution.former,
        known_as=tuple(values.get("known_as") or ()),
        codes=_list_codes(institution.subject.partition(":")[2], values.get("practice_licence_no")),
        uscc=values.get("uscc"),
    )


def _list_codes(code: str | None, licence: str | None) -> tuple[str, ...]:
    return (*([f"code:{code}"] if code else []), *([f"licence:{licence}"] if licence else []))


def _make_listed_party(position: int, listed: ListedInstitution) -> Party:
    return Party(
        key=position,
        name=listed.name,
        aliases=listed.aliases,
        campus=listed.campus,
        address=listed.address,
        region=listed.region,
        codes=_list_codes(listed.code, getattr(listed, "practice_licence_no", None)),
        uscc=getattr(listed, "uscc", None),
    )


def _add_to_report(report: Report, match: InstitutionMatch) -> None:
    code, listed = format_subject_code(match.subject), match.listed
    if match.known is None:
        report["new"].append({"name": listed.name, "address": listed.address, "row": listed.row, "code": code})
        return
    old, seen = match.known.values, match.known.likeness

    # The list's wording is what changes to; for an institution first known later it is what changed from.
    def make_change(a: str, b: str) -> dict[str, Any]:
        return {"from": a, "to": b} if old else {"from": b, "to": a}

    if match.is_relisted:
        report["relisted"].append({"name": listed.name, "address": listed.address, "row": listed.row, "code": code})
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


def _make_drafts(subject: str, statement: dict[str, Any], taken: Iterable[Conflict], source: Source) -> Iterator[Draft]:
    """A draft of what the list states by itself, and one for each reason for which a person takes it."""
    reasons: dict[str, dict[str, Any]] = {}
    for conflict in taken:
        reasons.setdefault(conflict.reason or "", {}).update(conflict.paths)
    by_itself = {path: value for path, value in statement.items() if not any(path in own for own in reasons.values())}
    if by_itself:
        yield _make_draft(subject, by_itself, source)
    for reason, own in reasons.items():
        yield _make_draft(subject, own, source, reason)


def _make_draft(subject: str, values: dict[str, Any], source: Source, reason: str | None = None) -> Draft:
    change = Change(kind="institution", set=values, reason=reason)
    return Draft(subject=subject, change=change, valid_from=source.as_of, source=source.id)


def make_source_draft(source: Source, changes: Sequence[ListChange] = ()) -> Draft:
    """The entry that describes the document itself, and what of it is imported otherwise than it stands there.

    It comes first, so that the others may refer to it.
    """
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
        "changes": msgspec.to_builtins(changes) or None,
    }
    return Draft(
        subject=f"source:{source.id}",
        change=Change(kind="source", set={k: v for k, v in values.items() if v is not None}),
        valid_from=source.as_of,
        source=source.id,
    )
