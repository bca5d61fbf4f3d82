"""The steps of a lead in words."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from registry.domain.identifiers import format_code
from registry.measures.department_table import list_departments
from registry.measures.leads.model import LeadStep
from registry.staff.i18n import StaffLanguage

#: The superior of two provinces.
_COUNTRY = "000000"
#: What is said by other means: links to files, and numbers for programs.
_NOT_SHOWN = ("receipt", "pictures")


def describe_facts(language: StaffLanguage, step: LeadStep) -> list[tuple[Markup, Markup]]:
    """Describe what a step states as (label, words), in the order of its fields."""
    values = {name: getattr(step.facts, name) for name in step.facts.__struct_fields__}
    return [
        (language.translate(f"lead.field.{name}"), _format_fact(language, name, value))
        for name, value in values.items()
        if value is not None and name not in _NOT_SHOWN
    ]


def _format_fact(language: StaffLanguage, name: str, value: Any) -> Markup:
    text = str(value)
    if name in ("kind", "urgency", "result", "outcome"):
        return language.translate(f"lead.{name}.{text}")
    if name in ("department", "other_department"):
        department = list_departments().get(text)
        return Markup.escape(department.get_name(language.lang) if department else text)
    if name in ("region", "other_region", "superior"):
        return language.format_region_code("" if text == _COUNTRY else text)
    if name in ("due", "on", "until"):
        return language.format_iso_day(text)
    if name == "institution":
        return language.format_monospace(format_code(text))
    return language.format_monospace(text)
