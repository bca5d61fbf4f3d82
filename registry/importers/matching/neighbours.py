"""Pairs among the parties that other rules left over: surely one institution, or worth a person's look."""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import Indel

from registry.domain import regions
from registry.domain.model import Struct
from registry.domain.normalise import fold_text
from registry.importers.matching import organisations
from registry.importers.matching.organisations import Doubt, DoubtRule, Party
from registry.texts import Message

#: How alike (0 to 100) two names must be to be shown to a person.
ALIKE = 72.0
#: How alike two streets must be for a doubt, and how many doubts an institution may raise by names and by streets.
ALIKE_STREET, MOST_DOUBTS = 85.0, 5
#: How alike names and streets must be to count as one institution; numbers and kinds must agree too.
SURELY_ALIKE_NAME, SURELY_ALIKE_STREET = 85.0, 78.0
#: Words that make two institutions of one city different whatever else is alike.
_KINDS = (
    *("妇婴", "妇幼", "妇产", "妇儿", "儿童", "中医", "口腔", "肿瘤"),
    *("分院", "院区", "东院", "西院", "南院", "北院", "中心"),
)
#: Additions that make two names or streets different: 城北, 东街, 男科, 新院, 二院, B.
_TELLING = re.compile("[东西南北中新老旧左右上下内外男女儿妇幼婴产总分甲乙丙丁a-z0-9]")
#: Where all else agrees 夷陵大道 is 夷陵路, and 人民大街 is 人民街; a 路 is no 街.
_ROADS = (("大道", "路"), ("大街", "街"))
#: Characters of the shortest distinctive word, and how many institutions may share one.
SHORTEST, MOST_SHARING = 2, 5
_GENERIC = re.compile(
    "人类辅助生殖|辅助生殖|计划生育|计生委?|卫生|人口|人民|妇女|儿童|妇幼|妇婴|妇儿|妇产|妇科|产科|母婴|保健|健康|生殖|生育|不孕|不育|优生|优育|遗传|医学|医疗"
    "|医科|中医药?|中西医|结合|综合|专科|大学|学院|附属|直属|省立|市立|第[一二三四五六七八九十\\d]+|科学|技术|研究|服务|中心|总医院|医院|分院|院区|[东西南北]院|门诊部?|诊所"
    "|精子库|集团|股份|有限|责任|公司|解放军|联勤|保障|部队|军区|陆军|海军|空军|原|院|所|部|科|\\d+"
)
_LEVEL = re.compile("(?:省|市|区|县|旗|州|盟|自治[区州县旗]|特别行政区|地区)$")
#: The keys of a party's names, or of its street.
Keys = Callable[[Party], list[Hashable]]


class NearPair(Struct, frozen=True):
    """Two parties alike (0 to 100) in name or street, or that share a distinctive ``word`` or a ``road``."""

    known: Party
    listed: Party
    name: float
    street: float
    word: bool = False
    road: bool = False


def find_neighbours(known: Iterable[Party], listed: Iterable[Party], keys: Keys) -> list[NearPair]:
    """The pairs worth a look, compared city by city: two wholly different lists of 100,000 must not take hours.

    ``keys`` are the names of a party: those who share one are worth a look whatever else differs.
    """
    known, listed = [*known], [*listed]
    by_city: dict[str, list[Party]] = defaultdict(list)
    for party in known:
        by_city[party.city].append(party)
    found = []
    for party in listed:
        # A city is compared with itself, and with those of which only the province is known.
        in_province = (city for city in by_city if city.startswith(party.province))
        for city in [party.city, party.province] if len(party.city) == 4 else [*in_province]:
            found += _find_similar(party, by_city.get(city, []))
    for pairs in (_find_by_name(known, listed, keys), _find_by_road(known, listed), _find_by_word(known, listed)):
        seen = {(n.known.key, n.listed.key) for n in found}
        found += [n for n in pairs if (n.known.key, n.listed.key) not in seen]
    return found


def _find_similar(party: Party, others: list[Party]) -> list[NearPair]:
    names = process.extract(
        party.name_key, [p.name_key for p in others], scorer=fuzz.ratio, score_cutoff=ALIKE, limit=MOST_DOUBTS
    )
    streets = process.extract(
        party.site, [p.site for p in others], scorer=fuzz.ratio, score_cutoff=ALIKE, limit=MOST_DOUBTS
    )
    near = [
        NearPair(
            known=others[i],
            listed=party,
            name=fuzz.ratio(party.name_key, others[i].name_key),
            street=_compare_streets(party.site, others[i].site),
        )
        for i in dict.fromkeys(position for _, _, position in [*names, *streets])
    ]
    return [n for n in near if n.name >= ALIKE or n.street >= ALIKE_STREET]


def _compare_streets(a: str, b: str) -> float:
    # 沙坪坝高滩岩正街30号 and 高滩岩正街30号: the short name of a district is not split off the street
    shorter, longer = sorted((a, b), key=len)
    return 99.0 if len(shorter) >= 6 and longer.endswith(shorter) else fuzz.ratio(a, b)


def _find_pairs_by_key(known: list[Party], listed: list[Party], keys: Keys) -> Iterator[tuple[Party, Party]]:
    """Pairs that share a key which few have."""
    by_key: dict[Hashable, list[Party]] = defaultdict(list)
    for party in known:
        for key in keys(party):
            by_key[key].append(party)
    for party in listed:
        for key in keys(party):
            others = by_key.get(key, ())
            for other in others if len(others) <= MOST_DOUBTS else ():
                yield other, party


def _find_by_name(known: list[Party], listed: list[Party], keys: Keys) -> Iterator[NearPair]:
    """Pairs that share one of their names, be it the one in a bracket.

    In another city only where the name begins with a place of its province (海南省妇幼保健院): others have namesakes
    everywhere.
    """
    for a, b in dict.fromkeys(_find_pairs_by_key(known, listed, keys)):
        if organisations.may_share_city(a, b) or organisations.has_place_prefix(b.name, b.province):
            yield NearPair(known=a, listed=b, name=100.0, street=fuzz.ratio(a.site, b.site))


def _find_by_road(known: list[Party], listed: list[Party]) -> Iterator[NearPair]:
    """Pairs on one road: a hospital may have been renamed while its street was numbered anew."""

    def list_road_keys(party: Party) -> list[Hashable]:
        road = organisations.find_road(party) if organisations.has_known_city(party) else ""
        return [(party.city, road)] if road else []

    for a, b in dict.fromkeys(_find_pairs_by_key(known, listed, list_road_keys)):
        if organisations.is_on_one_road(a, b):
            yield NearPair(known=a, listed=b, name=0.0, street=fuzz.ratio(a.site, b.site), road=True)


def _find_by_word(known: list[Party], listed: list[Party]) -> Iterator[NearPair]:
    """Pairs of one city whose names share a distinctive word: 沈阳东方医疗集团菁华医院, 沈阳菁华医院有限公司."""
    cities = [defaultdict[str, list[Party]](list) for _ in range(2)]
    for side, by_city in zip((known, listed), cities, strict=True):
        for party in side:
            if len(party.city) == 4:
                by_city[party.city].append(party)
    for city, named in cities[1].items():
        for a, b in _find_pairs_by_word(cities[0].get(city, []), named):
            yield NearPair(known=a, listed=b, name=0.0, street=0.0, word=True)


def _find_pairs_by_word(known: list[Party], listed: list[Party]) -> Iterable[tuple[Party, Party]]:
    """Pairs of which one's distinctive word is part of the other's, where few share it."""
    sides = [[(find_distinctive_word(party.name, party.region), party) for party in side] for side in (known, listed)]
    found: dict[tuple[Hashable, Hashable], tuple[Party, Party]] = {}
    for parts, wholes in ((0, 1), (1, 0)):
        by_word = defaultdict[str, list[Party]](list)
        for word, party in sides[wholes]:
            if word:
                by_word[word].append(party)
        for word, party in sides[parts]:
            for substring in _list_substrings(word):
                others = by_word.get(substring, ())
                for other in others if len(others) <= MOST_SHARING else ():
                    a, b = (party, other) if parts == 0 else (other, party)
                    found[a.key, b.key] = (a, b)
    return found.values()


@lru_cache(maxsize=16_384)
def find_distinctive_word(name: str, region: str | None = None) -> str:
    """A name, folded, without places and the words of every hospital: 菁华, 西囡, 恩泽; empty when nothing is left.

    It helps to find pairs that a person should look at, and is never a reason to take two for one.

    >>> find_distinctive_word("沈阳东方医疗集团菁华医院", "210102"), find_distinctive_word("沈阳市妇婴医院", "210103")
    ('东方菁华', '')
    """
    word = fold_text(name)
    found = regions.find_region(region) if region else None
    for place in (found.province, found.city, found.district) if found else ():
        if place:
            word = word.replace(fold_text(place), "").replace(fold_text(_LEVEL.sub("", place)), "")
    word = re.sub("[省市区县州]", "", _GENERIC.sub("", word))
    return word if len(word) >= SHORTEST else ""


def _list_substrings(word: str) -> set[str]:
    word = word[:16]
    return {word[i:j] for i in range(len(word)) for j in range(i + SHORTEST, len(word) + 1)}


# --- surely alike ----------------------------------------------------------------------------------------------------


def select_sure_pairs(near: list[NearPair]) -> list[NearPair]:
    """Pairs that are one institution written a little differently at one address, where neither has another such."""
    same = [n for n in near if _is_same_institution(n)]
    return [n for n in same if sum(n.known is m.known or n.listed is m.listed for m in same) == 1]


def _is_same_institution(near: NearPair) -> bool:
    a, b = near.known, near.listed
    if (
        _list_numbers(a) != _list_numbers(b)
        or _list_kinds(a) != _list_kinds(b)
        or not organisations.may_share_site(a, b)
    ):
        return False
    names = [_remove_places(party) for party in (a, b)]
    if a.site == b.site and len(a.site) >= 4 and organisations.has_known_city(a) and organisations.has_known_city(b):
        return bool(near.name >= SURELY_ALIKE_NAME or names[0] == names[1]) and _has_only_additions(*names)
    streets = [_normalise_road(party.site) for party in (a, b)]
    alike = near.name >= SURELY_ALIKE_NAME and near.street >= SURELY_ALIKE_STREET
    return alike and _has_only_additions(*names) and _has_only_additions(*streets)


def _has_only_additions(a: str, b: str) -> bool:
    """Whether one is the other with additions, none of which makes it another institution or street."""
    shorter, longer = sorted((a, b), key=len)
    edits = Indel.editops(shorter, longer)
    if any(edit.tag == "delete" for edit in edits):
        return False
    return not any(_TELLING.match(longer[edit.dest_pos]) for edit in edits)


def _normalise_road(site: str) -> str:
    for long, short in _ROADS:
        site = site.replace(long, short)
    return site


def _remove_places(party: Party) -> str:
    """The name without the places of its address, which only some lists print before it."""
    name, place = party.name_key, regions.find_region(party.region) if party.region else None
    for word in (place.province, place.city, place.district) if place else ():
        name = name.replace(fold_text(word), "") if word else name
    return name


def _list_numbers(party: Party) -> list[str]:
    return re.findall(r"\d+", party.name_key) + re.findall(r"\d+", party.site)


def _list_kinds(party: Party) -> list[str]:
    return [kind for kind in _KINDS if kind in party.name]


# --- doubts ----------------------------------------------------------------------------------------------------------

_DOUBTS: dict[DoubtRule, Message] = {
    "same_uscc": Message("统一社会信用代码相同，名称和地点都不同"),
    "earlier_name": Message("名称是其曾用名"),
    "earlier_address": Message("地址是其曾用地址"),
    "known_as": Message("名称是其俗称"),
    "shared_word": Message("名称中有相同的字号"),
    "similar_name": Message("名称相近，地址不同"),
    "similar_address": Message("地址相近，名称不同"),
}


def make_doubt(near: NearPair) -> Doubt:
    """The doubt about a pair, with the reason for people."""
    rule: DoubtRule = "shared_word" if near.word else "similar_name" if near.name >= ALIKE else "similar_address"
    return make_rule_doubt(rule, near.known, near.listed)


def make_rule_doubt(rule: DoubtRule, known: Party, listed: Party) -> Doubt:
    """The doubt that a rule raises about a pair, with the reason for people."""
    why, why_en = _DOUBTS[rule].get_both()
    return Doubt(known=known, listed=listed, rule=rule, why=why, why_en=why_en)
