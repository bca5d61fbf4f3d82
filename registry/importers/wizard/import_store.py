"""The table of imports under way: whose, how far, with what findings and decisions. An account sees its own.

States: ``looking`` (a process reads which columns there are), ``mapping`` (a person names them), ``comparing``,
``audit`` (the file has errors), ``deciding`` (a person goes through the difference), ``proposing``, and the ends:
``proposed``, ``cancelled``, ``failed``. While a process works, ``run`` names it; once another process or none has the
import, nothing it writes is kept.
"""

import itertools
import secrets
import time
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Literal, get_args

import msgspec
import sqlalchemy as sa

from registry.accounts import audit_log
from registry.domain.model import Struct
from registry.errors import Conflict, NotFound
from registry.storage import attachments
from registry.storage.tables import import_pages, imports
from registry.texts import Message

Kind = Literal["list", "practitioners", "ad_certificates", "supervision", "sanctions"]
State = Literal["looking", "mapping", "comparing", "audit", "deciding", "proposing", "proposed", "cancelled", "failed"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WORKING: tuple[State, ...] = ("looking", "comparing", "proposing")
OVER: tuple[State, ...] = ("proposed", "cancelled")
#: Seconds after which an abandoned import of people or certificates is cancelled.
PATIENCE = 7 * 24 * 3600
#: Seconds without a heartbeat after which a process counts as dead, and how many may work at once.
SILENCE, MOST_AT_ONCE = 60, 2
FILE = "file"


class ImportStopped(Exception):
    """The import is no longer this process's: cancelled, or started again by another."""


class Import(Struct, frozen=True):
    """One import. ``said`` is what its person filled in about the file, ``decisions`` are those on pairs by their keys.

    ``found`` sums up the last step. Times are in milliseconds since 1970.
    """

    id: int
    account: str
    kind: Kind
    state: State
    file: str
    name: str
    said: dict[str, Any]
    decisions: dict[str, dict[str, Any]]
    found: dict[str, Any]
    phase: str
    done: int
    total: int
    run: str
    beat_at: int
    base_size: int
    proposal: int | None
    created_at: int
    updated_at: int

    @property
    def is_working(self) -> bool:
        """Whether a process should be at work."""
        return self.state in WORKING

    @property
    def is_interrupted(self) -> bool:
        """Whether there was no heartbeat for too long: the process was killed, or the machine restarted."""
        return self.is_working and self.beat_at < get_time_ms() - SILENCE * 1000


def get_time_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def create_import(
    connection: sa.Connection, account: str, kind: Kind, file: BinaryIO, *, name: str, options: dict[str, Any]
) -> Import:
    """Store an upload as a new import; InvalidInput when the file is empty or too large.

    The file of a list becomes a document once the list is proposed; one that names people never does.
    """
    digest, _ = attachments.measure_file(file)
    at = get_time_ms()
    query = sa.insert(imports).values(
        account=account,
        kind=kind,
        state="looking" if kind == "list" else "comparing",
        file=digest,
        name=name[-200:] if kind == "list" else "",
        said=_encode_json(options),
        decisions=_encode_json({}),
        created_at=at,
        updated_at=at,
    )
    identifier = int(connection.execute(query.returning(imports.c.id)).scalar_one())
    file.seek(0)
    for page, piece in enumerate(iter(lambda: file.read(attachments.PART), b"")):
        row = {"import": identifier, "section": FILE, "page": page, "body": piece}
        connection.execute(sa.insert(import_pages).values(row))
    audit_log.record_event(connection, account, "import_uploaded", f"import:{identifier} {digest[:12]}")
    return get_import(connection, identifier, account)


def read_upload(connection: sa.Connection, one: Import) -> Iterator[bytes]:
    """Yield the uploaded file in pieces; nothing once the import is over."""
    query = sa.select(import_pages.c.body).where(import_pages.c["import"] == one.id, import_pages.c.section == FILE)
    page = 0
    while (piece := connection.execute(query.where(import_pages.c.page == page)).scalar()) is not None:
        yield piece
        page += 1


def get_import(connection: sa.Connection, identifier: int, account: str | None = None) -> Import:
    """One import; NotFound, also where it is somebody else's."""
    row = connection.execute(sa.select(imports).where(imports.c.id == identifier)).first()
    if row is None or (account is not None and row.account != account):
        raise NotFound(Message("没有编号为 {identifier} 的导入。", identifier=identifier))
    return _make_import(row)


def list_imports(connection: sa.Connection, account: str, limit: int = 50) -> list[Import]:
    """An account's imports, newest first, without ``found`` and ``decisions``."""
    query = sa.select(imports).where(imports.c.account == account).order_by(imports.c.id.desc()).limit(limit)
    return [_make_import(row, whole=False) for row in connection.execute(query)]


def _make_import(row: sa.Row[Any], whole: bool = True) -> Import:
    fields = dict(row._mapping)
    fields["said"] = _decode_json(fields["said"])
    fields["decisions"] = _decode_json(fields["decisions"]) if whole else {}
    fields["found"] = _decode_json(fields["found"]) if whole and fields["found"] else {}
    return Import(**fields)


# --- by a person -----------------------------------------------------------------------------------------------------


def start_run(connection: sa.Connection, one: Import, state: State, **values: Any) -> str:
    """Give the import to a process about to start; return the name of the run. Conflict when too many are at work."""
    busy = sa.select(sa.func.count()).where(
        imports.c.state.in_(WORKING), imports.c.beat_at > get_time_ms() - SILENCE * 1000, imports.c.id != one.id
    )
    if connection.execute(busy).scalar_one() >= MOST_AT_ONCE:
        raise Conflict(Message("正在处理其他导入，请稍候再继续；已填写的内容都保留着。"))
    run = secrets.token_hex(16)
    save_import(connection, one, state=state, run=run, phase="", done=0, total=0, beat_at=get_time_ms(), **values)
    return run


def save_import(connection: sa.Connection, one: Import, **values: Any) -> None:
    """Change columns of an import; Conflict when its state or process has changed since it was read."""
    unchanged = (imports.c.id == one.id) & (imports.c.state == one.state) & (imports.c.run == one.run)
    if connection.execute(sa.update(imports).where(unchanged).values(**_encode_columns(values))).rowcount != 1:
        raise Conflict(Message("这次导入的状态已经变了，请刷新页面后再继续。"))


def cancel_import(connection: sa.Connection, one: Import) -> None:
    """End an import; a process at work on it stops and leaves nothing. Conflict when it is over already."""
    if one.state in OVER:
        raise Conflict(Message("这次导入已经结束，不能取消。"))
    save_import(connection, one, state="cancelled", run="", **make_cleared_columns(one))
    delete_pages(connection, one.id, also_file=True)
    audit_log.record_event(connection, one.account, "import_cancelled", f"import:{one.id}")


def make_cleared_columns(one: Import) -> dict[str, Any]:
    """Column values that remove what names people from an import that is over."""
    return {} if one.kind == "list" else {"found": None, "decisions": _encode_json({}), "name": ""}


def cancel_abandoned_imports(connection: sa.Connection) -> None:
    """Cancel imports of people and certificates that nobody touched for a week."""
    abandoned = (
        (imports.c.kind != "list")
        & imports.c.state.not_in(OVER)
        & (imports.c.updated_at < get_time_ms() - PATIENCE * 1000)
    )
    for row in connection.execute(sa.select(imports).where(abandoned)).all():
        cancel_import(connection, _make_import(row))


# --- by a process ----------------------------------------------------------------------------------------------------


def save_heartbeat(connection: sa.Connection, identifier: int, run: str, phase: str, done: int, total: int) -> bool:
    """Store how far the work is; return whether the import still belongs to this run."""
    update = sa.update(imports).where(_is_of_run(identifier, run))
    return connection.execute(update.values(phase=phase, done=done, total=total, beat_at=get_time_ms())).rowcount == 1


def finish_run(connection: sa.Connection, identifier: int, run: str, **values: Any) -> None:
    """Store the result of a run, which ends it; ImportStopped when the import no longer belongs to it."""
    update = sa.update(imports).where(_is_of_run(identifier, run))
    if connection.execute(update.values(**_encode_columns({**values, "run": ""}))).rowcount != 1:
        raise ImportStopped


def mark_interrupted(connection: sa.Connection, identifier: int, run: str) -> None:
    """Mark the import interrupted if its process, which is gone, had not finished."""
    unfinished = _is_of_run(identifier, run) & imports.c.state.in_(WORKING)
    connection.execute(sa.update(imports).where(unfinished).values(beat_at=0))


def _is_of_run(identifier: int, run: str) -> sa.ColumnElement[bool]:
    return (imports.c.id == identifier) & (imports.c.run == run)


def get_import_of_run(connection: sa.Connection, identifier: int, run: str) -> Import:
    """The import; ImportStopped unless it still belongs to this run."""
    one = get_import(connection, identifier)
    if one.run != run or not one.is_working:
        raise ImportStopped
    return one


def _encode_columns(values: dict[str, Any]) -> dict[str, Any]:
    columns = {
        name: _encode_json(v) if name in ("said", "decisions", "found") and isinstance(v, dict) else v
        for name, v in values.items()
    }
    return {**columns, "updated_at": get_time_ms()}


# --- pages -----------------------------------------------------------------------------------------------------------


def write_pages(connection: sa.Connection, identifier: int, section: str, lines: Iterable[Any], size: int) -> int:
    """Store the lines of a section, ``size`` to a page; return their number."""
    rows: list[dict[str, Any]] = []
    count = page = 0
    for body, number in _encode_pages(lines, size):
        rows.append({"import": identifier, "section": section, "page": page, "body": body})
        count, page = count + number, page + 1
        if len(rows) == 100:
            connection.execute(sa.insert(import_pages), rows)
            rows = []
    if rows:
        connection.execute(sa.insert(import_pages), rows)
    return count


def read_page(connection: sa.Connection, identifier: int, section: str, page: int) -> list[Any]:
    """The lines of one page, counted from 0; none beyond the last."""
    query = sa.select(import_pages.c.body).where(
        import_pages.c["import"] == identifier, import_pages.c.section == section, import_pages.c.page == page
    )
    body = connection.execute(query).scalar()
    return _decode_json(body) if body else []


def read_lines(connection: sa.Connection, identifier: int, section: str) -> Iterator[Any]:
    """Every line of a section, a page in memory at a time."""
    page = 0
    while lines := read_page(connection, identifier, section, page):
        yield from lines
        page += 1


def delete_pages(
    connection: sa.Connection, identifier: int, *, also_file: bool = False, only_file: bool = False
) -> None:
    """Delete the pages of an import but its upload; with ``also_file`` that too, with ``only_file`` nothing else."""
    pages, is_file = import_pages.c["import"] == identifier, import_pages.c.section == FILE
    selected = pages & is_file if only_file else pages if also_file else pages & ~is_file
    connection.execute(sa.delete(import_pages).where(selected))


def _encode_json(value: Any) -> bytes:
    """A value as compressed JSON."""
    return zlib.compress(msgspec.json.encode(value), 6)


def _decode_json(body: bytes) -> Any:
    """The value of compressed JSON."""
    return msgspec.json.decode(zlib.decompress(body))


def _encode_pages(lines: Iterable[Any], size: int) -> Iterator[tuple[bytes, int]]:
    """The lines as pages of ``size``, each with the number of its lines."""
    remaining = iter(lines)
    while page := list(itertools.islice(remaining, size)):
        yield _encode_json(page), len(page)
