"""The two real lists: every name however written is found, and nothing near a name is ever licensed."""

from __future__ import annotations

import csv
import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from opencc import OpenCC

from registry.domain.answers import Answer
from registry.domain.normalise import fold_text
from registry.verification.view import VerificationView
from tests.claims.lists import find_by_form
from tests.factories import LIST_2025, a_view, ask, the_real_lists

TODAY = dt.date(2025, 7, 1)
CLAIMS = Path(__file__).parents[1] / "data" / "claims-dev.tsv"
TO_TRADITIONAL = OpenCC("s2t")


class Listed(NamedTuple):
    """One row of the list; ``name`` as the register prints it."""

    name: str
    address: str
    techniques: tuple[str, ...]
    city: str

    @property
    def has_campus(self) -> bool:
        return bool(re.search(r"[（(][^（）()]*(院区|分院|本部|[东西南北]院|[东西南北]区)[)）]\s*$", self.name))


@cache
def the_list() -> list[Listed]:
    with LIST_2025.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [Listed(r["name"].strip(), r["address"], tuple(r["techniques"].split()), r["province"]) for r in rows]


@pytest.fixture(scope="module")
def view() -> Iterator[VerificationView]:
    database = the_real_lists()
    view = a_view(database)
    database.close()
    yield view


def claim(view: VerificationView, name: str, technique: str, address: str | None = None) -> Answer:
    return ask(view, name, technique, on=TODAY, address=address)


# --- the same institution, written differently -----------------------------------------------------------------------

DIGITS = "〇一二三四五六七八九"


def arabic(name: str) -> str:
    return name.translate(str.maketrans(DIGITS, "0123456789")) if not re.search("[十百]", name) else name


def spelled(name: str) -> str:
    return re.sub(r"[0-9]", lambda digit: DIGITS[int(digit[0])], name)


VARIATIONS: dict[str, Callable[[str], str]] = {
    "as printed": lambda name: name,
    "half-width brackets": lambda name: name.replace("（", "(").replace("）", ")"),
    "full-width brackets": lambda name: name.replace("(", "（").replace(")", "）"),
    "square brackets": lambda name: name.replace("（", "【").replace("）", "】"),
    "no brackets": lambda name: re.sub("[（）()]", "", name),
    "traditional": TO_TRADITIONAL.convert,
    "full-width digits": lambda name: "".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isdigit() else c for c in name),
    "circle for zero": lambda name: name.replace("〇", "○"),
    "零 for zero": lambda name: name.replace("〇", "零"),
    "a digit for zero": lambda name: name.replace("〇", "0"),
    "Arabic numerals": arabic,
    "Chinese numerals": spelled,
    "spaced apart": " ".join,
    "ideographic spaces": lambda name: f"　{name[:2]}　{name[2:]}　",
    "zero width": "\u200b".join,
    "with a line break": lambda name: f"{name[:3]}\r\n{name[3:]}",
    "with a full stop": lambda name: f"“{name}”。",
    "decomposed": lambda name: unicodedata.normalize("NFKD", name),
    "no company": lambda name: re.sub("[（(]?(股份有限公司|有限责任公司|有限公司)[）)]?$", "", name),
}


@pytest.mark.parametrize("how", VARIATIONS)
def test_every_listed_name_is_found_however_it_is_written(view: VerificationView, how: str) -> None:
    known = {fold_text(one.name) for one in the_list()}
    wrong = []
    for one in the_list():
        written = VARIATIONS[how](one.name)
        if written == one.name and how != "as printed":
            continue
        if how == "no company" and one.has_campus:
            continue
        bare = fold_text(written)
        if bare != fold_text(one.name) and bare in known:
            continue  # that is the name of another row
        answers = [claim(view, written, technique) for technique in one.techniques]
        matched = {a.match.name for a in answers if a.match}
        if "licensed" not in {a.verdict for a in answers} or not matched <= {one.name}:
            wrong.append((one.name, written, {a.verdict for a in answers}, matched))
    assert wrong == []


def test_every_listed_name_is_licensed_for_what_it_holds_and_for_nothing_else(view: VerificationView) -> None:
    by_name: dict[str, list[Listed]] = {}
    for one in the_list():
        by_name.setdefault(fold_text(one.name), []).append(one)
    wrong = []
    for sites in by_name.values():
        for technique in ("AIH", "AID", "IVF", "ICSI", "PGT"):
            for one in sites:
                held = technique in one.techniques
                answer = claim(view, one.name, technique, one.address)
                if answer.verdict != ("licensed" if held else "technique_not_licensed"):
                    wrong.append((one.name, one.address, technique, answer.verdict))
    assert wrong == []


def test_a_name_at_two_sites_is_ambiguous_only_where_they_disagree(view: VerificationView) -> None:
    twice = {
        one.name for one in the_list() if sum(fold_text(other.name) == fold_text(one.name) for other in the_list()) > 1
    }
    assert twice == {"大连市妇女儿童医疗中心（集团）"}
    sites = [one for one in the_list() if one.name in twice]
    assert len(sites) == 2
    for technique in ("AIH", "AID", "IVF", "ICSI", "PGT"):
        holding = sum(technique in one.techniques for one in sites)
        expected = {0: "technique_not_licensed", 1: "ambiguous", 2: "licensed"}[holding]
        answer = claim(view, sites[0].name, technique)
        assert (answer.verdict, len(answer.candidates)) == (expected, 2)


# --- near, and not the same -----------------------------------------------------------------------------------------

ORDINALS = "一二三四五六七八九"
SWAPS = [("妇婴", "妇幼"), ("妇幼", "妇婴"), ("妇幼", "妇产"), ("妇产", "妇幼"), ("妇儿", "妇幼"), ("儿童", "妇幼")]
SWAPS += [
    ("菁华", "精华"),
    ("人民", "中心"),
    ("中心医院", "人民医院"),
    ("附属", ""),
    ("医学院", "医科大学"),
    ("市", "县"),
]
SWAPS += [("妇幼保健院", "妇婴医院"), ("妇婴医院", "妇幼保健院"), ("大学", "学院"), ("省", "市"), ("医院", "中医院")]
ENDINGS = [
    "分院",
    "生殖中心",
    "生殖医学中心",
    "健康咨询有限公司",
    "国际部",
    "（国际部）",
    "东院区",
    "健康管理有限公司",
    "医院",
]
ENDINGS += ["（分院）", "门诊部", "集团", "（上海）", "有限公司", "（有限责任公司）"]
CITIES = ["上海市", "沈阳市", "成都", "广东省", "国际", "新"]


def base(name: str) -> str:
    return re.split("[（(]", name)[0].strip()


def near_names(name: str) -> Iterator[str]:
    for old, new in SWAPS:
        if old in name:
            yield name.replace(old, new, 1)
    for i, character in enumerate(name):
        if character in ORDINALS and name[i - 1 : i] == "第":
            for other in ORDINALS:
                if other != character:
                    yield name[:i] + other + name[i + 1 :]
        elif character in DIGITS or character.isdigit():
            yield (
                name[:i]
                + DIGITS[(fold_text(character) in "0123456789" and int(fold_text(character)) + 1) % 10]
                + name[i + 1 :]
            )
    for ending in ENDINGS:
        yield name + ending
        yield base(name) + ending
    for city in CITIES:
        yield city + name
    yield name[: len(name) // 2]
    yield name[len(name) // 2 :]
    yield base(name)[:-2]
    yield base(name)[2:]
    yield base(name)[:-1]


def test_a_name_that_is_only_near_is_licensed_only_as_whom_it_names(view: VerificationView) -> None:
    named: dict[str, set[str]] = {}
    for spans in view.institutions.values():
        for span in spans:
            for known in span.names:
                named.setdefault(known.key, set()).add(span.site.code)
    wrong, tried = [], 0
    for position, one in enumerate(the_list()):
        # Every second change of every second name, alternating: each change meets hundreds of names.
        for number, written in enumerate(dict.fromkeys(near_names(one.name))):
            if fold_text(written) == fold_text(one.name) or (position + number) % 2:
                continue
            tried += 1
            answer = claim(view, written, one.techniques[0])
            if answer.verdict == "licensed":
                assert answer.match is not None
                named_so = named.get(fold_text(written)) or {
                    code for form in find_by_form(written) for code in named[fold_text(form)]
                }
                if answer.match.code.replace("-", "") not in named_so:
                    wrong.append((one.name, written, answer.match.name))
    assert tried > 9_000
    assert wrong == []


FULL_NAMES = ["沈阳市妇婴医院", "沈阳市妇幼保健院"]


def test_the_two_hospitals_of_shenyang_never_answer_for_each_other(view: VerificationView) -> None:
    sites = {one.name: one for one in the_list() if one.name in FULL_NAMES}
    assert set(sites["沈阳市妇婴医院"].techniques) == {"AIH", "IVF", "ICSI", "PGT"}
    assert set(sites["沈阳市妇幼保健院"].techniques) == {"AIH"}
    for name in FULL_NAMES:
        for technique in ("AIH", "AID", "IVF", "ICSI", "PGT"):
            for written in (name, TO_TRADITIONAL.convert(name), f" {name} ", f"辽宁省{name}"):
                answer = claim(view, written, technique)
                assert answer.match is not None
                assert answer.match.name == name
                held = technique in sites[name].techniques
                assert answer.verdict == ("licensed" if held else "technique_not_licensed")
    assert claim(view, "沈阳市妇幼保健院", "IVF", "大南街87号").verdict == "site_mismatch"
    assert claim(view, "沈阳市妇婴医院", "IVF", "沈州路41号").verdict == "site_mismatch"


@pytest.mark.parametrize("name", ["中国医科大学附属第一医院", "大连医科大学附属第二医院"])
def test_famous_is_not_approved(view: VerificationView, name: str) -> None:
    assert claim(view, name, "IVF").verdict == "not_found"


@pytest.mark.parametrize("name", ["大连医科大学附属第一医院", "辽宁省妇幼保健院"])
def test_on_the_list_is_not_approved_for_everything(view: VerificationView, name: str) -> None:
    assert claim(view, name, "AIH").verdict == "licensed"
    assert claim(view, name, "IVF").verdict == "technique_not_licensed"


@pytest.mark.parametrize(
    ("day", "word"),
    [("2018-02-20", "unknown"), ("2018-02-21", "licensed"), ("2025-06-29", "licensed"), ("2025-06-30", "licensed")],
)
def test_a_day_is_answered_from_the_list_of_that_day(view: VerificationView, day: str, word: str) -> None:
    answer = ask(view, "沈阳市妇婴医院", "IVF", on=dt.date.fromisoformat(day))
    assert answer.verdict == word
    if word == "licensed":
        assert answer.basis is not None
        assert answer.basis.as_of.isoformat() == ("2025-06-30" if day == "2025-06-30" else "2018-02-21")


def rows() -> list[list[str]]:
    lines = CLAIMS.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]} {row[1]}")
def test_the_development_claims_are_all_judged_right(view: VerificationView, row: list[str]) -> None:
    name, technique, address, verdicts, matched, _ = row
    answer = claim(view, name, technique, address or None)
    assert answer.verdict in verdicts.split("|")
    if matched != "-":
        assert answer.match is not None
        assert fold_text(answer.match.name) == fold_text(matched)
    elif answer.verdict == "licensed":
        pytest.fail("licensed nobody")
