"""The language of the workspace: the citizens' catalogue and its own, and the labels of forms."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import msgspec
from markupsafe import Markup, escape

from registry.accounts import RESERVED
from registry.domain import region_names, regions
from registry.domain.fields import BY_NAME
from registry.domain.identifiers import format_code
from registry.domain.model import Date, Draft, Struct
from registry.domain.schema import EditionFacts
from registry.domain.techniques import STAGES
from registry.editions.difference import EditionDifference
from registry.editions.plan import ListWarning
from registry.importers.matching.conflicts import IDENTITY
from registry.log.clock import from_milliseconds
from registry.proposals.draft_changes import DraftChange, ValuePair
from registry.proposals.verdict_days import VerdictLine
from registry.records.history import FieldChange
from registry.staff.forms.checks import Finding
from registry.staff.forms.compose import PathDifference
from registry.staff.forms.form_steps import FILE, FormStep
from registry.staff.forms.forms import ABOUT, CODES, WITHDRAWN, FormKind, list_own_fields
from registry.texts import has_text
from registry.web import page_templates, record_changes
from registry.web.i18n import Lang, Language, Size
from registry.web.record_changes import ChangeLine

HERE = Path(__file__).parent
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class PlanReport(Struct, frozen=True):
    """The report a proposal of an edition holds for its approver."""

    difference: EditionDifference
    warnings: list[ListWarning]


class StaffLanguage(Language):
    """The catalogue of the workspace before that of the citizens' pages."""

    def find_label(self, key: str) -> Markup | None:
        """Return the label of a key; None if the catalogue has none."""
        return self.translate(key) if has_text(key) else None

    def format_account(self, name: str) -> Markup:
        """Format the name of an account; what the register does by itself in words."""
        word = name.removeprefix(RESERVED)
        return (self.find_label(f"account_name.{word}") if word != name else None) or escape(name)

    def format_milliseconds(self, milliseconds: int) -> Markup:
        """Format an instant given in milliseconds since 1970."""
        return self.format_instant(from_milliseconds(milliseconds))

    def format_iso_day(self, day: str) -> Markup:
        """Format a day as a report holds it, YYYY-MM-DD."""
        return self.format_day(Date.fromisoformat(day))

    def describe_values(self, change: DraftChange, values: Sequence[ValuePair] | None = None) -> list[ChangeLine]:
        """Describe every value of a draft, or some of them, as recorded and as it would be, in full."""
        return [self._describe_value(change, value) for value in (change.values if values is None else values)]

    def _describe_value(self, change: DraftChange, value: ValuePair) -> ChangeLine:
        kind = change.draft.change.kind
        if kind == "institution":
            sides = FieldChange(field=value.path, from_=value.before, to=value.after)
            line = record_changes.describe_change(self, sides, full=True)
            label, before, after = self.get_listed_field_label(value.path), line.before, line.after
        else:
            own = self.find_label(f"edition_field.{value.path}") if kind == "edition" else None
            label = own or self.get_field_label(value.path)
            before, after = (self.format_recorded_value(value.path, side) for side in (value.before, value.after))
        if value.path in change.draft.change.erases:
            after = self.translate("proposal.erased")
        nothing = self.translate("proposal.nothing")
        return ChangeLine(label=label, before=before or nothing, after=after or nothing, differs=value.differs)

    def describe_verdict_line(self, line: VerdictLine) -> Markup:
        """Describe the question of a line of verdicts."""
        question = self.translate(f"outlook.{line.question}")
        if line.technique is None:
            return question
        technique = self.format_technique(line.technique)
        return technique if line.question == "technique" else self.translate("site.colon", label=question) + technique

    def get_verdict_label(self, question: str, word: str) -> Markup:
        """Return the words of the answer to a question."""
        if question == "technique":
            return self.translate(f"verdict.{word}.word")
        return self.translate(f"{'person' if question == 'practitioner' else 'certificate'}.{word}")

    def describe_lag(self, views: dict[str, int]) -> Markup:
        """List the views that are behind, each with by how many entries."""
        return self.format_list(f"{name} {number}" for name, number in views.items() if number)

    def format_subject_code(self, subject: str) -> str:
        """Return the public code of a subject."""
        return format_code(subject.partition(":")[2])

    def get_action_label(self, action: str) -> Markup:
        """Return the words for an action of the audit log, or its name if there are none."""
        return self.find_label(f"deed.{action}") or self.format_monospace(action)

    def get_kind_label(self, kind: str) -> Markup:
        """Return the label of a kind of proposal, or its name if it has none."""
        return self.find_label(f"proposal_kind.{kind}") or self.format_monospace(kind)

    def get_field_label(self, path: str) -> Markup:
        """Return the label of a field, or its path if it has none."""
        head, _, technique = path.partition(".")
        if head == "approvals":
            return self.format_technique(technique)
        return self.find_label(f"field.{path}") or self.format_monospace(path)

    def get_listed_field_label(self, path: str) -> Markup:
        """Return the label of a field of an institution as lists call it, or of a column that only a list has."""
        if path == "name":
            return self.translate(BY_NAME[path].label_key)
        if path in BY_NAME:
            return self.find_label(f"import_field.{path}") or self.translate(BY_NAME[path].label_key)
        return self.get_field_label(path.removeprefix("extra."))

    def get_use_label(self, use: str) -> Markup:
        """Return the label of what a column of a list is used for."""
        return self.find_label(f"import_use.{use}") or self.translate(BY_NAME[use].label_key)

    def describe_changes(self, sides: Sequence[tuple[str, Any, Any]]) -> list[ChangeLine]:
        """Describe (path, before, after) of an institution, line by line."""
        return [
            record_changes.describe_change(self, FieldChange(field=path, from_=old, to=new)) for path, old, new in sides
        ]

    def describe_conflict(self, line: dict[str, Any]) -> ChangeLine:
        """Describe the field of a conflict, with what is recorded and what the list states."""
        if line["field"] != IDENTITY:
            return self.describe_changes([(line["field"], line["recorded"], line["listed"])])[0]
        label = self.translate("import_conflicts.identity")
        after = self.translate("import_conflicts.new", name=self.mark_chinese(line["listed"]))
        return ChangeLine(label=label, before=self.mark_chinese(line["recorded"]), after=after, differs=True)

    def describe_rule(self, rule: str) -> Markup:
        """Describe the rule by which two were matched; what is no rule's name stands as it is."""
        return self.find_label(f"import_why.{rule}") or self.mark_chinese(rule)

    def read_edition_facts(self, draft: Draft) -> EditionFacts:
        """Return what a draft states about an edition; its number also if it only withdraws it."""
        facts = {"number": int(draft.subject.partition(":")[2]), **draft.change.set}
        return msgspec.convert(facts, EditionFacts)

    def read_plan_report(self, report: Any) -> PlanReport | None:
        """Return what whoever proposed an edition was shown; None for a withdrawal."""
        return msgspec.convert(report, PlanReport) if isinstance(report, dict) and "difference" in report else None

    def format_recorded_value(self, path: str, value: Any) -> Markup:
        """Format a value of a record, by its path."""
        if value is None:
            return self.translate("proposal.nothing")
        if isinstance(value, bool):
            return self.translate("proposal.yes" if value else "proposal.no")
        if isinstance(value, dict):
            return self.format_list(f"{self.get_plain_word(code)} {number}" for code, number in value.items())
        if path == "changes":
            return Markup("<br>").join(map(self.describe_list_change, value))
        if isinstance(value, list):
            is_coded = path in ("techniques", "covers", "revokes", "suspends")
            return self.format_list(map(self.get_plain_word, value)) if is_coded else self.format_names(map(str, value))
        return self._format_single_value(path, str(value))

    def _format_single_value(self, path: str, text: str) -> Markup:
        if path == "institution":
            return self.format_public_code(text.partition(":")[2])
        if path in ("scope", "region"):
            is_region = regions.find_region(text) is not None
            return self.format_region_code(text) if is_region else self.translate(f"import_new.scope_{text}")
        if path == "release":
            return self.format_instant(dt.datetime.fromisoformat(text))
        if path in CHOICE_PATHS and (label := self.find_label(f"form.choice.{text}")):
            return label
        return self.format_iso_day(text) if _DAY.fullmatch(text) else self.mark_chinese(text)

    def describe_list_change(self, change: dict[str, Any]) -> Markup:
        """Describe what was imported otherwise than a list as received has it."""
        return record_changes.describe_list_change(self, change)

    def list_single_changes(self) -> list[tuple[str, Markup]]:
        """List the fields of an institution that a form of one page changes, each with its name."""
        labels = FormLabels(self, "institution")
        return [(field.name, labels.get_label(field.name)) for field in list_own_fields("institution", new=False)]

    def list_place_candidates(self, text: str) -> list[str]:
        """List the names of the places that a text may mean; none for a code, or a text that can mean nothing."""
        codes = region_names.list_candidates(text) if text and regions.find_region(text) is None else []
        return [region_names.format_place(code) for code in codes]

    def format_place_input(self, text: str) -> str:
        """Return what an input holds for a place: the whole name of a code, any other text as it was typed."""
        return region_names.format_place(text) or text

    def format_region_code(self, code: str) -> Markup:
        """Format a region by its names; the whole country for none."""
        region = regions.find_region(code) if code else None
        return self.format_region(region) if region else self.translate("accounts.everywhere")


@cache
def build_environment(lang: Lang, size: Size) -> jinja2.Environment:
    """Build the templates of the workspace in one language and size."""
    return page_templates.bind_templates(StaffLanguage(lang, size), HERE / "templates")


#: Paths whose values are choices with a word for each.
CHOICE_PATHS = ("kind", "party", "inspection_kind", "result")


class FormLabels:
    """The labels of one kind of form."""

    def __init__(self, language: StaffLanguage, kind: FormKind) -> None:
        self.language = language
        self.kind = kind

    def get_label(self, field: str) -> Markup:
        """Return the label of a field."""
        if field == FILE:
            return self.language.translate("form.file")
        if field.startswith("stage."):
            return self.language.format_technique(field.partition(".")[2])
        name = field.partition(".")[0]
        return self._find_own_label(name) or self.language.translate(f"form.common.{name}")

    def get_step_title(self, step: FormStep) -> Markup:
        """Return the heading of a page of the form."""
        name, _, technique = step.name.partition("-")
        if technique:
            return self.language.translate("form.step.approval", technique=self.language.get_plain_word(technique))
        return self.language.translate(f"form.step.{name}")

    def find_label(self, field: str) -> Markup | None:
        """Return the label of a field, for a list of errors; None for what is no field of a form."""
        if field == FILE or field.startswith("stage."):
            return self.get_label(field)
        name = field.partition(".")[0]
        return self._find_own_label(name) or self.language.find_label(f"form.common.{name}")

    def _find_own_label(self, field: str) -> Markup | None:
        """Return the label of a field of this kind of form; of an institution's the name that pages have for it."""
        own = self.language.find_label(f"form.{self.kind}.{field}")
        if own is None and self.kind == "institution" and field in BY_NAME:
            return self.language.translate(BY_NAME[field].label_key)
        return own

    def get_hint(self, field: str) -> Markup | str:
        """Return the line under a label; empty for none."""
        field = field.partition(".")[0]
        own, common = f"form.{self.kind}.{field}_hint", f"form.common.{field}_hint"
        return self.language.find_label(own) or self.language.find_label(common) or ""

    def get_choice_label(self, field: str, value: str) -> Markup:
        """Return the label of a choice of a field."""
        if not value:
            return self.language.translate("form.choice.none" if field.startswith("stage.") else "form.choice.choose")
        if value in CODES:
            return self.language.format_technique(value)
        if value == WITHDRAWN:
            return self.language.translate("form.choice.withdrawn")
        if value in STAGES and (field == "stage" or field.startswith("stage.")):
            return self.language.translate("stage.operating_short" if value == "operating" else f"stage.{value}")
        if field == "status":
            return self.language.translate(f"history.{value}")
        return self.language.find_label(f"form.choice.{value}") or self.language.mark_chinese(value)

    def format_input(self, field: str, value: str | list[str]) -> Markup:
        """Format what was typed or ticked in a field as text."""
        if not value:
            return self.language.translate("proposal.nothing")
        if isinstance(value, list):
            return self.language.format_list(map(self.language.get_plain_word, value))
        if field in ("status", "stage", "technique", *CHOICE_PATHS) or field.startswith("stage."):
            return self.get_choice_label(field, value)
        if field == "region" and regions.find_region(value):
            return self.language.format_region_code(value)
        if self.is_day(value):
            return self.language.format_iso_day(value)
        return self.language.format_list(self.language.mark_chinese(line) for line in value.splitlines())

    def describe_change(self, difference: PathDifference) -> ChangeLine:
        """Describe one change, before and after."""
        if ABOUT[self.kind] == "institution" or difference.path.startswith("approvals."):
            sides = FieldChange(field=difference.path, from_=difference.before, to=difference.after)
            return record_changes.describe_change(self.language, sides, full=True)
        nothing = self.language.translate("proposal.nothing")
        return ChangeLine(
            label=self.language.get_field_label(difference.path),
            before=nothing if difference.before is None else self._format_value(difference.path, difference.before),
            after=nothing if difference.after is None else self._format_value(difference.path, difference.after),
        )

    def _format_value(self, path: str, value: object) -> Markup:
        if path == "kind":
            return self.get_choice_label("kind", str(value))
        if path == "institution":
            return self.language.format_public_code(str(value).partition(":")[2])
        return self.language.format_recorded_value(path, value)

    @staticmethod
    def is_day(text: str) -> bool:
        """Whether a text is a day, or nothing yet: what an input for days can hold."""
        try:
            return not text or (bool(_DAY.fullmatch(text)) and bool(Date.fromisoformat(text)))
        except ValueError:
            return False

    def describe_findings(self, findings: Sequence[Finding], field: str) -> list[str]:
        """Return the sentences of findings at a field."""
        return [self.describe_finding(finding) for finding in findings if finding.field == field]

    def describe_finding(self, finding: Finding) -> str:
        """Return the sentence of a finding."""
        return finding.get_text(self.language.lang)
