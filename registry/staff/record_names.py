"""What people call a record: the one place that names the subjects of the log on pages of the workspace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from registry.records import asof, browse
from registry.staff.i18n import StaffLanguage


class RecordNames:
    """The names of some subjects, read at once; what belongs to an institution is named with it."""

    def __init__(self, connection: Any, subjects: Iterable[str], language: StaffLanguage) -> None:
        self._language = language
        now = asof.make_as_of(connection)
        self._values = browse.read_recorded_values(connection, set(subjects), now)
        parents = {str(found["institution"]) for found in self._values.values() if found.get("institution")}
        self._values |= browse.read_recorded_values(connection, parents - self._values.keys(), now)

    def get_values(self, subject: str) -> dict[str, Any]:
        """Return what is stated of a subject, by path."""
        return self._values.get(subject, {})

    def find_name(self, subject: str) -> str:
        """Return the name or number of a subject; "" where none is recorded, or it was erased."""
        found = self.get_values(subject)
        names = ("name", "number", "document_no", "organisation", "title")
        return next((str(found[name]) for name in names if found.get(name)), "")

    def format_name(self, subject: str) -> Markup:
        """Format a subject by its name; where it has none, by what it is, with its code."""
        if name := self.find_name(subject):
            return self._language.mark_chinese(name)
        kind, _, identifier = subject.partition(":")
        if kind == "edition":
            return self._language.translate("trail.about_edition", name=identifier)
        label = self._language.translate(f"kind.{kind}")
        return (
            label
            if kind == "source"
            else self._language.translate("lists.unnamed", kind=label, code=self._language.format_subject_code(subject))
        )

    def make_path(self, subject: str) -> str:
        """Return the path of the page of a record; "" for a document or an edition, which have none of their own."""
        kind, _, identifier = subject.partition(":")
        code = self._language.format_subject_code(subject)
        return "" if kind in ("source", "edition", "credential") or not identifier else f"/staff/records/{code}"
