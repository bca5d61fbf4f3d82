"""The two times of a page: what an address asks for, whether it is another time than now, and how then and now compare.

An institution page that shows another time than now says so; ``choose_as_of`` decides it, for every page alike.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import msgspec

from public_site.responses import FieldError
from registry.batch.columns import parse_loose_day
from registry.domain.model import Institution, Struct
from registry.errors import InvalidInput, NotFound
from registry.records.asof import AsOf, get_day_end, parse_instant, to_day
from registry.register import Register
from registry.texts import Message
from registry.web.record_changes import PageTimes, collect_recorded_values
from registry.web.standing import Standing, make_standing


class TimesForm(Struct, frozen=True, kw_only=True):
    """The two fields for times, as typed."""

    on: str = ""
    known_at: str = ""


class DayRecord(Struct, frozen=True, kw_only=True):
    """What a record says of one day, as known at one time; null where it holds nothing of that day."""

    institution: Institution | None = None
    standing: Standing | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """A day as it was believed then and as it is known now. ``believed`` is null when then is not before now."""

    times: PageTimes
    known: DayRecord
    believed: DayRecord | None = None


def read_times_form(query: Mapping[str, str]) -> TimesForm:
    """Read the two times of an address, as typed."""
    return TimesForm(**{name: query.get(name, "").strip()[:40] for name in TimesForm.__struct_fields__})


def parse_known_at(text: str) -> tuple[dt.datetime, dt.date | None] | None:
    """(instant, day) a time of knowing means: a day as people write it is its end in Shanghai; None when it is none.

    >>> parse_known_at("2025年6月30日") == (get_day_end(dt.date(2025, 6, 30)), dt.date(2025, 6, 30))
    True
    """
    day = parse_loose_day(text)
    if day is not None:
        return get_day_end(day), day
    try:
        return parse_instant(text), None
    except InvalidInput:
        return None


def parse_times(form: TimesForm, today: dt.date) -> tuple[PageTimes, tuple[FieldError, ...]]:
    """Parse a form into times and its errors; an empty field means the register's today, or everything known."""
    on = parse_loose_day(form.on) if form.on else today
    known = parse_known_at(form.known_at) if form.known_at else None
    errors = []
    if on is None:
        errors.append(FieldError(field="on", key="check.error_date", value=form.on))
    if form.known_at and known is None:
        errors.append(FieldError(field="known_at", key="check.error_date", value=form.known_at))
    at, day = known or (None, None)
    on = on or today
    return PageTimes(on=on, known_at=at, known_day=day, to_come=on > today), tuple(errors)


def require_times(form: TimesForm, today: dt.date) -> PageTimes:
    """Parse the times of a page that has no form to correct them in; InvalidInput saying what to write."""
    times, errors = parse_times(form, today)
    if errors:
        typed = errors[0].value
        raise InvalidInput(Message("日期“{typed}”无法识别，请写成 2025-07-01 这样。", typed=typed))
    return times


def choose_as_of(register: Register, form: TimesForm) -> tuple[AsOf, PageTimes | None]:
    """What a page shows, and the times it must name because they are not today with everything known now."""
    now = register.make_as_of_now()
    if form == TimesForm():
        return now, None
    times = require_times(form, now.valid_on)
    asof = register.make_as_of(times.on, times.known_at)
    return asof, None if asof.valid_on == now.valid_on and asof.size >= now.size else times


def find_past_times(form: TimesForm, now: dt.datetime) -> PageTimes | None:
    """The times of an answer that leaves out what has been recorded by ``now``; None when it leaves out nothing."""
    times = require_times(form, to_day(now))
    return times if times.known_at is not None and times.known_at < now else None


def read_day_record(register: Register, code: str, asof: AsOf) -> DayRecord:
    """Read what is recorded of an institution as of then; empty where the register holds, or held, nothing."""
    try:
        institution = register.get_institution(code, asof)
    except NotFound:
        return DayRecord()
    standing = make_standing(institution, register.read_first_days(code, asof))
    return DayRecord(institution=institution, standing=standing)


def is_superseded(register: Register, code: str, shown: Institution, past: PageTimes | None) -> bool:
    """Whether the register by now says otherwise of the day shown than what is shown."""
    if past is None or past.known_at is None:
        return False
    known = read_day_record(register, code, register.make_as_of(past.on)).institution
    return collect_recorded_values(known) != collect_recorded_values(shown)


def compare_then_and_now(register: Register, code: str, times: PageTimes) -> Comparison:
    """Compare a day as believed then and as known now. Without a time of knowing, then is that very day."""
    at = times.known_at or get_day_end(times.on)
    if times.known_at is None:
        times = msgspec.structs.replace(times, known_at=at, known_day=times.on)
    known = read_day_record(register, code, register.make_as_of(times.on))
    if at >= register.find_now():  # nothing was believed yet that is not known now
        return Comparison(times=times, known=known)
    believed = read_day_record(register, code, register.make_as_of(times.on, at))
    return Comparison(times=times, known=known, believed=believed)
