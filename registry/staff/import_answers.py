"""What an editor answers during an import: about rows and cells of the file, and about conflicts with decisions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.errors import InvalidInput
from registry.importers.reading.list_file import FileAnswer, FileQuestion
from registry.importers.wizard import answers, import_store, steps
from registry.importers.wizard.import_store import Import
from registry.staff.desk import TEXT_FORM, Desk, parse_number
from registry.staff.import_pages import redirect_to_import, render_section, require_state
from registry.texts import Message


@post("/imports/{number:int}/answer", **TEXT_FORM)
def answer_question(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """FileAnswer a question of the audit, or take the answer back; or give all of a ``kind`` one answer. Saved at once.

    ``choice``: take, leave, text (of the field ``text-`` and the key; of a kind the text proposed for each), accept
    (for the reason in ``reason-`` and the key), undo.
    """
    key, kind, choice = desk.read_field("question"), desk.read_field("kind"), desk.read_field("choice")
    field = "all" if kind else key
    given = FileAnswer(
        choice="leave",
        text=desk.read_field(f"text-{field}", answers.MAX_TEXT + 1),
        reason=desk.read_field(f"reason-{field}", answers.MAX_REASON + 1),
        by=desk.account.name,
        at=import_store.get_time_ms(),
    )
    with desk.database.writing() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
        require_state(this_import, "audit", "deciding")
        lines = [line for line in import_store.read_lines(connection, this_import.id, "audit") if line.get("question")]
        questions = [msgspec.convert(line["question"], FileQuestion) for line in lines]
        chosen = [question for question in questions if (question.kind == kind if kind else question.key == key)]
        if not chosen or choice not in ("take", "leave", "text", "accept", "undo"):
            raise InvalidInput(Message("没有找到这一处，请刷新页面。"))
        try:
            remaining = _apply_answers(answers.get_answers(this_import), chosen, choice, given, is_one=not kind)
        except InvalidInput as error:
            name = f"{'reason' if choice == 'accept' else 'text'}-{field}"
            errors, typed = [(name, desk.get_text(error))], {field: given.text if choice == "text" else given.reason}
            return render_section(desk, this_import, "audit", 400, errors, typed)
        options = {**this_import.said, "answers": msgspec.to_builtins(remaining)}
        import_store.save_import(connection, this_import, said=options)
    fragment = f"#question-{key}" if key else "#questions"
    return redirect_to_import(desk, this_import, fragment, tab="audit", page=desk.read_field("page") or "1")


def _apply_answers(
    given: answers.Answers, chosen: list[FileQuestion], choice: str, answer: FileAnswer, *, is_one: bool
) -> answers.Answers:
    """Return the answers after one more to each of some questions; of several, those answered already stay so."""
    for question in chosen if is_one else [one for one in chosen if answers.find_answer(given, one) is None]:
        if choice == "undo":
            given = answers.remove_answer(given, question)
            continue
        text = answer.text if is_one else question.suggestion or ""
        own = msgspec.structs.replace(answer, choice=choice, text=text if choice == "text" else "")
        own = own if choice == "accept" else msgspec.structs.replace(own, reason="")
        given = answers.add_answer(given, question, own)
    return given


@post("/imports/{number:int}/correct", **TEXT_FORM)
def correct_cell(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Put other words into any cell of a list, by its ``table``, ``row`` and ``column`` (from 0). Saved at once."""
    row, table = (parse_number(desk.read_field(name, 9), digits=9) for name in ("row", "table"))
    column, text = parse_number(desk.read_field("column", 5)), desk.read_field("words", answers.MAX_TEXT + 1)
    with desk.database.writing() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
        require_state(this_import, "audit", "deciding")
        question = FileQuestion(key=f"{table or 1}.{row}.{column}", kind="corrected", choices=("text",))
        given = FileAnswer(choice="text", text=text, by=desk.account.name, at=import_store.get_time_ms())
        try:
            if not row or column is None:
                raise InvalidInput(Message("请填写行号，并选择一列。"), field="row")
            remaining = answers.add_answer(answers.get_answers(this_import), question, given)
        except InvalidInput as error:
            errors = [("row" if error.details.get("field") == "row" else "words", desk.get_text(error))]
            return render_section(desk, this_import, "audit", 400, errors, {"words": text})
        options = {**this_import.said, "answers": msgspec.to_builtins(remaining)}
        import_store.save_import(connection, this_import, said=options)
    return redirect_to_import(desk, this_import, "#questions", tab="audit")


@post("/imports/{number:int}/resolve", **TEXT_FORM)
def resolve_conflict(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """In conflicts with decisions take the list, for a reason that will be published; or keep a decision again.

    ``choice``: list or decision, of one; picked, of those ticked; kind, of all in the field ``kind``. Saved at once.
    """
    key, choice, kind = (desk.read_field(name) for name in ("conflict", "choice", "kind"))
    picked = {str(value) for value in desk.form.getall("pick", [])}
    field = f"taking-{key or 'several'}"
    reason = desk.read_field(field, answers.MAX_REASON + 1)
    tests: dict[str, Callable[[dict[str, Any]], bool]] = {
        "list": lambda line: line["key"] == key,
        "decision": lambda line: line["key"] == key,
        "picked": lambda line: line["key"] in picked,
        "kind": lambda line: line["field"] == kind,
    }
    with desk.database.writing() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
        require_state(this_import, "deciding")
        lines = import_store.read_lines(connection, this_import.id, "conflicts")
        chosen = {line["key"] for line in lines if choice in tests and tests[choice](line)}
        error = None if choice == "decision" else _check_reason(reason)
        if not chosen:
            error = Message("请先勾选要以名单为准的各处。") if choice == "picked" else None
        if error is None:
            _save_reasons(connection, this_import, chosen, None if choice == "decision" else reason)
    if error is not None:
        errors = [(field, error.to_text(desk.language.lang))]
        typed = {key or "several": reason} | dict.fromkeys(picked, "")
        return render_section(desk, this_import, "conflicts", 400, errors, typed)
    fragment = f"#conflict-{key}" if key else "#pairs"
    return redirect_to_import(desk, this_import, fragment, tab="conflicts", page=desk.read_field("page") or "1")


def _save_reasons(connection: Any, this_import: Import, chosen: set[str], reason: str | None) -> None:
    """Store the reason for taking the list in some conflicts, none to keep the decisions; those with one keep theirs
    unless it is a single one."""
    if not chosen:
        raise InvalidInput(Message("没有找到这一处，请刷新页面。"))
    earlier = steps.get_reasons(this_import)
    reasons = {key: why for key, why in earlier.items() if key not in chosen or len(chosen) > 1}
    if reason is not None:
        reasons = {**dict.fromkeys(chosen, reason), **reasons}
    import_store.save_import(connection, this_import, said={**this_import.said, "reasons": reasons})


def _check_reason(reason: str) -> Message | None:
    """Say what is wrong with a reason; None for a good one."""
    if not reason:
        return Message("以名单为准须写明理由，理由会公布。")
    limit = answers.MAX_REASON
    return Message("理由太长，请不要超过{count}字。", count=limit) if len(reason) > limit else None
