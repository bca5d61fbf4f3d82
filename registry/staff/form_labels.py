"""Labels of forms: labels, hints and choices of fields, and what a form changes, in the language of a page."""

from __future__ import annotations

from markupsafe import Markup

from registry.domain.fields import BY_NAME
from registry.domain.techniques import STAGES
from registry.records.history import FieldChange
from registry.staff.forms.checks import Finding
from registry.staff.forms.compose import PathDifference
from registry.staff.forms.forms import ABOUT, CODES, WITHDRAWN, FormKind
from registry.staff.i18n import StaffLanguage
from registry.web import record_changes
from registry.web.record_changes import ChangeLine


class FormLabels:
    """The labels of one kind of form."""

    def __init__(self, language: StaffLanguage, kind: FormKind) -> None:
        self.language = language
        self.kind = kind

    def get_label(self, field: str) -> Markup:
        """Return the label of a field."""
        if field.startswith("stage."):
            return self.language.format_technique(field.partition(".")[2])
        return self._find_own_label(field) or self.language.translate(f"form.common.{field}")

    def find_label(self, field: str) -> Markup | None:
        """Return the label of a field, for a list of errors; None for what is no field of a form."""
        if field == "doc_file":
            return self.language.translate("form.file")
        if field.startswith("stage."):
            return self.get_label(field)
        return self._find_own_label(field) or self.language.find_label(f"form.common.{field}")

    def _find_own_label(self, field: str) -> Markup | None:
        """Return the label of a field of this kind of form; of an institution's the name that pages have for it."""
        own = self.language.find_label(f"form.{self.kind}.{field}")
        if own is None and self.kind == "institution" and field in BY_NAME:
            return self.language.translate(BY_NAME[field].label_key)
        return own

    def get_hint(self, field: str) -> Markup | str:
        """Return the line under a label; empty for none."""
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
        return self.language.translate(f"form.choice.{value}")

    def format_input(self, field: str, value: str | list[str]) -> Markup:
        """Format the input of a field as text."""
        if isinstance(value, list):
            return self.language.format_list(
                self.language.get_plain_word(code) for code in value
            ) or self.language.translate("proposal.nothing")
        if not value:
            return self.language.translate("proposal.nothing")
        if field in ("status", "stage", "technique", "kind") or field.startswith("stage."):
            return self.get_choice_label(field, value)
        return self.language.format_list(self.language.mark_chinese(line) for line in value.splitlines())

    def describe_change(self, difference: PathDifference) -> ChangeLine:
        """Describe one change, before and after."""
        if ABOUT[self.kind] == "institution":
            return record_changes.describe_change(
                self.language, FieldChange(field=difference.path, from_=difference.before, to=difference.after)
            )
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

    def describe_finding(self, finding: Finding) -> str:
        """Return the sentence of a finding."""
        return finding.get_text(self.language.lang)
