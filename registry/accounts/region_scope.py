"""What an account may propose: editors facts, publishers editions; one with a region only about what is inside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from registry import accounts
from registry.domain import regions
from registry.domain.model import Draft
from registry.editions import queries as editions
from registry.errors import NotAllowed
from registry.records import asof, lookup
from registry.storage.tables import STILL_KNOWN, versions

_CHUNK = 500  # parameters of one query
_SOURCE, _EDITION = "source:", "edition:"
#: Proposals of this kind are about editions of the list and nothing else.
EDITION = "edition"


def require_proposer_role(connection: sa.Connection, name: str, kind: str) -> None:
    """NotAllowed unless the account may make proposals of a kind: a publisher of editions, an editor of all else."""
    accounts.require_role(connection, name, "publisher" if kind == EDITION else "editor")


def _require_proposer_roles(connection: sa.Connection, name: str, drafts: list[Draft]) -> None:
    """The same by what is stated: no kind of proposal lets somebody state what another role does."""
    for kind in sorted({EDITION if draft.change.kind == EDITION else "" for draft in drafts}):
        require_proposer_role(connection, name, kind)


def require_may_propose(connection: sa.Connection, name: str, drafts: Iterable[Draft]) -> None:
    """NotAllowed unless the account may propose these drafts: it has the role for them, and they are in its region."""
    proposed = list(drafts)
    _require_proposer_roles(connection, name, proposed)
    require_inside_region(connection, name, proposed)


def require_inside_region(connection: sa.Connection, name: str, proposed: list[Draft]) -> None:
    """NotAllowed, naming the first subject, where a draft is not about the region of the account.

    An institution is inside when its region is, both the one recorded (from today on) and the one these drafts state:
    so nobody reaches one elsewhere by stating another place for it. People, certificates and sanctions are where their
    institution is. A source is inside when its scope is, or when it claims to be complete nowhere ("partial"); an
    edition when its scope is.
    """
    account = accounts.find_account(connection, name)
    if account is None or not account.region:
        return
    inside = regions.get_prefix(account.region)
    for draft, places in _find_draft_regions(connection, proposed):
        if not all(place.startswith(inside) for place in places):
            raise NotAllowed(
                f"{draft.subject} 不在账号“{name}”的行政区划（{account.region}）内，不能提案。",
                f"{draft.subject} is not inside the region of account “{name}” ({account.region}), which may propose "
                "about that only.",
                subject=draft.subject,
            )


def find_common_region(connection: sa.Connection, proposed: list[Draft]) -> str:
    """The smallest region that holds all that some drafts are about; "" where only the whole country does."""
    reached = [
        regions.get_prefix(one) if one else ""
        for _, places in _find_draft_regions(connection, proposed)
        for one in places
    ]
    for digits in (6, 4, 2):
        shared = {one[:digits] for one in reached}
        if len(shared) == 1 and len(code := shared.pop()) == digits:
            return code.ljust(6, "0")
    return ""


def require_can_see(connection: sa.Connection, name: str, region: str, touched_by: list[str]) -> None:
    """NotAllowed where a proposal about a region is none of an account's business: it has a region that does not hold
    all of it, and no hand in it."""
    account = accounts.find_account(connection, name)
    if account is not None and not can_see_proposal(account, region, touched_by):
        raise NotAllowed(
            f"这份提案涉及账号“{name}”的行政区划（{account.region}）以外的机构，由其他人处理。",
            f"This proposal is about more than the region of account “{name}” ({account.region}); others deal with it.",
            why="other_region",
        )


def can_see_proposal(account: accounts.Account, region: str, touched_by: list[str]) -> bool:
    """Whether a proposal about a region concerns an account."""
    own = account.region
    return not own or account.name in touched_by or (bool(region) and region.startswith(regions.get_prefix(own)))


def _find_draft_regions(connection: sa.Connection, proposed: list[Draft]) -> Iterator[tuple[Draft, set[str]]]:
    """Each draft with the regions it is about, as recorded and as stated; "" for none known, or for the whole country.
    A source that claims to be complete nowhere reaches nothing."""
    places, parents = _collect_stated_regions(proposed)
    _add_recorded_regions(connection, {draft.subject for draft in proposed}, places, parents)
    _add_recorded_regions(connection, {one for many in parents.values() for one in many}, places, parents)
    scopes = {
        source.id: source.scope for source in lookup.read_sources(connection, asof.make_as_of(connection)).values()
    }
    lists = {f"{_EDITION}{one.id}": one.scope for one in editions.list_editions(connection)}
    for draft in proposed:
        if draft.change.kind in ("source", EDITION):
            recorded = lists.get(draft.subject) or scopes.get(draft.subject.removeprefix(_SOURCE))
            said = {draft.change.set.get("scope"), recorded} - {None, "partial"}
            yield draft, {"" if scope == "national" else str(scope) for scope in said}
        else:
            about = parents.get(draft.subject) or {draft.subject}
            yield draft, {place for subject in about for place in places.get(subject) or {""}}


_Found = defaultdict[str, set[str]]


def _collect_stated_regions(drafts: list[Draft]) -> tuple[_Found, _Found]:
    """(regions by institution, institutions by whoever belongs to one) that the drafts state."""
    places: _Found = defaultdict(set)
    parents: _Found = defaultdict(set)
    for draft in drafts:
        stated = draft.change.set
        if draft.change.kind == "institution" and "region" in stated:
            places[draft.subject].add(str(stated["region"] or ""))
        if stated.get("institution"):
            parents[draft.subject].add(str(stated["institution"]))
    return places, parents


def _add_recorded_regions(connection: sa.Connection, subjects: set[str], places: _Found, parents: _Found) -> None:
    """Add what the register holds of today and later days."""
    wanted = sorted(subjects)
    for start in range(0, len(wanted), _CHUNK):
        query = sa.select(versions.c.subject, versions.c.kind, versions.c.region, versions.c.parent).where(
            versions.c.subject.in_(wanted[start : start + _CHUNK]),
            versions.c.known_to == STILL_KNOWN,
            versions.c.valid_to > asof.find_today(connection).isoformat(),
        )
        for subject, kind, region, parent in connection.execute(query):
            if kind == "institution":
                places[subject].add(region)
            if parent:
                parents[subject].add(parent)
