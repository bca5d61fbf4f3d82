"""A list of any length that looks like the national one: every row its own institution, in a real district."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from pathlib import Path

REGIONS = Path(__file__).parent.parent / "seed_data" / "regions" / "regions.csv"
HEADINGS = ("province", "name", "address", "techniques", "stages")
_KINDS = (
    "人民医院",
    "妇幼保健院",
    "妇产医院",
    "中心医院",
    "第一医院",
    "第二人民医院",
    "生殖医院",
    "妇儿医院",
    "中医医院",
    "生殖专科医院有限公司",
)
_WORDS = "华安康宁和平光明新民长春东方建设文化解放友谊胜利红旗幸福团结前进青年滨河朝阳永乐中兴爱同济仁博协嘉佑"
_TECHNIQUES = ("AIH", "AIH AID", "AIH IVF ICSI", "AIH AID IVF ICSI PGT", "AIH IVF ICSI PGT")
_STAGES = ("formal", "formal", "formal", "trial")


def list_districts() -> list[tuple[str, str]]:
    """(province, address down to the district) of every district that exists today."""
    with REGIONS.open(encoding="utf-8", newline="") as file:
        names = {row["code"]: row["name"] for row in csv.DictReader(file) if not row["until"]}
    found = []
    for code, name in names.items():
        province, city = names.get(code[:2] + "0000"), names.get(code[:4] + "00", "")
        if not code.endswith("00") and province and code[:2] not in ("71", "81", "82"):
            found.append((province, f"{province}{city}{name}"))
    return found


def make_rows(number: int, seed: int = 1) -> Iterator[tuple[str, str, str, str, str]]:
    """``number`` rows, the same for the same seed; no name and no address twice."""
    chance = random.Random(seed)
    places = list_districts()
    seen: set[str] = set()
    while len(seen) < number:
        province, place = places[len(seen) % len(places)]
        word = "".join(chance.sample(_WORDS, 2))
        name = f"{place.removeprefix(province)}{word}{chance.choice(_KINDS)}"
        if name in seen:
            continue
        seen.add(name)
        street = "".join(chance.sample(_WORDS, 2))
        address = f"{place}{street}{chance.choice('路街')}{len(seen) % 997 + 1}号"
        yield province, name, address, chance.choice(_TECHNIQUES), chance.choice(_STAGES)


def write_list(path: Path, number: int, skip_every: int = 0, rename_every: int = 0) -> None:
    """A csv list; leaving out and renaming some rows makes the edition that follows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADINGS)
        for position, (province, name, *rest) in enumerate(make_rows(number), start=1):
            if skip_every and position % skip_every == 0:
                continue
            renamed = bool(rename_every) and position % rename_every == 0
            out.writerow((province, f"{name}（新院）" if renamed else name, *rest))
