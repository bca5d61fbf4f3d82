"""A row of a caller's table as the rules of verification read it: a name, numbers, places, and what only supports."""

from __future__ import annotations

from collections.abc import Callable

from registry.domain import regions
from registry.domain.identifiers import compact_licence, compact_uscc, may_be_code, parse_code, parse_domain, parse_uscc
from registry.domain.model import MatchedOn, Provider, Struct
from registry.domain.normalise import compact_text
from registry.errors import InvalidInput
from registry.reconciliation.properties import BY_ID
from registry.texts import Listing, Message
from registry.verification import addresses
from registry.verification.addresses import Comparison
from registry.verification.verdict import Site

#: No real name, address or number is longer.
LONGEST = 300
#: Properties of one query, and values of one of them, at most.
PROPERTY_LIMIT = 40
_PARSERS: dict[str, tuple[MatchedOn, Callable[[str], str]]] = {
    "code": ("code", parse_code),
    "uscc": ("uscc", parse_uscc),
    "practice_licence_no": ("practice_licence_no", compact_licence),
    "domains": ("domain", parse_domain),
}
_BEST_FIRST: tuple[Comparison, ...] = ("same", "region", "other")


class Query(Struct, frozen=True):
    """One row of a request: a name, a code or nothing, and what else it says, by property id."""

    text: str = ""
    properties: tuple[tuple[str, tuple[str, ...]], ...] = ()
    limit: int = 5


class QueryRow(Struct, frozen=True):
    """One row as it is read.

    ``numbers`` by property id as (kind, compact form); ``unreadable`` are those that are no such number, and why;
    ``places`` and ``supports`` are values by property id.
    """

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
        """Compare one place of the row with a site; of several values the one that fits best counts."""
        compared = {_compare_place(value, site) for value in self.places[pid]}
        return next(relation for relation in _BEST_FIRST if relation in compared)

    def compare_site(self, site: Site) -> Comparison | None:
        """Compare all places of the row with a site: one that contradicts is enough. None when the row says none."""
        compared = {self.compare_place(pid, site) for pid in self.places}
        return next((relation for relation in ("other", "same", "region") if relation in compared), None)


def parse_query(query: Query) -> QueryRow:
    """Parse a query; InvalidInput for one that says nothing, too much, or properties that do not exist.

    A number that is none is set apart: the name may still lead to candidates, and decides nothing any more.
    """
    values = _collect_values(query)
    text = query.text.strip()
    if not text and not values:
        raise InvalidInput(
            Message("query 与 properties 均为空：请给出名称、编码或至少一个属性。"),
        )
    numbers, unreadable = _parse_numbers({pid: texts for pid, texts in values.items() if pid in _PARSERS})
    named_number = _find_number(text)
    if named_number is not None:
        pid, number = named_number
        if numbers.setdefault(pid, number) != number:
            unreadable[pid] = InvalidInput(Message("query 是一个编号，与属性“{pid}”不同。", pid=pid))
    by_kind = dict(numbers.values())
    provider = Provider(
        name=text if text and named_number is None else None,
        code=by_kind.get("code"),
        uscc=by_kind.get("uscc"),
        practice_licence_no=by_kind.get("practice_licence_no"),
        domain=by_kind.get("domain"),
    )
    return QueryRow(
        provider=provider,
        numbers=numbers,
        unreadable=unreadable,
        places={pid: v for pid, v in values.items() if BY_ID[pid].role == "place"},
        supports={pid: v for pid, v in values.items() if BY_ID[pid].role == "support"},
    )


def _collect_values(query: Query) -> dict[str, tuple[str, ...]]:
    """Collect values by property, blank ones left out; of a property given twice all values."""
    if len(query.properties) > PROPERTY_LIMIT or any(len(v) > PROPERTY_LIMIT for _, v in query.properties):
        raise InvalidInput(
            Message("properties 最多{property_limit}个，每个最多{property_limit}个值。", property_limit=PROPERTY_LIMIT),
        )
    collected: dict[str, tuple[str, ...]] = {}
    for pid, values in query.properties:
        if pid not in BY_ID:
            raise InvalidInput(
                Message("未知的属性“{pid}”；可用：{by_id}。", pid=pid[:40], by_id=Listing(BY_ID)),
            )
        texts = tuple(value.strip() for value in values if value.strip())
        if texts:
            collected[pid] = (*collected.get(pid, ()), *texts)
    for text in (query.text, *(value for values in collected.values() for value in values)):
        if len(text) > LONGEST:
            raise InvalidInput(Message("值太长，最多{longest}个字符。", longest=LONGEST))
    return collected


def _parse_numbers(
    values_by_id: dict[str, tuple[str, ...]],
) -> tuple[dict[str, tuple[MatchedOn, str]], dict[str, InvalidInput]]:
    numbers: dict[str, tuple[MatchedOn, str]] = {}
    unreadable: dict[str, InvalidInput] = {}
    for pid, values in values_by_id.items():
        kind, parse = _PARSERS[pid]
        try:
            parsed = {parse(value) for value in values}
        except InvalidInput as error:
            unreadable[pid] = error
            continue
        if len(parsed) > 1:
            raise InvalidInput(
                Message("属性“{pid}”只能给一个值：一行说的是一家机构。", pid=pid),
            )
        numbers[pid] = (kind, parsed.pop())
    return numbers, unreadable


def _find_number(text: str) -> tuple[str, tuple[MatchedOn, str]] | None:
    """Find the number written where a name is expected: a code, also as the address of its page, or a USCC.

    InvalidCode for a mistyped code: that is not "unknown".
    """
    last_part = text.rstrip("/").rsplit("/", 1)[-1]
    if may_be_code(last_part):
        return "code", ("code", parse_code(last_part))
    if len(compact_uscc(text)) == 18:
        try:
            return "uscc", ("uscc", parse_uscc(text))
        except InvalidInput:
            return None  # eighteen characters that are a name
    return None


def _compare_place(value: str, site: Site) -> Comparison:
    """Compare a GB/T 2260 code, a place as people say it (沈阳, 铁西区) or an address with a site.

    Whatever is written otherwise is the same here, and what cannot be read decides against a match.
    """
    codes = (
        (value,)
        if regions.find_region(value) is not None
        else regions.map_names_to_codes().get(compact_text(value), ())
    )
    if not codes:
        word = addresses.compare_addresses(value, site.address, site.region, (site.name,))
        return "same" if word == "form" else "other" if word == "unreadable" else word
    region = site.region or addresses.split_address(site.address)[0]
    return "region" if any(regions.overlap(code, region) for code in codes) else "other"
