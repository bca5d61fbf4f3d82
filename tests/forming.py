"""Forms filled in as a browser does: every field sent as the page has it, but for those a person changes."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx
from lxml import html

from registry.staff.forms.form_steps import list_steps
from tests.desk import Staff

PDF = b"%PDF-1.4\n% a made-up document\n"
DOCUMENT = {"doc_title": "关于示例机构的批复", "doc_number": "示卫批〔2025〕30号", "doc_date": "2025-10-20"}


def forms_of(page: str) -> list[html.FormElement]:
    """The forms of a page."""
    return html.document_fromstring(page).forms  # type: ignore[attr-defined]  # a mixin says it, the stubs do not


def fields_of(page: str, path: str) -> dict[str, Any]:
    """What a browser would send of the form that goes to ``path``, without its buttons."""
    form = form_of(page, path)
    sent: dict[str, Any] = {}
    areas = {area.name for area in form.iter("textarea")}
    for name, value in form.form_values():  # a browser leaves out the line end right after <textarea>
        sent.setdefault(name, []).append(value.removeprefix("\n") if name in areas else value)
    sent.pop("doc_file", None)
    return {name: values if len(values) > 1 else values[0] for name, values in sent.items()}


class Filled(NamedTuple):
    """What came of filling in a form: the last answer, or every page with something wrong, one after the other."""

    status_code: int
    text: str
    headers: httpx.Headers
    draft: str  # its address


def fill(
    one: Staff,
    page: str,
    *,
    action: str = "check",
    to: str = "",
    document: bytes | None = None,
    filename: str = "批复.pdf",
    **typed: Any,
) -> Filled:
    """Open the form at ``page``, change ``typed`` fields (dots in names as double underscores) in each step that has
    one of them, and go to the answers; with the ``action`` "save" the steps are saved alone."""
    waiting = {key.replace("__", "."): value for key, value in typed.items()}
    if document is not None:
        waiting["doc_file"] = (filename, document, "application/octet-stream")
    shown, wrong, seen = one.get(page), list[str](), set[str]()
    draft = ""
    while True:
        path = to or action_of(shown)
        sent = fields_of(shown, path)
        seen.add(sent["step"])
        names = {str(name) for name in form_of(shown, path).fields}
        own = {name: waiting.pop(name) for name in [*waiting] if name in names}
        files = {"doc_file": own.pop("doc_file")} if "doc_file" in own else {}
        answer = one.client.post(path, data={**sent, **own, "action": action}, files=files)
        wrong += [answer.text] if answer.status_code == 400 else []
        draft = draft_of(answer)
        step = next((step for step in steps_of(sent, typed) if step not in seen), None)
        if step is None or not waiting:
            break
        shown = one.get(f"{draft}?step={step}")
    assert not waiting, f"no step asks for {sorted(waiting)}"
    if action == "check" and not wrong:
        check = one.client.get(answer.headers["location"])
        wrong += [check.text] if check.status_code == 400 else []
    if wrong:
        return Filled(400, "".join(wrong), answer.headers, draft)
    return Filled(answer.status_code, answer.text, answer.headers, draft)


def steps_of(sent: dict[str, Any], typed: dict[str, Any]) -> list[str]:
    """The names of the steps of the form that was sent."""
    new = not (sent["about"] or sent["form_kind"] == "approval")
    values = {name.replace("__", "."): value for name, value in typed.items()}
    return [step.name for step in list_steps(sent["form_kind"], new, values)]


def draft_of(answer: httpx.Response) -> str:
    """The address of the draft that an answer is about."""
    if answer.status_code == 303:
        return answer.headers["location"].partition("?")[0].removesuffix("/check")
    return action_of(answer.text)


def answers_of(one: Staff, draft: str) -> dict[str, Any]:
    """What a browser would send of every step of a draft."""
    sent = fields_of(one.get(draft), draft)
    found: dict[str, Any] = {}
    for step in steps_of(sent, {}):
        for name, value in fields_of(one.get(f"{draft}?step={step}"), draft).items():
            found.setdefault(name, value)
    return found


def form_of(page: str, path: str) -> html.FormElement:
    """The form of a page that goes to ``path``."""
    return next(one for one in forms_of(page) if one.get("action") == path)


def action_of(page: str) -> str:
    """Where the form of a page that is edited goes."""
    return next(str(one.get("action")) for one in forms_of(page) if "edit" in str(one.get("class")))


def drafted(one: Staff, page: str, **typed: Any) -> str:
    """Fill in a form with a document and check it; the address of the draft, ready to propose."""
    answer = fill(one, page, document=typed.pop("document", PDF), **{**DOCUMENT, **typed})
    assert answer.status_code == 303, errors_in(answer.text)
    assert answer.headers["location"].endswith("/check"), answer.headers["location"]
    return answer.headers["location"].removesuffix("/check")


def proposed(one: Staff, draft: str) -> int:
    """Confirm every warning of a draft and propose it; the proposal's number."""
    page = one.get(f"{draft}/check")
    sent = fields_of(page, f"{draft}/propose")
    keys = html.fromstring(page).xpath('//input[@name="confirm"]/@value')
    answer = one.client.post(f"{draft}/propose", data={**sent, "confirm": keys})
    assert answer.status_code == 303, errors_in(answer.text)
    return int(answer.headers["location"].rpartition("/")[2])


def approved(one: Staff, number: int) -> httpx.Response:
    """Approve a proposal as it is seen."""
    page = f"/staff/proposals/{number}"
    answer = one.send(f"{page}/approve", on=page)
    assert answer.status_code == 200, errors_in(answer.text)
    return answer


def errors_in(page: str) -> list[str]:
    """The sentences of a page's summary of errors."""
    return [
        text.strip() for text in html.fromstring(page).xpath('//*[@class="error-summary"]//li//text()') if text.strip()
    ]
