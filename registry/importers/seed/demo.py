"""The fictional 示例 city: institutions, people, a certificate and a sanction that show what the register can hold.

Everything in it says 示例, so that nobody takes it for real and no invented person belongs to a real institution.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from registry.domain.identifiers import make_code
from registry.domain.model import Change, Date, Draft, Kind

SOURCE = "demo"


def read_drafts(path: Path) -> list[Draft]:
    """The drafts of a demo.toml, which has one table per kind of subject."""
    with path.open("rb") as file:
        data = msgspec.to_builtins(tomllib.load(file))
    source = data["source"]
    day = source["as_of"]
    first = [_make_draft("source", SOURCE, source, day)]
    later: list[Draft] = []
    subjects: dict[str, str] = {}
    for institution in data["institution"]:
        code = make_code(f"{institution['name']}|{institution['address']}")
        subjects[institution["name"]] = f"institution:{code}"
        for statement in institution.pop("later", []):
            later.append(
                _make_draft("institution", code, _make_approval_paths(statement["approvals"]), statement["valid_from"])
            )
        values = {"status": "listed", **_make_approval_paths(institution.pop("approvals")), **institution}
        first.append(_make_draft("institution", code, values, day))
    kinds: tuple[Kind, ...] = ("practitioner", "ad_certificate", "sanction")
    for kind in kinds:
        for number, fields in enumerate(data.get(kind, [])):
            values = {**fields, "institution": subjects[fields["institution"]]}
            later.append(_make_draft(kind, make_code(f"{SOURCE}|{kind}|{number}"), values, day))
    return first + later


def _make_approval_paths(approvals: dict[str, Any]) -> dict[str, Any]:
    return {f"approvals.{technique}": approval for technique, approval in approvals.items()}


def _make_draft(kind: Kind, identifier: str, values: dict[str, Any], day: str) -> Draft:
    return Draft(
        subject=f"{kind}:{identifier}",
        change=Change(kind=kind, set=values),
        valid_from=Date.fromisoformat(day),
        source=SOURCE,
    )
