"""A list beside the register, institution by institution: who is who by which rule, and who may be one."""

from __future__ import annotations

from typing import Any

from registry.importers.identity import Why
from registry.importers.known import Known
from registry.importers.rows import ListedInstitution
from registry.model import Struct


class Matched(Struct, frozen=True):
    """One institution of a list, and which of the register it is by which rule; ``known`` None: a new one.

    ``statement`` is what the list states of it, path by path.
    """

    listed: ListedInstitution
    known: Known | None
    why: Why | None
    statement: dict[str, Any]


class Doubtful(Struct, frozen=True):
    """Two that may be one, and why somebody has to look: ``why`` in Chinese and English."""

    listed: ListedInstitution
    known: Known
    why: str
    why_en: str
