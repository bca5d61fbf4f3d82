"""The two times of a page: what an address asks for, whether it is another time than now, and how then and now compare.

An institution page that shows another time than now says so; ``past_of`` decides it, for every page alike.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from public_site import contexts as c
from public_site.changed import stated_of
from public_site.questions import known_of
from public_site.standing import on_day, standing_of
from registry.claimfiles.columns import written_day
from registry.errors import InvalidInput, NotFound
from registry.model import Institution
from registry.records.asof import AsOf, day_at, end_of

if TYPE_CHECKING:
    from registry.register import Register


def form_of(given: Mapping[str, str]) -> c.TimesForm:
    """The two times of an address, as typed."""
    return c.TimesForm(**{name: given.get(name, "").strip()[:40] for name in c.TimesForm.__struct_fields__})


def times_of(form: c.TimesForm, today: dt.date) -> tuple[c.Times, tuple[c.FieldError, ...]]:
    """The times a form means, the register's today and everything known where a field is empty; and what cannot be read
    of it."""
    on = written_day(form.on) if form.on else today
    known = known_of(form.known_at) if form.known_at else None
    errors = []
    if on is None:
        errors.append(c.FieldError(field="on", key="check.error_date", value=form.on))
    if form.known_at and known is None:
        errors.append(c.FieldError(field="known_at", key="check.error_date", value=form.known_at))
    at, day = known or (None, None)
    on = on or today
    return c.Times(on=on, known_at=at, known_day=day, to_come=on > today), tuple(errors)


def require(form: c.TimesForm, today: dt.date) -> c.Times:
    """The times of a page that has no form to correct them in; InvalidInput saying what to write."""
    times, errors = times_of(form, today)
    if errors:
        wrong = errors[0].value
        raise InvalidInput(
            f"日期“{wrong}”无法识别，请写成 2025-07-01 这样。",
            f"“{wrong}” is not a day this page can read. Write it like 2025-07-01.",
        )
    return times


def past_of(register: Register, form: c.TimesForm) -> tuple[AsOf, c.Times | None]:
    """What a page shows, and the times it must name because they are not today with everything known now."""
    now = register.now()
    if form == c.TimesForm():
        return now, None
    times = require(form, now.valid_on)
    asof = register.as_of(times.on, times.known_at)
    return asof, None if asof.valid_on == now.valid_on and asof.size >= now.size else times


def earlier(form: c.TimesForm, now: dt.datetime) -> c.Times | None:
    """The times of an answer that leaves out what has been recorded by ``now``; None when it leaves out nothing."""
    times = require(form, day_at(now))
    return times if times.known_at is not None and times.known_at < now else None


def recorded(register: Register, code: str, asof: AsOf) -> c.Recorded:
    """What is recorded of an institution as of then; empty where the register holds, or held, nothing."""
    try:
        it = on_day(register.institution(code, asof), asof.valid_on)
    except NotFound:
        return c.Recorded()
    return c.Recorded(institution=it, standing=standing_of(it, register.since(code, asof)))


def is_superseded(register: Register, code: str, shown: Institution, past: c.Times | None) -> bool:
    """Whether the register by now says otherwise of the day shown than what is shown."""
    if past is None or past.known_at is None:
        return False
    known = recorded(register, code, register.as_of(past.on)).institution
    return stated_of(known) != stated_of(shown)


def compared(register: Register, code: str, times: c.Times) -> c.Comparison:
    """A day as believed then and as known now. Without a time of knowing, then is that very day."""
    at = times.known_at or end_of(times.on)
    if times.known_at is None:
        times = msgspec.structs.replace(times, known_at=at, known_day=times.on)
    known = recorded(register, code, register.as_of(times.on))
    if at >= register.find_now():  # nothing was believed yet that is not known now
        return c.Comparison(times=times, known=known)
    return c.Comparison(times=times, known=known, believed=recorded(register, code, register.as_of(times.on, at)))
