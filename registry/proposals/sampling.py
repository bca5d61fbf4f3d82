"""Which drafts of a large proposal are looked at."""

from __future__ import annotations

import random
from typing import Any

import sqlalchemy as sa

from registry.proposals import proposal_store
from registry.proposals.proposal_store import Proposal


def draw_sample(connection: sa.Connection, proposal: Proposal, most: int, draw: int) -> list[int]:
    """The places of about ``most`` drafts of a proposal, drawn by chance: the same for everybody who looks at the same
    content, and others with another ``draw``.

    Of an imported list some of every kind of difference are among them, however few there are: what went, was renamed
    or moved must not be lost among thousands that stay as they are.
    """
    if proposal.items <= most:
        return list(range(1, proposal.items + 1))
    chance = random.Random(f"{proposal.content_hash}:{draw}")  # noqa: S311 - a sample to look at, no secret
    places: set[int] = set()
    kinds = _list_subjects_by_difference(proposal.report)
    for subjects in kinds:
        chosen = chance.sample(subjects, min(len(subjects), max(1, most // (len(kinds) + 1))))
        places |= set(proposal_store.list_places(connection, proposal.id, chosen))
    while len(places) < most:
        places.add(chance.randint(1, proposal.items))
    return sorted(places)


def _list_subjects_by_difference(report: Any) -> list[list[str]]:
    """The subjects of each kind of difference that an import's report names."""
    difference = report.get("difference") if isinstance(report, dict) else None
    found = [
        sorted({f"institution:{one['code'].replace('-', '')}" for one in items if one.get("code")})
        for items in (difference or {}).values()
    ]
    return [subjects for subjects in found if subjects]
