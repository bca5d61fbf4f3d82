"""The audit log as a list: every event in words, with links to what it is about."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

from registry.accounts import audit_log
from registry.accounts.audit_log import AuditEvent, AuditFilter
from registry.log.clock import from_milliseconds, to_milliseconds
from registry.staff.desk import Desk
from registry.staff.i18n import StaffLanguage
from registry.staff.lists import list_page
from registry.staff.lists.list_page import Cell, ListColumn, Row, StaffList
from registry.storage import attachments

_COLUMNS = (
    ("at", "trail.when"),
    ("account", "trail.account"),
    ("action", "trail.action"),
    ("about", "trail.about"),
    ("address", "account.address"),
)
#: The last two are for programs: the words under which the log keeps an event.
_FILE_COLUMNS = (
    ("id", "proposal.number"),
    *_COLUMNS,
    ("action_word", "trail.action_word"),
    ("about_word", "trail.about_word"),
)
_REFUSED = re.compile(r"[A-Z]+ (?P<path>\S+) (?P<why>\w+)")
_REPEATED = re.compile(r"(?P<about>.*) x(?P<count>[0-9]+) since \S+")
_NUMBERED = re.compile(r"/staff/(?P<kind>proposal|import|draft)s/(?P<number>[0-9]+)")


def open_event_list(desk: Desk, connection: Any) -> StaffList:
    """Open the list of events, the newest first."""
    return _open_list(desk, connection, _COLUMNS)


def open_event_table(desk: Desk, connection: Any) -> StaffList:
    """Open the same with the columns of the file."""
    return _open_list(desk, connection, _FILE_COLUMNS)


def _open_list(desk: Desk, connection: Any, names: tuple[tuple[str, str], ...]) -> StaffList:
    translate, language = desk.language.translate, desk.language
    columns = tuple(
        ListColumn(name=name, label=str(translate(key)), sorts=name == "at", descending=True) for name, key in names
    )
    actions = [(action, language.get_action_label(action)) for action in audit_log.list_actions(connection)]
    filters = (
        list_page.make_text_filter(desk, "lists.text_trail"),
        list_page.make_account_filter(desk, connection, "trail.account"),
        list_page.make_choice_filter(desk, "action", "trail.action", sorted(actions, key=lambda one: str(one[1]))),
        *list_page.make_period_filters(desk),
    )
    query = list_page.read_query(desk, filters, columns, "at", descending=True)
    return StaffList(
        path="/staff/trail",
        filters=filters,
        columns=columns,
        query=query,
        source=EventSource(desk, query, tuple(name for name, _ in names)),
        empty=translate("trail.none"),
    )


class EventSource:
    """The lines of the audit log."""

    def __init__(self, desk: Desk, query: list_page.ListQuery, names: tuple[str, ...]) -> None:
        self._desk, self._query, self._names = desk, query, names
        since, until = query.get_since(), query.get_until()
        self._wanted = AuditFilter(
            account=query.values["account"],
            action=query.values["action"],
            since=None if since is None else from_milliseconds(since),
            until=None if until is None else from_milliseconds(until),
            text=_find_stored_text(desk.language, query.values["q"]),
        )

    def count(self, connection: Any) -> int:
        """Count all lines."""
        return audit_log.count_events(connection, self._wanted)

    def read(self, connection: Any, offset: int, limit: int) -> list[Row]:
        """Read some lines, in the order of the query."""
        events = audit_log.list_events(
            connection, self._wanted, descending=self._query.descending, offset=offset, limit=limit
        )
        return [self._make_row(connection, event) for event in events]

    def _make_row(self, connection: Any, event: AuditEvent) -> Row:
        language = self._desk.language
        cells = {
            "id": Cell(text=str(event.id)),
            "at": list_page.make_time_cell(to_milliseconds(event.at)),
            "account": Cell(text=language.format_account(event.account)),
            "action": Cell(text=language.get_action_label(event.action)),
            "about": describe_event(language, connection, event),
            "address": Cell(text=describe_address(language, event.address)),
            "action_word": Cell(text=event.action),
            "about_word": Cell(text=event.about),
        }
        return [cells[name] for name in self._names]


#: What an event is about that has a number or a name.
_NAMED = ("proposal", "import", "account", "edition")


def _find_stored_text(language: StaffLanguage, text: str) -> str:
    """Return a text as the log writes it: of "提案 12" proposal:12."""
    for kind in _NAMED:
        words = str(language.translate(f"trail.about_{kind}", number="\0", name="\0"))
        before, _, after = words.partition("\0")
        if before.strip() and text.startswith(before.strip()):
            return f"{kind}:{text.removeprefix(before.strip()).removesuffix(after).strip()}"
    return text


def describe_address(language: StaffLanguage, address: str) -> Markup:
    """Describe where an event came from."""
    return language.translate("trail.shell") if address == audit_log.SHELL else language.format_monospace(address)


def describe_event(language: StaffLanguage, connection: Any, event: AuditEvent) -> Cell:
    """Describe what an event is about, with the page of that if it has one; of several alike, how many there were."""
    about, counted, times = event.about, "", _REPEATED.fullmatch(event.about)
    if times is not None:
        about, counted = times["about"], language.translate("trail.repeats", count=times["count"])
    cell = _describe_about(language, connection, about)
    return Cell(text=cell.text, link=cell.link, notes=(*cell.notes, counted)) if counted else cell


def _describe_about(language: StaffLanguage, connection: Any, about: str) -> Cell:
    if match := _REFUSED.fullmatch(about):
        return _describe_refusal(language, match["path"], match["why"])
    kind, _, rest = about.partition(":")
    name = rest.partition(" ")[0]
    if kind in ("proposal", "import", "lead") and name.isdigit():
        link = f"/staff/{kind}s/{name}" if kind != "lead" else ""  # which whoever reads the trail does not open
        return Cell(text=language.translate(f"trail.about_{kind}", number=name), link=link)
    if kind == "account_change" and name.isdigit():
        text = language.translate("trail.about_account_change", number=name, name=rest.rpartition(" ")[2])
        return Cell(text=text, link=f"/staff/accounts/changes/{name}")
    if kind == "sha256":
        found = attachments.find_attachment(connection, name)
        text = language.mark_chinese(found.name) if found else language.translate("trail.about_sha256", name=name[:16])
        return Cell(text=text, link=f"/staff/attachments/{name}" if found else "")
    if kind in ("edition", "account") and name:
        link = f"/staff/accounts/{name}" if kind == "account" else f"/editions/{name}"
        return Cell(text=language.translate(f"trail.about_{kind}", name=name), link=link)
    label = language.find_label(f"trail.how_{about}") if about else Markup("")
    return Cell(text=language.format_monospace(about) if label is None else label)


def _describe_refusal(language: StaffLanguage, path: str, why: str) -> Cell:
    match = _NUMBERED.match(path)
    section = path.removeprefix("/staff").strip("/").partition("/")[0] or "home"
    if match is not None:
        what = language.translate(f"trail.about_{match['kind']}", number=match["number"])
    else:
        what = language.find_label(f"trail.page_{section}") or language.format_monospace(path)
    reason = language.find_label(f"trail.why_{why}") or language.format_monospace(why)
    link = match[0] if match is not None and match["kind"] != "draft" else ""
    return Cell(text=what, link=link, notes=(reason,))
