"""A list of claims uploaded at /check: answered at once, shown or sent back as a file. Nothing of it is stored."""

from __future__ import annotations

import datetime as dt
import io
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, ClassVar
from urllib.parse import quote

from litestar import Response
from litestar.concurrency import sync_to_thread
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.response import Stream

from public_site import responses
from public_site.findings import choose_answer_tone, get_verdict_key
from public_site.responses import PageContext, PageRequest, get_register, make_page_response, read_language
from registry.batch.answer_stream import AnswerWriter, CsvAnswerWriter
from registry.batch.batch import Batch
from registry.batch.claim_rows import AnswerLayout, ClaimRow
from registry.batch.column_notes import ColumnNotes
from registry.batch.job import F, answer_file, detect_format
from registry.batch.xlsx_sheets import XlsxAnswerWriter
from registry.domain.answers import Answer, VerdictWord
from registry.domain.model import Struct
from registry.errors import Busy, InvalidInput, RegistryError, TooLarge
from registry.storage.uploads.limits import PAGE
from registry.texts import Message
from registry.web import error_status
from registry.web.forms import hold_upload_place, read_form
from registry.web.rate_limit import find_admitted_request, make_people_budget
from registry.web.routes import route_get, route_post
from registry.web.standing import Tone, choose_tone

#: Rows and bytes of one upload, and rows that the page shows.
MOST_ROWS, MOST_BYTES, SHOWN = 5_000, PAGE.packed, 50
#: Bytes that are taken in only to say that they are too many.
_RECEIVED = 64 * 1024 * 1024
#: Bytes of answers in memory before the rest goes to a temporary file without a name, and bytes sent at once.
_IN_MEMORY, _PIECE = 1024 * 1024, 65_536
_SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class ListRow(Struct, frozen=True, kw_only=True):
    """One row of an uploaded list: who was asked about, in the list's words; no answer where there could be none.

    ``word``: the key of the verdict's word.
    """

    number: int
    subject: str
    sentence: str
    answer: Answer | None = None
    tone: Tone = "unlisted"
    word: str = "list.unanswered"


class ListPage(PageContext, frozen=True, kw_only=True):
    """The answers to an uploaded list: counts and the first rows; or why it could not be read; at first the form."""

    template: ClassVar[str] = "checklist.html"
    section: ClassVar[str] = "check"
    noindex: ClassVar[bool] = True
    limit: int
    error: str | None = None
    name: str = ""
    rows: tuple[ListRow, ...] = ()
    total: int = 0
    unanswered: int = 0
    counts: tuple[tuple[VerdictWord, Tone, int], ...] = ()
    notes: tuple[str, ...] = ()
    known_at: dt.datetime | None = None
    log_size: int = 0


class PageAnswerWriter(AnswerWriter[Answer]):
    """Answers as the page shows them: the first rows, and how many of each verdict."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self.shown: list[ListRow] = []

    def format_answer(self, answer: Answer) -> Answer:
        """Return the answer itself."""
        return answer

    def format_row(self, row: ClaimRow, answer: Answer) -> bytes:
        """Add a row while there is room."""
        if len(self.shown) < SHOWN and row.claim is not None:
            line = ListRow(
                number=row.number,
                subject=_describe_subject(row),
                sentence=answer.explanation,
                answer=answer,
                tone=choose_answer_tone(answer),
                word=get_verdict_key(answer, has_text=not row.claim.provider.is_named),
            )
            self.shown.append(line)
        return b""

    def format_refusal(self, row: ClaimRow, error: RegistryError) -> bytes:
        """Add a row that was not answered while there is room."""
        if len(self.shown) < SHOWN:
            sentence = error.get_text(self.batch.lang)
            self.shown.append(ListRow(number=row.number, subject=_describe_subject(row), sentence=sentence))
        return b""


def _describe_subject(row: ClaimRow) -> str:
    """Describe whom a row is about, in its own words."""
    if row.claim is None:
        return "，".join(cell for cell in row.cells if cell.strip())[:80]
    provider = row.claim.provider
    named = provider.name or provider.code or provider.uscc or provider.practice_licence_no or provider.domain
    return named or (row.claim.text or "")[:80]


@route_get("/check/list", "check_list_page")
def show_list_form(request: PageRequest) -> Response[str]:
    """Show the form of a list: where a kept address and the switches of its answers lead, since no file is kept."""
    page = ListPage(here="/check/list", site=responses.find_site_facts(request), limit=MOST_ROWS)
    return make_page_response(request, page)


@route_post("/check/list", "check_list", _RECEIVED, opt={"lane": "slow"}, sync_to_thread=None)
async def check_list(request: PageRequest) -> Response[Any]:
    """Answer a list: a page with its first rows, or the whole as a file when the form's button asked for one."""
    form = await read_form(request)
    try:
        async with hold_upload_place():
            return await sync_to_thread(_answer_list, request, form)
    except (InvalidInput, Busy) as error:
        return await sync_to_thread(_render_refusal, request, error)
    finally:
        await form.close()


def _answer_list(request: PageRequest, form: FormMultiDict) -> Response[Any]:
    file, extension = form.get("file"), str(form.get("as") or "page")
    source = _open_upload(file)
    if extension in ("csv", "xlsx"):
        return _make_download(request, source, extension)
    return _render_answers(request, source, str(getattr(file, "filename", "")))


def _render_refusal(request: PageRequest, error: InvalidInput | Busy) -> Response[Any]:
    """Render the page that says what is wrong with the file, or that there are too many uploads."""
    sentence = error.get_text(read_language(request).lang)
    page = ListPage(here="/check/list", site=responses.find_site_facts(request), error=sentence, limit=MOST_ROWS)
    response = make_page_response(request, page, status=error_status.get_status(error), cache="no-store")
    response.headers.update(error_status.make_headers(error))
    return response


def _open_upload(file: object) -> IO[bytes]:
    """Open the bytes of an upload; InvalidInput when there are none, TooLarge when there are too many."""
    if not isinstance(file, UploadFile) or not file.filename:
        raise InvalidInput(Message("请先选择一个 csv 或 xlsx 文件。"))
    source = file.file
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size > MOST_BYTES:
        megabytes = math.ceil(size * 10 / 1024 / 1024) / 10  # rounded up: 5.0 is not more than 5
        raise TooLarge(
            Message(
                "文件有 {megabytes:.1f} MB，这里最多 5 MB，没有核验。请分成几份，或用开发者接口一次提交 10 万行。",
                megabytes=megabytes,
            )
        )
    return source


def _answer_rows(
    request: PageRequest,
    source: IO[bytes],
    out: IO[bytes] | None,
    make_writer: Callable[[Batch, Callable[[], AnswerLayout]], F],
) -> tuple[F, ColumnNotes]:
    """Answer all rows, into ``out`` where the writer makes bytes; TooLarge, with nothing answered, beyond the limit.

    The file is taken apart by a process of its own: see ``registry.storage.uploads``.
    """
    file_format = detect_format(source.read(64))
    source.seek(0)
    if file_format == "ndjson":
        raise InvalidInput(Message("这里只接受 csv 或 xlsx 文件。"))
    batch = get_register(request).make_batch(read_language(request).lang, make_people_budget(request).require_look)
    writer, pieces, notes = answer_file(source, file_format, lambda layout: make_writer(batch, layout), MOST_ROWS, PAGE)
    for piece in pieces:
        if out is not None:
            out.write(piece)
    if admitted := find_admitted_request(request):
        get_register(request).clients.count_rows(admitted, writer.tally.rows)
    if writer.tally.cut:
        raise TooLarge(
            Message(
                "这里一次最多 {most_rows:,} 行，没有核验。请分成几份，或用开发者接口一次提交 10 万行。",
                most_rows=MOST_ROWS,
            )
        )
    return writer, notes


def _render_answers(request: PageRequest, source: IO[bytes], name: str) -> Response[str]:
    writer, notes = _answer_rows(request, source, None, lambda batch, _: PageAnswerWriter(batch))
    tally, at = writer.tally, writer.batch.at
    page = ListPage(
        here="/check/list",
        site=responses.find_site_facts(request),
        limit=MOST_ROWS,
        name=name[:80],
        rows=tuple(writer.shown),
        total=tally.rows,
        unanswered=tally.errors,
        counts=tuple((word, choose_tone(word), number) for word, number in tally.verdicts.most_common()),
        notes=tuple(message.to_text(writer.batch.lang) for message in notes.list_messages()),
        known_at=at.now,
        log_size=at.size,
    )
    return make_page_response(request, page, cache="no-store")


def _make_download(request: PageRequest, source: IO[bytes], extension: str) -> Stream:
    """Make the answers a file, complete before it is sent."""
    answers = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by what sends it
    try:
        if extension == "csv":
            # A person opens it in a spreadsheet program, which needs the byte order mark to see that it is UTF-8.
            _, notes = _answer_rows(
                request,
                source,
                answers,
                lambda batch, layout: CsvAnswerWriter(batch, lambda: layout()._replace(has_bom=True)),
            )
        else:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "answers.xlsx"
                writer, notes = _answer_rows(
                    request, source, None, lambda batch, layout: XlsxAnswerWriter(batch, layout, path)
                )
                writer.close()
                with path.open("rb") as sheet:
                    shutil.copyfileobj(sheet, answers)
    except BaseException:
        answers.close()
        raise
    answers.seek(0)
    name = quote(f"核验结果.{extension}")
    headers = {
        "Content-Disposition": f"attachment; filename=\"answers.{extension}\"; filename*=UTF-8''{name}",
        "Cache-Control": "no-store",
        **notes.make_headers(),
    }
    media_type = "text/csv; charset=utf-8" if extension == "csv" else _SHEET
    return Stream(_read_pieces(answers), media_type=media_type, headers=headers)


def _read_pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
