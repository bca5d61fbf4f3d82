"""One subject in two times, as pure functions: how an entry changes what is known about every day.

A state is what holds on a day: groups ``[entry number, valid_from, source, {path: value}]``, one for each entry whose
values still count, ordered by (valid_from, number). For each path the entry with the greatest (valid_from, number)
decides, so a correction of the past does not override what a later source states. A timeline is the versions of one
subject known at one log size: contiguous spans of days, the last without end.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from registry.domain.fields import NO_BASIS
from registry.domain.model import Entry
from registry.storage.tables import FOREVER, STILL_KNOWN

Group = list[Any]  # [number, valid_from, source, {path: value}]
State = list[Group]


class Span(msgspec.Struct):
    """Days ``valid_from`` <= d < ``valid_to`` on which ``state`` holds, known from entry ``known_from`` on."""

    valid_from: str
    valid_to: str
    known_from: int
    state: State
    known_to: int = STILL_KNOWN


class Fact(msgspec.Struct, frozen=True):
    """One value with the entry that decides it, the first day of that statement, and the source it rests on.

    A statement without a source, such as a correction, leaves what it corrects on the source it rested on before.
    """

    value: Any
    entry: int
    source: str | None
    valid_from: str


def patch_state(state: State, number: int, valid_from: str, source: str | None, values: dict[str, Any]) -> State:
    """Return ``state`` after an entry with the highest number so far, on days not before its ``valid_from``."""
    own_values = dict(values)
    result: State = []
    for group in state:
        if group[1] > valid_from:
            for path in group[3]:
                own_values.pop(path, None)
            result.append(group)
        else:
            remaining = {path: value for path, value in group[3].items() if path not in values}
            if remaining:
                result.append([group[0], group[1], group[2], remaining])
    return _insert_group(result, number, valid_from, source, own_values)


def add_group(state: State, number: int, valid_from: str, source: str | None, values: dict[str, Any]) -> State:
    """Return ``state`` after an entry that may be taken back: what it replaces stays beneath it."""
    return _insert_group(list(state), number, valid_from, source, _select_undecided(state, valid_from, values))


def _select_undecided(state: State, valid_from: str, values: dict[str, Any]) -> dict[str, Any]:
    """Select the values of a day that no later statement decides."""
    later = {path for group in state if group[1] > valid_from for path in group[3]}
    return {path: value for path, value in values.items() if path not in later}


def _insert_group(state: State, number: int, valid_from: str, source: str | None, values: dict[str, Any]) -> State:
    if values:
        later = next((i for i, group in enumerate(state) if group[1] > valid_from), len(state))
        state.insert(later, [number, valid_from, source, values])
    return state


def restore_state(state: State, number: int, valid_from: str, source: str | None, values: dict[str, Any]) -> State:
    """Return ``state`` after an entry that takes back an emergency of the same day: what lies beneath holds again, with
    all that it rests on. Where that is not what the entry states, it is a statement like any other.
    """
    result: State = [[*group[:3], dict(group[3])] for group in state]
    restored: set[str] = set()
    for path, value in values.items():
        holders = [group for group in result if path in group[3] and group[1] <= valid_from]
        covered = {**value, "stage": "suspended"} if isinstance(value, dict) else None
        if len(holders) > 1 and holders[-1][1] == valid_from and holders[-1][3][path] == covered:
            beneath = next(group for group in reversed(holders) if group is not holders[-1])
            if beneath[3][path] == value:
                del holders[-1][3][path]
                restored.add(path)
    result = [group for group in result if group[3]]
    others = {path: value for path, value in values.items() if path not in restored}
    return patch_state(result, number, valid_from, source, others) if others else result


def _choose_fold(entry: Entry) -> Callable[[State, int, str, str | None, dict[str, Any]], State]:
    if entry.is_restoration:
        return restore_state
    return add_group if entry.is_emergency else patch_state


def _join_spans(spans: list[Span], opened: list[Span], number: int) -> tuple[list[Span], list[Span]]:
    """Join neighbours that hold the same: what was split for an emergency that is taken back."""
    joined: list[Span] = []
    for span in spans:
        if not joined or joined[-1].state != span.state:
            joined.append(span)
            continue
        before = joined.pop()
        for part in (before, span):
            part.known_to = number
        opened = [other for other in opened if other is not before and other is not span]
        opened.append(Span(before.valid_from, span.valid_to, number, span.state))
        joined.append(opened[-1])
    return joined, opened


def apply_entry(timeline: list[Span], entry: Entry) -> tuple[list[Span], list[Span]]:
    """Return (the timeline as known after ``entry``, the spans it opened); superseded spans get their ``known_to`` set.

    An entry that only erases states nothing of any day, so it opens none.
    """
    day, values = entry.valid_from.isoformat(), entry.change.set
    if not values:
        return timeline, []
    number, source, fold = entry.number, entry.source, _choose_fold(entry)
    if not timeline or day < timeline[0].valid_from:
        until = timeline[0].valid_from if timeline else FOREVER
        timeline = [Span(day, until, number, []), *timeline]
        added = timeline[0]
    else:
        added = None
    result: list[Span] = []
    opened: list[Span] = []
    for span in timeline:
        if span.valid_to <= day:
            result.append(span)
            continue
        if span is not added:
            span.known_to = number
        if span.valid_from < day:
            opened.append(Span(span.valid_from, day, number, span.state))
            result.append(opened[-1])
        start = max(span.valid_from, day)
        opened.append(Span(start, span.valid_to, number, fold(span.state, number, day, source, values)))
        result.append(opened[-1])
    return _join_spans(result, opened, number) if entry.is_restoration else (result, opened)


def collect_facts(state: State) -> dict[str, Fact]:
    """Every path that has a value, with what decides it; paths last set to None are left out."""
    facts: dict[str, Fact] = {}
    last: str | None = None
    for number, valid_from, source, values in state:
        if source is not None and not values.keys() <= NO_BASIS:
            last = source
        for path, value in values.items():
            if value is not None:
                facts[path] = Fact(value, number, source or last, valid_from)
    return facts


def collect_values(state: State) -> dict[str, Any]:
    """Collect what holds in a state: the value of every field (``approvals.IVF``) that has one."""
    return {path: fact.value for path, fact in collect_facts(state).items()}


def get_basis(state: State) -> Group:
    """The group stated last for that day: the basis of the record as a whole.

    Names in use only help to find an institution: they are the basis of nothing.
    """
    return next((group for group in reversed(state) if not group[3].keys() <= NO_BASIS), state[-1])


def find_source(state: State) -> str | None:
    """The source that the record as a whole rests on: its basis's own, or the last one before."""
    groups = [group for group in state if not group[3].keys() <= NO_BASIS] or state
    return next((source for _, _, source, _ in reversed(groups) if source is not None), None)
