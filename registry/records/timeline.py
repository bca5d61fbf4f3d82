"""One subject in two times, as pure functions: how an entry changes what is known about every day.

A state is what holds on a day: groups ``[entry number, valid_from, source, {path: value}]``, one for each entry whose
values still count, ordered by (valid_from, number). For each path the entry with the greatest (valid_from, number)
decides, so a correction of the past does not override what a later source states. A timeline is the versions of one
subject known at one log size: contiguous spans of days, the last without end.
"""

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
    if own_values:
        later = next((i for i, group in enumerate(result) if group[1] > valid_from), len(result))
        result.insert(later, [number, valid_from, source, own_values])
    return result


def apply_entry(timeline: list[Span], entry: Entry) -> tuple[list[Span], list[Span]]:
    """Return (the timeline as known after ``entry``, the spans it opened); superseded spans get their ``known_to`` set.

    An entry that only erases states nothing of any day, so it opens none.
    """
    day, values = entry.valid_from.isoformat(), entry.change.set
    if not values:
        return timeline, []
    number, source = entry.number, entry.source
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
        opened.append(Span(start, span.valid_to, number, patch_state(span.state, number, day, source, values)))
        result.append(opened[-1])
    return result, opened


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
