"""From records to documents: what is made searchable of an institution."""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlalchemy as sa

from registry import regions
from registry.records import timeline
from registry.records.view import decode_state
from registry.search import pinyin
from registry.search.contract import Document, Form
from registry.tables import STILL_KNOWN, versions
from registry.text import fold

_BRACKET = re.compile(r"\s*[（(][^（）()]*[）)]\s*$")


def documents(connection: sa.Connection, subjects: list[str]) -> list[Document]:
    """One document per institution among ``subjects``, from everything now known of it."""
    query = (
        sa.select(versions.c.subject, versions.c.status, versions.c.state)
        .where(versions.c.subject.in_(subjects), versions.c.known_to == STILL_KNOWN)
        .order_by(versions.c.subject, versions.c.valid_from)
    )
    spans: dict[str, list[tuple[str, timeline.State]]] = {}
    for subject, status, state in connection.execute(query):
        spans.setdefault(subject, []).append((status, decode_state(state)))
    found = [_document(subject, states) for subject, states in spans.items()]
    return [document for document in found if document is not None]


def _document(subject: str, states: list[tuple[str, timeline.State]]) -> Document | None:
    values = [{path: fact.value for path, fact in timeline.facts(state).items()} for _, state in states]
    now = values[-1]
    if "name" not in now or "address" not in now:
        return None
    taken: set[str] = set()
    names = _forms([now["name"], _base(now["name"])], taken)
    aliases = _forms(now.get("aliases") or [], taken)
    known_as = _forms(now.get("known_as") or [], taken)
    before = [name for value in values for name in (value.get("name"), *(value.get("aliases") or [])) if name]
    region = regions.get(now.get("region") or "")
    place = "".join(part or "" for part in (region.province, region.city, region.district)) if region else ""
    return Document(
        subject=subject,
        names=names,
        aliases=aliases,
        known_as=known_as,
        former=_forms([form for name in before for form in (name, _base(name))], taken),
        place=fold(place + " " + now["address"]),
        region=now.get("region") or "",
        listed=states[-1][0] != "delisted",
    )


def _base(name: str) -> str:
    """A printed name without what stands in brackets at its end: a second name, a campus, a form of ownership."""
    return _BRACKET.sub("", name)


def _forms(names: Iterable[str], taken: set[str]) -> tuple[Form, ...]:
    """The names that are not taken yet, folded and read aloud; they are taken then."""
    found = []
    for name in names:
        text = fold(name)
        if text and text not in taken:
            taken.add(text)
            found.append(Form(text=text, atoms=pinyin.atoms(name)))
    return tuple(found)
