"""What one placard says, and the papers and languages there are; ``placards`` draws it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, get_args

import msgspec

from registry.credentials.credential import Credential
from registry.domain.model import Practitioner, Struct

Level = Literal["L", "M", "Q", "H"]
Paper = Literal["a4", "a5", "sticker", "badge"]
Languages = Literal["zh", "en", "both"]
LEVELS: tuple[Level, ...] = get_args(Level)
PAPERS: tuple[Paper, ...] = get_args(Paper)
LANGUAGES: tuple[Languages, ...] = get_args(Languages)
#: On small prints the code is the address alone, so that its modules stay wide.
SMALL: frozenset[Paper] = frozenset({"sticker", "badge"})


class Placard(Struct, frozen=True):
    """What one placard says. ``text`` is that of its code; ``person`` and ``role`` are those of a badge."""

    credential: Credential
    text: str
    level: Level
    person: str | None = None
    role: str | None = None


def make_badges(placards: Iterable[Placard], list_people: Callable[[str], Iterable[Practitioner]]) -> list[Placard]:
    """Make one for each authorised person of the institutions; ``list_people``: those of a code."""
    return [
        msgspec.structs.replace(one, person=person.name, role=person.role)
        for one in placards
        for person in list_people(one.credential.code)
        if person.name is not None
    ]
