"""The answers of a form as its last page shows them: step by step, what was answered apart from what was left alone."""

from __future__ import annotations

from registry.domain.model import Struct
from registry.staff.forms import form_steps
from registry.staff.forms.form_drafts import FormDraft
from registry.staff.forms.form_steps import FILE, FormStep


class FormAnswer(Struct, frozen=True):
    """One field: what was typed into it (of the document nothing: it is shown as a file), and where it is changed."""

    field: str
    step: str
    value: str | list[str]


class Section(Struct, frozen=True):
    """The answers of one step; ``rest``: fields left empty, or as the record has them."""

    step: FormStep
    answers: list[FormAnswer]
    rest: list[FormAnswer]


def list_sections(draft: FormDraft) -> list[Section]:
    """List the answers of a draft, each field once, in the order of the steps."""
    kind, new, filled = draft.kind, draft.is_new, draft.filled
    sections, shown = [], set[str]()
    for step in form_steps.list_steps(kind, new, filled.typed, filled.focus):
        answered: list[FormAnswer] = []
        rest: list[FormAnswer] = []
        for name in step.fields:
            if name not in shown:
                shown.add(name)
                answer = FormAnswer(field=name, step=step.name, value=filled.typed.get(name, ""))
                (answered if _is_answered(draft, answer) else rest).append(answer)
        sections.append(Section(step=step, answers=answered, rest=rest))
    return sections


def _is_answered(draft: FormDraft, answer: FormAnswer) -> bool:
    if answer.field == FILE:
        return True
    base = draft.filled.base.get(answer.field, "")
    return bool(answer.value or base) and (draft.is_new or (answer.value or "") != (base or ""))
