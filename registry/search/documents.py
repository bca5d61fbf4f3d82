"""From records to documents: what is made searchable of an institution."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlalchemy as sa

from registry.domain import regions
from registry.domain.normalise import fold_text
from registry.records import timeline
from registry.records.view import decode_state
from registry.search import pinyin
from registry.search.engine import NameForm, SearchDocument
from registry.storage.tables import STILL_KNOWN, versions

#: Autonomous prefectures that are shortened to one character, as the rest are to the first word.
_PREFECTURES = {
    "巴音郭楞蒙古自治州": "巴州",
    "博尔塔拉蒙古自治州": "博州",
    "克孜勒苏柯尔克孜自治州": "克州",
    "伊犁哈萨克自治州": "伊犁州",
}
_BRACKET = re.compile(r"\s*[（(][^（）()]*[）)]\s*$")


def build_documents(connection: sa.Connection, subjects: list[str]) -> list[SearchDocument]:
    """Build one document per institution among ``subjects``, from everything now known of it."""
    query = (
        sa.select(versions.c.subject, versions.c.status, versions.c.state)
        .where(versions.c.subject.in_(subjects), versions.c.known_to == STILL_KNOWN)
        .order_by(versions.c.subject, versions.c.valid_from)
    )
    spans: dict[str, list[tuple[str, timeline.State]]] = {}
    for subject, status, state in connection.execute(query):
        spans.setdefault(subject, []).append((status, decode_state(state)))
    documents = [_make_document(subject, states) for subject, states in spans.items()]
    return [document for document in documents if document is not None]


def _make_document(subject: str, states: list[tuple[str, timeline.State]]) -> SearchDocument | None:
    values = [{path: fact.value for path, fact in timeline.collect_facts(state).items()} for _, state in states]
    now = values[-1]
    if "name" not in now or "address" not in now:
        return None
    taken: set[str] = set()
    region = regions.find_region(now.get("region") or "")
    printed = [now["name"], _strip_brackets(now["name"])]
    names = _make_forms(printed, taken)
    short = [_shorten_prefecture(name, region.city or "") for name in printed] if region else []
    aliases = _make_forms([*(now.get("aliases") or []), *short], taken)
    known_as = _make_forms(now.get("known_as") or [], taken)
    former = [name for value in values for name in (value.get("name"), *(value.get("aliases") or [])) if name]
    place = "".join(part or "" for part in (region.province, region.city, region.district)) if region else ""
    return SearchDocument(
        subject=subject,
        names=names,
        aliases=aliases,
        known_as=known_as,
        former=_make_forms([form for name in former for form in (name, _strip_brackets(name))], taken),
        place=fold_text(place + " " + now["address"]),
        region=now.get("region") or "",
        english=now.get("name_en") or "",
        listed=states[-1][0] != "delisted",
    )


def _strip_brackets(name: str) -> str:
    """Remove what stands in brackets at the end of a printed name: a second name, a campus, a form of ownership."""
    return _BRACKET.sub("", name)


def _shorten_prefecture(name: str, city: str) -> str:
    """Shorten the name of an autonomous prefecture in a name as everybody there does: 恩施州中心医院."""
    return (
        name.replace(city, _PREFECTURES.get(city) or regions.list_forms(city)[-1]) if city.endswith("自治州") else name
    )


def _make_forms(names: Iterable[str], taken: set[str]) -> tuple[NameForm, ...]:
    """Make the forms of the names that are not ``taken`` yet, and add them to ``taken``."""
    forms = []
    for name in names:
        text = fold_text(name)
        if text and text not in taken:
            taken.add(text)
            forms.append(NameForm(text=text, atoms=pinyin.to_atoms(name)))
    return tuple(forms)
