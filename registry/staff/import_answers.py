"""What an editor answers during an import: about rows and cells of the file, pairs, spelling, conflicts with decisions.

A page is one form: all that is asked on it is answered at once, and ``then`` goes on to what has to be answered next.
"""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from registry.errors import InvalidInput
from registry.importers.reading.list_file import Choice, FileAnswer, FileQuestion
from registry.importers.wizard import answers, difference_lines, import_store, steps
from registry.staff.desk import TEXT_FORM, Desk, parse_number
from registry.staff.import_pages import (
    SUMMARY,
    count_lines,
    count_pages,
    is_stale,
    redirect_to_import,
    render_section,
    require_state,
    start_import_job,
)
from registry.texts import Message

_Errors = list[tuple[str, str]]
#: Choices of a form by their words.
_CHOICES: dict[str, Choice] = {"take": "take", "leave": "leave", "text": "text", "accept": "accept"}
#: The sections of which each line may be a pair.
_PAIRED = ("pairs", "relisted", "renamed", "moved", "other", "spelling")


def _continue_import(desk: Desk, number: int, tab: str, fragment: str = "") -> Response[Any]:
    """Go to what has to be answered next, where ``then`` says so; else back to the page itself.

    The next page of the section, after pairs the conflicts, then another comparison if anything was answered.
    """
    with desk.database.reading() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
    page = parse_number(desk.read_field("page")) or 1
    if desk.read_field("then") != "on":
        return redirect_to_import(desk, this_import, fragment, tab=tab, page=str(page))
    asking = this_import.found.get("audit", {}).get("error", 0) if tab == "audit" else None
    if page < count_pages(this_import, tab, asking):
        return redirect_to_import(desk, this_import, tab=tab, page=str(page + 1))
    if tab == "pairs" and count_lines(this_import, "conflicts"):
        return redirect_to_import(desk, this_import, tab="conflicts")
    if is_stale(this_import):
        return start_import_job(desk, this_import, "comparing")
    return redirect_to_import(desk, this_import, tab="audit" if this_import.state == "audit" else SUMMARY)


# --- the questions of an audit ---------------------------------------------------------------------------------------


@post("/imports/{number:int}/answer", **TEXT_FORM)
def answer_questions(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Answer the questions of a page of the audit; saved at once, what is refused is shown again.

    Of each by its key: ``choice-`` take, leave, text or accept, ``text-`` and ``reason-``. Words that were changed, and
    a reason, need no choice. ``kind-``: one choice for all of a kind that are open. ``undo``: the key of an answer.
    """
    errors: _Errors = []
    with desk.database.writing() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
        require_state(this_import, "audit", "deciding")
        lines = [line for line in import_store.read_lines(connection, this_import.id, "audit") if line.get("question")]
        remaining, words = answers.get_answers(this_import), this_import.found.get("words", {})
        for question in (msgspec.convert(line["question"], FileQuestion) for line in lines):
            before = answers.find_answer(remaining, question)
            if desk.read_field("undo") == question.key:
                remaining = answers.remove_answer(remaining, question)
                continue
            is_open = before is None or (before.choice == "text" and words.get(question.key) == before.text)
            answer = _read_answer(desk, question) or (_read_kind_answer(desk, question) if is_open else None)
            try:
                remaining = answers.add_answer(remaining, question, answer) if answer is not None else remaining
            except InvalidInput as error:
                name = "reason" if answer is not None and answer.choice == "accept" else "text"
                errors.append((f"{name}-{question.key}", desk.get_text(error)))
        options = {**this_import.said, "answers": msgspec.to_builtins(remaining)}
        import_store.save_import(connection, this_import, said=options)
        this_import = import_store.get_import(connection, number, desk.account.name)
    if errors:
        return render_section(desk, this_import, "audit", 400, errors, _collect_typed(desk))
    undone = desk.read_field("undo")
    return _continue_import(desk, number, "audit", f"#question-{undone}" if undone else "#questions")


def _read_answer(desk: Desk, question: FileQuestion) -> FileAnswer | None:
    """Return what the form answers to a question; None where it answers nothing."""
    choice = _CHOICES.get(desk.read_field(f"choice-{question.key}"))
    text = desk.read_field(f"text-{question.key}", answers.MAX_TEXT + 1)
    reason = desk.read_field(f"reason-{question.key}", answers.MAX_REASON + 1)
    if choice is None and reason and "accept" in question.choices:
        choice = "accept"
    if choice is None and f"text-{question.key}" in desk.form and text != propose_text(question):
        choice = "text"
    return _make_answer(desk, choice, text, reason) if choice is not None else None


def propose_text(question: FileQuestion) -> str:
    """The text that the form holds before anybody changes it."""
    return ((question.suggestion if question.suggestion is not None else question.text) or "").strip()


def _read_kind_answer(desk: Desk, question: FileQuestion) -> FileAnswer | None:
    """Return the answer to all of its kind; none that would put in words where none are proposed."""
    choice = _CHOICES.get(desk.read_field(f"kind-{question.kind}"))
    if choice not in question.choices or choice is None or (choice == "text" and question.suggestion is None):
        return None
    return _make_answer(desk, choice, question.suggestion or "", "")


def _make_answer(desk: Desk, choice: Choice, text: str, reason: str) -> FileAnswer:
    return FileAnswer(
        choice=choice,
        text=text if choice == "text" else "",
        reason=reason if choice == "accept" else "",
        by=desk.account.name,
        at=import_store.get_time_ms(),
    )


def _collect_typed(desk: Desk) -> dict[str, str]:
    """Return every field of the form, to be shown again."""
    return {name: str(value) for name, value in desk.form.items() if name != "form_token"}


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


# --- pairs, and spelling ---------------------------------------------------------------------------------------------


@post("/imports/{number:int}/decide", **TEXT_FORM)
def decide_pairs(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Decide the pairs of a page by the fields ``pair-`` and their keys: yes, spelling (yes, and the register's own
    spelling stays), no; or one by ``pair`` and ``same``, which may also be undo. Saved at once.

    ``rest``: those of the page that a rule takes for one, and nobody chose otherwise, are one.
    """
    tab, key, same = (desk.read_field(name) for name in ("tab", "pair", "same"))
    tab = tab if tab in _PAIRED else "pairs"
    with desk.database.writing() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
        require_state(this_import, "deciding")
        page = parse_number(desk.read_field("page")) or 1
        lines = [line for line in import_store.read_page(connection, number, tab, page - 1) if line.get("key")]
        pairs = [make_pair(line) for line in lines]
        decisions = this_import.decisions
        if key:
            decisions = _decide_one(desk, decisions, pairs, key, same)
        for pair in pairs:
            choice = desk.read_field(f"pair-{pair['key']}")
            if choice and choice != _get_choice(decisions.get(pair["key"])):
                decisions = _decide_one(desk, decisions, pairs, pair["key"], choice)
        if desk.read_field("rest"):
            still_open = set(steps.list_open_pairs(this_import.found["pairs"], decisions))
            for pair in pairs:
                if pair["suggested"] and pair["key"] in still_open:
                    decisions = _decide_one(desk, decisions, pairs, pair["key"], "yes")
        import_store.save_import(connection, this_import, decisions=decisions)
        this_import = import_store.get_import(connection, number, desk.account.name)
    if tab == "pairs" and desk.read_field("then") == "on":
        still_open = set(steps.list_open_pairs(this_import.found["pairs"], decisions))
        if undecided := [pair["key"] for pair in pairs if pair["key"] in still_open]:
            sentence = Message("这一页还有{count}对没有判断。", count=len(undecided)).to_text(desk.language.lang)
            return render_section(desk, this_import, tab, 400, [(f"pair-{undecided[0]}", sentence)])
    return _continue_import(desk, number, tab, f"#pair-{key}" if key else "#pairs")


def make_pair(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line of any section as a pair: lines of the difference were matched by a rule."""
    if "rule" in line:
        return line
    after, code = line["after"], line["code"].replace("-", "")
    return {
        **line,
        "listed_key": difference_lines.make_listed_key(after["name"], after["address"]),
        "known": f"institution:{code}",
        "rule": line["why"],
        "suggested": True,
    }


def _get_choice(decision: dict[str, Any] | None) -> str:
    """Return the choice of a form that a decision stands for; empty without one."""
    if decision is None:
        return ""
    return "spelling" if decision.get("spelling") else "yes" if decision["same"] else "no"


def _decide_one(
    desk: Desk, decisions: steps.Decisions, pairs: list[dict[str, Any]], key: str, same: str
) -> steps.Decisions:
    chosen = [pair for pair in pairs if pair["key"] == key]
    if not chosen or same not in ("yes", "spelling", "no", "undo"):
        raise InvalidInput(Message("没有找到这一对，请刷新页面。"))
    if same == "undo":
        return {other_key: decision for other_key, decision in decisions.items() if other_key != key}
    return steps.add_decision(
        decisions, chosen[0], same != "no", desk.account.name, import_store.get_time_ms(), spelling=same == "spelling"
    )


@post("/imports/{number:int}/spelling", **TEXT_FORM)
def choose_spelling(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """Choose whose spelling stays where a list differs by nothing else: ``spelling`` register or list."""
    with desk.database.writing() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
        require_state(this_import, "deciding")
        chosen = "list" if desk.read_field("spelling") == "list" else "register"
        import_store.save_import(connection, this_import, said={**this_import.said, "spelling": chosen})
    return _continue_import(desk, number, "spelling", "#pairs")


# --- conflicts with decisions ----------------------------------------------------------------------------------------


@post("/imports/{number:int}/resolve", **TEXT_FORM)
def resolve_conflicts(desk: NamedDependency[Desk], number: FromPath[int]) -> Response[Any]:
    """In the conflicts of a page keep the decision, or take the list for a reason that will be published.

    Of each by its key: ``conflict-`` decision or list, ``taking-`` its reason, without which that of ``taking-several``
    stands. ``kind``: the list in all of a field that are not decided otherwise. Saved at once.
    """
    kind = desk.read_field("kind") if desk.read_field("choice") == "kind" else ""
    errors: _Errors = []
    with desk.database.writing() as connection:
        this_import = import_store.get_import(connection, number, desk.account.name)
        require_state(this_import, "deciding")
        reasons = dict(steps.get_reasons(this_import))
        common = desk.read_field("taking-several", answers.MAX_REASON + 1)
        for line in import_store.read_lines(connection, this_import.id, "conflicts"):
            key, choice = line["key"], desk.read_field(f"conflict-{line['key']}")
            own = desk.read_field(f"taking-{key}", answers.MAX_REASON + 1)
            if kind and line["field"] == kind and key not in reasons:
                choice, own = "list", own or common
            if choice == "list":
                error = _check_reason(own or common)
                name = "several" if kind or (not own and common) else key
                errors += [(f"taking-{name}", error.to_text(desk.language.lang))] if error is not None else []
                reasons |= {key: own or common} if error is None else {}
            elif choice == "decision" and own and own != reasons.get(key):
                sentence = Message("写了理由，请选择以名单为准；或者删去理由，保留决定。")
                errors.append((f"taking-{key}", sentence.to_text(desk.language.lang)))
            elif choice == "decision":
                reasons.pop(key, None)
        import_store.save_import(connection, this_import, said={**this_import.said, "reasons": reasons})
        this_import = import_store.get_import(connection, number, desk.account.name)
    if errors:
        return render_section(desk, this_import, "conflicts", 400, [*dict.fromkeys(errors)], _collect_typed(desk))
    return _continue_import(desk, number, "conflicts", "#pairs")


def _check_reason(reason: str) -> Message | None:
    """Say what is wrong with a reason; None for a good one."""
    if not reason:
        return Message("以名单为准须写明理由，理由会公布。")
    limit = answers.MAX_REASON
    return Message("理由太长，请不要超过{count}字。", count=limit) if len(reason) > limit else None
