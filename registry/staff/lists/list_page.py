"""The one mechanism of all lists: filters in the address, sortable columns, pages with totals, the same as a file."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, Protocol, cast

from litestar import Response
from litestar.response import Stream
from markupsafe import Markup

from registry import accounts
from registry.domain import english_places, regions
from registry.domain.model import Date, Struct
from registry.domain.normalise import escape_cells
from registry.domain.techniques import TECHNIQUES
from registry.errors import InvalidInput
from registry.log.clock import from_milliseconds
from registry.records.asof import get_day_start, parse_day, to_milliseconds
from registry.staff.desk import Desk
from registry.staff.forms.forms import normalise_day
from registry.texts import Message
from registry.web.i18n import SHANGHAI

#: Lines of a page; lines that a file reads at a time; characters of a filter.
LINES, CHUNK, _LONGEST = 50, 2_000, 100
#: The value of a filter that is given up, where another one than "everything" stands at first.
EVERY = "all"


class Choice(Struct, frozen=True):
    """One value that a filter may have."""

    value: str
    label: str


class ListFilter(Struct, frozen=True):
    """One control of a list. ``is_open``: also values that are not among the choices; ``default``: where none is."""

    name: str
    label: str
    kind: Literal["text", "choice", "day"] = "text"
    choices: tuple[Choice, ...] = ()
    is_open: bool = False
    default: str = ""


class ListColumn(Struct, frozen=True):
    """One column; ``sorts``: its heading sorts the list, ``descending``: the greatest first when it is pressed."""

    name: str
    label: str
    sorts: bool = False
    descending: bool = False


class Cell(Struct, frozen=True):
    """What stands in a column: a text, perhaps a link, words beside it. ``plain``: in a file, where that differs."""

    text: Markup | str = ""
    link: str = ""
    notes: tuple[Markup | str, ...] = ()
    plain: str | None = None

    def to_text(self) -> str:
        """Return the cell as a file has it."""
        text = Markup.escape(self.text).striptags() if self.plain is None else self.plain
        return " ".join(part for part in (text, *(Markup.escape(note).striptags() for note in self.notes)) if part)


Row = list[Cell]


class ListQuery(Struct, frozen=True):
    """What an address asks of a list. ``errors``: (name of a filter, what is wrong with its value)."""

    values: dict[str, str]
    given: dict[str, str]
    sort: str
    descending: bool
    page: int
    errors: tuple[tuple[str, Message], ...] = ()

    def get_day(self, name: str) -> Date | None:
        """Return the day of a filter, if one was given."""
        return Date.fromisoformat(self.values[name]) if self.values.get(name) else None

    def get_since(self, name: str = "since") -> int | None:
        """Return the first millisecond of the day of a filter."""
        day = self.get_day(name)
        return to_milliseconds(get_day_start(day)) if day else None

    def get_until(self, name: str = "until") -> int | None:
        """Return the first millisecond after the day of a filter."""
        day = self.get_day(name)
        return to_milliseconds(get_day_start(day) + dt.timedelta(days=1)) if day else None


class RowSource(Protocol):
    """Where the lines of a list come from."""

    def count(self, connection: Any) -> int:
        """Count all lines."""

    def read(self, connection: Any, offset: int, limit: int) -> list[Row]:
        """Read some lines, in the order of the query."""


class StaffList(Struct, frozen=True):
    """One list: its address, its controls, its columns and its lines. ``fixed``: what every link of it keeps."""

    path: str
    filters: tuple[ListFilter, ...]
    columns: tuple[ListColumn, ...]
    query: ListQuery
    source: RowSource
    empty: Markup | str = ""
    fixed: Mapping[str, str] = {}

    @property
    def parameters(self) -> dict[str, str]:
        """The query of the address of this list, without the page."""
        order = f"-{self.query.sort}" if self.query.descending else self.query.sort
        return {**self.fixed, **self.query.given, **({"sort": order} if self.query.sort else {})}

    @property
    def is_filtered(self) -> bool:
        """Whether anything but what stands there at first is asked for."""
        return bool(self.query.given)

    def list_hidden_fields(self) -> list[tuple[str, str]]:
        """Return what the form of the filters carries along."""
        return [(name, value) for name, value in self.parameters.items() if name in self.fixed or name == "sort"]

    def make_sort(self, column: ListColumn) -> dict[str, str]:
        """Return the query of the link that sorts by a column, or turns the order round."""
        is_descending = not self.query.descending if column.name == self.query.sort else column.descending
        return {**self.parameters, "sort": f"-{column.name}" if is_descending else column.name}


def read_query(
    desk: Desk,
    filters: Iterable[ListFilter],
    columns: Iterable[ListColumn],
    sort: str = "",
    *,
    descending: bool = False,
) -> ListQuery:
    """Read what the address asks; a value that is none leaves the filter as it stands at first, with an error."""
    values: dict[str, str] = {}
    given: dict[str, str] = {}
    errors: list[tuple[str, Message]] = []
    for one in filters:
        text = str(desk.request.query_params.get(one.name) or "").strip()[:_LONGEST]
        try:
            text = _read_value(one, text)
        except InvalidInput as error:
            errors.append((one.name, error.message))
            text = ""
        values[one.name] = "" if text == EVERY else text or one.default
        if text and text != one.default:
            given[one.name] = text
    order = str(desk.request.query_params.get("sort") or "")
    if order.removeprefix("-") in {column.name for column in columns if column.sorts}:
        sort, descending = order.removeprefix("-"), order.startswith("-")
    page = desk.read_query_number("page") or 1
    return ListQuery(
        values=values, given=given, sort=sort, descending=descending, page=max(page, 1), errors=tuple(errors)
    )


def _read_value(one: ListFilter, text: str) -> str:
    if text == EVERY and one.kind == "choice":
        return EVERY if one.default else ""
    if not text or one.kind == "text":
        return text
    if one.kind == "day":
        day = normalise_day(text)
        try:
            return parse_day(day).isoformat()
        except InvalidInput:
            raise InvalidInput(Message("“{text}”不是日期，请写成 2025-07-01 这样。", text=text[:20])) from None
    if not one.is_open and text not in {choice.value for choice in one.choices}:
        raise InvalidInput(Message("没有“{text}”这一项可选。", text=text[:40]))
    return text


# --- a page, and a file ----------------------------------------------------------------------------------------------

OpenListing = Callable[[Desk, Any], StaffList]


def render_listing(desk: Desk, template: str, open_listing: OpenListing, **values: Any) -> Response[Any]:
    """Render the page of a list: 400 with nothing listed where a filter has a value that is none."""
    with desk.database.reading() as connection:
        listing = open_listing(desk, connection)
        query = listing.query
        total = 0 if query.errors else listing.source.count(connection)
        pages = max(-(-total // LINES), 1)
        page = min(query.page, pages)
        rows = listing.source.read(connection, (page - 1) * LINES, LINES) if total else []
    lang = desk.language.lang
    return desk.render_page(
        template,
        status=400 if query.errors else 200,
        errors=[(name, message.to_text(lang)) for name, message in query.errors],
        listing=listing,
        total=total,
        place=page,
        pages=pages,
        first=(page - 1) * LINES + 1,
        rows=rows,
        **values,
    )


def send_table(desk: Desk, name: str, open_listing: OpenListing) -> Response[Any]:
    """Send every line of a list, as filtered and sorted, as a file; InvalidInput for a wrong filter."""
    # Into a temporary file first: however slow the download, no transaction stays open for it.
    buffer = tempfile.SpooledTemporaryFile(max_size=2**20)  # noqa: SIM115 - closed by what sends it
    with desk.database.reading() as connection:
        listing = open_listing(desk, connection)
        if listing.query.errors:
            raise InvalidInput(listing.query.errors[0][1], field=listing.query.errors[0][0])
        buffer.write("\ufeff".encode())
        buffer.write(_format_line([str(column.label) for column in listing.columns]))
        offset = 0
        while rows := listing.source.read(connection, offset, CHUNK):
            buffer.writelines(_format_line([cell.to_text() for cell in row]) for row in rows)
            offset += CHUNK
    buffer.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Stream(_stream_pieces(buffer), media_type="text/csv; charset=utf-8", headers=headers)


def _format_line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(escape_cells(cells))
    return text.getvalue().encode()


def _stream_pieces(buffer: Any) -> Iterator[bytes]:
    with buffer:
        while piece := buffer.read(2**16):
            yield cast("bytes", piece)


#: A value, and what people call it.
Pair = tuple[str, object]


# --- controls and cells that lists share -----------------------------------------------------------------------------


def make_text_filter(desk: Desk, label: str = "lists.text") -> ListFilter:
    """Make the control for a text."""
    return ListFilter(name="q", label=str(desk.language.translate(label)))


def make_period_filters(desk: Desk) -> tuple[ListFilter, ListFilter]:
    """Make the controls for the first and the last day."""
    return (
        ListFilter(name="since", label=str(desk.language.translate("trail.since")), kind="day"),
        ListFilter(name="until", label=str(desk.language.translate("trail.until")), kind="day"),
    )


def make_choice_filter(
    desk: Desk, name: str, label: str, choices: Iterable[Pair], *, default: str = "", is_open: bool = False
) -> ListFilter:
    """Make a control with choices, of which the first gives it up."""
    every = Choice(value=EVERY if default else "", label=str(desk.language.translate("lists.every")))
    rest = tuple(Choice(value=value, label=Markup.escape(text).striptags()) for value, text in choices)
    own = str(desk.language.translate(label))
    return ListFilter(name=name, label=own, kind="choice", choices=(every, *rest), is_open=is_open, default=default)


def make_technique_filter(desk: Desk) -> ListFilter:
    """Make the control for a technique."""
    choices = [(one.code, desk.language.get_plain_word(one.code)) for one in TECHNIQUES]
    return make_choice_filter(desk, "technique", "due.technique", choices)


def make_account_filter(desk: Desk, connection: Any, label: str = "lists.account") -> ListFilter:
    """Make the control for a person of the staff."""
    names = [account.name for account in accounts.list_accounts(connection)]
    return make_choice_filter(desk, "account", label, [(name, name) for name in names], is_open=True)


def make_region_filter(desk: Desk, code: str = "") -> ListFilter:
    """Make the control for a region, by name: provinces, and what lies in the one chosen; an account with a region of
    its own begins with that."""
    own, wanted = desk.account.region, code or str(desk.request.query_params.get("region") or "")
    chosen = wanted if regions.find_region(wanted) else own
    codes = [own] if own else [code for code, _ in regions.list_children(None)]
    for level in (2, 4):
        parent = chosen[:level].ljust(6, "0")
        if chosen and parent in codes:
            at = codes.index(parent) + 1
            codes[at:at] = [code for code, _ in regions.list_children(parent)]
    if chosen and chosen not in codes:
        codes.append(chosen)
    choices = [(code, _name_place(desk, code, own)) for code in codes]
    return make_choice_filter(desk, "region", "filters.region", choices, default=own, is_open=False)


def _name_place(desk: Desk, code: str, own: str) -> str:
    region = regions.find_region(code)
    assert region is not None  # noqa: S101 - one of the table's codes
    if code == own:
        return desk.language.format_region(region).striptags()
    name = region.district or region.city or region.province or ""
    english = english_places.find_english_name(code) if desk.language.english else None
    depth = 2 if region.district else 1 if region.city and region.city != region.province else 0
    return "\u3000" * depth + (english or name)


def make_day_cell(desk: Desk, day: Date | str | None, *notes: Markup | str) -> Cell:
    """Make the cell of a day."""
    if not day:
        return Cell()
    date = Date.fromisoformat(day) if isinstance(day, str) else day
    return Cell(text=desk.language.format_day(date), notes=notes, plain=date.isoformat())


def make_time_cell(milliseconds: int | None) -> Cell:
    """Make the cell of an instant, as the clock in Shanghai shows it."""
    if milliseconds is None:
        return Cell()
    at = from_milliseconds(milliseconds).astimezone(SHANGHAI)
    text = Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), f"{at:%Y-%m-%d %H:%M}")
    return Cell(text=text, plain=f"{at:%Y-%m-%d %H:%M:%S}")
