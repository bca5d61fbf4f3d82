"""The two times of a page: what an address asks for, whether it is another time than now, and how then and now compare.

An institution page that shows another time than now says so; ``choose_as_of`` decides it, for every page alike.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from public_site import contexts as c
from public_site.questions import parse_known_at
from registry.batch.claim_columns import parse_loose_day
from registry.domain.model import Institution
from registry.errors import InvalidInput, NotFound
from registry.records.asof import AsOf, get_day_end, to_day
from registry.web.record_changes import PageTimes, collect_recorded_values
from registry.web.standing import apply_rules_on_day, make_standing

if TYPE_CHECKING:
    from registry.register import Register


def read_times_form(given: Mapping[str, str]) -> c.TimesForm:
    """The two times of an address, as typed."""
    return c.TimesForm(**{name: given.get(name, "").strip()[:40] for name in c.TimesForm.__struct_fields__})


def parse_times(form: c.TimesForm, today: dt.date) -> tuple[PageTimes, tuple[c.FieldError, ...]]:
    """The times a form means, the register's today and everything known where a field is empty; and what cannot be read
    of it."""
    on = parse_loose_day(form.on) if form.on else today
    known = parse_known_at(form.known_at) if form.known_at else None
    errors = []
    if on is None:
        errors.append(c.FieldError(field="on", key="check.error_date", value=form.on))
    if form.known_at and known is None:
        errors.append(c.FieldError(field="known_at", key="check.error_date", value=form.known_at))
    at, day = known or (None, None)
    on = on or today
    return PageTimes(on=on, known_at=at, known_day=day, to_come=on > today), tuple(errors)


def require_times(form: c.TimesForm, today: dt.date) -> PageTimes:
    """The times of a page that has no form to correct them in; InvalidInput saying what to write."""
    times, errors = parse_times(form, today)
    if errors:
        wrong = errors[0].value
        raise InvalidInput(
            f"日期“{wrong}”无法识别，请写成 2025-07-01 这样。",
            f"“{wrong}” is not a day this page can read. Write it like 2025-07-01.",
        )
    return times


def choose_as_of(register: Register, form: c.TimesForm) -> tuple[AsOf, PageTimes | None]:
    """What a page shows, and the times it must name because they are not today with everything known now."""
    now = register.make_as_of_now()
    if form == c.TimesForm():
        return now, None
    times = require_times(form, now.valid_on)
    asof = register.make_as_of(times.on, times.known_at)
    return asof, None if asof.valid_on == now.valid_on and asof.size >= now.size else times


def find_past_times(form: c.TimesForm, now: dt.datetime) -> PageTimes | None:
    """The times of an answer that leaves out what has been recorded by ``now``; None when it leaves out nothing."""
    times = require_times(form, to_day(now))
    return times if times.known_at is not None and times.known_at < now else None


def read_day_record(register: Register, code: str, asof: AsOf) -> c.DayRecord:
    """What is recorded of an institution as of then; empty where the register holds, or held, nothing."""
    try:
        it = apply_rules_on_day(register.get_institution(code, asof), asof.valid_on)
    except NotFound:
        return c.DayRecord()
    return c.DayRecord(institution=it, standing=make_standing(it, register.read_first_days(code, asof)))


def is_superseded(register: Register, code: str, shown: Institution, past: PageTimes | None) -> bool:
    """Whether the register by now says otherwise of the day shown than what is shown."""
    if past is None or past.known_at is None:
        return False
    known = read_day_record(register, code, register.make_as_of(past.on)).institution
    return collect_recorded_values(known) != collect_recorded_values(shown)


def compare_then_and_now(register: Register, code: str, times: PageTimes) -> c.Comparison:
    """A day as believed then and as known now. Without a time of knowing, then is that very day."""
    at = times.known_at or get_day_end(times.on)
    if times.known_at is None:
        times = msgspec.structs.replace(times, known_at=at, known_day=times.on)
    known = read_day_record(register, code, register.make_as_of(times.on))
    if at >= register.find_now():  # nothing was believed yet that is not known now
        return c.Comparison(times=times, known=known)
    return c.Comparison(
        times=times, known=known, believed=read_day_record(register, code, register.make_as_of(times.on, at))
    )
