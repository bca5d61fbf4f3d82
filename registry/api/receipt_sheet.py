"""A receipt on paper: one page of PDF, for whoever has to put it into a file."""

from __future__ import annotations

from typing import Any

from litestar import HttpMethod, Request, Response, Router, post, route
from litestar.params import URLEncodedBody

from registry.api.guards import get_register
from registry.api.problems import read_language
from registry.errors import InvalidInput
from registry.receipts import describe
from registry.web import body_limits

AnyRequest = Request[Any, Any, Any]
PATH = "/receipt.pdf"
_WORDS = {
    "title": ("核验回执", "Receipt of a check"),
    "meaning": (
        "这是一次核验的签名凭据：问了什么、答了什么、在什么时候。名录收录是许可，不是推荐；今天是否仍然成立，请扫码核对。",
        "Signed evidence of one check: what was asked, what was answered, and when. A listing is permission, not a "
        "recommendation. Whether the answer still holds, the code tells.",
    ),
    "scan": (
        "扫码即可核对这份回执是否真实、今天是否仍然成立。",
        "Scan to see whether this receipt is genuine and still holds.",
    ),
    "no_scan": (
        "回执过长，二维码只通向核对页；请粘贴回执原文。",
        "The receipt is too long for a code: this one leads to the page where its text can be pasted.",
    ),
    "no_name": (
        "回执含有人员姓名，不放入网址：二维码只通向核对页；请粘贴回执原文。",
        "The receipt names a person, whom no address carries: this code leads to the page where its text can be "
        "pasted.",
    ),
    "text_below": ("回执原文，可复制后粘贴到核对页：", "The receipt itself, to be copied and pasted there:"),
    "no_text": ("回执过长，未印在此处；请保存原文。", "The receipt is too long to be printed here; keep its text."),
    "footer": (
        "人类辅助生殖技术机构名录。本页只是便于阅读的形式，以签名的回执原文为准。",
        "ART Register. This page is only for reading; what counts is the signed text of the receipt.",
    ),
}


@route(
    PATH,
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    opt={"lane": "slow"},
    sync_to_thread=True,
)
def receipt_pdf(request: AnyRequest) -> Response[bytes]:
    """The receipt in the address as a page of PDF."""
    return _make_pdf_response(request, request.query_params.get("receipt", ""))


@post(
    PATH,
    status_code=200,
    include_in_schema=False,
    opt={"lane": "slow"},
    sync_to_thread=True,
    request_max_body_size=body_limits.LIST,
)
def posted_pdf(request: AnyRequest, data: URLEncodedBody[dict[str, Any]]) -> Response[bytes]:
    """The receipt in a form as a page of PDF."""
    return _make_pdf_response(request, str(data.get("receipt", "")))


def _make_pdf_response(request: AnyRequest, given: str) -> Response[bytes]:
    register, lang = get_register(request), read_language(request)
    text = "".join(given.split())
    found = register.check_receipt(text, lang)
    if not found.valid or found.receipt is None:
        zh, en = describe.REASONS[found.reason or "altered"]
        raise InvalidInput(f"回执不真实，不制成文件：{zh}。", f"The receipt is not genuine, and is not printed: {en}.")
    from registry.receipts import sheet_pdf  # its library takes 5 MiB, and most processes never make a page

    english = lang == "en"
    words = {name: both[english] for name, both in _WORDS.items()}
    no_name = words.pop("no_name")
    if no_address := describe.has_person_name(found.receipt):
        words["no_scan"] = no_name
    page = sheet_pdf.ReceiptSheet(
        lang=lang,
        pairs=describe.describe_receipt(found.receipt, english),
        receipt=text,
        in_code=not no_address,
        check_url=f"{register.settings.public_url.rstrip('/')}/receipt",
        **words,
    )
    name = f"receipt-{found.receipt.digest[:12]}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content=sheet_pdf.render_pdf(page), media_type="application/pdf", headers=headers)


#: In a router of their own: two handlers at one path of the application itself answer 500 (a coroutine nobody awaits).
handlers = [Router("/", route_handlers=[receipt_pdf, posted_pdf])]
