"""The judged queries are sound, and the figures are what was really found."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from registry.errors import InvalidInput
from registry.register import Register
from registry.settings import Settings
from tests.factories import LIST_2025, a_register, an_institution
from tests.relevance.fit import is_for_fitting
from tests.relevance.measure import (
    ENGINES,
    FILES,
    LEAST_OF_KIND,
    NOBODY,
    Judged,
    Query,
    Score,
    a_register_with,
    by_kind,
    compute_interval,
    failures,
    find_wrong_hits,
    judge,
    main,
    missed,
    read,
    score,
)


def everything() -> list[Query]:
    return [query for path in FILES for query in read(path)]


def test_every_expected_name_is_printed_so_in_the_list() -> None:
    with LIST_2025.open(encoding="utf-8", newline="") as file:
        printed = {row["name"] for row in csv.DictReader(file)}
    assert [query for query in everything() if not set(query.expected) <= {*printed, NOBODY}] == []


def test_no_query_is_asked_twice() -> None:
    texts = [query.text for query in everything()]
    assert sorted(text for text in texts if texts.count(text) > 1) == []


def test_a_kind_of_few_queries_has_no_bar_of_its_own() -> None:
    few = [Judged(Query("示例", ("示例医院",), "few"), None, None)] * (LEAST_OF_KIND - 1)
    many = [Judged(Query("示例", ("示例医院",), "many"), "示例医院", 1)] * 1000
    assert missed([*few, *many]) == []


def test_half_of_the_judged_queries_are_never_fitted() -> None:
    fitted = Counter(is_for_fitting(query) for query in everything())
    assert 0.45 < fitted[True] / fitted.total() < 0.55


def test_nobody_is_the_right_answer_when_nobody_is_said_to_be_meant(tmp_path: Path) -> None:
    a_register(tmp_path, an_institution("鞍山示例妇产医院", "辽宁省鞍山市示例路1号")).close()
    register = Register(Settings(data_dir=tmp_path))
    found = judge(register, [Query(text, (NOBODY,), "none") for text in ("鞍山样本医院", "鞍山示例妇产医院")])
    wrong = find_wrong_hits(register, ["鞍山样本医院", "鞍山示例妇产医院", "示例妇产医院"])
    register.close()
    assert [one.position for one in found] == [1, None]
    assert wrong == []


def test_an_interval_holds_the_share_and_is_narrower_with_more_queries() -> None:
    few, many = compute_interval(9, 10), compute_interval(900, 1000)
    assert few[0] < many[0] < 0.9 < many[1] < few[1] <= 1
    assert compute_interval(0, 0) == (0, 1)


def test_a_right_answer_is_counted_where_it_stood(tmp_path: Path) -> None:
    kinds = ("", "妇产", "妇幼保健")
    hospitals = (an_institution(f"鞍山示例{kind}医院", f"辽宁省鞍山市示例路{len(kind)}号") for kind in kinds)
    database = a_register(tmp_path, *hospitals)
    database.close()
    register = Register(Settings(data_dir=tmp_path))
    queries = [
        Query("鞍山示例妇产医院", ("鞍山示例妇产医院",), "exact"),
        Query("鞍山示例", ("没有的示例医院", "鞍山示例妇幼保健医院"), "short"),
        Query("没有的地方", ("鞍山示例妇产医院",), "short"),
    ]
    found = judge(register, queries)
    register.close()
    assert [one.position for one in found] == [1, 3, None]
    assert [one.first for one in found] == ["鞍山示例妇产医院", "鞍山示例医院", None]
    assert score(found) == Score(queries=3, hit_1=1, hit_5=2)
    assert by_kind(found) == {"exact": Score(1, 1, 1), "short": Score(2, 0, 1)}
    assert failures(found) == found[1:]


def test_the_sixth_is_not_among_the_first_five() -> None:
    query = Query("示例", ("示例医院",), "short")
    assert score([Judged(query, "x", 5), Judged(query, "x", 6)]) == Score(queries=2, hit_1=0, hit_5=1)


def test_a_line_without_three_columns_is_refused_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "some.tsv").write_text("# query\n\n示例\t示例医院\n", "utf-8")
    with pytest.raises(InvalidInput, match="第3行"):
        read(tmp_path / "some.tsv")


def test_a_file_is_measured_against_the_real_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "some.tsv"
    path.write_text("青海省人民医院\t青海省人民医院\texact\n青海省人民医院\t青海红十字医院\twrong\n", "utf-8")
    with pytest.raises(SystemExit, match="is below 97%"):
        main([str(path), "--engine", "embedded", "--json"])
    told = json.loads(capsys.readouterr().out)
    told = told["embedded"]
    assert told["files"][str(path)]["all"] == told["together"]["all"] == {"queries": 2, "hit_1": 1, "hit_5": 1}
    assert [(one["kind"], one["first"]) for one in told["together"]["failures"]] == [("wrong", "青海省人民医院")]
    with pytest.raises(SystemExit):
        main([str(path), "--engine", "embedded", "--failures"])
    assert "not first in 1 of 2" in capsys.readouterr().out


@pytest.mark.parametrize("engine", ENGINES)
def test_the_institution_meant_comes_first_on_both_engines(engine: str) -> None:
    with a_register_with(engine) as register:
        judged = judge(register, everything())
        if engine == "meilisearch":
            assert register.outside is not None and register.outside.fallbacks == 0
    assert missed(judged) == [], failures(judged)


def test_a_kind_below_its_bar_is_named() -> None:
    good, bad = Query("示例", ("示例医院",), "good"), Query("示例", ("示例医院",), "bad")
    judged = [*[Judged(good, "示例医院", 1)] * 1000, *[Judged(bad, None, None)] * LEAST_OF_KIND]
    assert missed(judged) == ["hit@1 of bad 0.0% is below 90%"]
    assert missed([Judged(bad, "x", 6)] * 2)[:2] == ["hit@1 0.0% is below 97%", "hit@5 0.0% is below 99%"]
