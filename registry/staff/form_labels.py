"""The words of forms: labels, hints and choices of fields, and what a form changes, in the language of a page."""

from __future__ import annotations

from markupsafe import Markup

from registry.domain.techniques import STAGES
from registry.records.history import FieldChange
from registry.staff.forms.checks import Finding
from registry.staff.forms.compose import PathDifference
from registry.staff.forms.forms import ABOUT, CODES, WITHDRAWN, FormKind
from registry.staff.i18n import StaffLanguage
from registry.web import record_changes
from registry.web.record_changes import ChangeLine


class FormLabels:
    """How one kind of form speaks."""

    def __init__(self, language: StaffLanguage, kind: FormKind) -> None:
        self.language = language
        self.kind = kind

    def get_label(self, field: str) -> Markup:
        """The label of a field."""
        if field.startswith("stage."):
            return self.language.format_technique(field.partition(".")[2])
        own = f"form.{self.kind}.{field}"
        return self.language.translate(own if own in self.language.get_catalogue() else f"form.common.{field}")

    def find_label(self, field: str) -> Markup | None:
        """The label of a field, for a list of what is wrong; None for what is no field of a form."""
        if field == "doc_file":
            return self.language.translate("form.file")
        keys = (f"form.{self.kind}.{field}", f"form.common.{field}")
        known = field.startswith("stage.") or any(key in self.language.get_catalogue() for key in keys)
        return self.get_label(field) if known else None

    def get_hint(self, field: str) -> Markup | str:
        """The line under a label; empty for none."""
        for key in (f"form.{self.kind}.{field}_hint", f"form.common.{field}_hint"):
            if key in self.language.get_catalogue():
                return self.language.translate(key)
        return ""

    def get_choice_label(self, field: str, value: str) -> Markup:
        """One of the choices of a field."""
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
        return self.language.translate(f"form.choice.{value}")

    def format_input(self, field: str, value: str | list[str]) -> Markup:
        """What stands in a field, as text."""
        if isinstance(value, list):
            return self.language.format_list(
                self.language.get_plain_word(one) for one in value
            ) or self.language.translate("proposal.nothing")
        if not value:
            return self.language.translate("proposal.nothing")
        if field in ("status", "stage", "technique", "kind") or field.startswith("stage."):
            return self.get_choice_label(field, value)
        return self.language.format_list(self.language.mark_chinese(line) for line in value.splitlines())

    def describe_change(self, one: PathDifference) -> ChangeLine:
        """One change, before and after."""
        if ABOUT[self.kind] == "institution":
            return record_changes.describe_change(
                self.language, FieldChange(field=one.path, from_=one.before, to=one.after)
            )
        nothing = self.language.translate("proposal.nothing")
        return ChangeLine(
            label=self.language.get_field_label(one.path),
            before=nothing if one.before is None else self._format_value(one.path, one.before),
            after=nothing if one.after is None else self._format_value(one.path, one.after),
        )

    def _format_value(self, path: str, value: object) -> Markup:
        if path == "kind":
            return self.get_choice_label("kind", str(value))
        if path == "institution":
            return self.language.format_public_code(str(value).partition(":")[2])
        return self.language.format_recorded_value(path, value)

    def describe_finding(self, one: Finding) -> str:
        """The sentence of a finding."""
        return one.get_text(self.language.lang)
