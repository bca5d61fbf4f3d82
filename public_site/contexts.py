"""What each page is given: one frozen Struct a page, made of the register's own words. Templates read nothing else."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar, Literal

from public_site.api_reference import ApiReference
from registry.domain import model
from registry.domain.model import Struct
from registry.reconciliation.properties import Property
from registry.records.history import Version
from registry.web.record_changes import PageTimes
from registry.web.standing import Standing

ErrorKind = Literal["not_found", "invalid", "too_many", "not_done", "cannot_answer"]


class SiteFacts(Struct, frozen=True, kw_only=True):
    """What the footer of every page says of the register as a whole. ``operator`` is the 主办单位, if one is stated."""

    count: int
    as_of: model.Date | None
    source: model.SourceRef | None
    updated: dt.datetime | None
    operator: str | None = None


class PageContext(Struct, frozen=True, kw_only=True):
    """Base of every page. ``here`` is the page's own address with its query, without language and size.

    ``state_at``: when the register was last seen, where that is long enough ago to be said, or the page is from memory.
    """

    template: ClassVar[str] = ""
    section: ClassVar[str] = ""
    noindex: ClassVar[bool] = False
    here: str = "/"
    site: SiteFacts | None = None
    state_at: dt.datetime | None = None


class Count(Struct, frozen=True, kw_only=True):
    """One line of a list with counts. ``name`` is null where the catalogue has the words (techniques, stages).

    ``count`` is null where the list says nothing about it.
    """

    code: str
    count: int | None
    name: str | None = None


class DayRecord(Struct, frozen=True, kw_only=True):
    """What a record says of one day, as known at one time; null where it holds nothing of that day."""

    institution: model.Institution | None = None
    standing: Standing | None = None


class Comparison(Struct, frozen=True, kw_only=True):
    """A day as it was believed then and as it is known now. ``believed`` is null when then is not before now."""

    times: PageTimes
    known: DayRecord
    believed: DayRecord | None = None


class HomePage(PageContext, frozen=True, kw_only=True):
    """The start page."""

    template: ClassVar[str] = "home.html"
    section: ClassVar[str] = "home"
    count: int
    as_of: model.Date | None
    source: model.SourceRef | None
    provinces: list[Count]
    techniques: list[Count]
    last_updated: dt.datetime | None


class SearchHit(Struct, frozen=True, kw_only=True):
    """One result. ``why`` is how it fitted, when that was not by its name: a key below ``search.describe_rule``; ``match`` the
    other name that fitted; ``similar``: nothing fitted exactly, and near names are different institutions; ``lacks``
    the techniques asked for beside a name for which it is not approved; ``people`` of it whom the question names."""

    institution: model.Institution
    why: str | None = None
    match: str | None = None
    similar: bool = False
    lacks: tuple[str, ...] = ()
    people: tuple[model.Practitioner, ...] = ()


class Facets(Struct, frozen=True, kw_only=True):
    """Filters with the number of institutions each would leave."""

    region: tuple[Count, ...] = ()
    technique: tuple[Count, ...] = ()
    stage: tuple[Count, ...] = ()


class Filters(Struct, frozen=True, kw_only=True):
    """The filters as given; ``region_name`` when the register knows the code."""

    technique: tuple[str, ...] = ()
    region: str | None = None
    region_name: str | None = None
    stage: str | None = None


class WarningPage(PageContext, frozen=True, kw_only=True):
    """Something was asked for that nobody may offer: ``kinds`` are keys below ``warning_page.law``; ``rest`` is the
    question without it."""

    template: ClassVar[str] = "warning.html"
    section: ClassVar[str] = "home"
    noindex: ClassVar[bool] = True
    query: str
    words: tuple[str, ...]
    kinds: tuple[str, ...]
    rest: str


class SearchPage(PageContext, frozen=True, kw_only=True):
    """Results of a search. ``next`` is the cursor of the next page; ``at_least``: more than ``total``; ``path`` the
    chosen region with those it lies in, widest first; ``unfiltered`` how many there would be without the filters."""

    template: ClassVar[str] = "search.html"
    section: ClassVar[str] = "home"
    noindex: ClassVar[bool] = True
    query: str
    filters: Filters
    hits: list[SearchHit]
    total: int
    facets: Facets
    understood: tuple[str, ...] = ()
    cursor: str | None = None
    next: str | None = None
    at_least: bool = False
    similar: bool = False
    did_you_mean: str | None = None
    path: tuple[tuple[str, str], ...] = ()
    unfiltered: int = 0
    unreadable: bool = False
    people_withheld: str | None = None


class InstitutionPage(PageContext, frozen=True, kw_only=True):
    """One institution. ``recent`` are its latest versions, newest first; ``qr`` the address of the QR image; ``past``
    the times shown when they are not today with everything known now, which the page must say; ``superseded`` that the
    register by now says otherwise of that day."""

    template: ClassVar[str] = "institution.html"
    section: ClassVar[str] = "home"
    institution: model.Institution
    standing: Standing
    practitioners: list[model.Practitioner]
    recent: list[Version]
    qr: str
    public_url: str
    as_of: model.Date
    past: PageTimes | None = None
    superseded: bool = False
    people_withheld: str | None = None


class NoRecordPage(PageContext, frozen=True, kw_only=True):
    """An institution of which nothing is, or was, recorded for the day asked about; ``institution`` is today's."""

    template: ClassVar[str] = "norecord.html"
    section: ClassVar[str] = "home"
    noindex: ClassVar[bool] = True
    institution: model.Institution
    past: PageTimes


class FieldError(Struct, frozen=True, kw_only=True):
    """A field that cannot be used: ``key`` of the catalogue, ``value`` as typed; or the register's own sentence."""

    field: str
    key: str = ""
    value: str = ""
    sentence: str | None = None


class TimesForm(Struct, frozen=True, kw_only=True):
    """What was typed into the two fields for times, kept as typed."""

    on: str = ""
    known_at: str = ""


class HistoryPage(PageContext, frozen=True, kw_only=True):
    """Every version of one institution, newest first, and the answer about one day once it was asked."""

    template: ClassVar[str] = "history.html"
    section: ClassVar[str] = "home"
    institution: model.Institution
    versions: list[Version]
    form: TimesForm = TimesForm()
    errors: tuple[FieldError, ...] = ()
    answer: Comparison | None = None


class LandingPage(PageContext, frozen=True, kw_only=True):
    """Where a QR code lands. Without an institution the code was ``mistyped`` or belongs to none."""

    template: ClassVar[str] = "landing.html"
    noindex: ClassVar[bool] = True
    code: str
    answered_at: dt.datetime
    institution: model.Institution | None = None
    standing: Standing | None = None
    mistyped: bool = False


class DevelopersPage(PageContext, frozen=True, kw_only=True):
    """The interface's OpenAPI document, made readable by ``openapi.read``; and where tables are reconciled, with the
    properties there are."""

    template: ClassVar[str] = "developers.html"
    section: ClassVar[str] = "developers"
    reference: ApiReference
    document_url: str
    reconcile_url: str
    properties: tuple[Property, ...]


class AboutPage(PageContext, frozen=True, kw_only=True):
    """What the register is, where its data comes from, what its words mean."""

    template: ClassVar[str] = "about.html"
    section: ClassVar[str] = "about"


class ErrorPage(PageContext, frozen=True, kw_only=True):
    """What happened, what was kept, what to do next. ``sentence`` is the register's own, in the page's language."""

    template: ClassVar[str] = "error.html"
    noindex: ClassVar[bool] = True
    status: int
    kind: ErrorKind
    sentence: str | None = None
    kept: str | None = None
