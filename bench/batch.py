"""Claims a second on one core: a batch of bytes to bytes beside the plain loop of single answers, in the same run.

Both sides are the same work from a line of JSON to a line of JSON, in one process that is kept on one core. `repeated`
asks about the 635 names again and again, as lists of advertisements do; `distinct` asks nothing twice: each claim
has a time of knowing of its own, so nothing a batch keeps can help.
"""

from __future__ import annotations

import csv
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from bench import running
from bench.imports import SEED
from bench.search import on_one_core
from registry.claimfiles.answering import Answering, CsvForm, JsonForm
from registry.claimfiles.csvs import CsvReader
from registry.claimfiles.ndjson import NdjsonReader
from registry.errors import InvalidInput
from registry.model import Claim
from registry.register import Register, opened
from registry.settings import Settings
from registry.verification.answer import answer

CLAIMS, ROUNDS = 10_000, 5
_PIECE = 65_536
Lines = list[bytes]
_json = msgspec.json.Encoder()
_claim = msgspec.json.Decoder(Claim)


def run(folder: Path, claims: int = CLAIMS, rounds: int = ROUNDS) -> None:
    """Plain loop and batch in turn, so that both meet the same noise; medians of the rounds."""
    data_dir = folder / "batch"
    running.registry(data_dir, "init", "--quiet")
    running.registry(data_dir, "seed")
    register = opened(Settings(data_dir=data_dir))
    register.look()
    print(f"{'claims a second, one core':44} {'plain':>8} {'ndjson':>8} {'ratio':>6} {'csv':>8} {'ratio':>6}")
    with on_one_core():
        for name, lines in loads(claims):
            table = _table(lines)
            sides: tuple[Callable[[], object], ...] = (
                lambda lines=lines: plain(register, lines),
                lambda lines=lines: ndjson(register, b"".join(lines)),
                lambda table=table: as_csv(register, table),
            )
            times = [[_rate(register, side, len(lines)) for side in sides] for _ in range(rounds)]
            one, two, three = (statistics.median(side) for side in zip(*times, strict=True))
            first = statistics.median(b / a for a, b, _ in times)
            second = statistics.median(c / a for a, _, c in times)
            print(f"{name:44} {one:8,.0f} {two:8,.0f} {first:6.2f} {three:8,.0f} {second:6.2f}", flush=True)
    register.close()


def _rate(register: Register, side: Callable[[], object], number: int) -> float:
    register.look()  # nobody follows the log here, and a view that is not followed stops answering
    started = time.process_time()  # of the processor: other work on the machine does not count
    side()
    return number / (time.process_time() - started)


# --- what is compared ------------------------------------------------------------------------------------------------


def plain(register: Register, lines: Lines) -> int:
    """One answer after another, each by itself: a line of JSON to a line of JSON."""
    size = 0
    for line in lines:
        try:
            size += len(_json.encode(answer(register.verification, _claim.decode(line))))
        except InvalidInput as error:
            size += len(error.zh)
    return size


def ndjson(register: Register, body: bytes) -> int:
    """The same as one batch."""
    return _answered(Answering(NdjsonReader(), JsonForm(register.batch())), body)


def as_csv(register: Register, body: bytes) -> int:
    """The same as one batch of csv rows."""
    reader = CsvReader()
    return _answered(Answering(reader, CsvForm(register.batch(), reader.layout)), body)


def _answered(answering: Answering, body: bytes) -> int:
    size = 0
    for start in range(0, len(body), _PIECE):
        size += sum(map(len, answering.feed(body[start : start + _PIECE])))
    return size + sum(map(len, answering.end()))


# --- what is asked ---------------------------------------------------------------------------------------------------


def loads(number: int) -> Iterator[tuple[str, Lines]]:
    """Claims about the whole real list: as printed, and written as people write them."""
    with SEED.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    chance = random.Random(5)
    names = [chance.choice(rows)["name"] for _ in range(number)]
    noisy = [noise(chance, chance.choice(rows)["name"]) for _ in range(number)]
    yield "exact names, repeated", [_line(n, name) for n, name in enumerate(names)]
    yield "exact names, nothing twice", [_line(n, name, known_at=n) for n, name in enumerate(names)]
    yield "mixed noise", [_line(n, name) for n, name in enumerate(noisy)]
    yield "mixed noise, nothing twice", [_line(n, name, known_at=n) for n, name in enumerate(noisy)]
    strangers = [f"{chance.choice(rows)['name'][:-3]}{n}某某医院" for n in range(number // 4)]
    yield "names not listed, nothing twice", [_line(n, name) for n, name in enumerate(strangers)]


def noise(chance: random.Random, name: str) -> str:
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


def _line(number: int, name: str, known_at: int | None = None) -> bytes:
    claim: dict[str, object] = {"id": f"row-{number}", "provider": {"name": name}, "techniques": ["IVF"]}
    if known_at is not None:  # far in the future, so each claim is another and means the same
        claim["known_at"] = f"2100-01-01T{known_at // 3600 % 24:02}:{known_at // 60 % 60:02}:{known_at % 60:02}Z"
    return _json.encode(claim) + b"\n"


def _table(lines: Lines) -> bytes:
    claims = [_claim.decode(line) for line in lines]
    rows = ["id,name,techniques,known_at"]
    for one in claims:
        instant = one.known_at.isoformat().replace("+00:00", "Z") if one.known_at else ""
        rows.append(f"{one.id},{one.provider.name},{';'.join(one.techniques)},{instant}")
    return "\n".join(rows).encode()
