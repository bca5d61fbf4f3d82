"""Credentials before they are proposed: what would be issued to which institutions, or withdrawn, and why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import sqlalchemy as sa

from registry.credentials.credential import Credential, read_credentials
from registry.domain.identifiers import format_code, parse_code
from registry.domain.model import Change, Date, Draft, Institution, Struct
from registry.errors import InvalidInput, NotFound
from registry.log import store
from registry.records import asof as times
from registry.records import lookup
from registry.records.asof import AsOf
from registry.records.selection import InstitutionFilter, select_subjects
from registry.records.standing import add_years
from registry.storage.database import Database
from registry.storage.tables import entries, proposal_items
from registry.texts import Message

#: Years for which a credential holds unless somebody says otherwise: as long as the list it rests on is evidence.
YEARS = 2
_SUBJECT = "credential:"
Omission = Literal["none_in_force"]


class CredentialPlan(Struct, frozen=True):
    """Drafts to propose, the log size they rest on, and the institutions that get none."""

    drafts: list[Draft]
    log_size: int
    names: list[str]
    omitted: list[str]

    @property
    def report(self) -> dict[str, Any]:
        """What the approver sees beside the drafts."""
        return {"names": self.names[:50], "count": len(self.names), "omitted": self.omitted[:50]}


def plan_issue(
    database: Database, codes: Sequence[str] = (), region: str | None = None, expires: Date | None = None
) -> CredentialPlan:
    """Plan credentials for institutions named by code, for all of a region, or for all; InvalidInput, NotFound.

    Whoever has nothing in force gets none. What was issued before still holds until it is withdrawn.
    """
    with database.reading() as connection:
        size = store.read_head(connection).size
        today = times.find_today(connection)
        asof = AsOf(valid_on=today, size=size)
        last = expires or add_years(today, YEARS)
        if not today < last <= add_years(today, 10):
            raise InvalidInput(Message("有效期须在今天之后、十年之内。"), field="expires")
        subjects = _list_subjects(connection, codes, region, asof)
        institutions = lookup.read_institutions(connection, subjects, asof)
        if codes and len(institutions) != len(subjects):
            missing = {lookup.to_subject(parse_code(one.code)) for one in institutions}
            code = next(subject for subject in subjects if subject not in missing).partition(":")[2]
            raise NotFound(Message("名录中没有编码 {code}。", code=format_code(code)))
        number = _find_next_number(connection)
    good = [one for one in institutions if _list_in_force(one)]
    if not good:
        raise InvalidInput(Message("所选机构今天都没有可以开展的技术，不能签发二维码。"))
    drafts = [_make_draft(one, number + place, size, today, last) for place, one in enumerate(good)]
    omitted = [one.name for one in institutions if not _list_in_force(one)]
    return CredentialPlan(drafts=drafts, log_size=size, names=[one.name for one in good], omitted=omitted)


def _list_subjects(connection: sa.Connection, codes: Sequence[str], region: str | None, asof: AsOf) -> list[str]:
    if codes:
        return list(dict.fromkeys(lookup.to_subject(parse_code(code)) for code in codes))
    chosen = InstitutionFilter(regions=(region,) if region else ())
    return sorted(select_subjects(connection, chosen, asof))


def _list_in_force(institution: Institution) -> list[str]:
    return [one.technique for one in institution.approvals if one.standing == "in_force"]


def _find_next_number(connection: sa.Connection) -> int:
    """Find a number that neither the log nor any proposal has used."""
    used: set[int] = set()
    for column in (entries.c.subject, proposal_items.c.subject):
        query = sa.select(column).where(column.startswith(_SUBJECT)).distinct()
        used |= {int(subject.removeprefix(_SUBJECT)) for subject in connection.execute(query).scalars()}
    return max(used, default=0) + 1


def _make_draft(institution: Institution, number: int, size: int, today: Date, expires: Date) -> Draft:
    values = {
        "institution": lookup.to_subject(parse_code(institution.code)),
        "index": number - 1,
        "log_size": size,
        "name": institution.name,
        "address": institution.address,
        "techniques": _list_in_force(institution),
        "expires": expires.isoformat(),
    }
    return Draft(
        subject=f"{_SUBJECT}{number}", change=Change(kind="credential", set=values), valid_from=today, source=None
    )


def plan_withdrawal(
    database: Database, codes: Sequence[str] = (), numbers: Iterable[int] = (), reason: str = ""
) -> CredentialPlan:
    """Plan to withdraw credentials by number, and all of institutions by code; NotFound, InvalidInput."""
    if not 2 <= len(reason.strip()) <= 500:
        raise InvalidInput(Message("请写明撤回的理由（2至500字），公众会看到。"), field="reason")
    wanted_codes, wanted = {parse_code(code) for code in codes}, set(numbers)
    with database.reading() as connection:
        size, today = store.read_head(connection).size, times.find_today(connection)
        chosen = [
            one
            for one in read_credentials(connection)
            if one.withdrawal is None and (one.institution in wanted_codes or one.number in wanted)
        ]
    if not chosen or wanted - {one.number for one in chosen} or wanted_codes - {one.institution for one in chosen}:
        raise NotFound(Message("没有这样的在用二维码，或已撤回。"))
    drafts = [_make_withdrawal(one, reason.strip(), today) for one in chosen]
    return CredentialPlan(drafts=drafts, log_size=size, names=[one.name for one in chosen], omitted=[])


def _make_withdrawal(credential: Credential, reason: str, today: dt.date) -> Draft:
    change = Change(kind="credential", set={"withdrawn": True, "withdrawal": reason}, reason=reason)
    return Draft(subject=f"{_SUBJECT}{credential.number}", change=change, valid_from=today)
