"""Verification of many claims: JSON, or ndjson and csv streamed both ways, at one log size and instant."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from itertools import chain
from typing import Annotated, Any

import anyio
import msgspec
from litestar import post
from litestar.exceptions import HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter
from litestar.types import ASGIApp

from registry.api.problems import read_language
from registry.api.requests import AnyRequest, decode_json, get_register
from registry.api.spool import AnswersResponse, ClientGone, Spool
from registry.batch.answer_stream import MOST_ROWS, AnswerStream, AnswerWriter, CsvAnswerWriter, JsonAnswerWriter
from registry.batch.batch import Batch
from registry.batch.claim_rows import ClaimReader, ClaimRow, CsvReader, NdjsonReader, read_json_row
from registry.clients.service import AdmittedRequest, Clients
from registry.domain.answers import Answer
from registry.domain.model import Struct
from registry.domain.shape_fields import find_unknown_field
from registry.errors import CannotSign, InvalidInput, TooLarge, UnreadableFile
from registry.storage.uploads.limits import MAX_BLANK_LINES
from registry.storage.uploads.refusals import make_too_many_blank_lines_error
from registry.storage.uploads.text_files import LineSplitter
from registry.texts import FixedText, Message, write_bilingual
from registry.web import lanes
from registry.web.rate_limit import find_admitted_request, make_people_budget

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
_ACCEPT = f"{JSON}, {NDJSON}, {CSV}"
#: Claims of one JSON document, which is read whole.
MOST_CLAIMS = 10_000
_MOST_JSON = 16 * 1024 * 1024
#: Commas in it, a hundred a claim: a document with more is refused before a million values are made objects.
_MOST_COMMAS = 100 * MOST_CLAIMS
#: Bytes of a streamed request: 100,000 rows of more than 2 KiB.
MOST_BYTES = 256 * 1024 * 1024
#: Seconds of work between two looks at what other requests wait for.
SLICE = 0.005
#: Bytes of answers sent at once.
_PIECE = 65_536


class BatchAnswers(Struct, frozen=True):
    """Answers in the order of the claims; what could not be answered says why in its place."""

    answers: list[Answer]  # or, in the place of one, an object that the document adds (api/openapi.py)


class _BatchBody(msgspec.Struct, forbid_unknown_fields=True):
    claims: list[msgspec.Raw]
    receipt: bool = False


class _ReceiptFlag(msgspec.Struct):
    receipt: bool = False


_body = msgspec.json.Decoder(_BatchBody)
_receipt_flag = msgspec.json.Decoder(_ReceiptFlag)


@post(
    "/verify/batch",
    operation_id="verifyBatch",
    summary=write_bilingual("批量核验：一次多条"),
    description=write_bilingual(
        "`application/json`：`{claims:[Claim]}`，至多 10,000 条，答 `{answers:[…]}`。"
        "`application/x-ndjson`（每行一个 Claim）与 `text/csv`（首行为列名，中英文均可）：至多 100,000 行，"
        "边收边答，答复与所收格式相同、次序相同。某行有误时，该行处为 `{id, row, error}`（csv 为 error_code、"
        "error 两列），其余照答。超出上限：JSON 为 413；流式为最后一行，其 `error.status` 为 413、"
        "`error.code` 为 `too_large`，该行及以后各行未核验。中途失败时连接中断。"
        "全部答复基于同一日志长度与同一时刻。`receipt=true`（JSON 也可写作 `{claims, receipt:true}`）："
        "全部答复一次签名，每行的 `receipt`（csv 为最后一列）可单独核对；此时须收完最后一行才开始作答。"
        "无法出具时答 503 且 code 为 `cannot_sign`。单条 Claim 的 `receipt:true` 只为该条签发。"
    ),
    responses={200: ResponseSpec(BatchAnswers, generate_examples=False, description=write_bilingual("逐条答复。"))},
    status_code=200,
    request_max_body_size=MOST_BYTES,
    opt={"scope": "verify"},
)
async def verify_batch(
    request: AnyRequest,
    receipt: Annotated[
        bool,
        QueryParameter(description=write_bilingual("全部答复附回执。")),
    ] = False,
) -> ASGIApp:
    """Many claims at once."""
    kind, charset = _read_content_type(request)
    batch = get_register(request).make_batch(read_language(request), make_people_budget(request).require_look)
    if receipt:
        batch.require_receipts()
    writer: AnswerWriter[Any]
    reader: ClaimReader | None = None
    if kind == JSON:
        body = _decode_claims(await _read_body(request))
        writer = JsonAnswerWriter(batch, b"", receipt or body.receipt)
        pieces = _slice_answers(_answer_json(body, writer))
    else:
        stream = _make_stream(kind, charset, batch, receipt)
        writer, reader = stream.form, stream.reader
        pieces = _answer_stream(request, stream, kind)
    if admitted := find_admitted_request(request):
        pieces = _record_and_count(pieces, writer, admitted, get_register(request).clients)
    # The first piece before the status: headings that name nobody are 400, not an answer that breaks off.
    first = b""
    with suppress(ClientGone):
        first = await anext(pieces, b"")
    headers = reader.table.notes.make_headers() if isinstance(reader, CsvReader) else {}
    return AnswersResponse(iterator=_prepend_piece(first, pieces), media_type=kind, status_code=200, headers=headers)


async def _record_and_count(
    pieces: AsyncIterator[bytes], writer: AnswerWriter[Any], admitted: AdmittedRequest, clients: Clients
) -> AsyncIterator[bytes]:
    """Yield the same pieces: what the key wants on record is recorded before, and the rows are counted in the end."""
    batch = writer.batch
    recorded = admitted.key is not None and admitted.key.recorded
    batch.noted = [] if recorded else None
    try:
        async for piece in pieces:
            if batch.noted:
                checks, batch.noted = batch.noted, []
                await lanes.run_in_lane("writes", clients.record_checks, admitted, checks, batch.at.size)
            yield piece
    finally:
        clients.count_rows(admitted, writer.tally.rows)


def _make_stream(kind: str, charset: str | None, batch: Batch, receipts: bool) -> AnswerStream:
    if kind == NDJSON:
        return AnswerStream(NdjsonReader(charset), JsonAnswerWriter(batch, receipts=receipts))
    reader = CsvReader(charset)
    return AnswerStream(reader, CsvAnswerWriter(batch, reader.get_layout, receipts))


def _read_content_type(request: AnyRequest) -> tuple[str, str | None]:
    """Read (media type, charset) of the claims; 415 saying which media types there are."""
    kind, parameters = request.content_type
    kind = kind.lower() or JSON
    if kind not in (JSON, NDJSON, CSV):
        raise HTTPException(
            status_code=415,
            detail=f"Content-Type: {JSON}, {NDJSON} {write_bilingual('或', context='types')} {CSV}",
            headers={"Accept": _ACCEPT},
        )
    return kind, parameters.get("charset", "").strip("\"' ") or None


async def _read_body(request: AnyRequest) -> bytes:
    """Read the body of a JSON request, no further than its limit."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > _MOST_JSON:
            limit = f"{_MOST_JSON // 1024 // 1024} MiB"
            raise _make_too_many_error(FixedText(limit))
        pieces.append(piece)
    return b"".join(pieces)


def _decode_claims(body: bytes) -> _BatchBody:
    if body.count(b",") > _MOST_COMMAS:
        raise _make_too_many_error(Message("{most_claims:,} 条", most_claims=MOST_CLAIMS))
    decoded = decode_json(body, _body, _make_shape_error)
    if len(decoded.claims) > MOST_CLAIMS:
        raise _make_too_many_error(Message("{most_claims:,} 条", most_claims=MOST_CLAIMS))
    return decoded


def _make_shape_error(error: Exception) -> InvalidInput:
    if unknown := find_unknown_field(error, _BatchBody):
        return InvalidInput(Message("{message}。", message=unknown.message))
    return InvalidInput(Message('请求应为 {{"claims":[…]}}：{error}。', error=error))


def _make_too_many_error(message: Message) -> TooLarge:
    return TooLarge(
        Message(
            "JSON 一次至多 {message}，全部未核验；更多请以 {ndjson} 或 {csv} 提交（一次至多 {most_rows:,} 行）。",
            message=message,
            ndjson=NDJSON,
            csv=CSV,
            most_rows=MOST_ROWS,
        ),
    )


def _answer_json(body: _BatchBody, writer: JsonAnswerWriter) -> Iterator[bytes]:
    if any(map(_needs_receipt, body.claims)) or body.receipt:  # before anything is answered
        writer.batch.require_receipts()
    with closing(writer):
        yield b'{"answers":['
        rows = (writer.answer_row(read_json_row(number, raw)) for number, raw in enumerate(body.claims, start=1))
        separator = b""
        for answer in filter(None, chain(rows, writer.write_pending())):
            yield separator + answer
            separator = b","
        yield b"]}"


def _needs_receipt(claim: bytes | msgspec.Raw) -> bool:
    """Whether one claim of a batch asks for a receipt by itself."""
    try:
        return _receipt_flag.decode(claim).receipt
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False  # it is refused when its turn comes


async def _answer_stream(request: AnyRequest, stream: AnswerStream, kind: str) -> AsyncIterator[bytes]:
    """Yield answers while claims arrive; what comes after the limit is received and dropped."""
    with closing(stream.form), closing(stream.reader):
        async with Spool(request) as spool:
            if request.content_length is not None:  # a file, sent by a client that reads nothing meanwhile
                await spool.wait_for_end()
                await _refuse_too_many_rows(spool, kind)
                await _require_receipts(stream, spool, kind)
            try:
                async for data in spool.read_pieces():
                    async for piece in _slice_answers(await _answer_chunk(stream, data)):
                        yield piece
            except RequestEntityTooLarge:
                async for piece in _slice_answers(stream.cut_off(_make_too_long_error())):
                    yield piece
            async for piece in _slice_answers(await _answer_chunk(stream, None)):
                yield piece


async def _answer_chunk(stream: AnswerStream, data: bytes | None) -> Iterator[bytes]:
    """Answer the rows that these bytes complete; without bytes, the rest. A process of its own takes csv apart.

    When that stops early, the error is the request's before the first answer, and becomes the last row after it.
    """
    reader = stream.reader
    rows: Iterator[ClaimRow] = iter(())
    if not stream.form.tally.cut:
        try:
            if isinstance(reader, CsvReader):
                rows = await (reader.feed_end_async() if data is None else reader.feed_async(data))
            else:
                rows = reader.feed_end() if data is None else reader.feed(data)
        except (TooLarge, UnreadableFile) as error:
            if not stream.form.tally.rows:
                raise
            return chain(stream.cut_off(error), stream.finish_answers() if data is None else ())
    answers = _answer_rows(stream, rows)
    return chain(answers, stream.finish_answers()) if data is None else answers


def _answer_rows(stream: AnswerStream, rows: Iterator[ClaimRow]) -> Iterator[bytes]:
    """Answer rows; where a reader that is asked row by row stops early, as ``_answer_chunk``."""
    try:
        yield from stream.answer_rows(rows)
    except TooLarge as error:
        if not stream.form.tally.rows:
            raise
        yield from stream.cut_off(error)


async def _require_receipts(stream: AnswerStream, spool: Spool, kind: str) -> None:
    """Raise CannotSign before any answer, where a claim asks for a receipt and none can be given."""
    try:
        stream.form.batch.require_receipts()
    except CannotSign:
        if kind != NDJSON:
            return
        lines = LineSplitter(b"\n")
        async for data in spool.read_received():
            if any(_needs_receipt(line) for line, long in lines.feed(data) if not long):
                raise
        if any(_needs_receipt(line) for line, long in lines.feed_end() if not long):
            raise


async def _refuse_too_many_rows(spool: Spool, kind: str) -> None:
    """Refuse with 413 before any answer, where lines surely are rows: not after a cell that may hold a line break."""
    rows = -1 if kind == CSV else 0  # the headings are none
    blank, rest = 0, b""
    async for data in spool.read_received():
        *lines, rest = (rest + data).split(b"\n")
        if kind == CSV and b'"' in data:
            return  # its rows are counted when they are read
        empty = sum(not line or line.isspace() for line in lines)
        blank += empty
        rows += len(lines) - empty
        rest = rest[:1] if rest.strip() else b""  # whether there is anything is all that counts
        if blank > MAX_BLANK_LINES:
            raise make_too_many_blank_lines_error()
    rows += bool(rest)
    if rows > MOST_ROWS:
        raise TooLarge(
            Message(
                "一次至多 {most_rows:,} 行，收到 {rows:,} 行，全部未核验；请分成几份。", most_rows=MOST_ROWS, rows=rows
            ),
        )


def _make_too_long_error() -> TooLarge:
    size = f"{MOST_BYTES // 1024 // 1024} MiB"
    return TooLarge(
        Message("一次至多 {size}，此行及以后各行未核验；请分成几份。", size=size),
    )


async def _slice_answers(answers: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Join answers to larger pieces. The event loop serves others between slices of a few milliseconds."""
    waiting: list[bytes] = []
    size = 0
    until = time.perf_counter() + SLICE
    for answer in answers:
        waiting.append(answer)
        size += len(answer)
        if size >= _PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
        if time.perf_counter() >= until:
            await anyio.sleep(0)
            until = time.perf_counter() + SLICE
    if size:
        yield b"".join(waiting)


async def _prepend_piece(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in rest:
        yield piece
