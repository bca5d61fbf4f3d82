"""A row of somebody's table as the rules of verification read it: a name, numbers, places, and what only supports."""

from __future__ import annotations

from collections.abc import Callable

from registry.domain import regions
from registry.domain.identifiers import compact_licence, compact_uscc, may_be_code, parse_code, parse_domain
from registry.domain.identifiers import parse_uscc as _uscc
from registry.domain.model import MatchedOn, Provider, Struct
from registry.domain.normalise import compact_text
from registry.errors import InvalidInput
from registry.reconciliation.properties import BY_ID
from registry.verification import addresses
from registry.verification.addresses import Comparison
from registry.verification.verdict import Site

#: No real name, address or number is longer.
LONGEST = 300
#: Properties of one query, and values of one of them, at most.
MOST_PROPERTIES = 40
_READ: dict[str, tuple[MatchedOn, Callable[[str], str]]] = {
    "code": ("code", parse_code),
    "uscc": ("uscc", _uscc),
    "practice_licence_no": ("practice_licence_no", compact_licence),
    "domains": ("domain", parse_domain),
}
_LONGEST_FIRST: tuple[Comparison, ...] = ("same", "region", "other")


class Query(Struct, frozen=True):
    """One row as it is asked: a name, a code or nothing, and what else it says, by property id."""

    text: str = ""
    properties: tuple[tuple[str, tuple[str, ...]], ...] = ()
    limit: int = 5


class QueryRow(Struct, frozen=True):
    """One row as it is read. ``numbers`` by property id as (kind, compact form); ``unreadable`` are those that are
    no such number, and why; ``places`` and ``supports`` are values by property id."""

    provider: Provider
    numbers: dict[str, tuple[MatchedOn, str]]
    unreadable: dict[str, InvalidInput]
    places: dict[str, tuple[str, ...]]
    supports: dict[str, tuple[str, ...]]

    @property
    def address(self) -> str:
        """The first address, or the empty string."""
        return next(iter(self.places.get("address", ())), "")

    def compare_place(self, pid: str, site: Site) -> Comparison:
        """How one place of the row relates to a site; of several values the one that fits best counts."""
        compared = {_compare_place(value, site) for value in self.places[pid]}
        return next(how for how in _LONGEST_FIRST if how in compared)

    def compare_site(self, site: Site) -> Comparison | None:
        """How all places of the row relate to a site: one that contradicts is enough. None when the row says none."""
        compared = {self.compare_place(pid, site) for pid in self.places}
        return next((how for how in ("other", "same", "region") if how in compared), None)


def parse_query(query: Query) -> QueryRow:
    """The row of a query; InvalidInput for one that says nothing, too much, or properties that do not exist.

    A number that is none is kept apart: the name may still lead to candidates, and decides nothing any more.
    """
    given = _collect_values(query)
    text = query.text.strip()
    if not text and not given:
        raise InvalidInput(
            "query 与 properties 均为空：请给出名称、编码或至少一个属性。",
            "query and properties are both empty: give a name, a code or at least one property.",
        )
    numbers, unreadable = _parse_numbers({pid: values for pid, values in given.items() if pid in _READ})
    named = _find_number(text)
    if named is not None:
        pid, number = named
        if numbers.setdefault(pid, number) != number:
            unreadable[pid] = InvalidInput(
                f"query 是一个编号，与属性“{pid}”不同。", f"The query is a number, and property “{pid}” is another."
            )
    by_kind = dict(numbers.values())
    provider = Provider(
        name=text if text and named is None else None,
        code=by_kind.get("code"),
        uscc=by_kind.get("uscc"),
        practice_licence_no=by_kind.get("practice_licence_no"),
        domain=by_kind.get("domain"),
    )
    return QueryRow(
        provider=provider,
        numbers=numbers,
        unreadable=unreadable,
        places={pid: v for pid, v in given.items() if BY_ID[pid].role == "place"},
        supports={pid: v for pid, v in given.items() if BY_ID[pid].role == "support"},
    )


def _collect_values(query: Query) -> dict[str, tuple[str, ...]]:
    """Values by property, blank ones left out; of a property given twice all values."""
    if len(query.properties) > MOST_PROPERTIES or any(len(v) > MOST_PROPERTIES for _, v in query.properties):
        raise InvalidInput(
            f"properties 最多{MOST_PROPERTIES}个，每个最多{MOST_PROPERTIES}个值。",
            f"At most {MOST_PROPERTIES} properties, each with at most {MOST_PROPERTIES} values.",
        )
    found: dict[str, tuple[str, ...]] = {}
    for pid, values in query.properties:
        if pid not in BY_ID:
            raise InvalidInput(
                f"未知的属性“{pid[:40]}”；可用：{'、'.join(BY_ID)}。",
                f"Unknown property “{pid[:40]}”; there are {', '.join(BY_ID)}.",
            )
        stated = tuple(value.strip() for value in values if value.strip())
        if stated:
            found[pid] = (*found.get(pid, ()), *stated)
    for text in (query.text, *(value for values in found.values() for value in values)):
        if len(text) > LONGEST:
            raise InvalidInput(f"值太长，最多{LONGEST}个字符。", f"A value is too long: at most {LONGEST} characters.")
    return found


def _parse_numbers(
    given: dict[str, tuple[str, ...]],
) -> tuple[dict[str, tuple[MatchedOn, str]], dict[str, InvalidInput]]:
    numbers: dict[str, tuple[MatchedOn, str]] = {}
    unreadable: dict[str, InvalidInput] = {}
    for pid, values in given.items():
        kind, compact = _READ[pid]
        try:
            found = {compact(value) for value in values}
        except InvalidInput as error:
            unreadable[pid] = error
            continue
        if len(found) > 1:
            raise InvalidInput(
                f"属性“{pid}”只能给一个值：一行说的是一家机构。",
                f"Property “{pid}” takes one value: a row is about one institution.",
            )
        numbers[pid] = (kind, found.pop())
    return numbers, unreadable


def _find_number(text: str) -> tuple[str, tuple[MatchedOn, str]] | None:
    """The number that is written where a name is expected: a code, also as the address of its page, or a USCC.

    InvalidCode for a mistyped code: that is not "unknown".
    """
    written = text.rstrip("/").rsplit("/", 1)[-1]
    if may_be_code(written):
        return "code", ("code", parse_code(written))
    if len(compact_uscc(text)) == 18:
        try:
            return "uscc", ("uscc", _uscc(text))
        except InvalidInput:
            return None  # eighteen characters that are a name
    return None


def _compare_place(value: str, site: Site) -> Comparison:
    """How a GB/T 2260 code, a place as people say it (沈阳, 铁西区) or an address relates to a site."""
    codes = (
        (value,)
        if regions.find_region(value) is not None
        else regions.map_names_to_codes().get(compact_text(value), ())
    )
    if not codes:
        return addresses.compare_addresses(value, site.address, site.region)
    region = site.region or addresses.split_address(site.address)[0]
    return "region" if any(regions.overlap(code, region) for code in codes) else "other"
