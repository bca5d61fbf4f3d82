"""Forms filled in as a browser does: every field sent as the page has it, but for those a person changes."""

from __future__ import annotations

from typing import Any

import httpx
from lxml import html

from tests.desk import Staff

PDF = b"%PDF-1.4\n% a made-up document\n"
DOCUMENT = {"doc_title": "关于示例机构的批复", "doc_number": "示卫批〔2025〕30号", "doc_date": "2025-10-20"}


def forms_of(page: str) -> list[html.FormElement]:
    """The forms of a page."""
    return html.document_fromstring(page).forms  # type: ignore[attr-defined]  # a mixin says it, the stubs do not


def fields_of(page: str, path: str) -> dict[str, Any]:
    """What a browser would send of the form that goes to ``path``, without its buttons."""
    form = next(one for one in forms_of(page) if one.get("action") == path)
    sent: dict[str, Any] = {}
    areas = {area.name for area in form.iter("textarea")}
    for name, value in form.form_values():  # a browser leaves out the line end right after <textarea>
        sent.setdefault(name, []).append(value.removeprefix("\n") if name in areas else value)
    sent.pop("doc_file", None)
    return {name: values if len(values) > 1 else values[0] for name, values in sent.items()}


def fill(
    one: Staff,
    page: str,
    *,
    action: str = "check",
    to: str = "",
    document: bytes | None = None,
    filename: str = "批复.pdf",
    **typed: Any,
) -> httpx.Response:
    """Open the form at ``page``, change ``typed`` fields (dots in names as double underscores) and press a button."""
    shown = one.get(page)
    path = to or action_of(shown)
    sent = {**fields_of(shown, path), **{key.replace("__", "."): value for key, value in typed.items()}}
    sent["action"] = action
    files = {} if document is None else {"doc_file": (filename, document, "application/octet-stream")}
    return one.client.post(path, data=sent, files=files)


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
