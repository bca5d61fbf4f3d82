"""From what a person typed to the register's words, and from its results to what pages show."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from public_site import contexts as c
from public_site.check_contexts import CheckForm
from registry.batch.claim_columns import parse_loose_day
from registry.domain import regions
from registry.domain.identifiers import may_be_code, parse_code
from registry.domain.model import LONGEST_NAME, LONGEST_NUMBER, LONGEST_TEXT, Claim, Person, Provider
from registry.domain.normalise import fold_text
from registry.domain.techniques import find_technique
from registry.errors import InvalidInput
from registry.records.asof import get_day_end, parse_instant
from registry.records.stats import Stats
from registry.search.readings import Understood
from registry.web.i18n import Language
from registry.web.labels import get_stage_label

if TYPE_CHECKING:
    from registry.register import InstitutionHit, SearchRequest

PER_PAGE = 20
_LOOSE = re.compile(r"[0-9A-Za-z][0-9A-Za-z\s‐-―－-]{4,11}")
_PRINTED = re.compile(r"[0-9A-Za-z]{4}-[0-9A-Za-z]{4}")


def is_code(text: str) -> bool:
    """Whether a person searching for ``text`` meant a public code, rightly or wrongly copied.

    >>> is_code("7k2m9qx5"), is_code("ABCD-EFGH"), is_code("PGT-A"), is_code("鞍山")
    (True, True, False, False)
    """
    return may_be_code(text) or _PRINTED.fullmatch(text) is not None


def _is_meant_as_code(text: str) -> bool:
    """In the field for a name or a code more is taken for one: no institution's name is Latin letters and digits."""
    return is_code(text) or (_LOOSE.fullmatch(text) is not None and any(one.isdigit() or one == "-" for one in text))


# --- search ----------------------------------------------------------------------------------------------------------


def read_search_request(given: Any) -> SearchRequest:
    """The question and filters of an address; a technique may be given by any of its words."""
    from registry.register import SearchRequest

    words = [find_technique(word) or word for word in given.getall("technique", []) if word]
    return SearchRequest(
        q=given.get("q", "").strip()[:200],
        technique=tuple(dict.fromkeys(words)),
        region=given.get("region") or None,
        stage=given.get("stage") or None,
    )


def remove_filters(choice: SearchRequest) -> SearchRequest | None:
    """The question alone; None when there is none, or no filter beside it."""
    narrowed = bool(choice.technique or choice.region or choice.stage)
    return msgspec.structs.replace(choice, technique=(), region=None, stage=None) if narrowed and choice.q else None


def make_filters(choice: SearchRequest) -> c.Filters:
    """The filters as the page repeats them."""
    return c.Filters(
        technique=choice.technique,
        region=choice.region,
        region_name=_find_region_name(choice.region) if choice.region else None,
        stage=choice.stage,
    )


def _find_region_name(code: str) -> str | None:
    region = regions.find_region(code)
    if region is None:
        return None
    return "".join(dict.fromkeys(level for level in (region.province, region.city, region.district) if level))


#: Reasons a page says in words; that a name or a filter fits needs none.
_OTHER_NAMES = ("alias", "former_name", "known_as")
_REASONS = (*_OTHER_NAMES, "pinyin", "initials", "abbreviation", "address", "typo")


def make_hit(found: InstitutionHit) -> c.SearchHit:
    """A result with why it fitted, and the name that did when it was another than the one shown."""
    why = found.match if found.match in _REASONS else None
    return c.SearchHit(
        institution=found.institution,
        why=why if found.by or why not in _OTHER_NAMES else None,
        match=found.by if why in _OTHER_NAMES else None,
        similar=found.match == "similar",
        lacks=found.lacks,
        people=found.practitioners,
    )


def list_region_path(code: str | None) -> tuple[tuple[str, str], ...]:
    """(code, name) of a region and those it lies in, widest first; nothing for one the register does not know.

    >>> list_region_path("210303")
    (('210000', '辽宁省'), ('210300', '鞍山市'), ('210303', '铁西区'))
    """
    region = regions.find_region(code) if code else None
    if code is None or region is None:
        return ()
    levels = ((code[:2] + "0000", region.province), (code[:4] + "00", region.city), (code, region.district))
    found: dict[str, str] = {}
    for one, name in levels:
        if name and name not in found.values():
            found[one if regions.find_region(one) else code] = name
    return tuple(found.items())


def is_unreadable(question: str) -> bool:
    """Whether something was typed in which there is no letter, digit or character."""
    return bool(question) and not fold_text(question)


def make_facets(stats: Stats | None) -> c.Facets:
    """Filters with their counts; those that would leave nothing are left out."""
    if stats is None:
        return c.Facets()
    return c.Facets(
        region=tuple(c.Count(code=one.code, name=one.name, count=one.count) for one in stats.by_region if one.count),
        technique=tuple(c.Count(code=one.technique, count=one.count) for one in stats.by_technique if one.count),
        stage=tuple(c.Count(code=one.stage, count=one.count) for one in stats.by_stage if one.count),
    )


def describe_understanding(pieces: Iterable[Understood], language: Language) -> tuple[str, ...]:
    """The pieces of a question that were read as a place, a technique or a stage, in words."""
    return tuple(dict.fromkeys(_describe_piece(piece, language) for piece in pieces))


def _describe_piece(piece: Understood, language: Language) -> str:
    if piece.kind == "region":
        return language.mark_chinese(_find_region_name(piece.value) or piece.value)
    if piece.kind == "category":
        return language.translate(f"search.category.{piece.value}")
    return (
        language.format_technique(piece.value) if piece.kind == "technique" else get_stage_label(language, piece.value)
    )


# --- check -----------------------------------------------------------------------------------------------------------


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


def make_claim(form: CheckForm, language: Language) -> tuple[Claim | None, list[c.FieldError]]:
    """The claim a form makes, or what is wrong with it, field by field."""
    errors: list[c.FieldError] = []
    provider = _make_provider(form, language, errors)
    technique = find_technique(form.technique) if form.technique else None
    if form.technique and technique is None:
        errors.append(c.FieldError(field="technique", key="check.error_technique", value=form.technique[:40]))
    on = parse_loose_day(form.on) if form.on else None
    if form.on and on is None:
        errors.append(c.FieldError(field="on", key="check.error_date", value=form.on[:40]))
    known = parse_known_at(form.known_at) if form.known_at else None
    if form.known_at and known is None:
        errors.append(c.FieldError(field="known_at", key="check.error_date", value=form.known_at[:40]))
    errors += _check_lengths(form)
    if errors or provider is None:
        return None, errors
    claim = Claim(
        provider=provider,
        techniques=[technique] if technique else [],
        on=on,
        known_at=known[0] if known else None,
        practitioner=Person(name=form.practitioner) if form.practitioner else None,
        ad_certificate=form.ad_certificate or None,
        text=form.text or None,
    )
    return claim, []


def _check_lengths(form: CheckForm) -> list[c.FieldError]:
    limits = {"practitioner": LONGEST_NAME, "ad_certificate": LONGEST_NUMBER, "text": LONGEST_TEXT}
    return [
        c.FieldError(field=field, key="check.error_long", value=str(most))
        for field, most in limits.items()
        if len(getattr(form, field)) > most
    ]


def _make_provider(form: CheckForm, language: Language, errors: list[c.FieldError]) -> Provider | None:
    if not form.name:
        errors.append(c.FieldError(field="name", key="check.error_name"))
        return None
    address = form.address or None
    if not _is_meant_as_code(form.name):
        return Provider(name=form.name, address=address)
    try:  # letters and digits only: a code that was copied wrongly must not read as "not on the list"
        return Provider(code=parse_code(form.name), address=address)
    except InvalidInput as error:
        errors.append(c.FieldError(field="name", sentence=error.get_text(language.lang)))
        return None
