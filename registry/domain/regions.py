"""Places in GB/T 2260: a code's names, an address's place, what lies below a place.

Source: seed_data/regions (its source.toml says where from). A division that was abolished or renamed stays resolvable,
so that an old address keeps its place; :func:`list_children` lists only what exists today.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from registry.domain.model import Region, Struct
from registry.domain.normalise import compact_text
from registry.domain.word_lengths import index_lengths

_FOLDER = Path(__file__).parents[2] / "seed_data" / "regions"
_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
_PEOPLES = (
    "[回藏苗彝壮满侗瑶白黎傣畲羌水土怒京]族|各族|(?:朝鲜|蒙古|哈萨克|柯尔克孜|塔吉克|锡伯|维吾尔|土家|布依|哈尼|傈僳|景颇|拉祜|佤|纳西|仡佬"
    "|仫佬|毛南|裕固|保安|东乡|撒拉|达斡尔|鄂温克|鄂伦春|独龙|普米|布朗|赫哲|俄罗斯)族?"
)
_SELF_GOVERNING = re.compile(f"(.{{2,}}?)(?:{_PEOPLES})*自治[区州县旗]")
_SUFFIXED = re.compile("(.{2,}?)(?:特别行政区|地区|新区|林区|矿区|特区|省|市|盟|区|县|旗)")
#: Characters of the longest name looked for in free text.
_LONGEST_NAME = 16


class AddressRegion(Struct, frozen=True):
    """The place an address states for certain, and what follows it.

    ``disagrees``: the address names a place outside the province given beside it.
    """

    code: str | None
    rest: str
    disagrees: bool = False


class _RegionName(NamedTuple):
    """One name a code has or had; ``target`` is the code the name means today, itself when it has no successor."""

    code: str
    name: str
    until: str
    target: str


class _RegionTable(NamedTuple):
    current_names: dict[str, str]
    latest_names: dict[str, str]
    rows_by_name: dict[str, list[_RegionName]]
    name_lengths: dict[str, tuple[int, ...]]  # of the names that begin with a character, longest first


@cache
def _load_table() -> _RegionTable:
    with (_FOLDER / "regions.csv").open(encoding="utf-8", newline="") as file:
        lines = [(code, name, until) for code, name, until in csv.reader(file)][1:]
    current = {code: name for code, name, until in lines if not until}
    names = {code: name for code, name, _ in sorted(lines, key=lambda line: line[2] or "9999")}
    namesakes: dict[str, list[str]] = {}
    for code, name in current.items():
        namesakes.setdefault(name, []).append(code)
    rows: dict[str, list[_RegionName]] = {}
    for code, name, until in lines:
        target = _get_current_code(code, name, names, namesakes) if until else code
        rows.setdefault(name, []).append(_RegionName(code, name, until, target))
    return _RegionTable(current, names, rows, index_lengths(rows))


def _get_current_code(code: str, name: str, names: dict[str, str], namesakes: dict[str, list[str]]) -> str:
    """The code an old row's name has now: its one namesake in the city, or for all but 区 in the province."""
    same_province = [c for c in namesakes.get(name, ()) if c[:2] == code[:2]]
    city = _strip_kind_word(names.get(code[:4] + "00", ""))
    same_city = [c for c in same_province if city is not None and city == _strip_kind_word(names.get(c[:4] + "00", ""))]
    candidates = same_city or ([] if name.endswith("区") else same_province)
    return candidates[0] if len(candidates) == 1 else code


@cache
def _strip_kind_word(name: str) -> str | None:
    """A name without the word for its kind: 延边朝鲜族自治州 -> 延边; None when less than two characters remain."""
    found = _SELF_GOVERNING.fullmatch(name) or _SUFFIXED.fullmatch(name)
    return found[1] if found else None


def _is_province(code: str) -> bool:
    return code.endswith("0000")


def _is_city(code: str) -> bool:
    """A prefecture, or a county-level place directly under its province (仙桃), which stands at the same level."""
    return not _is_province(code) and (code.endswith("00") or code[2:4] in ("90", "00"))


def get_prefix(code: str) -> str:
    """The digits all codes at or below ``code`` share: 210000 -> 21, 210300 -> 2103, 429004 -> 429004."""
    if _is_province(code):
        return code[:2]
    return code[:4] if code.endswith("00") else code


def is_inside(code: str | None, region: str) -> bool:
    """Whether a place lies in a region or is it; False for an unknown place.

    >>> is_inside("210303", "210300"), is_inside("210000", "210300"), is_inside(None, "210000")
    (True, False, False)
    """
    return code is not None and code.startswith(get_prefix(region))


def overlap(one: str | None, other: str | None) -> bool:
    """Whether one of two places lies in the other, or may: an unknown place contradicts nothing.

    >>> overlap("210000", "210303"), overlap("210300", "210400"), overlap("210300", None)
    (True, False, True)
    """
    return one is None or other is None or is_inside(one, other) or is_inside(other, one)


@cache
def _load_successors() -> dict[str, tuple[str, ...]]:
    with (_FOLDER / "successors.csv").open(encoding="utf-8", newline="") as file:
        lines = [(code, successor) for code, successor, _ in csv.reader(file)][1:]
    found: dict[str, tuple[str, ...]] = {}
    for code, successor in lines:
        found[code] = (*found.get(code, ()), successor)
    return found


@lru_cache(maxsize=8192)
def list_successors(code: str) -> frozenset[str]:
    """List the places where the land of a place lies today, itself first of all.

    What was split has several, of what was merged several have the same; what was abolished and has none on record
    lies somewhere in its city.

    >>> sorted(list_successors("330104")), sorted(list_successors("410504")), sorted(list_successors("210303"))
    (['330102', '330104', '330114'], ['410500', '410504'], ['210303'])
    """
    found, ahead = {code}, [code]
    while ahead:
        following = _load_successors().get(ahead.pop(), ())
        ahead += [successor for successor in following if successor not in found]
        found.update(following)
    if len(found) == 1 and code not in _load_table().current_names and not code.endswith("00"):
        found.add(code[:4] + "00")
    return frozenset(found)


@lru_cache(maxsize=16_384)
def may_overlap(one: str | None, other: str | None) -> bool:
    """Whether two places overlap, or one lies where the other went to when it was split, merged or renamed.

    >>> may_overlap("330103", "330105"), may_overlap("330103", "330102"), may_overlap("140213", "140202")
    (True, False, True)
    """
    if one is None or other is None or overlap(one, other):
        return True
    return any(overlap(now, other) for now in list_successors(one)) or any(
        overlap(one, now) for now in list_successors(other)
    )


@lru_cache(maxsize=8192)
def find_region(code: str) -> Region | None:
    """The names of a code, abolished ones too; None when GB/T 2260 never had it.

    A municipality is its own city (北京市, 海淀区); a county directly under its province is a city (仙桃市).
    """
    names = _load_table().latest_names
    municipality = code[:2] in _MUNICIPALITIES
    if code not in names and not (municipality and code[2:] in ("0100", "0200")):
        return None
    city = names[code[:2] + "0000"] if municipality else None
    if city is None and not _is_province(code):
        city = names[code if _is_city(code) else code[:4] + "00"]
    district = None if _is_province(code) or _is_city(code) else names[code]
    return Region(code=code, province=names[code[:2] + "0000"], city=city, district=district)


def list_children(code: str | None) -> list[tuple[str, str]]:
    """The divisions of today right below, as (code, name); the provinces for None."""
    return list(_select_children(code))


@lru_cache(maxsize=4096)
def _select_children(code: str | None) -> tuple[tuple[str, str], ...]:
    current = _load_table().current_names
    if code is None:
        return tuple((c, name) for c, name in current.items() if _is_province(c))
    below = ((c, name) for c, name in current.items() if _is_below(c, code))
    cities_only = _is_province(code) and code[:2] not in _MUNICIPALITIES
    return tuple((c, name) for c, name in below if _is_city(c) or not cities_only)


def _is_below(code: str, known: str) -> bool:
    return code != known and is_inside(code, known)


@lru_cache(maxsize=1024)
def list_codes_within(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Every code of today or earlier, at or below any of these."""
    known = {*_load_table().latest_names, *(f"{two}{below}" for two in _MUNICIPALITIES for below in ("0100", "0200"))}
    prefixes = tuple(get_prefix(code) for code in codes)
    return tuple(sorted(code for code in known if code.startswith(prefixes)))


# --- addresses -------------------------------------------------------------------------------------------------------


class _Step(NamedTuple):
    """A place reached by reading: the rows it may be (one target), and the position after its name."""

    rows: list[_RegionName]
    end: int


def resolve_address(address: str, province: str | None = None) -> AddressRegion:
    """The most precise place the address states, never a guess; ``province`` is what its list says beside it.

    Names are read from the start, official names in full; province and city also without their last word when a full
    name below confirms them (辽宁沈阳沈河区). A level left out is filled in only when the next name is unique there.
    """
    text = compact_text(address)
    listed = _find_province(province)
    first = _match_full_name(text, 0, None, provinces_only=True)
    if first is not None:
        code, end = _walk_down(text, first)
        return AddressRegion(
            code=code, rest=text[end:], disagrees=listed is not None and listed.code != code[:2] + "0000"
        )
    step = _match_next_name(text, 0, [listed.code]) if listed is not None else None
    step = step or _match_next_name(text, 0, None)
    if step is not None and (listed is None or step.rows[0].target.startswith(get_prefix(listed.code))):
        code, end = _walk_down(text, step)
        return AddressRegion(code=code, rest=text[end:])
    return AddressRegion(code=listed.code if listed else None, rest=text, disagrees=step is not None)


@lru_cache(maxsize=1024)
def _find_province(province: str | None) -> _RegionName | None:
    wanted = compact_text(province or "")
    provinces = (row for rows in _load_table().rows_by_name.values() for row in rows if _is_province(row.code))
    return next((row for row in provinces if wanted in (row.name, _strip_kind_word(row.name))), None)


def find_province_code(name: str) -> str | None:
    """The code of a province by its official name, or that name without its last word; None for anything else."""
    found = _find_province(name)
    return found.code if found else None


def _walk_down(text: str, step: _Step) -> tuple[str, int]:
    """Go down from a place as far as the text says; (code, position after the last region word)."""
    starts = [0]
    end = _skip_repeats(text, step)
    while not _is_leaf(step.rows):
        following = _match_next_name(text, end, [row.code for row in step.rows])
        if following is None:
            break
        step = following
        starts.append(end)
        end = _skip_repeats(text, step)
    for start in starts:  # printed twice: the whole run, or its tail (通辽市科尔沁区通辽市科尔沁区)
        name = text[start : step.end]
        if name and text.startswith(name, end):
            return step.rows[0].target, end + len(name)
    return step.rows[0].target, end


def _is_leaf(rows: list[_RegionName]) -> bool:
    return not any(row.code.endswith("00") for row in rows)


def _skip_repeats(text: str, step: _Step) -> int:
    """The position after the step and after further copies of its own name, of its province's, and of 市辖区."""
    row, end = step.rows[0], step.end
    if end == 0 or _is_leaf(step.rows):
        return end
    repeats = (row.name, _load_table().latest_names[row.code[:2] + "0000"], "市辖区")
    while word := next((word for word in repeats if text.startswith(word, end)), None):
        end += len(word)
    return end


def _match_next_name(text: str, start: int, known: list[str] | None) -> _Step | None:
    return _match_full_name(text, start, known) or _match_short_name(text, start, known)


def _match_full_name(text: str, start: int, known: list[str] | None, provinces_only: bool = False) -> _Step | None:
    """The longest official name at ``start`` below ``known``; None when there is none or several places have it."""
    table = _load_table()
    for length in table.name_lengths.get(text[start : start + 1], ()):
        rows = table.rows_by_name.get(text[start : start + length], ())
        fits = [row for row in rows if known is None or any(_is_below(row.code, k) for k in known)]
        if provinces_only:
            fits = [row for row in fits if _is_province(row.code)]
        if fits and start + length <= len(text):
            return _Step(fits, start + length) if len({row.target for row in fits}) == 1 else None
    return None


def _match_short_name(text: str, start: int, known: list[str] | None) -> _Step | None:
    """A province or city without its last word that a full name below confirms; None unless exactly one chain does."""
    chains: dict[str, _Step] = {}
    for length in range(2, 8):
        for row in _map_short_names().get(text[start : start + length], ()):
            if known is None or any(_is_below(row.code, k) for k in known):
                step = _match_next_name(text, start + length, [row.code])
                if step is not None:
                    chains[step.rows[0].target] = step
    return next(iter(chains.values())) if len(chains) == 1 else None


@cache
def _map_short_names() -> dict[str, list[_RegionName]]:
    """Provinces and cities by their names without the last word; an autonomous prefecture also as 延边州."""
    stems: dict[str, list[_RegionName]] = {}
    for row in (row for rows in _load_table().rows_by_name.values() for row in rows):
        stem = _strip_kind_word(row.name) if row.code.endswith("00") else None
        if stem is not None:
            for form in (stem, stem + "州") if row.name.endswith("自治州") else (stem,):
                stems.setdefault(form, []).append(row)
    return stems


# --- ways to say a place ---------------------------------------------------------------------------------------------


@cache
def map_names_to_codes() -> dict[str, tuple[str, ...]]:
    """Every way to say a place, with its codes: today's first."""
    found: dict[str, dict[str, None]] = {}
    everything = [row for rows in _load_table().rows_by_name.values() for row in rows]
    for row in sorted(everything, key=lambda row: (row.until != "", row.target)):
        stem = _strip_kind_word(row.name)
        for form in (row.name, stem, stem + "州" if stem and row.name.endswith("自治州") else None):
            if form is not None:
                found.setdefault(form, {})[row.target] = None
    return {form: tuple(codes) for form, codes in found.items()}


def list_place_names() -> list[str]:
    """Every way to say any place."""
    return list(map_names_to_codes())


def find_places(text: str) -> list[tuple[int, int, str]]:
    """Places named in free text as (start, end, code), longest first; one tuple for each code a name may mean.

    Names count with or without their last word (鞍山市, 鞍山). Positions are those of ``text`` as given.
    """
    spans = sorted(_find_spans(text), key=lambda span: (span[0] - span[1], span[0]))
    codes = map_names_to_codes()
    return [(start, end, code) for start, end in spans for code in codes[text[start:end]]]


@cache
def _index_lengths() -> dict[str, tuple[int, ...]]:
    return index_lengths(name for name in map_names_to_codes() if 1 < len(name) <= _LONGEST_NAME)


def _find_spans(text: str) -> Iterator[tuple[int, int]]:
    names, lengths, reached = map_names_to_codes(), _index_lengths(), 0
    for start in range(len(text) - 1):
        ends = [start + length for length in lengths.get(text[start], ()) if start + length <= len(text)]
        end = next((end for end in ends if text[start:end] in names), 0)
        if end > reached:  # not inside a place already named
            yield start, end
            reached = end


@lru_cache(maxsize=8192)
def list_forms(name: str) -> tuple[str, ...]:
    """The ways to write one official name: 沈阳市, 沈阳; 黔东南苗族侗族自治州, 黔东南, 黔东南州."""
    stem = _strip_kind_word(name)
    return (name, *((stem, stem + "州") if name.endswith("自治州") else (stem,))) if stem else (name,)


def find_name_at_start(text: str) -> tuple[str, list[str]] | None:
    """Find the longest official name a text begins with, and the codes it may mean."""
    table = _load_table()
    for length in table.name_lengths.get(text[:1], ()):
        if rows := table.rows_by_name.get(text[:length]):
            return text[:length], list(dict.fromkeys(row.target for row in rows))
    return None


def list_region_names(code: str, name: str) -> list[str]:
    """The ways to say a division: its official name, and that without the word for its kind."""
    return [
        form
        for form in (name, _strip_kind_word(name))
        if form is not None and code in map_names_to_codes().get(form, ())
    ]
