"""Searching from the shell: what is shown, why, and the names people use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import Cli

SHENGJING = "中国医科大学附属盛京医院"


@pytest.mark.parametrize(
    ("question", "says"),
    [
        (
            "盛景医院",
            (
                "名称或地址 / name or address: 盛景医院",
                "typo",
                SHENGJING,
                "名录中没有名为“盛景医院”的机构\nNobody on the list is called “盛景医院”\n",
            ),
        ),
        ("大连三代试管", ("地区 / place: 大连 = 辽宁省大连市 210200", "技术 / technique: 三代试管", "先于名称")),
        ("shengjing", ("读音 / heard: sheng'jing", "pinyin", SHENGJING)),
        ("zdsfy", ("首字母 / initials: zdsfy", "initials", "郑州大学第三附属医院")),
        ("解放军940医院", ("类别 / kind: 解放军 = military", "联勤保障部队第九四〇医院")),
        ("沈阳 试运行", ("运行情况 / stage: 试运行",)),
        ("？！", ("没有可查的字", "没有可以查的文字", "共 0 家")),
    ],
)
def test_explain_shows_the_understanding_and_the_reasons(reading: Cli, question: str, says: tuple[str, ...]) -> None:
    shown = reading.ok("search", question, "--explain").out
    for words in says:
        assert words in shown, shown


def test_every_hit_of_an_explanation_has_its_cost_and_every_stage_what_it_brought(reading: Cli) -> None:
    told = reading.ok("search", "盛景医院", "--explain", "--json").json
    assert set(told) == {"result", "explained"}
    explained = told["explained"]
    assert explained["engine"] == "embedded"
    assert len(explained["stages"]) > 1 and explained["stages"][0]["fitted"] == 0
    assert [hit["match"] for hit in explained["hits"]][:1] == ["typo"]
    assert explained["hits"] == sorted(explained["hits"], key=lambda hit: hit["cost"])
    assert told["result"] == reading.ok("search", "盛景医院", "--json").json


def test_the_shell_says_first_what_was_found_and_its_json_says_the_state(reading: Cli) -> None:
    found = reading.ok("search", SHENGJING)
    assert found.out.startswith("找到了您问的机构\n")
    near = reading.ok("search", "盛景医院", "--json").json
    assert (near["state"], near["similar"], near["did_you_mean"] in near["items"][0]["institution"]["name"]) == (
        "near",
        True,
        True,
    )
    assert {"name_read", "not_understood", "in_text", "elsewhere"} <= set(near)


def test_without_explain_nothing_of_it_is_shown(reading: Cli) -> None:
    assert "readings" not in reading.ok("search", "盛京").out


def test_what_nobody_may_offer_is_said_and_no_institution_shown(reading: Cli) -> None:
    shown = reading.ok("search", "鞍山 代孕").out
    assert "任何机构都不得提供：代孕" in shown and "12345" in shown
    assert "医院" not in shown
    assert reading.ok("search", "鞍山 代孕", "--json").json["items"] == []


def test_names_in_use_are_compared_proposed_and_approved_by_another_person(staffed: Cli, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text(f"name,known_as,source\n{SHENGJING},滑翔那家医院,街坊都这样叫\n", encoding="utf-8")
    assert "滑翔那家医院" in staffed.ok("known-as", path, "--dry-run").out
    assert "滑翔那家医院" not in staffed.ok("proposals", "--json").out
    before = staffed.ok("search", "滑翔那家医院", "--json").json
    assert not any(one["by"] == "滑翔那家医院" for one in before["items"])
    made = staffed.ok("known-as", path, "--by", "editor", "--json").json
    assert [one["name"] for one in made["changes"]] == [SHENGJING]
    staffed.ok("approve", made["proposal"], "--by", "approver")
    first = staffed.ok("search", "滑翔那家医院", "--json").json["items"][0]
    assert (first["institution"]["name"], first["match"], first["by"]) == (SHENGJING, "known_as", "滑翔那家医院")
    again = staffed.ok("known-as", path, "--by", "editor", "--json").json
    assert again == {"proposal": None, "changes": []}
    staffed.ok("log", "check")


def test_a_file_of_names_that_cannot_be_used_is_refused_with_its_line(staffed: Cli, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("name,known_as,source\n没有的医院,某某,a\n", encoding="utf-8")
    assert "第2行" in staffed.refused("known-as", path, "--by", "editor")
    path.write_text("name,alias\n", encoding="utf-8")
    assert "name,known_as,source" in staffed.refused("known-as", path, "--by", "editor")
    assert staffed("known-as", path).code == 2
    assert staffed("known-as", tmp_path / "nothing.csv", "--dry-run").code == 1
