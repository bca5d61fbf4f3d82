"""The words of forms: labels, hints and choices of fields, and what a form changes, in the voice of a page."""

from __future__ import annotations

from markupsafe import Markup

from public_site import changed
from public_site.changed import Said
from registry.editing.compose import Difference
from registry.editing.findings import Finding
from registry.editing.forms import ABOUT, CODES, WITHDRAWN, FormKind
from registry.records.history import FieldChange
from registry.staff.voice import StaffVoice
from registry.techniques import STAGES


class FormWords:
    """How one kind of form speaks."""

    def __init__(self, voice: StaffVoice, kind: FormKind) -> None:
        self.voice = voice
        self.kind = kind

    def label(self, field: str) -> Markup:
        """The label of a field."""
        if field.startswith("stage."):
            return self.voice.technique(field.partition(".")[2])
        own = f"form.{self.kind}.{field}"
        return self.voice.t(own if own in self.voice.catalogue() else f"form.common.{field}")

    def named(self, field: str) -> Markup | None:
        """The label of a field, for a list of what is wrong; None for what is no field of a form."""
        if field == "doc_file":
            return self.voice.t("form.file")
        keys = (f"form.{self.kind}.{field}", f"form.common.{field}")
        known = field.startswith("stage.") or any(key in self.voice.catalogue() for key in keys)
        return self.label(field) if known else None

    def hint(self, field: str) -> Markup | str:
        """The line under a label; empty for none."""
        for key in (f"form.{self.kind}.{field}_hint", f"form.common.{field}_hint"):
            if key in self.voice.catalogue():
                return self.voice.t(key)
        return ""

    def choice(self, field: str, value: str) -> Markup:
        """One of the choices of a field."""
        if not value:
            return self.voice.t("form.choice.none" if field.startswith("stage.") else "form.choice.choose")
        if value in CODES:
            return self.voice.technique(value)
        if value == WITHDRAWN:
            return self.voice.t("form.choice.withdrawn")
        if value in STAGES and (field == "stage" or field.startswith("stage.")):
            return self.voice.t("stage.operating_short" if value == "operating" else f"stage.{value}")
        if field == "status":
            return self.voice.t(f"history.{value}")
        return self.voice.t(f"form.choice.{value}")

    def typed(self, field: str, value: str | list[str]) -> Markup:
        """What stands in a field, as text."""
        if isinstance(value, list):
            return self.voice.listing(self.voice.plain(one) for one in value) or self.voice.t("proposal.nothing")
        if not value:
            return self.voice.t("proposal.nothing")
        if field in ("status", "stage", "technique", "kind") or field.startswith("stage."):
            return self.choice(field, value)
        return self.voice.listing(self.voice.data(line) for line in value.splitlines())

    def row(self, one: Difference) -> Said:
        """One change, before and after."""
        if ABOUT[self.kind] == "institution":
            return changed.change(self.voice, FieldChange(field=one.path, from_=one.before, to=one.after))
        nothing = self.voice.t("proposal.nothing")
        return Said(
            label=self.voice.field(one.path),
            before=nothing if one.before is None else self._value(one.path, one.before),
            after=nothing if one.after is None else self._value(one.path, one.after),
        )

    def _value(self, path: str, value: object) -> Markup:
        if path == "kind":
            return self.choice("kind", str(value))
        if path == "institution":
            return self.voice.code(str(value).partition(":")[2])
        return self.voice.worded(path, value)

    def finding(self, one: Finding) -> str:
        """The sentence of a finding."""
        return one.text(self.voice.lang)
