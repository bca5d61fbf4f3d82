"""A calendar file (RFC 5545) of days that have a title: what other calendars can read in."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator

from registry.domain.model import Date, Struct

#: Octets of a line, after which it goes on in the next.
_LONGEST = 75


class CalendarEvent(Struct, frozen=True):
    """A whole day. ``uid`` stays the same for the same deadline, so that a calendar read in twice has it once."""

    uid: str
    day: Date
    title: str
    link: str


def format_calendar(name: str, events: Iterable[CalendarEvent], now: dt.datetime) -> bytes:
    """Format events as a calendar, each with a reminder thirty days before."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//art-registry//due//ZH", f"X-WR-CALNAME:{_escape_text(name)}"]
    for event in events:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{hashlib.sha256(event.uid.encode()).hexdigest()[:32]}@art-registry",
            f"DTSTAMP:{now.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}",
            f"DTSTART;VALUE=DATE:{event.day:%Y%m%d}",
            f"SUMMARY:{_escape_text(event.title)}",
            f"URL:{event.link}",
            *(
                "BEGIN:VALARM",
                "ACTION:DISPLAY",
                f"DESCRIPTION:{_escape_text(event.title)}",
                "TRIGGER:-P30D",
                "END:VALARM",
            ),
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in _fold_line(line)).encode()


def _escape_text(text: str) -> str:
    """Escape what has a meaning in a value.

    >>> _escape_text("a, b; c")
    'a\\\\, b\\\\; c'
    """
    for mark in ("\\", ";", ","):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\n", "\\n")


def _fold_line(line: str) -> Iterator[str]:
    """Cut a line where it has too many octets, never inside a character."""
    part = ""
    for character in line:
        if len((part + character).encode()) > _LONGEST:
            yield part
            part = " "
        part += character
    yield part
