"""A person's answers to the questions of an audit, and the questions still open.

They are kept by their keys in what was filled in about the file (``said``), so that every comparison applies them.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from registry.domain import regions
from registry.domain.model import ListChange
from registry.errors import InvalidInput
from registry.importers.reading.audit import OUTSIDE, make_line
from registry.importers.reading.list_file import (
    AuditLine,
    Choice,
    FileAnswer,
    FileQuestion,
    ListedInstitution,
    ListFile,
)
from registry.importers.reading.row_review import has_private_use
from registry.importers.wizard.difference_lines import make_listed_key
from registry.importers.wizard.import_store import Import
from registry.texts import Message

Answers = dict[str, FileAnswer]
#: Characters of the longest text of a cell, and of the longest reason.
MAX_TEXT, MAX_REASON = 300, 500


def get_answers(record: Import) -> Answers:
    """The answers given so far, by the keys of questions."""
    return msgspec.convert(record.said.get("answers", {}), Answers)


def add_answer(answers: Answers, question: FileQuestion, answer: FileAnswer) -> Answers:
    """The answers with one more; InvalidInput, with what to do, for one that the question does not take."""
    if answer.choice not in question.choices:
        raise InvalidInput(Message("没有找到这一处，请刷新页面。"))
    if answer.choice == "accept" and not answer.reason:
        raise InvalidInput(Message("接受须写明理由，理由会公布。"))
    if len(answer.reason) > MAX_REASON:
        raise InvalidInput(Message("理由太长，请不要超过{count}字。", count=MAX_REASON))
    if len(answer.text) > MAX_TEXT:
        raise InvalidInput(Message("文字太长，请不要超过{count}字。", count=MAX_TEXT))
    if answer.choice == "text" and has_private_use(answer.text):
        raise InvalidInput(Message("仍有通行字符集以外的字，请改成通行的字，没有的写作〓。"))
    is_of_row = answer.choice in ("take", "leave")
    return {**remove_answer(answers, question), (question.row_key if is_of_row else question.key): answer}


def remove_answer(answers: Answers, question: FileQuestion) -> Answers:
    """The answers without those to a question."""
    return {key: answer for key, answer in answers.items() if key not in (question.key, question.row_key)}


def find_answer(answers: Answers, question: FileQuestion) -> FileAnswer | None:
    """The answer to a question; a row that is left out answers those about its cells."""
    own = answers.get(question.key)
    of_row = answers.get(question.row_key)
    return own or (of_row if of_row is not None and of_row.choice in question.choices else None)


def parse_answers(texts: Iterable[str], reason: str | None) -> Answers:
    """Answers as the shell takes them: ``1.37=leave``, ``1.37=take``, ``1.37.count=accept``, ``1.37.4=text``."""
    answers: Answers = {}
    for text in texts:
        key, separator, value = text.partition("=")
        parts = key.split(".")
        choice: Choice = "take" if value == "take" else "leave" if value == "leave" else "accept"
        if not separator or len(parts) not in (2, 3) or (len(parts) == 2 and value not in ("take", "leave")):
            raise InvalidInput(Message("“{text}”不是答复：应如 1.37=leave、1.37.4=文字。", text=text))
        if len(parts) == 3 and value != "accept":
            choice = "text"
        if choice == "accept" and not reason:
            raise InvalidInput(Message("接受须写明理由，理由会公布。"))
        answers[key] = FileAnswer(choice=choice, text=value if choice == "text" else "", reason=reason or "")
    return answers


def list_questions(lines: Iterable[AuditLine]) -> list[FileQuestion]:
    """The questions of errors, which stop an import."""
    return [line.question for line in lines if line.level == "error" and line.question is not None]


def summarise_questions(lines: list[AuditLine], answers: Answers) -> dict[str, Any]:
    """What the page of an audit needs of its errors: the questions, and how many errors ask nothing.

    ``words``: those that were put into cells and are wrong, too.
    """
    questions = list_questions(lines)
    errors = sum(line.level == "error" for line in lines)
    words = {one.key: answers[one.key].text for one in questions if one.key in answers}
    return {"questions": msgspec.to_builtins(questions), "unanswerable": errors - len(questions), "words": words}


def list_open_questions(found: dict[str, Any], answers: Answers) -> list[FileQuestion]:
    """The questions of an audit that nobody answered yet, or with words that were found wrong."""
    questions, words = msgspec.convert(found.get("questions", []), list[FileQuestion]), found.get("words", {})
    given = [(question, find_answer(answers, question)) for question in questions]
    return [
        question
        for question, answer in given
        if answer is None or (answer.choice == "text" and words.get(question.key) == answer.text)
    ]


# --- rows outside the region of an account ---------------------------------------------------------------------------


def leave_outside_rows(parsed: ListFile, region: str | None, answers: Answers) -> ListFile:
    """A list without the rows outside a region that its editor set aside; an error for each other such row."""
    if not region:
        return parsed
    inside: list[ListedInstitution] = []
    aside: list[ListedInstitution] = []
    findings: list[AuditLine] = []
    changes: list[ListChange] = []
    for listed in parsed.institutions:
        question = FileQuestion(
            key=f"{OUTSIDE}{make_listed_key(listed.name, listed.address)}", kind="outside", choices=("leave",)
        )
        if regions.is_inside(listed.region, region):
            inside.append(listed)
        elif (answer := answers.get(question.key)) is not None:
            aside.append(listed)
            place = str(Message("第{row}行", row=listed.row))
            row = f"{listed.name} {listed.address}"
            changes.append(ListChange(place=place, what="set_aside", before=row, reason=answer.reason or None))
            message = Message("不在您账号的行政区划（{region}）内，留给所在省：{name}", region=region, name=listed.name)
            findings.append(make_line("info", listed.row, message, question=question))
        else:
            inside.append(listed)
            message = Message("不在您账号的行政区划（{region}）内：{name}", region=region, name=listed.name)
            findings.append(make_line("error", listed.row, message, question=question))
    return msgspec.structs.replace(
        parsed,
        institutions=tuple(inside),
        audit=(*parsed.audit, *findings),
        changes=(*parsed.changes, *changes),
        aside=tuple(aside),
    )
