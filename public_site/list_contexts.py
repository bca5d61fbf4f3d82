"""What the page of an uploaded list is given."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from public_site.contexts import PageContext
from registry.domain import model
from registry.domain.model import Struct
from registry.web.standing import Tone


class ListRow(Struct, frozen=True, kw_only=True):
    """One row of an uploaded list: who was asked about, in the list's words; no answer where there could be none."""

    number: int
    asked: str
    sentence: str
    answer: model.Answer | None = None
    tone: Tone = "unlisted"


class ListPage(PageContext, frozen=True, kw_only=True):
    """The answers to an uploaded list: counts and the first rows; or why it could not be read."""

    template: ClassVar[str] = "checklist.html"
    section: ClassVar[str] = "check"
    noindex: ClassVar[bool] = True
    most: int
    error: str | None = None
    name: str = ""
    rows: tuple[ListRow, ...] = ()
    total: int = 0
    unanswered: int = 0
    counts: tuple[tuple[model.VerdictWord, Tone, int], ...] = ()
    known_at: dt.datetime | None = None
    log_size: int = 0
