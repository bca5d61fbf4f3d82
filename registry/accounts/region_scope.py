"""What an account may propose: editors facts, publishers editions; with a region, only about what lies inside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from registry import accounts
from registry.domain import regions
from registry.domain.model import Draft
from registry.editions.edition import list_editions
from registry.errors import NotAllowed
from registry.records import asof, lookup
from registry.records.subject_names import describe_region, describe_subject
from registry.storage.tables import STILL_KNOWN, versions
from registry.texts import Message

_CHUNK = 500  # parameters of one query
_SOURCE, _EDITION = "source:", "edition:"
#: Proposals of this kind are about editions of the list and nothing else.
EDITION = "edition"


def require_proposer_role(connection: sa.Connection, name: str, kind: str) -> None:
    """Raise NotAllowed unless the account may make proposals of a kind: a publisher editions, an editor all else."""
    accounts.require_role(connection, name, "publisher" if kind == EDITION else "editor")


def _require_proposer_roles(connection: sa.Connection, name: str, drafts: list[Draft]) -> None:
    """Require the role for each kind of draft, whatever kind the proposal claims to be."""
    for kind in sorted({EDITION if draft.change.kind == EDITION else "" for draft in drafts}):
        require_proposer_role(connection, name, kind)


def require_may_propose(connection: sa.Connection, name: str, drafts: Iterable[Draft]) -> None:
    """Raise NotAllowed unless the account has the role for these drafts and they are inside its region."""
    proposed = list(drafts)
    _require_proposer_roles(connection, name, proposed)
    require_inside_region(connection, name, proposed)


def require_inside_region(connection: sa.Connection, name: str, proposed: list[Draft]) -> None:
    """Raise NotAllowed, naming the first subject, where a draft is outside the region of the account.

    An institution is inside when its region is, both the recorded one (from today on) and the one these drafts state,
    so that nobody reaches an institution elsewhere by stating another place for it. People, certificates and sanctions
    are where their institution is; a sanction of somebody outside the register where its own region is. A source is
    inside when its scope is, or when it claims to be complete nowhere ("partial"); an edition when its scope is.
    """
    account = accounts.find_account(connection, name)
    if account is None or not account.region:
        return
    prefix = regions.get_prefix(account.region)
    for draft, places in _find_draft_regions(connection, proposed):
        if not all(place.startswith(prefix) for place in places):
            raise NotAllowed(
                Message(
                    "{subject} 不在账号“{name}”的行政区划（{region}）内，不能提案。",
                    subject=describe_subject(connection, draft.subject, draft),
                    name=name,
                    region=describe_region(account.region),
                ),
                subject=draft.subject,
            )


def find_common_region(connection: sa.Connection, proposed: list[Draft]) -> str:
    """The smallest region that contains everything the drafts are about; "" where only the whole country does."""
    prefixes = [
        regions.get_prefix(code) if code else ""
        for _, places in _find_draft_regions(connection, proposed)
        for code in places
    ]
    for digits in (6, 4, 2):
        beginnings = {code[:digits] for code in prefixes}
        if len(beginnings) == 1 and len(common := beginnings.pop()) == digits:
            return common.ljust(6, "0")
    return ""


def require_can_see(connection: sa.Connection, name: str, region: str, touched_by: list[str]) -> None:
    """Raise NotAllowed where an account with a region has no part in a proposal that reaches outside that region."""
    account = accounts.find_account(connection, name)
    if account is not None and not can_see_proposal(account, region, touched_by):
        raise NotAllowed(
            Message(
                "这份提案涉及账号“{name}”的行政区划（{region}）以外的机构，由其他人处理。",
                name=name,
                region=describe_region(account.region),
            ),
            why="other_region",
        )


def contains_place(account: accounts.Account, place: str | None) -> bool:
    """Whether a region, or the scope of a list, lies in the account's region; unknown places lie in none."""
    return not account.region or regions.is_inside(place, account.region)


def require_place(connection: sa.Connection, name: str, place: str) -> None:
    """Raise NotAllowed unless a place lies in the region of an account."""
    account = accounts.get_account(connection, name)
    if not contains_place(account, place):
        message = Message(
            "{place} 不在账号“{name}”的行政区划（{region}）内。",
            place=describe_region(place) if place else Message("全国"),
            name=name,
            region=describe_region(account.region),
        )
        raise NotAllowed(message, why="other_region")


def can_see_proposal(account: accounts.Account, region: str, touched_by: list[str]) -> bool:
    """Whether a proposal about a region is inside the account's region, or was touched by the account."""
    return account.name in touched_by or contains_place(account, region)


def _find_draft_regions(connection: sa.Connection, proposed: list[Draft]) -> Iterator[tuple[Draft, set[str]]]:
    """Each draft with the regions it is about, as recorded and as stated; "" for unknown or the whole country.

    A source that claims to be complete nowhere reaches no region.
    """
    places, parents = _collect_draft_regions(proposed)
    _add_recorded_regions(connection, {draft.subject for draft in proposed}, places, parents)
    _add_recorded_regions(
        connection, {edition for institutions in parents.values() for edition in institutions}, places, parents
    )
    scopes = {
        source.id: source.scope for source in lookup.read_sources(connection, asof.make_as_of(connection)).values()
    }
    lists = {f"{_EDITION}{edition.id}": edition.scope for edition in list_editions(connection)}
    for draft in proposed:
        if draft.change.kind in ("source", EDITION):
            recorded = lists.get(draft.subject) or scopes.get(draft.subject.removeprefix(_SOURCE))
            reached_scopes = {draft.change.set.get("scope"), recorded} - {None, "partial"}
            yield draft, {"" if scope == "national" else str(scope) for scope in reached_scopes}
        else:
            own = {draft.subject} if places.get(draft.subject) else set()
            about = parents.get(draft.subject, set()) | own or {draft.subject}
            yield draft, {place for subject in about for place in places.get(subject) or {""}}


_NamesBySubject = defaultdict[str, set[str]]


def _collect_draft_regions(drafts: list[Draft]) -> tuple[_NamesBySubject, _NamesBySubject]:
    """(regions by institution, institutions by what belongs to one) that the drafts state."""
    places: _NamesBySubject = defaultdict(set)
    parents: _NamesBySubject = defaultdict(set)
    for draft in drafts:
        values = draft.change.set
        if draft.change.kind in ("institution", "sanction") and "region" in values:
            places[draft.subject].add(str(values["region"] or ""))
        if values.get("institution"):
            parents[draft.subject].add(str(values["institution"]))
    return places, parents


def _add_recorded_regions(
    connection: sa.Connection, subjects: set[str], places: _NamesBySubject, parents: _NamesBySubject
) -> None:
    """Add what the register holds for today and later days."""
    ordered = sorted(subjects)
    for start in range(0, len(ordered), _CHUNK):
        query = sa.select(versions.c.subject, versions.c.kind, versions.c.region, versions.c.parent).where(
            versions.c.subject.in_(ordered[start : start + _CHUNK]),
            versions.c.known_to == STILL_KNOWN,
            versions.c.valid_to > asof.find_today(connection).isoformat(),
        )
        for subject, kind, region, parent in connection.execute(query):
            if kind == "institution" or (kind == "sanction" and not parent):
                places[subject].add(region)
            if parent:
                parents[subject].add(parent)
