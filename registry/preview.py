"""What the public page would say once a proposal is approved: tried in a transaction that is never committed."""

from __future__ import annotations

from collections.abc import Sequence

from registry import proposals, views
from registry.database import Database
from registry.log import store
from registry.model import Date, Draft, Institution, Struct
from registry.records import asof, read
from registry.records.asof import AsOf

_TRIER = "system.preview"


class Foreseen(Struct, frozen=True):
    """One institution before and after, on the day the change is true from or today, whichever is later.

    None where the register has no such institution then. ``others``: what is stated about its people, certificates or
    sanctions, or about a source (``before`` and ``after`` None), as the drafts say it.
    """

    subject: str
    on: Date
    before: Institution | None
    after: Institution | None
    others: list[Draft]


class _NeverMind(Exception):
    """Takes back what was tried."""


def preview(database: Database, number: int, places: Sequence[int]) -> list[Foreseen]:
    """What those drafts of an open proposal that stand at some places (the first is 1) do to their subjects, in order.

    Holds the lock of all writers for as long as they take to append, and leaves nothing behind.
    """
    found: list[Foreseen] = []
    try:
        with database.writing() as connection:
            proposal = proposals.get(connection, number)
            chosen = proposals.drafts_at(connection, number, places)
            day = max([asof.today(), *(draft.valid_from for draft in chosen)])
            subjects = list(dict.fromkeys(_about(draft) for draft in chosen))
            institutions = [subject for subject in subjects if subject.startswith("institution:")]
            now = AsOf(valid_on=day, size=store.head(connection).size)
            before = _by_subject(read.institutions_by_subject(connection, institutions, now))
            appender = store.Appender(connection, _TRIER, _TRIER, proposal.id)
            views.take(connection, appender.append(iter(chosen)))
            then = AsOf(valid_on=day, size=appender.size)
            after = _by_subject(read.institutions_by_subject(connection, institutions, then))
            for subject in subjects:
                others = [draft for draft in chosen if _about(draft) == subject and draft.subject != subject]
                if not subject.startswith("institution:"):
                    others = [draft for draft in chosen if draft.subject == subject]
                found.append(
                    Foreseen(
                        subject=subject, on=day, before=before.get(subject), after=after.get(subject), others=others
                    )
                )
            raise _NeverMind
    except _NeverMind:
        return found


def _about(draft: Draft) -> str:
    """The institution a draft is about, if it says one; else its own subject."""
    return str(draft.change.set.get("institution") or draft.subject)


def _by_subject(found: list[Institution]) -> dict[str, Institution]:
    return {read.subject_of(one.code.replace("-", "")): one for one in found}
