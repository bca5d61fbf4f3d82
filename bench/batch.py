"""Claims a second on one core: a batch of bytes to bytes beside the plain loop of single answers, in the same run.

Both sides are the same work from a line of JSON to a line of JSON, in one process that is kept on one core. `repeated`
asks about 635 names again and again, as lists of advertisements do; of `nothing twice` every claim is about another
institution or another day, so that nothing that is kept can help. Each round begins with nothing remembered.
"""

from __future__ import annotations

import datetime as dt
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from bench import registers
from bench.registers import REAL, ListedInstitution
from bench.search import use_one_core
from registry.batch.answer_stream import AnswerStream, CsvAnswerWriter, JsonAnswerWriter
from registry.batch.claim_rows import CsvReader, NdjsonReader
from registry.domain.answers import Claim
from registry.errors import InvalidInput
from registry.register import Register, open_register
from registry.settings import Settings
from registry.verification.answer import answer_claim

CLAIMS, ROUNDS = 10_000, 5
_FIRST = dt.date(2026, 1, 1)
_PIECE = 65_536
Lines = list[bytes]
_json = msgspec.json.Encoder()
_claim = msgspec.json.Decoder(Claim)


def run(folder: Path, institutions: int = REAL, claims: int = CLAIMS, rounds: int = ROUNDS) -> None:
    """Plain loop and batch in turn, so that both meet the same noise; medians of the rounds."""
    data_dir, listed = registers.prepare_register(folder, institutions)
    register = open_register(Settings(data_dir=data_dir))
    before = time.process_time()
    register.follow_log()
    gc.collect()
    gc.freeze()  # as a server does once it has loaded
    print(f"{institutions:,} institutions, loaded in {time.process_time() - before:.1f} s of the processor")
    headings = [f"{word:>8}" for word in ("plain", "ndjson", "ratio", "csv", "ratio", "receipts")]
    print(f"{'claims a second, one core':44} {' '.join(headings)}")
    with use_one_core():
        for name, lines in make_loads(listed, claims):
            table = _make_table(lines)
            sides: tuple[Callable[[], object], ...] = (
                lambda lines=lines: answer_plainly(register, lines),
                lambda lines=lines: answer_ndjson(register, b"".join(lines)),
                lambda table=table: answer_csv(register, table),
                lambda lines=lines: answer_ndjson(register, b"".join(lines), receipts=True),
            )
            times = [[_measure_rate(register, side, len(lines)) for side in sides] for _ in range(rounds)]
            one, two, three, four = (statistics.median(side) for side in zip(*times, strict=True))
            first = statistics.median(b / a for a, b, *_ in times)
            second = statistics.median(c / a for a, _, c, _ in times)
            print(
                f"{name:44} {one:8,.0f} {two:8,.0f} {first:6.2f} {three:8,.0f} {second:6.2f} {four:8,.0f}", flush=True
            )
    register.close()


def _measure_rate(register: Register, side: Callable[[], object], number: int) -> float:
    register.follow_log()  # nobody follows the log here, and a view that is not followed stops answering
    register.verification.forget_answers()
    started = time.process_time()  # of the processor: other work on the machine does not count
    side()
    return number / (time.process_time() - started)


# --- what is compared ------------------------------------------------------------------------------------------------


def answer_plainly(register: Register, lines: Lines) -> int:
    """One answer after another, each by itself: a line of JSON to a line of JSON."""
    size = 0
    for line in lines:
        try:
            size += len(_json.encode(answer_claim(register.verification, _claim.decode(line))))
        except InvalidInput as error:
            size += len(error.zh)
    return size


def answer_ndjson(register: Register, body: bytes, receipts: bool = False) -> int:
    """The same as one batch; with a receipt for each row under one signature."""
    return _count_answers(
        AnswerStream(NdjsonReader(), JsonAnswerWriter(register.make_batch(), receipts=receipts)), body
    )


def answer_csv(register: Register, body: bytes) -> int:
    """The same as one batch of csv rows."""
    reader = CsvReader()
    return _count_answers(AnswerStream(reader, CsvAnswerWriter(register.make_batch(), reader.get_layout)), body)


def _count_answers(answering: AnswerStream, body: bytes) -> int:
    size = 0
    for start in range(0, len(body), _PIECE):
        size += sum(map(len, answering.feed(body[start : start + _PIECE])))
    size += sum(map(len, answering.feed_end()))
    answering.form.close()
    return size


# --- what is asked ---------------------------------------------------------------------------------------------------


def make_loads(listed: list[ListedInstitution], number: int) -> Iterator[tuple[str, Lines]]:
    """Claims as printed, and as people write them; of `nothing twice` each is about another day or institution."""
    chance = random.Random(5)
    few = [one.name for one in listed[:REAL]]
    names = [chance.choice(few) for _ in range(number)]
    noisy = [make_noise(chance, chance.choice(few)) for _ in range(number)]
    yield "exact names, repeated", [_make_line(n, name) for n, name in enumerate(names)]
    yield "mixed noise, repeated", [_make_line(n, name) for n, name in enumerate(noisy)]
    others = [one.name for one in listed]
    each = [others[n % len(others)] for n in range(number)]
    yield "exact names, nothing twice", [_make_line(n, name, n // len(others)) for n, name in enumerate(each)]
    varied = [make_noise(chance, name) for name in each]
    yield "mixed noise, nothing twice", [_make_line(n, name, n // len(others)) for n, name in enumerate(varied)]
    strangers = [f"{name[:-3]}{n}某某医院" for n, name in enumerate(each[: number // 4])]
    yield "names not listed, nothing twice", [_make_line(n, name) for n, name in enumerate(strangers)]


def make_noise(chance: random.Random, name: str) -> str:
    """A name as advertisements have it: exact, spaced, full width, in other brackets, of another kind, cut, unknown."""
    kinds: tuple[Callable[[str], str], ...] = (
        lambda text: text,
        " ".join,
        lambda text: text.replace("（", "(").replace("）", ")"),
        lambda text: f"{text}有限公司",
        lambda text: text.replace("妇婴", "妇幼").replace("第一", "第二"),
        lambda text: f"{text}生殖中心",
        lambda text: text[2:],
        lambda text: f"{text[:3]}{chance.randrange(1000)}美容医院",
    )
    return chance.choice(kinds)(name)


def _make_line(number: int, name: str, day: int | None = None) -> bytes:
    claim: dict[str, object] = {"id": f"row-{number}", "provider": {"name": name}, "techniques": ["IVF"]}
    if day is not None:
        claim["on"] = (_FIRST + dt.timedelta(days=day)).isoformat()
    return _json.encode(claim) + b"\n"


def _make_table(lines: Lines) -> bytes:
    claims = [_claim.decode(line) for line in lines]
    rows = ["id,name,techniques,on"]
    rows += [f"{one.id},{one.provider.name},{';'.join(one.techniques)},{one.on or ''}" for one in claims]
    return "\n".join(rows).encode()
