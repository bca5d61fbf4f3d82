"""What is recorded of one institution on a day, in the form in which the rules of law look at it."""

from __future__ import annotations

from typing import Any

from registry.domain.model import Date, Status, Struct
from registry.domain.techniques import TECHNIQUES, Stage, TechniqueCode
from registry.records import timeline

_APPROVALS = tuple((technique.code, f"approvals.{technique.code}") for technique in TECHNIQUES)


class SiteApproval(Struct, frozen=True, array_like=True, gc=False):
    """One approval as recorded, with what it rests on.

    ``stated_from``: the first day of the statement that decides it.
    """

    stage: Stage
    entry: int
    source: str | None
    valid_from: Date | None = None
    verification_due: Date | None = None
    stated_from: Date | None = None
    document_no: str | None = None
    authority: str | None = None


class Site(Struct, frozen=True, array_like=True, gc=False):
    """One institution as recorded on one day, with the entry and the source that the record as a whole rests on.

    ``stated_source``: the source of that very entry; None where a decision or a correction named none.
    """

    code: str
    name: str
    address: str
    region: str | None
    status: Status
    approvals: dict[TechniqueCode, SiteApproval]
    entry: int
    source: str | None
    stated_source: str | None = None


def make_site(code: str, state: timeline.State) -> Site | None:
    """Make the site of a record; None where it has not enough to be shown."""
    facts = timeline.collect_facts(state)
    if not {"name", "address", "status"} <= facts.keys():
        return None
    number, _, stated_source, _ = timeline.get_basis(state)
    return Site(
        code=code,
        name=facts["name"].value,
        address=facts["address"].value,
        region=facts["region"].value if "region" in facts else None,
        status=derive_status({path: fact.value for path, fact in facts.items()}),
        approvals={technique: _make_approval(facts[path]) for technique, path in _APPROVALS if path in facts},
        entry=number,
        source=timeline.find_source(state),
        stated_source=stated_source,
    )


def _make_approval(fact: timeline.Fact) -> SiteApproval:
    value = fact.value
    return SiteApproval(
        stage=value["stage"],
        entry=fact.entry,
        source=fact.source,
        valid_from=parse_day(value.get("valid_from")),
        verification_due=parse_day(value.get("verification_due")),
        stated_from=parse_day(fact.valid_from),
        document_no=value.get("document_no"),
        authority=value.get("authority"),
    )


def derive_status(value: dict[str, Any]) -> Status:
    """The institution's status: "suspended" instead of "listed" when every approval is suspended."""
    status: Status = value["status"]
    stages = {approval["stage"] for _, path in _APPROVALS if (approval := value.get(path))}
    if status == "listed" and stages == {"suspended"}:
        return "suspended"
    return status


def parse_day(value: str | None) -> Date | None:
    """Parse a day as the log records it; None stays None."""
    return Date.fromisoformat(value) if value else None
