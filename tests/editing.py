"""Kept forms for tests: opened as the pages open them, with what somebody typed."""

from __future__ import annotations

import io
from typing import Any

import msgspec

from registry.staff.forms import form_drafts, submit
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.forms import FormKind, Typed
from registry.staff.forms.submit import FormRequest
from registry.storage import attachments
from registry.storage.database import Database

PDF = b"%PDF-1.4 made up"
DOCUMENT = {"doc_title": "关于示例机构的批复", "doc_number": "示卫批〔2025〕3号", "doc_date": "2025-10-20"}


def a_form(
    database: Database, kind: FormKind, *, by: str = "editor.a", document: bool = True, **typed: Any
) -> FormDraft:
    """Open a form (``subject``, ``institution``, ``technique`` say which), type into it and keep it."""
    about = {name: typed.pop(name) for name in ("subject", "technique") if name in typed}
    if "institution" in typed:
        about["institution"] = typed["institution"]
    said = {name.replace("__", "."): value for name, value in typed.items()}
    with database.writing() as connection:
        opened = submit.open_form(connection, by, FormRequest(kind=kind, **about))
        filled: Typed = {**opened.filled.typed, **(DOCUMENT if document else {}), **said}
        digest = ""
        if document:
            told = {"name": "批复.pdf", "media_type": "application/pdf", "by": by}
            digest = attachments.add_attachment(connection, io.BytesIO(PDF), **told).sha256
        content = msgspec.structs.replace(opened.filled, typed=filled, attachment=digest)
        return form_drafts.create_draft(connection, by, kind, opened.subject, content, base_size=opened.base_size)
