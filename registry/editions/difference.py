"""What an edition changes against the last one, institution by institution, by its public code."""

from __future__ import annotations

from collections.abc import Iterable

from registry.editions.content import Line, Listed
from registry.model import Struct
from registry.techniques import Stage, TechniqueCode


class Named(Struct, frozen=True):
    """An institution that came or went."""

    code: str
    name: str
    address: str


class Turned(Struct, frozen=True):
    """A name or an address that is another one."""

    code: str
    name: str
    before: str
    after: str


class Techniques(Struct, frozen=True):
    """Techniques an institution gained, or no longer has."""

    code: str
    name: str
    techniques: list[TechniqueCode]


class Staged(Struct, frozen=True):
    """One approval at another stage."""

    code: str
    name: str
    technique: TechniqueCode
    before: Stage
    after: Stage


class Difference(Struct, frozen=True):
    """Everything that changed since edition ``since``; null when there is none to compare with, and all lists empty."""

    since: str | None
    institutions: int
    before: int | None
    new: list[Named]
    gone: list[Named]
    renamed: list[Turned]
    moved: list[Turned]
    gained: list[Techniques]
    lost: list[Techniques]
    stage: list[Staged]

    @property
    def changes(self) -> int:
        """How many there are."""
        institutions = len(self.new) + len(self.gone) + len(self.renamed) + len(self.moved)
        return institutions + len(self.gained) + len(self.lost) + len(self.stage)


class _Kept(Struct, frozen=True, array_like=True, gc=False):
    name: str
    address: str
    lines: tuple[Line, ...]


def first(now: Iterable[Listed]) -> Difference:
    """The difference of an edition that has none before it."""
    count = sum(1 for _ in now)
    return _made(None, count, None, [], [], [])


def compare(since: str, before: Iterable[Listed], now: Iterable[Listed]) -> Difference:
    """What ``now`` changes against ``before``, the list of edition ``since``; in the order of ``now``."""
    held = {one.code: _Kept(one.name, one.address, one.lines) for one in before}
    earlier, count = len(held), 0
    new: list[Named] = []
    both: list[tuple[str, _Kept, _Kept]] = []
    for one in now:
        count += 1
        old = held.pop(one.code, None)
        fresh = _Kept(one.name, one.address, one.lines)
        if old is None:
            new.append(Named(code=one.code, name=one.name, address=one.address))
        elif old != fresh:
            both.append((one.code, old, fresh))
    gone = [Named(code=code, name=one.name, address=one.address) for code, one in held.items()]
    return _made(since, count, earlier, new, gone, both)


def _made(
    since: str | None,
    count: int,
    earlier: int | None,
    new: list[Named],
    gone: list[Named],
    both: list[tuple[str, _Kept, _Kept]],
) -> Difference:
    return Difference(
        since=since,
        institutions=count,
        before=earlier,
        new=new,
        gone=gone,
        renamed=[
            Turned(code=code, name=now.name, before=old.name, after=now.name)
            for code, old, now in both
            if old.name != now.name
        ],
        moved=[
            Turned(code=code, name=now.name, before=old.address, after=now.address)
            for code, old, now in both
            if old.address != now.address
        ],
        gained=_techniques((code, now.name, _stages(now), _stages(old)) for code, old, now in both),
        lost=_techniques((code, now.name, _stages(old), _stages(now)) for code, old, now in both),
        stage=[
            Staged(code=code, name=now.name, technique=technique, before=was, after=after)
            for code, old, now in both
            for technique, after in _stages(now).items()
            if (was := _stages(old).get(technique, after)) != after
        ],
    )


_Stages = dict[TechniqueCode, Stage]


def _stages(one: _Kept) -> _Stages:
    return {line.technique: line.stage for line in one.lines}


def _techniques(pairs: Iterable[tuple[str, str, _Stages, _Stages]]) -> list[Techniques]:
    """Those of the first that the second lacks."""
    found = ((code, name, [t for t in these if t not in others]) for code, name, these, others in pairs)
    return [Techniques(code=code, name=name, techniques=missing) for code, name, missing in found if missing]
