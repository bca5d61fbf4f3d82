"""Lists of records: institutions, people, advertising certificates and sanctions, also those that begin later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast, get_args

from markupsafe import Markup

from registry.domain.identifiers import format_certificate as format_number
from registry.domain.identifiers import format_code, parse_certificate
from registry.domain.model import Date, Entry, Institution, Kind, StandingWord
from registry.errors import InvalidInput
from registry.institutions.result import SearchRequest, SearchResult
from registry.log import store
from registry.log.clock import to_milliseconds
from registry.records import asof, browse, lookup
from registry.records.asof import LAST_DAY, AsOf
from registry.records.browse import CURRENT, FUTURE, OVER, BrowsedRecord, RecordFilter, Sort
from registry.staff.desk import Desk
from registry.staff.lists import list_page
from registry.staff.lists.list_page import Cell, ListColumn, ListFilter, Row, StaffList
from registry.staff.record_names import RecordNames

KINDS: tuple[Kind, ...] = ("institution", "practitioner", "ad_certificate", "sanction", "supervision")
#: Institutions that a text finds at most, the best first; other records likewise, the latest first.
FOUND, MATCHED = 200, 2_000
#: Columns of each kind: (name, key of the heading), and those that sort.
_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "institution": (
        ("name", "due.institution"),
        ("code", "lists.code"),
        ("region", "filters.region"),
        ("state", "lists.state"),
        ("techniques", "lists.in_force"),
        ("recorded", "lists.recorded"),
    ),
    "practitioner": (
        ("name", "field.name"),
        ("code", "lists.code"),
        ("institution", "due.institution"),
        ("techniques", "due.technique"),
        ("end", "records.period"),
        ("state", "lists.state"),
        ("recorded", "lists.recorded"),
    ),
    "ad_certificate": (
        ("number", "field.number"),
        ("code", "lists.code"),
        ("institution", "due.institution"),
        ("end", "records.period"),
        ("state", "lists.state"),
        ("recorded", "lists.recorded"),
    ),
    "sanction": (
        ("document_no", "field.document_no"),
        ("code", "lists.code"),
        ("institution", "lists.about"),
        ("kind", "field.kind"),
        ("decided_on", "field.decided_on"),
        ("authority", "field.authority"),
        ("recorded", "lists.recorded"),
    ),
    "supervision": (
        ("kind", "field.kind"),
        ("code", "lists.code"),
        ("institution", "lists.about"),
        ("held_on", "field.held_on"),
        ("result", "field.result"),
        ("rectify_by", "field.rectify_by"),
        ("recorded", "lists.recorded"),
    ),
}
_SORTS = {
    "institution": ("code", "region", "recorded"),
    "practitioner": ("code", "institution", "end", "recorded"),
    "ad_certificate": ("code", "institution", "end", "recorded"),
    "sanction": ("code", "institution", "recorded"),
    "supervision": ("code", "institution", "recorded"),
}
_WORDS: dict[StandingWord, str] = {"approved": "licensed", "partly_approved": "partly_licensed"}


def read_kind(desk: Desk) -> Kind:
    """Return the kind of records an address asks for; institutions unless it is one of the others."""
    asked = desk.request.query_params.get("kind")
    return next((kind for kind in KINDS if kind == asked), "institution")


def open_record_list(desk: Desk, connection: Any) -> StaffList:
    """Open the list of records of the kind that the address asks for."""
    kind = read_kind(desk)
    columns = make_columns(desk, kind)
    filters = _make_filters(desk, connection, kind)
    has_text = bool(desk.request.query_params.get("q"))
    order = ("", False) if has_text and kind == "institution" else ("region", False)
    if kind != "institution":
        order = ("recorded", True)
    query = list_page.read_query(desk, filters, columns, order[0], descending=order[1])
    return StaffList(
        path="/staff/records",
        filters=filters,
        columns=columns,
        query=query,
        source=RecordSource(desk, connection, kind, query),
        empty=desk.language.translate(f"lists.no_{kind}"),
        fixed={"kind": kind} if kind != "institution" else {},
    )


def make_columns(desk: Desk, kind: Kind) -> tuple[ListColumn, ...]:
    """Make the columns of the records of a kind."""
    sorts = _SORTS[kind]
    return tuple(
        ListColumn(
            name=name, label=str(desk.language.translate(key)), sorts=name in sorts, descending=name == "recorded"
        )
        for name, key in _COLUMNS[kind]
    )


def _make_filters(desk: Desk, connection: Any, kind: Kind) -> tuple[ListFilter, ...]:
    words: list[tuple[str, object]] = [(FUTURE, desk.language.translate("lists.future"))]
    if kind == "institution":
        words = [(word, get_state_label(desk, word)) for word in get_args(StandingWord)] + words
    elif kind not in ("sanction", "supervision"):
        words = [(word, desk.language.translate(f"lists.{word}")) for word in (CURRENT, OVER)] + words
    has_technique = kind in ("institution", "practitioner")
    return (
        list_page.make_text_filter(desk, f"lists.text_{kind}"),
        list_page.make_region_filter(desk),
        *([list_page.make_technique_filter(desk)] if has_technique else []),
        list_page.make_choice_filter(desk, "state", "lists.state", words),
        list_page.make_account_filter(desk, connection),
        *list_page.make_period_filters(desk),
    )


def get_state_label(desk: Desk, word: StandingWord) -> Markup:
    """Return the words for the standing of an institution."""
    return desk.language.translate(f"verdict.{_WORDS.get(word, word)}.word")


def find_institutions(desk: Desk, connection: Any, text: str) -> tuple[SearchResult, tuple[str, ...]]:
    """Return what a text finds, and the subjects of that, the best first: also of those that begin later."""
    register, now = desk.register, asof.make_as_of(connection)
    result = register.search_institutions(SearchRequest(q=text), now, limit=FOUND)
    subjects = [lookup.to_subject(hit.institution.code.replace("-", "")) for hit in result.items]
    if browse.count_records(connection, RecordFilter(kind="institution", state=FUTURE), now):
        later = AsOf(valid_on=LAST_DAY, size=now.size, ahead=True)
        hits = register.search_institutions(SearchRequest(q=text), later, limit=FOUND)
        codes = [lookup.to_subject(hit.institution.code.replace("-", "")) for hit in hits.items if not hits.similar]
        coming = RecordFilter(kind="institution", state=FUTURE, subjects=tuple(codes))
        subjects = [one.subject for one in browse.list_records(connection, coming, now)] + subjects
    return result, tuple(dict.fromkeys(subjects))


def find_belongings(connection: Any, kind: Kind, text: str, limit: int = MATCHED) -> tuple[str, ...]:
    """Return the subjects of a kind with a text in what is stated of them, the latest first."""
    if kind == "ad_certificate":
        with suppress(InvalidInput):  # a part of a number
            text = format_number(parse_certificate(text))
    found = browse.list_records(
        connection, RecordFilter(kind=kind, text=text), asof.make_as_of(connection), descending=True, limit=limit
    )
    return tuple(one.subject for one in found)


class RecordSource:
    """The lines of a list of records."""

    def __init__(self, desk: Desk, connection: Any, kind: Kind, query: list_page.ListQuery) -> None:
        self._desk, self._kind, self._query = desk, kind, query
        self._now = asof.make_as_of(connection)
        self.result: SearchResult | None = None
        subjects = None
        text = query.values["q"]
        if text and not query.errors and kind == "institution":
            self.result, subjects = find_institutions(desk, connection, text)
        elif text and not query.errors:
            subjects = find_belongings(connection, kind, text)
        since, until = query.get_since(), query.get_until()
        self._wanted = RecordFilter(
            kind=kind,
            region=query.values["region"],
            technique=query.values.get("technique", ""),
            state=query.values["state"],
            account=query.values["account"],
            subjects=subjects,
            first=store.get_size_at(connection, since - 1) + 1 if since else None,
            last=store.get_size_at(connection, until - 1) if until else None,
        )

    def count(self, connection: Any) -> int:
        """Count all lines."""
        return browse.count_records(connection, self._wanted, self._now)

    def read(self, connection: Any, offset: int, limit: int) -> list[Row]:
        """Read some lines, in the order of the query."""
        found = browse.list_records(
            connection,
            self._wanted,
            self._now,
            sort=cast("Sort | None", self._query.sort or None),
            descending=self._query.descending,
            offset=offset,
            limit=limit,
        )
        return make_rows(self._desk, connection, self._kind, found)


def make_rows(desk: Desk, connection: Any, kind: Kind, found: list[BrowsedRecord]) -> list[Row]:
    """Make the lines of some records of a kind."""
    entries = store.read_numbered(connection, [one.entry for one in found])
    recorded = {number: _make_recorded_cell(desk, entry) for number, entry in entries.items()}
    if kind == "institution":
        rows = _make_institution_rows(desk, connection, found)
    else:
        rows = _make_other_rows(desk, connection, kind, found)
    names = [name for name, _ in _COLUMNS[kind]]
    return [
        [{**row, "recorded": recorded.get(one.entry, Cell())}.get(name, Cell()) for name in names]
        for one, row in zip(found, rows, strict=True)
    ]


def _make_recorded_cell(desk: Desk, entry: Entry) -> Cell:
    """Make the cell of when a record was stated last, and by whom."""
    time, name = list_page.make_time_cell(to_milliseconds(entry.recorded_at)), desk.language.format_account
    by = desk.language.translate("lists.by", proposer=name(entry.proposer), approver=name(entry.approver))
    return Cell(text=time.text, plain=time.plain, notes=(by,))


_Cells = dict[str, Cell]


def _make_institution_rows(desk: Desk, connection: Any, found: list[BrowsedRecord]) -> Iterable[_Cells]:
    now = asof.make_as_of(connection)
    by_day: defaultdict[str, list[str]] = defaultdict(list)
    for one in found:
        by_day[max(one.valid_from, now.valid_on.isoformat())].append(one.subject)
    institutions: dict[str, Institution] = {}
    for day, subjects in by_day.items():
        on = Date.fromisoformat(day)
        then = AsOf(valid_on=on, size=now.size, ahead=on > now.valid_on)
        for institution in lookup.read_institutions(connection, subjects, then):
            institutions[lookup.to_subject(institution.code.replace("-", ""))] = institution
    coming = browse.list_coming_days(connection, [one.subject for one in found], now)
    for one in found:
        yield _make_institution_cells(desk, one, institutions.get(one.subject), coming.get(one.subject), now)


def _make_institution_cells(
    desk: Desk, one: BrowsedRecord, institution: Institution | None, coming: str | None, now: AsOf
) -> _Cells:
    language = desk.language
    code = format_code(one.subject.partition(":")[2])
    if institution is None:
        return {"name": Cell(text=code, link=f"/staff/records/{code}"), "code": Cell(text=code)}
    offered = [approval.technique for approval in institution.approvals if approval.standing == "in_force"]
    notes: list[Markup] = []
    if one.valid_from > now.valid_on.isoformat():
        notes = [language.translate("lists.begins", day=language.format_iso_day(one.valid_from))]
    elif coming:
        notes = [language.translate("lists.changes", day=language.format_iso_day(coming))]
    return {
        "name": Cell(text=language.mark_chinese(institution.name), link=f"/staff/records/{code}", notes=tuple(notes)),
        "code": Cell(text=language.format_public_code(code)),
        "region": Cell(text=language.format_region(institution.region)),
        "state": Cell(text=get_state_label(desk, institution.standing)),
        "techniques": Cell(text=language.format_list(map(language.get_plain_word, offered))),
    }


def _make_other_rows(desk: Desk, connection: Any, kind: Kind, found: list[BrowsedRecord]) -> Iterable[_Cells]:
    names = RecordNames(connection, [one.subject for one in found], desk.language)
    today = asof.make_as_of(connection).valid_on.isoformat()
    for one in found:
        yield _make_other_cells(desk, kind, one, names, today)


def _make_other_cells(desk: Desk, kind: Kind, one: BrowsedRecord, names: RecordNames, today: str) -> _Cells:
    language, values = desk.language, names.get_values(one.subject)
    parent = str(values.get("institution") or "")
    state, note = describe_state(desk, values, one.valid_from, today)
    title = Cell(
        text=names.format_name(one.subject) if kind != "sanction" or values.get("document_no") else Markup("—"),
        link=names.make_path(one.subject),
        notes=(note,) if note else (),
    )
    about = Cell(text=names.format_name(parent), link=names.make_path(parent)) if parent else Cell()
    if kind == "sanction" and not parent:
        about = Cell(text=language.mark_chinese(str(values.get("organisation") or values.get("person") or "")))
    kind_word = language.format_recorded_value("kind", values["kind"]) if values.get("kind") else ""
    cells = {
        "name": title,
        "number": title,
        "document_no": title,
        "code": Cell(text=language.format_public_code(one.subject.partition(":")[2])),
        "institution": about,
        "state": Cell(text=state),
        "techniques": Cell(text=language.format_list(map(language.get_plain_word, values.get("techniques") or []))),
        "decided_on": list_page.make_day_cell(desk, values.get("decided_on")),
        "authority": Cell(text=language.mark_chinese(str(values.get("authority") or ""))),
        "kind": Cell(text=kind_word),
        "held_on": list_page.make_day_cell(desk, values.get("held_on")),
        "rectify_by": list_page.make_day_cell(desk, values.get("rectify_by")),
        "result": Cell(text=language.format_recorded_value("result", values["result"]) if values.get("result") else ""),
    }
    if kind == "supervision":
        cells["kind"] = Cell(text=kind_word or Markup("—"), link=title.link, notes=title.notes)
    first, last = values.get("valid_from"), values.get("valid_to")
    if first or last:
        shown = [language.format_iso_day(day) if day else Markup("") for day in (first, last)]
        cells["end"] = Cell(text=Markup(" – ").join(shown), plain=f"{first or ''}/{last or ''}")
    return cells


def describe_state(desk: Desk, values: dict[str, Any], valid_from: str, today: str) -> tuple[Markup, Markup | None]:
    """Return the word for whether something that belongs to an institution holds, and when it begins if that is to
    come."""
    begins = max(valid_from, str(values.get("valid_from") or ""))
    if begins > today:
        day = desk.language.format_iso_day(begins)
        return desk.language.translate("lists.future"), desk.language.translate("lists.begins", day=day)
    is_over = bool(values.get("valid_to")) and str(values["valid_to"]) < today
    return desk.language.translate("lists.over" if is_over else "lists.current"), None
