"""How the workspace speaks: the citizens' words, and those of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from markupsafe import Markup

from public_site import changed, render, voice
from public_site.changed import Said
from public_site.voice import Lang, Size, Voice
from registry import regions
from registry.editions.difference import Difference
from registry.editions.plan import Warned
from registry.facts import EditionFacts
from registry.identifiers import format_code
from registry.model import Date, Draft, Struct
from registry.records.asof import instant_at
from registry.records.history import FieldChange

HERE = Path(__file__).parent


class PlanReport(Struct, frozen=True):
    """What a proposal of an edition keeps for its approver."""

    difference: Difference
    warnings: list[Warned]


class StaffVoice(Voice):
    """Words of the workspace before those of the citizens' pages."""

    def catalogue(self) -> dict[str, dict[str, str]]:
        """Both catalogues."""
        return _words()

    def at(self, milliseconds: int) -> Markup:
        """An instant given in milliseconds since 1970."""
        return self.moment(instant_at(milliseconds))

    def dated(self, day: str) -> Markup:
        """A day as a report holds it, YYYY-MM-DD, in words."""
        return self.day(Date.fromisoformat(day))

    def stated(self, draft: Draft) -> list[tuple[Markup, Markup]]:
        """What a draft states, erases and gives as its reason, as (label, value)."""
        pairs = [(self.field(path), self.worded(path, value)) for path, value in draft.change.set.items()]
        pairs += [(self.field(path), self.t("proposal.erased")) for path in draft.change.erases]
        pairs.append((self.t("proposal.from"), self.day(draft.valid_from)))
        return pairs + ([(self.t("proposal.why"), self.data(draft.change.reason))] if draft.change.reason else [])

    def itself(self, draft: Draft) -> list[tuple[Markup, Markup]]:
        """What a draft states about an institution, as (label, value)."""
        said = self.rows([(path, None, value) for path, value in draft.change.set.items()])
        return [(one.label, self.t("proposal.nothing") if one.after is None else one.after) for one in said]

    def behind(self, views: dict[str, int]) -> Markup:
        """Those that are behind, each with by how many entries."""
        return self.listing(f"{name} {number}" for name, number in views.items() if number)

    def dashed(self, subject: str) -> str:
        """The public code of a subject."""
        return format_code(subject.partition(":")[2])

    def kind(self, kind: str) -> Markup:
        """What sort of proposal it is, by its word; one without a word by its own name."""
        key = f"proposal_kind.{kind}"
        return self.t(key) if key in self.catalogue() else self.code_text(kind)

    def field(self, path: str) -> Markup:
        """A field by its word; one without a word by its own name."""
        key, head, _, technique = f"field.{path}", *path.partition(".")
        if head == "approvals":
            return self.technique(technique)
        return self.t(key) if key in self.catalogue() else self.code_text(path)

    def rows(self, sides: Sequence[tuple[str, Any, Any]]) -> list[Said]:
        """(path, before, after) of an institution, line by line."""
        return [changed.change(self, FieldChange(field=path, from_=old, to=new)) for path, old, new in sides]

    def why(self, rule: str) -> Markup:
        """The rule by which two are one, in words; what is no rule's name stands as it is."""
        key = f"import_why.{rule}"
        return self.t(key) if key in self.catalogue() else self.data(rule)

    def edition(self, draft: Draft) -> EditionFacts:
        """What a draft about an edition states; its number also where it only withdraws it."""
        stated = {"number": int(draft.subject.partition(":")[2]), **draft.change.set}
        return msgspec.convert(stated, EditionFacts)

    def plan_report(self, report: Any) -> PlanReport | None:
        """What whoever proposed an edition was shown; None for a withdrawal."""
        return msgspec.convert(report, PlanReport) if isinstance(report, dict) and "difference" in report else None

    def worded(self, path: str, value: Any) -> Markup:
        """A value of a record as text, by the path it stands at."""
        if value is None:
            return self.t("proposal.nothing")
        if isinstance(value, bool):
            return self.t("proposal.yes" if value else "proposal.no")
        if path in ("techniques", "covers"):
            return self.listing(self.plain(one) for one in value)
        if path == "scope":
            return self.region(value) if regions.get(value) else self.t(f"import_new.scope_{value}")
        if path == "kind" and f"form.choice.{value}" in self.catalogue():
            return self.t(f"form.choice.{value}")
        return self.names(map(str, value)) if isinstance(value, list) else self.data(str(value))

    def region(self, code: str) -> Markup:
        """A region by its names; the whole country for none."""
        found = regions.get(code) if code else None
        return self.place(found.province, found.city, found.district) if found else self.t("accounts.everywhere")


@cache
def _words() -> dict[str, dict[str, str]]:
    return voice.words() | voice.words(HERE / "words.toml") | voice.words(HERE / "words_imports.toml")


def role_word(role: str, lang: Lang) -> str:
    """A role by its word."""
    return str(StaffVoice(lang).t(f"role.{role}"))


@cache
def environment(lang: Lang, size: Size) -> jinja2.Environment:
    """The templates of the workspace in one language and size."""
    return render.speaking(StaffVoice(lang, size), HERE / "templates")
