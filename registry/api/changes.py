"""The change feed, and the snapshot a follower of it begins with."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

import msgspec
from litestar import Response, get
from litestar.openapi import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream

from registry.api.requests import (
    AnyRequest,
    KnownAtText,
    OnText,
    get_register,
    parse_known_at,
    parse_on,
    read_asof,
)
from registry.domain.model import Date, Institution, Kind, Source, Struct
from registry.records import feed
from registry.records.snapshot import KINDS, AdCertificate, CredentialRecord, EditionRecord, Snapshot
from registry.records.supervision import Sanction, Supervision
from registry.texts import write_bilingual
from registry.web import lanes

JSON, NDJSON = "application/json", "application/x-ndjson"
#: Where the records of a kind stand in the JSON form.
_LISTS: dict[Kind, bytes] = {
    "source": b"sources",
    "institution": b"items",
    "ad_certificate": b"ad_certificates",
    "sanction": b"sanctions",
    "supervision": b"supervisions",
    "edition": b"editions",
    "credential": b"credentials",
}
_json = msgspec.json.Encoder()


class LoggedChange(Struct, frozen=True):
    """What an entry says: new values by path (null: no longer stated), and the personal values it erases, if any."""

    kind: Kind
    reason: str | None
    set: dict[str, Any]
    erases: list[str] | msgspec.UnsetType = msgspec.UNSET


class LoggedEntry(Struct, frozen=True):
    """One line of the log as its canonical bytes say it; docs/log-format.md says how entries are folded."""

    approver: str
    change: LoggedChange
    format: int
    number: int
    proposal: int
    proposer: str
    recorded_at: dt.datetime
    source: str | None
    subject: str
    valid_from: Date


class ChangeList(Struct, frozen=True):
    """Entries after a position. ``next`` is the position after them; at the end of the log it is ``log_size``."""

    entries: list[LoggedEntry]
    leaves: list[str]
    next: int
    log_size: int


class SnapshotList(Struct, frozen=True):
    """All current records at one log size; ``root`` is the RFC 6962 root hash (hex) of the log at that size."""

    log_size: int
    root: str
    on: Date
    known_at: dt.datetime | None
    sources: list[Source]
    items: list[Institution]
    ad_certificates: list[AdCertificate]
    sanctions: list[Sanction]
    supervisions: list[Supervision]
    editions: list[EditionRecord]
    credentials: list[CredentialRecord]
    total: int


@get(
    "/changes",
    operation_id="getChanges",
    summary=write_bilingual("变更流：日志的每一条，按顺序、无遗漏"),
    description=write_bilingual(
        "`since` 为您已有的最后一条的编号（从 0 开始），`next` 为下次的 `since`，可直接作为进度保存；`next` "
        "等于 `log_size` 时已到末尾。一页可能少于 `limit` 条（总量约 8 MiB 为限）。永不过期，不能筛选。"
        "`entries` 逐字节为日志所存的规范 JSON（RFC 8785）；`leaves` 依次为各条的 RFC 6962 叶哈希，即 "
        "SHA-256(0x00 ‖ 规范 JSON)。个人信息只以加盐哈希出现。`since` 超出日志时为 409：请核对检查点，"
        "再重新获取快照。"
    ),
    responses={
        200: ResponseSpec(ChangeList, generate_examples=False, description=write_bilingual("下一页日志。")),
    },
    sync_to_thread=True,
)
def get_changes(
    request: AnyRequest,
    since: Annotated[int, QueryParameter(ge=0, description=write_bilingual("已有的最后一条的编号。"))] = 0,
    limit: Annotated[
        int, QueryParameter(ge=1, le=feed.MOST, description=write_bilingual("一页最多几条。"))
    ] = feed.USUAL,
    known_at: KnownAtText = None,
) -> Response[bytes]:
    """Every entry of the log after a position."""
    page = get_register(request).read_changes(since, limit, read_asof(request, None, known_at))
    return Response(content=encode_changes(page), media_type=JSON)


def encode_changes(page: feed.FeedPage) -> bytes:
    """Encode one page as JSON; the entries' own bytes stand in it unchanged."""
    rest = _json.encode({"leaves": page.leaves, "next": page.next, "log_size": page.log_size})
    return b'{"entries":[' + b",".join(page.entries) + b"]," + rest[1:]


@get(
    "/snapshot",
    operation_id="getSnapshot",
    summary=write_bilingual("快照：某一日志长度下的全部现行记录"),
    description=write_bilingual(
        "全部机构（包括暂停和已移出名录的）、广告审查证明、处罚记录、来源文件和公布的各期名录；"
        "`/changes?since=N` 从 N=`log_size` 起恰好接上。不含任何个人：没有人员名单，处罚记录不写明所涉个人。"
        "边读边发，读取期间的新审批不影响内容；若中途失败，连接会中断，JSON 不闭合，ndjson 没有末行。"
        "`Accept: application/x-ndjson` 时首行为 `{log_size, root, on, known_at}`，其后每行一个主体 "
        "`{subject, kind, record, state}`，末行为 `{end, records}`；`record` 为 null 表示当日没有该记录，"
        "`state` 是该记录由哪些条目折叠而成，供跟随变更流的程序接着折叠。"
    ),
    responses={
        200: ResponseSpec(SnapshotList, generate_examples=False, description=write_bilingual("全部现行记录。")),
    },
    sync_to_thread=True,
)
def get_snapshot(request: AnyRequest, on: OnText = None, known_at: KnownAtText = None) -> Stream:
    """All current records at one log size."""
    snapshot = get_register(request).make_snapshot(parse_on(on), parse_known_at(known_at))
    form = request.accept.best_match([JSON, NDJSON], default=JSON)
    pieces = encode_snapshot_lines(snapshot) if form == NDJSON else encode_snapshot_json(snapshot)
    return Stream(_iterate_in_thread(pieces), media_type=form)


def encode_snapshot_json(snapshot: Snapshot) -> Iterator[bytes]:
    """Encode a snapshot as one JSON object in pieces; closed only after the last record."""
    yield _json.encode(snapshot.head)[:-1]
    total = 0
    for kind in KINDS:
        yield b',"' + _LISTS[kind] + b'":['
        separator = b""
        for page in snapshot.read_pages(kind):
            records = [_json.encode(line.record) for line in page if line.record is not None]
            total += len(records) if kind == "institution" else 0
            if records:
                yield separator + b",".join(records)
                separator = b","
        yield b"]"
    yield b',"total":%d}' % total


def encode_snapshot_lines(snapshot: Snapshot) -> Iterator[bytes]:
    """Encode a snapshot as ndjson in pieces: its head, one subject a line with its statements, a line that ends it."""
    yield _json.encode_lines([snapshot.head])
    records = 0
    for kind in KINDS:
        for page in snapshot.read_pages(kind):
            records += len(page)
            yield _json.encode_lines(page)
    yield _json.encode_lines([{"end": True, "records": records}])


async def _iterate_in_thread(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield pieces, each made in a thread. (litestar's own wrapper would take a ValueError on the way for the end.)"""
    while (piece := await lanes.run_in_lane("slow", next, pieces, None)) is not None:
        yield piece


handlers = [get_changes, get_snapshot]
