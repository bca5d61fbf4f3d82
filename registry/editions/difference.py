"""What an edition changes against the last institution, institution by institution, by its public code."""

from collections.abc import Iterable
from typing import Any

from registry.domain.model import Struct
from registry.domain.techniques import Stage, TechniqueCode
from registry.editions.content import EditionInstitution


class InstitutionRef(Struct, frozen=True):
    """An institution that was added or is gone."""

    code: str
    name: str
    address: str


class ValueChange(Struct, frozen=True):
    """A name or an address that changed."""

    code: str
    name: str
    before: str
    after: str


class TechniqueChange(Struct, frozen=True):
    """Techniques an institution gained, or lost."""

    code: str
    name: str
    techniques: list[TechniqueCode]


class StageChange(Struct, frozen=True):
    """One approval that is at another stage."""

    code: str
    name: str
    technique: TechniqueCode
    before: Stage
    after: Stage


class EditionDifference(Struct, frozen=True):
    """All changes since edition ``since``; null when there is none to compare with, and all lists empty."""

    since: str | None
    institutions: int
    before: int | None
    new: list[InstitutionRef]
    gone: list[InstitutionRef]
    renamed: list[ValueChange]
    moved: list[ValueChange]
    gained: list[TechniqueChange]
    lost: list[TechniqueChange]
    stage: list[StageChange]

    @property
    def changes(self) -> int:
        """The number of changes."""
        institutions = len(self.new) + len(self.gone) + len(self.renamed) + len(self.moved)
        return institutions + len(self.gained) + len(self.lost) + len(self.stage)


#: An institution before and now.
_Pair = tuple[EditionInstitution, EditionInstitution]
_Stages = dict[TechniqueCode, Stage]


def make_first_difference(now: Iterable[EditionInstitution]) -> EditionDifference:
    """Make the difference of an edition that has none before it."""
    count = sum(1 for _ in now)
    nothing: dict[str, list[Any]] = {name: [] for name in EditionDifference.__struct_fields__[3:]}
    return EditionDifference(since=None, institutions=count, before=None, **nothing)


def compare_lists(
    since: str, before: Iterable[EditionInstitution], now: Iterable[EditionInstitution]
) -> EditionDifference:
    """Compare ``now`` with ``before``, the list of edition ``since``; in the order of ``now``."""
    gone = {institution.code: institution for institution in before}
    number_before, count = len(gone), 0
    new: list[InstitutionRef] = []
    changed: list[_Pair] = []
    for institution in now:
        count += 1
        old = gone.pop(institution.code, None)
        if old is None:
            new.append(_make_ref(institution))
        elif (old.name, old.address, old.lines) != (institution.name, institution.address, institution.lines):
            changed.append((old, institution))
    return EditionDifference(
        since=since,
        institutions=count,
        before=number_before,
        new=new,
        gone=[_make_ref(institution) for institution in gone.values()],
        renamed=[
            ValueChange(code=now.code, name=now.name, before=old.name, after=now.name)
            for old, now in changed
            if old.name != now.name
        ],
        moved=[
            ValueChange(code=now.code, name=now.name, before=old.address, after=now.address)
            for old, now in changed
            if old.address != now.address
        ],
        gained=_list_missing_techniques((now, _map_stages(now), _map_stages(old)) for old, now in changed),
        lost=_list_missing_techniques((now, _map_stages(old), _map_stages(now)) for old, now in changed),
        stage=[
            StageChange(code=now.code, name=now.name, technique=technique, before=earlier, after=stage)
            for old, now in changed
            for technique, stage in _map_stages(now).items()
            if (earlier := _map_stages(old).get(technique, stage)) != stage
        ],
    )


def _make_ref(institution: EditionInstitution) -> InstitutionRef:
    return InstitutionRef(code=institution.code, name=institution.name, address=institution.address)


def _map_stages(institution: EditionInstitution) -> _Stages:
    return {line.technique: line.stage for line in institution.lines}


def _list_missing_techniques(triples: Iterable[tuple[EditionInstitution, _Stages, _Stages]]) -> list[TechniqueChange]:
    """List the techniques of the first stages that the second lack, by institution."""
    missing = ((institution, [t for t in stages if t not in others]) for institution, stages, others in triples)
    return [
        TechniqueChange(code=institution.code, name=institution.name, techniques=techniques)
        for institution, techniques in missing
        if techniques
    ]
