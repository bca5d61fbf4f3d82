"""An institution chosen in a form: by its code, or by its name; where several may be meant, a person chooses."""

from __future__ import annotations

from registry.domain.identifiers import format_code, is_code_rather_than_name
from registry.domain.model import Institution
from registry.institutions.result import SearchRequest
from registry.staff.desk import Desk

#: Institutions offered at once.
MOST = 8


def list_named_institutions(desk: Desk, text: str) -> list[Institution]:
    """List the institutions that a name means: those that are called so, else those that a search finds; none for a
    code."""
    if not text or is_code_rather_than_name(text) or text.isascii():
        return []
    result = desk.register.search_institutions(SearchRequest(q=text), desk.register.make_as_of_now(), limit=MOST)
    found = [hit.institution for hit in result.items]
    return [one for one in found if text in (one.name, *one.aliases)] or found


def find_institution_code(desk: Desk, text: str) -> str:
    """Return the code of the one institution that is called so; any other text as it is."""
    own = [one for one in list_named_institutions(desk, text) if text in (one.name, *one.aliases)]
    return format_code(own[0].code) if len(own) == 1 else text
