"""Who goes on where a record has ended: listed institutions that bear a name of it, or stand where it stood.

What the register holds decides, never likeness: names in force and former ones, words people use, the name of a part
(丽水市人民医院东城院区), and addresses. None of them licenses; whoever asks is told to compare.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from registry.domain.normalise import fold_text
from registry.records.asof import AsOf
from registry.verification import addresses
from registry.verification.name_match import compare_site, find_beginning_spans, is_at
from registry.verification.names import list_cores
from registry.verification.spans import Span
from registry.verification.view import VerificationView


class Successors(NamedTuple):
    """Listed institutions that bear a name, and others at an address; each in the order of codes."""

    by_name: tuple[Span, ...] = ()
    at_site: tuple[Span, ...] = ()

    def may_be_at(self, address: str | None) -> bool:
        """Whether one of them can be meant by who gives an address, or none."""
        spans = (*self.by_name, *self.at_site)
        return any(not address or compare_site(span.site, address) != "other" for span in spans)


def find_successors(
    view: VerificationView, ended: Collection[Span], name: str | None, asof: AsOf, address: str | None
) -> Successors:
    """Find who goes on for records that have ended: by the name asked or theirs, at the given address or theirs.

    Whoever bears the name and stands at the given address goes before others who bear it.
    """
    gone = {span.site.code for span in ended}
    keys = {one.key for span in ended for one in span.names} | {fold_text(name or "")}
    named = {span.site.code: span for key in sorted(keys) for span in _find_bearers(view, key, asof)}
    by_name = [span for code, span in sorted(named.items()) if code not in gone]
    if address:
        by_name.sort(key=lambda span: not is_at(span.site, address))
    sites = [(span.site.address, span.site.region) for span in ended]
    if address:
        sites.append((address, addresses.split_address(address)[0]))
    standing = {span.site.code: span for site in sites for span in find_spans_at(view, *site, asof)}
    at_site = [span for code, span in sorted(standing.items()) if code not in gone and code not in named]
    return Successors(tuple(by_name), tuple(at_site))


def find_spans_at(view: VerificationView, address: str, region: str | None, asof: AsOf) -> list[Span]:
    """Find the listed institutions of the day at an address, which lies in a region; none where that is not known."""
    listed = _list_listed(view, view.institutions.list_in_city(region or ""), asof)
    return [span for span in listed if is_at(span.site, address)]


def _find_bearers(view: VerificationView, key: str, asof: AsOf) -> Iterator[Span]:
    """Find the listed institutions of the day that have, or had, a folded name, or are called by it, or a part is."""
    if not key:
        return
    index = view.institutions
    for code in index.find_by_name(key):
        if view.list_names(code, key, asof.size):
            yield from _list_listed(view, [code], asof)
    for span in _list_listed(view, index.common_names.list_codes(key), asof):
        if key in span.known_as:
            yield span
    for span in find_beginning_spans(view, key, asof):
        if any(key in list_cores(one.key) for one in span.names):
            yield span


def _list_listed(view: VerificationView, codes: Collection[str], asof: AsOf) -> list[Span]:
    spans = (view.find_span(code, asof) for code in codes)
    return [span for span in spans if span is not None and span.site.status != "delisted"]
