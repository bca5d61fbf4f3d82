"""Other records that may be the same: same or near name, same street and number, same number.

Merging two institutions could license what nobody approved, and so could entering one twice: a person confirms that
they are different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from rapidfuzz import fuzz

from registry.domain import regions
from registry.domain.identifiers import compact_certificate, format_code
from registry.domain.normalise import fold_text
from registry.importers.matching.organisations import Party
from registry.institutions import search
from registry.institutions.result import SearchRequest
from registry.records import asof
from registry.records.asof import AsOf
from registry.staff.forms.checks import Finding, make_warning
from registry.staff.forms.forms import FormKind
from registry.staff.forms.record_values import Values, list_current_records, list_records_of_parent
from registry.storage.tables import versions
from registry.texts import Message
from registry.verification.names import remove_company_form

#: From which similarity (0 to 100) of two names in a city on a person has to look; links of one finding.
SIMILAR, MAX_LINKS = 80.0, 8


def check_duplicates(connection: sa.Connection, kind: FormKind, subject: str | None, values: Values) -> list[Finding]:
    """Return warnings of others that may be the same. ``values``: what the form would have the record hold, by path."""
    if kind == "institution":
        return list(_check_institutions(connection, subject, values))
    if kind == "practitioner":
        return list(_check_people(connection, subject, values))
    if kind == "ad_certificate":
        return list(_check_certificates(connection, subject, values))
    return list(_check_sanctions(connection, subject, values)) if kind == "sanction" else []


# --- institutions ----------------------------------------------------------------------------------------------------


def _check_institutions(connection: sa.Connection, subject: str | None, values: Values) -> Iterator[Finding]:
    party = _make_party(subject or "", values)
    near = {
        other.key: (other, recorded) for other, recorded in _list_candidates(connection, party) if other.key != subject
    }
    names = _fold_names(party)
    similar = [party_near for party_near, _ in near.values() if _has_similar_name(names, _fold_names(party_near))]
    similar_keys = {party_near.key for party_near in similar}
    dissimilar = [party_near for party_near, _ in near.values() if party_near.key not in similar_keys]
    has_number = len(party.site) >= 4 and any(c.isdigit() for c in party.site)
    same_place = [party_near for party_near in dissimilar if has_number and party_near.site == party.site]
    similar += [
        party_near
        for party_near in _search_namesakes(connection, party)
        if party_near.key not in similar_keys and party_near.key != subject
    ]
    if similar:
        yield make_warning(
            "name",
            Message("名录中有名称相同或相近的机构。同一机构请改原有记录；确是另一家（或另一执业地点）才确认。"),
            *map(_make_record_link, similar[:MAX_LINKS]),
        )
    if same_place:
        yield make_warning(
            "address",
            Message("名录中同一门牌号已有机构。机构更名请改原有记录；确是另一家才确认。"),
            *map(_make_record_link, same_place[:MAX_LINKS]),
        )
    for path, message in _NUMBERS:
        same_number = [
            party_near
            for party_near, recorded in near.values()
            if values.get(path) and recorded.get(path) == values[path]
        ]
        if same_number:
            yield make_warning(path, message, *map(_make_record_link, same_number[:MAX_LINKS]))


_NUMBERS = (
    ("uscc", Message("名录中另有机构使用同一统一社会信用代码：同一法人的几个执业地点才会如此。")),
    ("practice_licence_no", Message("名录中另有机构使用同一执业许可证登记号，请核对。")),
)


def _make_party(subject: str, values: Values) -> Party:
    return Party(
        key=subject,
        name=str(values.get("name") or ""),
        aliases=tuple(values.get("aliases") or ()),
        campus=values.get("campus"),
        address=str(values.get("address") or ""),
        region=values.get("region"),
    )


def _list_candidates(connection: sa.Connection, party: Party) -> Iterator[tuple[Party, Values]]:
    """The institutions of its city, of today or later, and those whose place is not known; of a province without."""
    place = party.city.ljust(6, "0") if party.city else ""
    inside: sa.ColumnElement[bool] = versions.c.region.between(party.city.ljust(6, "0"), party.city.ljust(6, "9"))
    if place and regions.find_region(place) is not None and len(party.city) == 4:
        inside |= versions.c.region == f"{party.province}0000"
    condition = (versions.c.region == "") | inside if place else versions.c.region == ""
    yield from (
        (_make_party(subject, values), values)
        for subject, values in list_current_records(connection, "institution", condition)
    )


def _fold_names(party: Party) -> list[str]:
    return [remove_company_form(fold_text(name)) for name in (party.name, *party.aliases) if name]


def _has_similar_name(names: list[str], others: list[str]) -> bool:
    return any(fuzz.ratio(name, other, score_cutoff=SIMILAR) for name in names for other in others)


def _search_namesakes(connection: sa.Connection, party: Party) -> Iterator[Party]:
    """Institutions of exactly this name anywhere."""
    if not party.name:
        return
    now = asof.make_as_of(connection)
    today = AsOf(valid_on=now.valid_on, size=now.size)
    for hit in search.search_institutions(connection, SearchRequest(q=party.name[:100]), today, limit=MAX_LINKS).items:
        institution = hit.institution
        namesake = _make_party(
            f"institution:{institution.code.replace('-', '')}",
            {
                "name": institution.name,
                "aliases": institution.aliases,
                "address": institution.address,
                "region": institution.region.code,
            },
        )
        if party.name_key in {namesake.name_key, *map(fold_text, namesake.aliases)}:
            yield namesake


def _make_record_link(party: Party) -> tuple[str, str]:
    code = format_code(str(party.key).partition(":")[2])
    return f"{party.name}，{party.address}（{code}）", f"/staff/records/{code}"


# --- what belongs to institutions ------------------------------------------------------------------------------------


def _list_others(connection: sa.Connection, kind: str, subject: str | None, parent: Any) -> list[tuple[str, Values]]:
    records = list_records_of_parent(connection, kind, str(parent)) if parent else []
    return [record for record in records if record[0] != subject]


def _check_people(connection: sa.Connection, subject: str | None, values: Values) -> Iterator[Finding]:
    for other, recorded in _list_others(connection, "practitioner", subject, values.get("institution")):
        same_name = recorded.get("name") and fold_text(recorded["name"]) == fold_text(str(values.get("name") or ""))
        number = values.get("certificate_masked")
        if same_name or (number and recorded.get("certificate_masked") == number):
            message = Message(
                "该机构已有{word}的人员授权记录（{other}）。同一人请改原有记录；确是另一人才确认。",
                word=Message("同名") if same_name else Message("证书号尾数相同"),
                other=_format_code_of(other),
            )
            field = "name" if same_name else "certificate_no"
            yield make_warning(field, message, _make_form_link("practitioner", other))


def _check_certificates(connection: sa.Connection, subject: str | None, values: Values) -> Iterator[Finding]:
    same = _list_same_number(connection, "ad_certificate", subject, values, "number", compact_certificate)
    for other, is_same_institution in same:
        word = Message("本机构") if is_same_institution else Message("另一家机构")
        message = Message("该文号已登记在{word}名下（{other}）。", word=word, other=_format_code_of(other))
        yield make_warning("number", message, _make_form_link("ad_certificate", other))


def _check_sanctions(connection: sa.Connection, subject: str | None, values: Values) -> Iterator[Finding]:
    same = _list_same_number(connection, "sanction", subject, values, "document_no", fold_text)
    for other, is_same_institution in same:
        if is_same_institution:
            message = Message("该文号的处罚已有记录（{other}）。", other=_format_code_of(other))
            yield make_warning("document_no", message, _make_form_link("sanction", other))


def _list_same_number(
    connection: sa.Connection, kind: str, subject: str | None, values: Values, path: str, fold: Callable[[str], str]
) -> Iterator[tuple[str, bool]]:
    """Yield other records of a kind with the same number, and whether they are of the same institution."""
    number = fold(str(values.get(path) or ""))
    for other, recorded in list_current_records(connection, kind) if number else ():
        if other != subject and fold(str(recorded.get(path) or "")) == number:
            yield other, recorded.get("institution") == values.get("institution")


def _format_code_of(subject: str) -> str:
    return format_code(subject.partition(":")[2])


def _make_form_link(kind: FormKind, subject: str) -> tuple[str, str]:
    return _format_code_of(subject), f"/staff/forms/{kind}?subject={subject}"
