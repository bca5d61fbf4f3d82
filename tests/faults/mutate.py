"""Uploads with chance damage: ``python -m tests.faults.mutate [N] [SEED]`` sends N and says what became of them.

Of every kind that is accepted: lists and claims as csv and xlsx, lists and documents as docx, files of people, claims
as JSON and ndjson. Damaged in the bytes of the file, in those of a part inside it, or in the values of its XML, packed
again. Most go straight to the process that reads them, one in twenty through a running server.
"""

from __future__ import annotations

import io
import json
import random
import re
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx

from registry.batch.answer_stream import AnswerStream, CsvAnswerWriter, JsonAnswerWriter
from registry.batch.claim_rows import ClaimTable, CsvReader, NdjsonReader
from registry.batch.xlsx_sheets import read_claims
from registry.errors import Busy, RegistryError
from registry.importers.people import columns
from registry.register import Register, open_register
from registry.settings import Settings
from registry.staff.forms.documents import detect_file_type
from registry.storage.uploads import file_reader
from registry.storage.uploads.limits import LIST, PAGE
from tests.faults import hostile_files as hostile
from tests.faults.processes import Peak, readers_of
from tests.running import Cli, Server, serving

REAL = Path(__file__).parents[1] / "data" / "national-list-2025-06.docx"
#: One in so many goes through the server.
_SERVED = 20
_TEXTS = (
    b"<",
    b">",
    b"&",
    b'"',
    b"\x00",
    b"\xff\xfe",
    b"PK\x03\x04",
    b"]]>",
    b"<!DOCTYPE x>",
    b'r="A999999999"',
    b",",
    b"\n",
)
_VALUES = (
    b"",
    b"0",
    b"-1",
    b"999999999",
    b"4294967296",
    b"1e308",
    b"A1",
    b"XFD1",
    b"A1:XFD1048576",
    b"inlineStr",
    b"s",
)
Read = Callable[[bytes], object]


class Kind(NamedTuple):
    """Files of one kind to damage, what reads them (None: only a server does), and how a server is asked."""

    name: str
    files: tuple[bytes, ...]
    read: Read | None
    send: Callable[[httpx.Client, bytes], httpx.Response]


class Outcome(NamedTuple):
    """What became of some uploads; seconds of the slowest one, MiB by which the reader's parent grew."""

    said: Counter[str]
    slowest: float
    grown: float


# --- damage ----------------------------------------------------------------------------------------------------------


def damaged(chance: random.Random, content: bytes) -> bytes:
    """A file with something wrong somewhere in it."""
    if content.startswith(b"PK") and chance.random() < 0.6:
        parts = hostile.parts_of(content)
        name = chance.choice(list(parts))
        part = parts[name]
        assert isinstance(part, bytes)
        parts[name] = _other_values(chance, part) if chance.random() < 0.5 else _broken(chance, part)
        if chance.random() < 0.1:
            parts[name.replace("1", "2").replace(".xml", chance.choice((".dat", ".XML", "")))] = parts.pop(name)
        return hostile.packed(parts, level=1)
    return _broken(chance, content)


def _other_values(chance: random.Random, content: bytes) -> bytes:
    """XML that is still XML, some of whose values and texts are others."""
    values = re.findall(rb'"[^"<>&]*"|>[^<>&]+<', content)
    for old in chance.sample(values, min(len(values), chance.choice((1, 2, 5)))):
        new = chance.choice((chance.choice(values)[1:-1], *_VALUES))
        at = chance.choice([found.start() for found in re.finditer(re.escape(old), content)])
        content = content[: at + 1] + new + content[at + len(old) - 1 :]
    return content


def _broken(chance: random.Random, content: bytes) -> bytes:
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(made) + 1)
        length = chance.choice((1, 1, 2, 4, 16, 256))
        match chance.randrange(7):
            case 0:
                made[at : at + length] = chance.randbytes(length)
            case 1:
                made[at : at + length] = b""
            case 2:
                made[at:at] = chance.choice(_TEXTS)
            case 3:
                made[at:at] = made[at : at + length] * chance.choice((2, 10, 100))
            case 4 if made:
                made[at % len(made)] ^= 1 << chance.randrange(8)
            case 5:
                there = chance.randrange(len(made) + 1)
                made[at : at + length], made[there : there + length] = (
                    made[there : there + length],
                    made[at : at + length],
                )
            case _ if chance.random() < 0.2:
                del made[at:]
    return bytes(made)


# --- kinds -----------------------------------------------------------------------------------------------------------


def kinds(register: Register) -> tuple[Kind, ...]:
    """Every kind that is accepted somewhere."""
    rows = [("编号", "名称", "技术", "日期"), *((str(n), f"示例{n}医院", "IVF、PGT", "2025/7/1") for n in range(20))]
    table = "\r\n".join(",".join(row) for row in rows)
    quoted = table.replace("示例1医院", '"示例,1\n医院""x"""')
    csvs = (table.encode(), table.encode("gb18030"), quoted.encode("utf-8-sig"), table.encode("utf-16"))
    sheet = hostile.sheet(hostile.rows_of(*rows), after='<mergeCells><mergeCell ref="A2:B3"/></mergeCells>')
    books = (hostile.xlsx({"worksheets/sheet1.xml": sheet}), hostile.shared_strings(40, 5, across=4))
    objects = [{"id": str(n), "provider": {"name": f"示例{n}医院"}, "techniques": ["IVF"]} for n in range(20)]
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in objects).encode()
    whole = json.dumps({"claims": objects}, ensure_ascii=False).encode()
    people = tuple(columns.make_template(kind) for kind in ("practitioners", "ad_certificates"))
    texts = (hostile.docx(), _short(REAL))
    return (
        Kind("csv of claims", csvs, lambda b: _csv(register, b), _page),
        Kind("csv of claims, API", csvs, lambda b: _csv(register, b), _posted("text/csv")),
        Kind("xlsx of claims", books, _sheet, _page),
        Kind("list in csv", csvs, _tables, _page),
        Kind("list in xlsx", books, _tables, _page),
        Kind("list in docx", texts, _tables, _page),
        Kind("people in xlsx", people, _tables, _page),
        Kind(
            "documents", (*texts, *books, b"%PDF-1.7\n...", csvs[0]), lambda b: detect_file_type(io.BytesIO(b)), _page
        ),
        Kind("ndjson", (lines,), lambda b: _ndjson(register, b), _posted("application/x-ndjson")),
        Kind("JSON", (whole,), None, _posted("application/json")),
    )


def _short(path: Path) -> bytes:
    """A real list, cut down to its first rows: it is damaged many times."""
    parts = hostile.parts_of(path.read_bytes())
    document = parts["word/document.xml"]
    assert isinstance(document, bytes)
    rows = re.findall(rb"<w:tr[ >].*?</w:tr>", document, re.S)
    parts["word/document.xml"] = document.replace(b"".join(rows[30:]), b"")
    return hostile.packed(parts)


def _tables(content: bytes) -> int:
    return sum(1 for table in file_reader.read_tables(io.BytesIO(content), LIST) for _ in table.rows)


def _sheet(content: bytes) -> int:
    return sum(1 for _ in read_claims(io.BytesIO(content), ClaimTable(), PAGE))


def _csv(register: Register, content: bytes) -> int:
    reader = CsvReader(limits=PAGE)
    return _take_answer(AnswerStream(reader, CsvAnswerWriter(register.make_batch(), reader.get_layout)), content)


def _ndjson(register: Register, content: bytes) -> int:
    return _take_answer(AnswerStream(NdjsonReader(), JsonAnswerWriter(register.make_batch())), content)


def _take_answer(answering: AnswerStream, content: bytes) -> int:
    return sum(map(len, answering.feed(content))) + sum(map(len, answering.feed_end()))


def _page(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post("/check/list", files={"file": ("a.xlsx", content)}, data={"as": "page"})


def _posted(media_type: str) -> Callable[[httpx.Client, bytes], httpx.Response]:
    return lambda client, content: client.post(
        "/api/v1/verify/batch", content=content, headers={"Content-Type": media_type}
    )


# --- runs ------------------------------------------------------------------------------------------------------------


def run(data_dir: Path, server: Server, number: int, seed: int) -> Iterator[tuple[str, Outcome]]:
    """Each kind with its outcome. Anything but an answer or a refusal of ours is raised."""
    with open_register(Settings(data_dir=data_dir)) as register:
        there = kinds(register)
        for kind in there:
            yield kind.name, _of_kind(kind, server, number // len(there), random.Random(f"{seed} {kind.name}"))


def _of_kind(kind: Kind, server: Server, number: int, chance: random.Random) -> Outcome:
    said: Counter[str] = Counter()
    slowest = 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for n in range(number):
        content = damaged(chance, chance.choice(kind.files))
        started = time.monotonic()
        if kind.read is None or n % _SERVED == 0:
            answer = kind.send(server.client, content)
            assert answer.status_code in (200, 400, 413), (answer.status_code, answer.text[:500])
            said[str(answer.status_code)] += 1
        else:
            try:
                kind.read(content)
                said["read"] += 1
            except Busy:
                raise
            except RegistryError as error:
                said[error.code] += 1
        slowest = max(slowest, time.monotonic() - started)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return Outcome(said, slowest, grown)


def main(arguments: list[str]) -> int:
    """0 when nothing but answers and refusals came."""
    number, seed = (int(arguments[n]) if len(arguments) > n else usual for n, usual in enumerate((20_000, 1)))
    with tempfile.TemporaryDirectory() as folder:
        cli = Cli(Path(folder) / "var")
        cli.ok("init")
        cli.ok("seed")
        with serving(cli.data_dir) as server:
            peak, started = Peak(server.process.pid), time.monotonic()
            for name, (said, slowest, grown) in run(cli.data_dir, server, number, seed):
                print(
                    f"{name:20} {sum(said.values()):6,}  slowest {slowest:5.2f} s  +{grown:4.0f} MiB  {dict(said)}",
                    flush=True,
                )
            taken = time.monotonic() - started
            print(f"{number:,} uploads in {taken:,.0f} s; the server grew by {peak.growth():.0f} MiB")
            assert server.process.poll() is None
            assert readers_of(server.process.pid) == []
            assert "Traceback" not in server.errors.read_text()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
