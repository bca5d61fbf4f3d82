"""The list of a site of files: every institution by province, with what a script in the page looks for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import ClassVar

from litestar import Response

from public_site.responses import PageContext, PageRequest, get_register, make_frame, make_page_response
from registry.domain import english_places, regions
from registry.domain.model import Institution, Struct
from registry.domain.techniques import TECHNIQUES
from registry.search import pinyin
from registry.web.routes import route_get
from registry.web.standing import State, Tone, make_standing

#: What the script takes out of a question, too: static-search.js, ``fold``.
_DROPPED = re.compile(r"""[\s\-_.,;:·・'"()\[\]、，。；：（）【】〔〕－—]""")


class StaticRow(Struct, frozen=True, kw_only=True):
    """One institution: what is shown of it; ``key``: every text by which it is found, folded; ``techniques`` and
    ``stages`` of what is in force, ``region`` its code."""

    code: str
    name: str
    name_en: str | None
    address: str
    state: State
    tone: Tone
    key: str
    techniques: str
    stages: str
    region: str


class StaticGroup(Struct, frozen=True, kw_only=True):
    """The institutions of a province; an empty code: of no known place."""

    code: str
    rows: list[StaticRow]


class StaticSearchPage(PageContext, frozen=True, kw_only=True):
    """The list; ``words``: techniques as people call them, word=code, parted by |; ``places``: of where there are
    institutions, folded name=first digits of its codes, parted by commas."""

    template: ClassVar[str] = "static_search.html"
    section: ClassVar[str] = "home"
    count: int
    groups: list[StaticGroup]
    words: str
    places: str


@route_get("/search", "static_search")
def show_static_search(request: PageRequest) -> Response[str]:
    """Show every institution, to be searched by the reader's own machine."""
    register = get_register(request)
    asof = register.make_as_of_now()
    codes = [code.replace("-", "") for code in register.list_codes(asof)]
    groups = group_rows(map(make_row, register.list_institutions(codes, asof)))
    page = StaticSearchPage(
        count=len(codes),
        groups=groups,
        words=list_technique_words(),
        places=list_places(row.region for group in groups for row in group.rows),
        **make_frame(request),
    )
    return make_page_response(request, page)


def fold_key(text: str) -> str:
    """Fold a text as the script folds what is typed.

    >>> fold_key("鞍山市妇儿医院（Anshan）1－2")
    '鞍山市妇儿医院anshan12'
    """
    return _DROPPED.sub("", unicodedata.normalize("NFKC", text).lower())


def make_row(institution: Institution) -> StaticRow:
    """Make the row of one institution."""
    region, standing = institution.region, make_standing(institution)
    in_force = [approval for approval in institution.approvals if approval.standing == "in_force"]
    texts = [
        *(institution.name, institution.name_en, institution.address, institution.code, *institution.aliases),
        *(former.name for former in institution.former_names),
        *(region.province, region.city, region.district, *english_places.list_english_names(region)),
        pinyin.read_initials(pinyin.to_atoms(institution.name)),
    ]
    return StaticRow(
        code=institution.code,
        name=institution.name,
        name_en=institution.name_en,
        address=institution.address,
        state=standing.state,
        tone=standing.tone,
        key="|".join(dict.fromkeys(fold_key(text) for text in texts if text)),
        techniques=" ".join(approval.technique for approval in in_force),
        stages=" ".join(dict.fromkeys(approval.stage for approval in in_force)),
        region=region.code or "",
    )


def group_rows(rows: Iterable[StaticRow]) -> list[StaticGroup]:
    """Group rows by province, in the order of the codes; those of no known place last."""
    groups: dict[str, list[StaticRow]] = {}
    for row in rows:
        groups.setdefault(row.region[:2] + "0000" if row.region else "", []).append(row)
    ordered = sorted(groups, key=lambda code: (not code, code))
    return [StaticGroup(code=code, rows=groups[code]) for code in ordered]


def list_places(codes: Iterable[str]) -> str:
    """List the names of the places that institutions are in, longest first.

    >>> list_places(["210303", "210106"]).split("|")[-3:]
    ['辽宁=21', '铁西=210106,210303', '鞍山=2103']
    """
    found: dict[str, set[str]] = {}
    for code in {code[:digits].ljust(6, "0") for code in codes if code for digits in (2, 4, 6)}:
        region = regions.find_region(code)
        name = region and (region.district or region.city or region.province)
        names = [*regions.list_forms(name or ""), english_places.find_english_name(code) or ""]
        for key in filter(None, map(fold_key, names)):
            found.setdefault(key, set()).add(regions.get_prefix(code))
    ordered = sorted(found, key=lambda key: (-len(key), key))
    return "|".join(f"{key}={','.join(sorted(found[key]))}" for key in ordered)


def list_technique_words() -> str:
    """List the words for techniques, longest first, so that a part of one never takes its place."""
    words = {
        word: technique.code
        for technique in reversed(TECHNIQUES)  # of a word for several the first counts, which the others need, too
        for word in (*technique.said, technique.plain_zh, technique.plain_en)
    }
    return "|".join(f"{word}={words[word]}" for word in sorted(words, key=len, reverse=True))
