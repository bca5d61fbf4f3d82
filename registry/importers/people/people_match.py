"""Rows of people, certificates, inspections and penalties matched with the register: what they would change."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from registry.domain.identifiers import compact_certificate, compact_uscc, format_subject_code, make_subject, parse_code
from registry.domain.model import Change, Date, Draft, Kind, Struct
from registry.domain.normalise import fold_text, normalise_width
from registry.errors import InvalidInput
from registry.importers.matching.register_side import read_institutions
from registry.importers.people.columns import HEADINGS, Column, PeopleKind
from registry.importers.people.people_file import PersonRow
from registry.importers.reading.audit import Audit, RowPlace
from registry.records import timeline
from registry.records.asof import AsOf
from registry.records.selection import match_day, match_known
from registry.records.view import decode_state
from registry.storage.tables import versions
from registry.storage.uploads.tables import Table
from registry.texts import Message
from registry.verification import addresses

Values = dict[str, Any]
KINDS: dict[PeopleKind, Kind] = {
    **{"practitioners": "practitioner", "ad_certificates": "ad_certificate"},
    **{"supervision": "supervision", "sanctions": "sanction"},
}
#: Kinds whose rows rest on the file as their document.
DOCUMENTED: frozenset[PeopleKind] = frozenset({"supervision", "sanctions"})
#: The column that an error about the whole row is shown at.
_IDENTITY_COLUMNS: dict[PeopleKind, Column] = {
    **{"practitioners": "name", "ad_certificates": "number"},
    **dict.fromkeys(("supervision", "sanctions"), "document_no"),
}
#: Institutions that a message names.
_CANDIDATES = 5


class RowMatch(Struct, frozen=True):
    """A row with the subject of its institution, and what is recorded (``before``) of the person or certificate."""

    row: PersonRow
    institution: str
    subject: str
    before: Values | None
    changes: dict[str, Any]


class PeopleDifference(Struct, frozen=True):
    """What a file would change: its rows, and the records that a complete file ends; ``institutions`` by subject."""

    matched: list[RowMatch]
    ended: list[tuple[str, Values]]
    institutions: dict[str, Values]
    institution_count: int

    def make_drafts(self, kind: PeopleKind, day: Date, reason: str | None) -> Iterator[Draft]:
        """What approval would append."""
        for match in self.matched:
            if match.changes:
                yield _make_draft(KINDS[kind], match.subject, match.changes, day, reason)
        for subject, _ in self.ended:
            last = (day - dt.timedelta(days=1)).isoformat()
            yield _make_draft(KINDS[kind], subject, {"valid_to": last}, day, reason)


def _make_draft(kind: Kind, subject: str, values: Values, day: Date, reason: str | None) -> Draft:
    return Draft(subject=subject, change=Change(kind=kind, set=values, reason=reason), valid_from=day)


class PeopleRegister:
    """The register's side of a file of people or certificates, as of a day and a log size."""

    def __init__(self, connection: sa.Connection, kind: PeopleKind, asof: AsOf) -> None:
        self.kind = kind
        self.institutions = read_institutions(connection, asof)
        self._by_uscc: dict[str, list[str]] = defaultdict(list)
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for subject, values in self.institutions.items():
            if values.get("uscc"):
                self._by_uscc[compact_uscc(values["uscc"])].append(subject)
            for name in {values["name"], *(values.get("aliases") or ())}:
                self._by_name[fold_text(name)].append(subject)
        query = sa.select(versions.c.subject, versions.c.state).where(
            versions.c.kind == KINDS[kind], match_known(asof), match_day(asof)
        )
        self.recorded: dict[str, Values] = {
            subject: timeline.collect_values(decode_state(state)) for subject, state in connection.execute(query)
        }
        taken = sa.select(versions.c.subject).where(versions.c.kind == KINDS[kind]).distinct()
        self.taken = set(connection.execute(taken).scalars())

    def get_institution_subject(self, row: PersonRow) -> str:
        """The subject of the institution a row names; InvalidInput with the ``column`` when none or several fit."""
        if row.code:
            try:
                subject = f"institution:{parse_code(row.code)}"
            except InvalidInput as error:
                raise InvalidInput(Message("编码有误，请核对"), column="code") from error
            return self._check_name(subject if subject in self.institutions else None, row, "code")
        if row.uscc:
            found = self._by_uscc.get(compact_uscc(row.uscc), [])
            return self._check_name(found[0] if len(found) == 1 else None, row, "uscc")
        found = self._by_name.get(fold_text(row.institution), [])
        if row.address:
            found = [subject for subject in found if self._is_at_address(subject, row.address)]
        if len(found) == 1:
            return found[0]
        column = "address" if row.address and self._by_name.get(fold_text(row.institution)) else "institution"
        message = self._describe_mismatch(row, found)
        raise InvalidInput(message, column=column)

    def _check_name(self, subject: str | None, row: PersonRow, column: Column) -> str:
        if subject is None:
            word = HEADINGS[column][0]
            raise InvalidInput(Message("名录中没有这个{word}", word=word, column=column), column=column)
        names = {
            fold_text(name) for name in (self._get_name(subject), *(self.institutions[subject].get("aliases") or ()))
        }
        if row.institution and fold_text(row.institution) not in names:
            message = Message(
                "与机构名称不符：{subject} 是 {subject_2}",
                subject=format_subject_code(subject),
                subject_2=self._get_name(subject),
            )
            raise InvalidInput(message, column="institution")
        return subject

    def _get_name(self, subject: str) -> str:
        return str(self.institutions[subject]["name"])

    def _is_at_address(self, subject: str, address: str) -> bool:
        values = self.institutions[subject]
        return addresses.compare_addresses(address, values["address"], values.get("region")) in ("same", "form")

    def _describe_mismatch(self, row: PersonRow, found: list[str]) -> Message:
        candidates = found or self._by_name.get(fold_text(row.institution), [])
        if not candidates:
            return Message("名录中没有这家机构，请核对名称")
        listed = "；".join(
            f"{format_subject_code(subject)} {self.institutions[subject]['address']}"
            for subject in candidates[:_CANDIDATES]
        )
        if found:
            return Message("同名机构有几家，请填编码或地址：{listed}", listed=listed)
        return Message("地址与名录不符，名录中是：{listed}", listed=listed)


def match_rows(
    register: PeopleRegister, rows: Iterable[PersonRow], audit: Audit, *, day: Date, complete: bool, salt: str
) -> PeopleDifference:
    """Match rows with the register; findings go to ``audit``.

    ``complete``: the file lists everybody of its institutions, so that records of others there end. The codes of new
    subjects come from ``salt``, never from a name, so that they are the same in every comparison of one import.
    """
    by_key: dict[tuple[str, str], list[str]] = defaultdict(list)
    for recorded, values in register.recorded.items():
        by_key[_make_match_key(register.kind, values)].append(recorded)
    seen: dict[str, PersonRow] = {}
    matches: list[RowMatch] = []
    mentioned: set[str] = set()
    for row in rows:
        subject: str | None
        try:
            institution = register.get_institution_subject(row) if row.code or row.uscc or row.institution else ""
            mentioned |= {institution} - {""}
            subject = _find_subject(register, row, institution, by_key)
        except InvalidInput as error:
            _add_error(audit, row, error.details["column"], error.message)
            continue
        before = register.recorded.get(subject) if subject else None
        row_values = {**({"institution": institution} if institution else {}), **row.stated}
        key = subject or str((institution, *_make_identity(register.kind, row_values)))
        if (first := seen.setdefault(key, row)) is not row:
            column = _IDENTITY_COLUMNS[register.kind]
            _add_error(audit, row, column, Message("与第{row}行重复", row=first.row))
            continue
        subject = subject or make_subject(KINDS[register.kind], f"{salt}|{row.table}|{row.row}", register.taken)
        changes = {path: value for path, value in row_values.items() if before is None or before.get(path) != value}
        matches.append(RowMatch(row=row, institution=institution, subject=subject, before=before, changes=changes))
    confirmed = {match.subject for match in matches}
    ended = [
        (recorded, values)
        for recorded, values in sorted(register.recorded.items())
        if complete
        and values.get("institution") in mentioned
        and recorded not in confirmed
        and (values.get("valid_to") or "9") >= day.isoformat()
    ]
    return PeopleDifference(
        matched=matches, ended=ended, institutions=register.institutions, institution_count=len(mentioned)
    )


def _make_identity(kind: PeopleKind, values: Values) -> tuple[str, str]:
    """(name, end of the certificate's number) of a person; the number of an advertising certificate."""
    if kind == "supervision":
        return "|".join(str(values.get(path) or "") for path in ("kind", "held_on", "document_no")), ""
    if kind == "sanctions":
        return fold_text(str(values.get("document_no") or "")), str(values.get("organisation") or "")
    if kind == "practitioners":
        name = "".join(c for c in normalise_width(str(values.get("name") or "")).lower() if c.isalnum())
        return name, str(values.get("certificate_masked") or "")[-4:]
    return compact_certificate(str(values.get("number") or "")), ""


def _make_match_key(kind: PeopleKind, values: Values) -> tuple[str, str]:
    """The key of a record: institution and name for people, the number alone for certificates."""
    name, _ = _make_identity(kind, values)
    return ("" if kind == "ad_certificates" else str(values.get("institution") or ""), name)


def _find_subject(
    register: PeopleRegister, row: PersonRow, institution: str, by_key: dict[tuple[str, str], list[str]]
) -> str | None:
    """The recorded subject that a row is about; None for somebody new, InvalidInput where it may be several."""
    row_values = {"institution": institution, **row.stated}
    found = by_key.get(_make_match_key(register.kind, row_values), [])
    if register.kind == "ad_certificates":
        if found and register.recorded[found[0]].get("institution") != institution:
            raise InvalidInput(Message("这个文号已登记在另一家机构名下"), column="number")
        return found[0] if found else None
    if register.kind in DOCUMENTED:
        who = ("organisation", "person", "domains", "accounts")
        same = (subject for subject in found if all(_is_same(register.recorded[subject], row_values, p) for p in who))
        return next(same, None)
    tail = _make_identity(register.kind, row_values)[1]
    fitting = [
        subject
        for subject in found
        if not tail or _make_identity(register.kind, register.recorded[subject])[1] in ("", tail)
    ]
    if len(fitting) > 1:
        raise InvalidInput(Message("该机构有几位同名人员，请填证书编号"), column="name")
    return fitting[0] if fitting else None


def _is_same(recorded: Values, values: Values, path: str) -> bool:
    return (recorded.get(path) or None) == (values.get(path) or None)


def _add_error(audit: Audit, row: PersonRow, column: Column, message: Message) -> None:
    place = RowPlace(Table(row.table, row.table.replace("表", "table "), True, iter(())), row.row)
    audit.add_finding("error", place, HEADINGS[column][0], message)
