"""What the drafts of a proposal change, value by value, sorted by the kind of change: against the records, whatever
the report of whoever proposed it says."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import sqlalchemy as sa

from registry.domain.model import Draft, Struct
from registry.proposals import proposal_store, verdict_days
from registry.proposals.proposal_store import Proposal
from registry.proposals.verdict_days import Timelines, VerdictLine
from registry.records import timeline
from registry.verification import addresses

#: Kinds of change, in the order in which an approver reads them: what may no longer be done, then what may, then who
#: and where, then the rest.
Group = Literal[
    "gone",
    "lost",
    "stage",
    "gained",
    "details",
    "new",
    "relisted",
    "renamed",
    "moved",
    "other",
    "practitioner",
    "ad_certificate",
    "sanction",
    "supervision",
    "source",
    "edition",
    "credential",
]
GROUPS: tuple[Group, ...] = get_args(Group)
#: Drafts of a proposal up to which every one is looked at; of more, the report and a sample have to do.
WHOLE = 5_000


class ValuePair(Struct, frozen=True):
    """One value that a draft states, and what is recorded of it on the day from which the draft holds."""

    path: str
    before: Any
    after: Any

    @property
    def differs(self) -> bool:
        """Whether anything else is recorded."""
        return bool(self.before != self.after)


class DraftChange(Struct, frozen=True):
    """A draft with every value it states. ``name``: of the institution it is about, or belongs to; None where there is
    none. ``is_new``: nothing is recorded of its subject."""

    draft: Draft
    name: str | None
    about: str
    is_new: bool
    values: list[ValuePair]


class GroupLine(Struct, frozen=True):
    """The values of one draft that belong to a kind of change, and the answers that turn with them."""

    change: DraftChange
    values: list[ValuePair]
    verdicts: list[VerdictLine]


class ChangeGroup(Struct, frozen=True):
    """Every change of a kind: ``count`` of them, of which ``lines`` are those asked for."""

    group: Group
    count: int
    lines: list[GroupLine]


class ProposalChanges(Struct, frozen=True):
    """A proposal by kinds of change. ``unchanged`` drafts state what is recorded already: ``sample`` are some names."""

    groups: list[ChangeGroup]
    changed: int
    unchanged: int
    sample: list[str]


def read_draft_changes(connection: sa.Connection, drafts: Sequence[Draft]) -> list[DraftChange]:
    """Return what each draft states beside what is recorded, in their order."""
    parents = {str(draft.change.set["institution"]) for draft in drafts if draft.change.set.get("institution")}
    lines = Timelines(connection, drafts, parents)
    names = _collect_names(lines)
    return [_make_change(draft, lines, names) for draft in drafts]


def _collect_names(lines: Timelines) -> dict[str, str]:
    """Return the last name of each institution: as recorded, or as drafts about a new one state it."""
    names: dict[str, str] = {}
    for side in (lines.after, lines.before):
        for subject, spans in side.items():
            if subject.startswith("institution:") and spans:
                values = timeline.collect_values(spans[-1].state)
                names[subject] = str(values.get("name") or names.get(subject) or "")
    return {subject: name for subject, name in names.items() if name}


def _make_change(draft: Draft, lines: Timelines, names: dict[str, str]) -> DraftChange:
    recorded = lines.get_values(draft.subject, draft.valid_from)
    about = str(draft.change.set.get("institution") or recorded.get("institution") or draft.subject)
    values = [ValuePair(path=path, before=recorded.get(path), after=value) for path, value in draft.change.set.items()]
    erased = [ValuePair(path=path, before=recorded.get(path), after=None) for path in draft.change.erases]
    return DraftChange(
        draft=draft,
        name=names.get(about),
        about=about,
        is_new=not recorded,
        values=[*values, *erased],
    )


def _group_values(change: DraftChange) -> Iterator[tuple[Group, ValuePair]]:
    """Yield every value that differs with its kind of change."""
    kind = change.draft.change.kind
    for value in change.values:
        if not value.differs:
            continue
        if kind != "institution":
            yield kind, value
        elif change.is_new:
            yield "new", value
        elif value.path.startswith("approvals."):
            yield _group_approval(value.before, value.after), value
        else:
            yield _group_field(value), value


def _group_approval(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Group:
    if not before or not after:
        return "gained" if after else "lost"
    return "details" if before.get("stage") == after.get("stage") else "stage"


def _group_field(value: ValuePair) -> Group:
    if value.path == "status":
        return "gone" if value.after == "delisted" else "relisted" if value.before == "delisted" else "stage"
    if value.path == "name":
        return "renamed"
    if value.path == "address" and value.before and value.after:
        compared = addresses.compare_addresses(value.after, value.before, None)
        return "moved" if compared in ("other", "unreadable") else "other"
    return "other"


def read_proposal_changes(
    connection: sa.Connection, proposal: Proposal, *, only: Group | None = None, first: int = 0, most: int = 100
) -> ProposalChanges:
    """Return the changes of a proposal by kind: of each, or of the ``only`` one asked for, ``most`` from the
    ``first``."""
    changes = read_draft_changes(connection, list(proposal_store.read_drafts(connection, proposal.id)))
    groups: dict[Group, list[tuple[DraftChange, list[ValuePair]]]] = {}
    same: list[DraftChange] = []
    for change in changes:
        by_group: dict[Group, list[ValuePair]] = {}
        for group, value in _group_values(change):
            by_group.setdefault(group, []).append(value)
        for group, values in by_group.items():
            groups.setdefault(group, []).append((change, values))
        if not by_group:
            same.append(change)
    parts = {
        group: groups[group][first : first + most] if only else groups[group][:most]
        for group in GROUPS
        if group in groups and only in (None, group)
    }
    verdicts = _ask_verdicts(connection, changes, parts)
    return ProposalChanges(
        groups=[
            ChangeGroup(
                group=group,
                count=len(groups[group]),
                lines=[_make_line(group, change, values, verdicts) for change, values in part],
            )
            for group, part in parts.items()
        ],
        changed=len(changes) - len(same),
        unchanged=len(same),
        sample=list(dict.fromkeys(change.name for change in same if change.name)),
    )


def _ask_verdicts(
    connection: sa.Connection,
    changes: list[DraftChange],
    parts: dict[Group, list[tuple[DraftChange, list[ValuePair]]]],
) -> dict[str, list[VerdictLine]]:
    """Ask what turns for the subjects shown: with every draft about them, and with every source."""
    subjects = {change.draft.subject for part in parts.values() for change, _ in part}
    subjects |= {change.draft.subject for change in changes if change.draft.change.kind == "source"}
    drafts = [change.draft for change in changes if change.draft.subject in subjects]
    return verdict_days.list_verdict_lines(connection, drafts) if drafts else {}


def _make_line(
    group: Group, change: DraftChange, values: list[ValuePair], verdicts: dict[str, list[VerdictLine]]
) -> GroupLine:
    """Make a line with the answers about its techniques; one that ends or begins an institution has all of them."""
    techniques = {value.path.removeprefix("approvals.") for value in values}
    lines = verdicts.get(change.draft.subject, [])
    if group in ("lost", "stage", "gained", "details") and not any(value.path == "status" for value in values):
        lines = [line for line in lines if line.technique in techniques]
    elif group in ("renamed", "moved", "other"):
        lines = []
    return GroupLine(change=change, values=values, verdicts=lines)
