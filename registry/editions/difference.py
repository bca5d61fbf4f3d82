"""What an edition changes against the last one, institution by institution, by its public code."""

from __future__ import annotations

from collections.abc import Iterable

from registry.domain.model import Struct
from registry.domain.techniques import Stage, TechniqueCode
from registry.editions.content import ApprovalLine, EditionInstitution


class InstitutionRef(Struct, frozen=True):
    """An institution that came or went."""

    code: str
    name: str
    address: str


class ValueChange(Struct, frozen=True):
    """A name or an address that is another one."""

    code: str
    name: str
    before: str
    after: str


class TechniqueChange(Struct, frozen=True):
    """Techniques an institution gained, or no longer has."""

    code: str
    name: str
    techniques: list[TechniqueCode]


class StageChange(Struct, frozen=True):
    """One approval at another stage."""

    code: str
    name: str
    technique: TechniqueCode
    before: Stage
    after: Stage


class EditionDifference(Struct, frozen=True):
    """Everything that changed since edition ``since``; null when there is none to compare with, and all lists empty."""

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
        """How many there are."""
        institutions = len(self.new) + len(self.gone) + len(self.renamed) + len(self.moved)
        return institutions + len(self.gained) + len(self.lost) + len(self.stage)


class _ListedState(Struct, frozen=True, array_like=True, gc=False):
    name: str
    address: str
    lines: tuple[ApprovalLine, ...]


def make_first_difference(now: Iterable[EditionInstitution]) -> EditionDifference:
    """The difference of an edition that has none before it."""
    count = sum(1 for _ in now)
    return _build_difference(None, count, None, [], [], [])


def compare_lists(
    since: str, before: Iterable[EditionInstitution], now: Iterable[EditionInstitution]
) -> EditionDifference:
    """What ``now`` changes against ``before``, the list of edition ``since``; in the order of ``now``."""
    held = {one.code: _ListedState(one.name, one.address, one.lines) for one in before}
    earlier, count = len(held), 0
    new: list[InstitutionRef] = []
    both: list[tuple[str, _ListedState, _ListedState]] = []
    for one in now:
        count += 1
        old = held.pop(one.code, None)
        fresh = _ListedState(one.name, one.address, one.lines)
        if old is None:
            new.append(InstitutionRef(code=one.code, name=one.name, address=one.address))
        elif old != fresh:
            both.append((one.code, old, fresh))
    gone = [InstitutionRef(code=code, name=one.name, address=one.address) for code, one in held.items()]
    return _build_difference(since, count, earlier, new, gone, both)


def _build_difference(
    since: str | None,
    count: int,
    earlier: int | None,
    new: list[InstitutionRef],
    gone: list[InstitutionRef],
    both: list[tuple[str, _ListedState, _ListedState]],
) -> EditionDifference:
    return EditionDifference(
        since=since,
        institutions=count,
        before=earlier,
        new=new,
        gone=gone,
        renamed=[
            ValueChange(code=code, name=now.name, before=old.name, after=now.name)
            for code, old, now in both
            if old.name != now.name
        ],
        moved=[
            ValueChange(code=code, name=now.name, before=old.address, after=now.address)
            for code, old, now in both
            if old.address != now.address
        ],
        gained=_list_missing_techniques(
            (code, now.name, _map_stages(now), _map_stages(old)) for code, old, now in both
        ),
        lost=_list_missing_techniques((code, now.name, _map_stages(old), _map_stages(now)) for code, old, now in both),
        stage=[
            StageChange(code=code, name=now.name, technique=technique, before=was, after=after)
            for code, old, now in both
            for technique, after in _map_stages(now).items()
            if (was := _map_stages(old).get(technique, after)) != after
        ],
    )


_Stages = dict[TechniqueCode, Stage]


def _map_stages(one: _ListedState) -> _Stages:
    return {line.technique: line.stage for line in one.lines}


def _list_missing_techniques(pairs: Iterable[tuple[str, str, _Stages, _Stages]]) -> list[TechniqueChange]:
    """Those of the first that the second lacks."""
    found = ((code, name, [t for t in these if t not in others]) for code, name, these, others in pairs)
    return [TechniqueChange(code=code, name=name, techniques=missing) for code, name, missing in found if missing]
