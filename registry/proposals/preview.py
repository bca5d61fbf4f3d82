"""What a second person looks at before approving: a sample of the drafts, and their institutions before and after.

The state after is computed in a transaction that is never committed.
"""

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from registry.domain.model import Date, Draft, Institution, Struct
from registry.log import store
from registry.proposals import draft_changes, proposal_store, verdict_days, views
from registry.proposals.draft_changes import DraftChange
from registry.proposals.proposal_store import Proposal
from registry.proposals.verdict_days import VerdictLine
from registry.records import asof, lookup
from registry.records.asof import AsOf
from registry.storage.database import Database

_PREVIEWER = "system.preview"


def draw_sample(connection: sa.Connection, proposal: Proposal, count: int, draw: int) -> list[int]:
    """Return the places of about ``count`` drafts of a proposal, drawn at random: the same for everybody who looks at
    the same content, others for another ``draw``.

    For an imported list, some of every kind of difference are among them, however few there are: institutions that
    left, were renamed or moved must not be lost among thousands that stay as they are.
    """
    if proposal.items <= count:
        return list(range(1, proposal.items + 1))
    generator = random.Random(f"{proposal.content_hash}:{draw}")  # noqa: S311 - a sample to look at, no secret
    places: set[int] = set()
    kinds = _list_subjects_by_difference(proposal.report)
    for subjects in kinds:
        chosen = generator.sample(subjects, min(len(subjects), max(1, count // (len(kinds) + 1))))
        places |= set(proposal_store.list_places(connection, proposal.id, chosen))
    while len(places) < count:
        places.add(generator.randint(1, proposal.items))
    return sorted(places)


def _list_subjects_by_difference(report: Any) -> list[list[str]]:
    """Return the subjects of each kind of difference that an import's report names."""
    difference = report.get("difference") if isinstance(report, dict) else None
    groups = [
        sorted({f"institution:{line['code'].replace('-', '')}" for line in items if line.get("code")})
        for items in (difference or {}).values()
    ]
    return [subjects for subjects in groups if subjects]


class BeforeAfter(Struct, frozen=True):
    """One institution on the day ``on``, before and after; None if the register has no such institution then."""

    on: Date
    before: Institution | None
    after: Institution | None


class SubjectPreview(Struct, frozen=True):
    """One institution before and after, on the day ``on``: the day the change takes effect or today, whichever is
    later; if nothing differs then, because something else is recorded for later days, an earlier day on which it takes
    effect.

    ``earlier``: days it takes effect on which something else differs. ``stated``: the drafts about the institution
    itself, each with its day and reason. ``others``: the drafts about its people, certificates or sanctions, or about a
    source (``before`` and ``after`` None). ``changes``: all of these, with every value; ``verdicts``: the answers they
    change, by subject.
    """

    subject: str
    on: Date
    before: Institution | None
    after: Institution | None
    earlier: list[BeforeAfter]
    stated: list[Draft]
    others: list[Draft]
    changes: list[DraftChange]
    verdicts: dict[str, list[VerdictLine]]


class _RollBack(Exception):
    """Take back what was tried."""


def preview_proposal(database: Database, number: int, places: Sequence[int]) -> list[SubjectPreview]:
    """Return what the drafts at some places (the first is 1) of an open proposal do to their subjects, in order.

    Holds the lock of all writers for as long as they take to append, and leaves nothing behind.
    """
    previews: list[SubjectPreview] = []
    try:
        with database.writing() as connection:
            proposal_store.get_proposal(connection, number)
            drafts = proposal_store.read_drafts_at(connection, number, places)
            sources = proposal_store.read_source_drafts(connection, number)
            size = store.read_head(connection).size
            changes = draft_changes.read_draft_changes(connection, drafts)
            every_draft = [*(source for source in sources if source not in drafts), *drafts]
            verdicts = verdict_days.list_verdict_lines(connection, every_draft)
            appender = store.Appender(connection, _PREVIEWER, _PREVIEWER, number)
            views.apply_entries(connection, appender.append(iter(drafts)))
            previews += _preview_subjects(connection, changes, verdicts, size, appender.size)
            raise _RollBack
    except _RollBack:
        return previews


def _preview_subjects(
    connection: sa.Connection,
    changes: list[DraftChange],
    verdicts: dict[str, list[VerdictLine]],
    before: int,
    after: int,
) -> list[SubjectPreview]:
    """Return what each subject of some drafts was at the log size ``before``, and is at ``after``, in their order."""
    by_subject: dict[str, list[DraftChange]] = {}
    for change in changes:
        by_subject.setdefault(change.about, []).append(change)
    today = asof.find_today(connection)
    days = {subject: _list_days([own.draft for own in of_subject], today) for subject, of_subject in by_subject.items()}
    sides = _read_sides(connection, days, (before, after))
    return [
        _make_preview(subject, of_subject, sides.get(subject, []), verdicts)
        for subject, of_subject in by_subject.items()
    ]


def _list_days(drafts: list[Draft], today: Date) -> list[Date]:
    """Return the days drafts take effect, and ``today`` if these are all over."""
    days = {draft.valid_from for draft in drafts}
    return sorted(days | {max([today, *days])})


def _read_sides(
    connection: sa.Connection, days: dict[str, list[Date]], sizes: tuple[int, int]
) -> dict[str, list[BeforeAfter]]:
    """Read each institution on its days, at both sizes: one query per day, not per institution."""
    by_day: dict[Date, list[str]] = {}
    for subject, subject_days in days.items():
        for day in subject_days if subject.startswith("institution:") else ():
            by_day.setdefault(day, []).append(subject)
    sides: dict[str, list[BeforeAfter]] = {}
    for day in sorted(by_day):
        old, new = (
            _index_by_subject(lookup.read_institutions(connection, by_day[day], AsOf(valid_on=day, size=size)))
            for size in sizes
        )
        for subject in by_day[day]:
            sides.setdefault(subject, []).append(BeforeAfter(on=day, before=old.get(subject), after=new.get(subject)))
    return sides


def _index_by_subject(institutions: list[Institution]) -> dict[str, Institution]:
    return {lookup.to_subject(institution.code.replace("-", "")): institution for institution in institutions}


def _make_preview(
    subject: str, changes: list[DraftChange], sides: list[BeforeAfter], verdicts: dict[str, list[VerdictLine]]
) -> SubjectPreview:
    """Choose the day to show: ``sides`` are by day, the last the one that matters most."""
    drafts = [change.draft for change in changes]
    own_drafts = [draft for draft in drafts if draft.subject == subject and draft.change.kind == "institution"]
    pairs = [(side, _compare_sides(side)) for side in sides]
    empty = BeforeAfter(on=max(draft.valid_from for draft in drafts), before=None, after=None)
    main, differences = next((pair for pair in reversed(pairs) if pair[1]), pairs[-1] if pairs else (empty, {}))
    return SubjectPreview(
        subject=subject,
        on=main.on,
        before=main.before,
        after=main.after,
        earlier=[side for side, other in pairs if side is not main and not other.items() <= differences.items()],
        stated=own_drafts,
        others=[draft for draft in drafts if draft not in own_drafts],
        changes=changes,
        verdicts={draft.subject: verdicts.get(draft.subject, []) for draft in drafts},
    )


#: Fields of a record that name its entry and source, or follow from other fields.
_NOT_COMPARED = frozenset({"entry", "log_size", "source", "former_names", "approvals"})


def _compare_sides(side: BeforeAfter) -> dict[str, tuple[bytes | None, bytes | None]]:
    """Return what differs, by field and technique."""
    before, after = _encode_fields(side.before), _encode_fields(side.after)
    pairs = {field: (before.get(field), after.get(field)) for field in before.keys() | after.keys()}
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}


def _encode_fields(institution: Institution | None) -> dict[str, bytes]:
    if institution is None:
        return {}
    fields = {name: value for name, value in msgspec.structs.asdict(institution).items() if name not in _NOT_COMPARED}
    # Since when an approval stands as it does hangs on the days before, which a correction may be about.
    approvals = [msgspec.structs.replace(approval, since=None) for approval in institution.approvals]
    fields |= {f"approvals.{approval.technique}": approval for approval in approvals}
    return {name: msgspec.json.encode(value) for name, value in fields.items()}
