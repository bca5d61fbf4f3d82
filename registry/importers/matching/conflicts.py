"""What a list would undo of a decision: found path by path, and left as it is unless a person takes the list.

A decision is what somebody stated of one institution: a document that is no list, a correction, whatever has a reason.
It holds until another decision; a list never ends one by itself, be it newer or older. The same goes for what was
stopped, on whatever it rests. What only stops is let through where the list is the newer one: the worst error of the
register is a false ``licensed``.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from registry.domain.identifiers import format_subject_code
from registry.domain.model import Date, Entry, Source, Struct
from registry.domain.normalise import fold_text
from registry.domain.techniques import LAWFUL_STAGES
from registry.importers.reading.headings import DETAILS
from registry.records import standing, timeline
from registry.records.history import find_refused
from registry.records.site import SiteApproval
from registry.verification import addresses

#: What is read off a name or an address stays or goes with it.
_FOLLOWERS = {"name": ("aliases", "ownership_form", "campus"), "address": ("region",)}
_STOPPED = ("suspended", "revoked", "lapsed")
#: The field of a conflict about a row that stands for an institution whose approval was stopped.
IDENTITY = "identity"
#: What becomes of one path of a row: stated as printed, left as recorded, or put before a person.
Outcome = Literal["state", "keep"] | Entry


class Evidence(Struct, frozen=True):
    """One side of a conflict: the document, its day, number and authority, and since when it says so.

    ``title`` and ``day`` are None where no document is recorded; ``reason`` is what the entry gives as its reason.
    """

    title: str | None
    day: Date | None
    since: Date
    number: str | None = None
    authority: str | None = None
    reason: str | None = None
    entry: int | None = None


class Conflict(Struct, frozen=True):
    """One field in which a list would undo what was decided. ``row`` is None for an institution missing in the list.

    ``paths`` are what the list states; ``reason`` is why a person takes it, None where the decision stays.
    """

    key: str
    code: str
    name: str
    address: str
    row: int | None
    field: str
    recorded: Any
    listed: Any
    decision: Evidence
    list_document: Evidence
    paths: dict[str, Any]
    reason: str | None = None

    def to_report_line(self) -> dict[str, Any]:
        """The conflict as a line of the report, with the choice: "decision" or "list"."""
        line: dict[str, Any] = msgspec.to_builtins(self)
        del line["paths"]
        return {**line, "choice": "decision" if self.reason is None else "list"}


class Row(Struct, frozen=True):
    """What a list says of one institution of the register, path by path; of one that is missing, what would end."""

    subject: str
    name: str
    address: str
    row: int | None
    statement: dict[str, Any]


class Judgement(Struct, frozen=True):
    """What a row may state by itself, and its conflicts."""

    statement: dict[str, Any]
    conflicts: list[Conflict]


#: Reads all entries about some subjects, subject by subject.
ReadHistories = Callable[[Iterable[str]], Iterator[tuple[str, list[Entry]]]]
#: Returns the reason for which a person takes the list in a conflict, or None.
FindReason = Callable[[Conflict], str | None]


def is_list(source: Source | None) -> bool:
    """Whether a source is a list: complete somewhere, or a table of rows; not a document about one institution."""
    return source is not None and (source.scope != "partial" or source.rows is not None)


class History:
    """What was stated of one institution before and after a list's day."""

    def __init__(self, entries: list[Entry], sources: Mapping[str, Source], day: Date) -> None:
        self.day, self.sources = day, sources
        refused = find_refused(entries)
        entries = [entry for entry in entries if entry.number not in refused]
        #: By path the entry that decides the list's day, and the last decision about it up to then.
        self.deciding: dict[str, Entry] = {}
        self.rulings: dict[str, Entry] = {}
        self.later: list[Entry] = []
        for entry in sorted(entries, key=lambda entry: (entry.valid_from, entry.number)):
            if entry.valid_from > day:
                self.later.append(entry)
                continue
            for path in entry.change.set:
                self.deciding[path] = entry
                if self.is_decision(entry):
                    self.rulings[path] = entry
        self.entries = entries

    def is_decision(self, entry: Entry) -> bool:
        """Whether somebody decided about this one: not a list, and not the end of an emergency nobody confirmed."""
        if entry.is_restoration:
            return False
        return bool(entry.change.reason) or not is_list(self.sources.get(entry.source or ""))

    def get_value(self, path: str) -> Any:
        """What is recorded of a path on the list's day."""
        entry = self.deciding.get(path)
        return entry.change.set[path] if entry else None

    def has_later(self, path: str, day: str) -> bool:
        """Whether something newer than the list, up to a day, states a path."""
        return any(path in entry.change.set and entry.valid_from.isoformat() <= day for entry in self.later)

    def find_stop_of_all(self, only: str = "approvals.") -> Entry | None:
        """The entry that stopped the last approval, on the list's day or later; None: one may be used, or none was.

        ``only``: the path of one approval.
        The institution itself being suspended or delisted does not count: a technique it gains is under that anyway.
        """
        spans: list[timeline.Span] = []
        for entry in self.entries:
            spans, _ = timeline.apply_entry(spans, entry)
        for span in spans:
            day = max(span.valid_from, self.day.isoformat())
            facts = [fact for path, fact in timeline.collect_facts(span.state).items() if path.startswith(only)]
            if day >= span.valid_to or not facts:
                continue
            on = Date.fromisoformat(day)
            stopped = [fact for fact in facts if is_stopped(fact.value, on)]
            if stopped and not any(_is_open(fact.value) and fact not in stopped for fact in facts):
                last = max(stopped, key=lambda fact: (fact.valid_from, fact.entry)).entry
                return next(entry for entry in self.entries if entry.number == last)
        return None

    def find_stop(self) -> Entry | None:
        """As ``find_stop_of_all``, or the entry by which somebody suspended or delisted the institution."""
        ruling, entry = self.rulings.get("status"), self.deciding.get("status")
        is_down = entry is not None and entry.change.set["status"] in ("suspended", "delisted")
        decided = [ruling] if ruling is not None and is_down else []
        decided += [entry for entry in self.later if "status" in entry.change.set and self.is_decision(entry)]
        downs = [entry for entry in decided if entry.change.set["status"] in ("suspended", "delisted")]
        return downs[-1] if downs else self.find_stop_of_all()

    def is_newer_than(self, entry: Entry, source: Source) -> bool:
        """Whether a statement, or the document it rests on, is of a later day than a list."""
        document = self.sources.get(entry.source or "")
        return max(entry.valid_from, document.as_of if document else entry.valid_from) > source.as_of


def is_stopped(approval: dict[str, Any] | None, day: Date) -> bool:
    """Whether an approval as recorded was stopped, or ran out, by a day."""
    if not approval:
        return False
    recorded = SiteApproval(
        stage=approval["stage"],
        entry=0,
        source=None,
        verification_due=Date.fromisoformat(approval["verification_due"]) if approval.get("verification_due") else None,
    )
    return standing.judge_approval(recorded, "listed", day) in _STOPPED


def _is_open(approval: Any) -> bool:
    return bool(approval) and approval["stage"] in LAWFUL_STAGES


def judge_row(row: Row, entries: list[Entry], sources: Mapping[str, Source], source: Source) -> Judgement:
    """Return what a row may state of an institution by itself, and what a person has to decide."""
    history = History(entries, sources, source.as_of)
    statement, conflicts = dict(row.statement), list[Conflict]()
    for path, value in row.statement.items():
        if path not in statement:  # went with the name or the address
            continue
        outcome = _judge_path(path, value, history, source)
        if outcome == "state":
            statement[path] = _restore_details(path, value, history)
            continue
        own = {name: statement.pop(name) for name in (path, *_FOLLOWERS.get(path, ())) if name in statement}
        if isinstance(outcome, Entry):
            conflicts.append(_make_conflict(row, path, own, history, outcome, source))
    _hold_back_gains(statement, conflicts, row, history, source)
    return Judgement(statement=statement, conflicts=conflicts)


def _restore_details(path: str, value: Any, history: History) -> Any:
    """What a list states of an approval, with what was decided of it (its verification among it) before a list left it
    out."""
    ruling = history.rulings.get(path)
    if not path.startswith("approvals.") or not _is_open(value) or ruling is None or history.get_value(path):
        return value
    return {**(ruling.change.set[path] or {}), **value}


def list_name_paths() -> tuple[str, ...]:
    """The paths that are read off a name."""
    return ("name", *_FOLLOWERS["name"])


def merge_endings(judgement: Judgement, row: Row) -> Judgement:
    """Make one conflict about the status of those of an institution that would leave: part of it cannot leave alone."""
    if "status" not in row.statement or not judgement.conflicts:
        return judgement
    first = judgement.conflicts[0]
    paths = {path: value for conflict in judgement.conflicts for path, value in conflict.paths.items()}
    merged = msgspec.structs.replace(
        first, field="status", recorded="listed", listed="delisted", paths=paths | {"status": "delisted"}
    )
    statement = {path: value for path, value in judgement.statement.items() if path != "status"}
    return Judgement(statement=statement, conflicts=[merged])


def _judge_path(path: str, value: Any, history: History, source: Source) -> Outcome:
    if path.startswith("approvals."):
        return _judge_approval(path, value, history, source)
    if path == "status":
        return _judge_status(value, history)
    entry = history.deciding.get(path)
    if entry is None or not history.is_decision(entry):
        return "state"
    before = entry.change.set[path]
    if before is None or before == value:
        return "state"
    is_same = value is None or (path == "name" and fold_text(value) == fold_text(before))
    if path == "address" and value is not None:
        compared = addresses.compare_addresses(value, before, history.get_value("region"))
        is_same = compared not in ("other", "unreadable")
    return "keep" if is_same else entry


def _judge_approval(path: str, value: Any, history: History, source: Source) -> Outcome:
    entry = history.deciding.get(path)
    if entry is None:
        return "state"
    before, is_decided = entry.change.set[path], history.is_decision(entry)
    was_stopped = is_stopped(before, history.day)
    if value is None:
        return "state" if not is_decided or before is None else "keep" if was_stopped else entry
    ruling = history.rulings.get(path)
    if ruling is not None and _has_other_details(value, ruling.change.set[path]):
        return ruling
    was_stopped = was_stopped and (is_decided or not _is_verification_renewed(before, value, history.day))
    if before and before["stage"] == value["stage"] and not was_stopped:
        return "state"
    if not _is_open(value):  # what only stops is let through, unless that was decided otherwise or by something newer
        is_held = not _is_open(before) or history.is_newer_than(entry, source)
        return entry if is_decided and is_held else "state"
    return _judge_opening(path, entry, history, is_held=is_decided or was_stopped)


def _has_other_details(value: dict[str, Any], decided: dict[str, Any] | None) -> bool:
    """Whether a list prints of an approval another number or day than was decided, and not just one more."""
    own = {name: text for name in DETAILS if (text := (decided or {}).get(name))}
    return any(value.get(name) not in (None, text) for name, text in own.items())


def _is_verification_renewed(before: dict[str, Any], value: dict[str, Any], day: Date) -> bool:
    """Whether only the day of the verification had passed, which a list stated, and this one states a later one."""
    due, was_due = value.get("verification_due") or "", before.get("verification_due") or ""
    is_later = bool(was_due) and due > max(was_due, day.isoformat())
    return is_later and before["stage"] in LAWFUL_STAGES and _is_open(value)


def _judge_opening(path: str, entry: Entry, history: History, *, is_held: bool) -> Outcome:
    """Judge an approval that a list prints as one that may be used, where something else is recorded.

    ``is_held``: by a decision or because it was stopped. Otherwise it may have ended by a list's silence alone, after a
    decision that nobody took back; and a list that only repeated a decision is not what that rests on.
    """
    ruling = history.rulings.get(path)
    if ruling is not None and all(
        not _is_open(value) or is_stopped(value, history.day)
        for value in (entry.change.set[path], ruling.change.set[path])
    ):
        return ruling
    return entry if is_held else "state"


def _judge_status(value: Any, history: History) -> Outcome:
    entry, ruling = history.deciding.get("status"), history.rulings.get("status")
    if entry is None or (before := entry.change.set["status"]) == value:
        return "state"
    if value == "delisted":
        if not history.is_decision(entry):
            return "state"
        return "keep" if before == "suspended" else entry
    if history.is_decision(entry) or before == "suspended":
        return entry
    if ruling is not None and ruling.change.set["status"] in ("suspended", "delisted"):
        return ruling
    return "state"


def _hold_back_gains(
    statement: dict[str, Any], conflicts: list[Conflict], row: Row, history: History, source: Source
) -> None:
    """A technique that an institution would gain, of which all others are stopped then or later, is a conflict."""
    gains = [
        path
        for path, value in statement.items()
        if path.startswith("approvals.") and _is_open(value) and not _is_open(history.get_value(path))
    ]
    stop = history.find_stop_of_all() if gains else None
    if stop is None:
        return
    for path in gains:
        if not history.has_later(path, max(stop.valid_from, history.day).isoformat()):
            own = {path: statement.pop(path)}
            conflicts.append(_make_conflict(row, path, own, history, stop, source))


# --- the two sides ---------------------------------------------------------------------------------------------------


def make_list_evidence(source: Source) -> Evidence:
    """The list's side of a conflict."""
    return Evidence(title=source.title, day=source.as_of, since=source.as_of, number=source.origin)


def make_evidence(entry: Entry, path: str, sources: Mapping[str, Source]) -> Evidence:
    """The register's side of a conflict: the document an entry rests on."""
    source, value = sources.get(entry.source or ""), entry.change.set.get(path)
    details = value if isinstance(value, dict) else {}
    return Evidence(
        title=source.title if source else None,
        day=source.as_of if source else None,
        since=entry.valid_from,
        number=details.get("document_no") or (source.origin if source else None),
        authority=details.get("authority"),
        reason=entry.change.reason,
        entry=entry.number,
    )


def _make_conflict(
    row: Row, path: str, own: dict[str, Any], history: History, entry: Entry, source: Source
) -> Conflict:
    listed = own[path]
    if isinstance(listed, dict):  # what staff had entered beside the stage belongs to the decision
        recorded = history.get_value(path) or {}
        names = ("stage", "note", *(name for name in DETAILS if listed.get(name) != recorded.get(name)))
        listed = {name: listed[name] for name in names if name in listed}
        own = {path: listed}
    return Conflict(
        key=make_conflict_key(row.subject, path, listed, entry),
        code=format_subject_code(row.subject),
        name=row.name,
        address=row.address,
        row=row.row,
        field=path,
        recorded=history.get_value(path),
        listed=listed,
        decision=make_evidence(entry, _find_evident_path(entry, path), history.sources),
        list_document=make_list_evidence(source),
        paths=own,
    )


def _find_evident_path(entry: Entry, path: str) -> str:
    """The path itself, or the first approval that the entry states: a gain hangs on what stopped the others."""
    return path if path in entry.change.set else next((p for p in entry.change.set if p.startswith("approvals.")), path)


def make_conflict_key(subject: str, field: str, listed: Any, entry: Entry) -> str:
    """The key of a conflict: the same in every comparison of the same value with the same decision."""
    text = msgspec.json.encode([subject, field, listed, entry.number], order="sorted")
    return hashlib.sha256(text).hexdigest()[:20]
