"""What a file of penalties states besides its rows: the document it rests on, and the approvals it takes away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from registry.domain.model import Change, Date, Draft
from registry.records import penalty_effects

Values = Mapping[str, Any]


def make_source_draft(identifier: str, title: str, as_of: Date, digest: str) -> Draft:
    """Make the document that every row of a file rests on."""
    values = {"title": title, "as_of": as_of.isoformat(), "scope": "partial", "sha256": digest}
    return Draft(
        subject=f"source:{identifier}",
        change=Change(kind="source", set=values),
        valid_from=as_of,
        source=identifier,
    )


def list_effect_drafts(
    penalties: Iterable[tuple[Values, Values | None, Values]], source: str | None
) -> Iterator[Draft]:
    """List the changes of approvals by penalties, each from the day of its decision, by day.

    ``penalties``: (what a penalty states, what was recorded of it before, what is recorded of its institution). Two
    penalties of one institution on one day make one change.
    """
    effects: dict[tuple[str, str], tuple[dict[str, Any], list[str]]] = {}
    for values, before, institution in penalties:
        found = penalty_effects.list_effects(values, before or {}, institution)
        if found:
            changes, papers = effects.setdefault((values["decided_on"], values["institution"]), ({}, []))
            changes.update(found)
            papers.append(values["document_no"])
    for (day, subject), (changes, papers) in sorted(effects.items()):
        reason = f"依据{'、'.join(dict.fromkeys(papers))}"
        change = Change(kind="institution", set=changes, reason=reason)
        yield Draft(subject=subject, change=change, valid_from=Date.fromisoformat(day), source=source)
