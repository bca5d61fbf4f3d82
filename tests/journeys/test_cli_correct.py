"""`registry redact` and `registry correct` as a person at the shell meets them."""

from __future__ import annotations

import datetime as dt

import pytest

from registry.domain.identifiers import make_code
from tests.running import Cli, serving

PERSON = make_code("demo|practitioner|0")  # 示例甲, of the fictional city the product ships
SANCTION = make_code("demo|sanction|0")
HOSPITAL = "示例市第一示例医院"


@pytest.fixture
def demo(staffed: Cli) -> Cli:
    """A register with the fictional city, an editor and an approver."""
    staffed.ok("seed", "--demo")
    return staffed


def printed(code: str) -> str:
    return f"{code[:4]}-{code[4:]}"


def hospital(cli: Cli) -> str:
    return str(cli.ok("search", HOSPITAL, "--json").json["items"][0]["institution"]["code"])


def stored(cli: Cli) -> bytes:
    return b"".join(file.read_bytes() for file in cli.data_dir.rglob("*") if file.is_file())


def approved(cli: Cli, proposal: int) -> None:
    cli.ok("approve", proposal, "--by", "approver")
    cli.log_size()


# --- redact ----------------------------------------------------------------------------------------------------------


def test_a_person_is_erased_by_two_people_and_is_then_in_no_file(demo: Cli) -> None:
    assert "示例甲".encode() in stored(demo)
    before = demo.log_size()
    shown = demo.ok("redact", printed(PERSON), "--reason", "本人申请", "--by", "editor").out
    assert [word in shown for word in ("certificate_masked", "name", "公众", "registry approve")] == [True] * 4
    assert "示例甲" not in shown
    assert "0001" not in shown
    assert "示例甲".encode() in stored(demo)  # nothing happens before another person agrees
    waiting = demo.ok("proposals", "--json").json
    assert [(one["kind"], one["items"]) for one in waiting] == [("redaction", 1)]
    approved(demo, waiting[0]["id"])
    assert demo.log_size() == before + 1
    left = stored(demo)
    assert "示例甲".encode() not in left
    assert b"***********0001" not in left
    assert "示例乙".encode() in left
    assert "没有可删除" in demo.refused("redact", PERSON, "--reason", "本人申请", "--by", "editor")
    demo.ok("rebuild")
    assert "示例甲".encode() not in stored(demo)


def test_a_person_is_erased_while_the_register_is_running(demo: Cli) -> None:
    with serving(demo.data_dir) as server:
        path = f"/institutions/{hospital(demo)}/practitioners"
        assert "示例甲" in [one["name"] for one in server.api(path)["items"]]
        told = demo.ok("redact", printed(PERSON), "--reason", "本人申请", "--by", "editor", "--json").json
        demo.ok("approve", told["proposal"], "--by", "approver")
        assert "示例甲".encode() not in stored(demo)
        names = {one["code"]: one["name"] for one in server.api(path)["items"]}
        assert names.pop(printed(PERSON)) is None
        assert list(names.values()) == ["示例乙"]
    assert "示例甲".encode() not in stored(demo)


def test_redact_tells_a_program_what_it_would_erase_and_not_the_values(demo: Cli) -> None:
    told = demo.ok("redact", f"practitioner:{PERSON}", "--reason", "本人申请", "--by", "editor", "--json")
    assert told.json.pop("proposal") > 0
    assert told.json["erases"] == {"certificate_masked": 1, "name": 1}
    assert told.json["subject"] == f"practitioner:{PERSON}"
    assert "示例甲" not in told.out


@pytest.mark.parametrize(
    ("subject", "reason", "said"),
    [
        (printed(SANCTION), "示例", "没有可删除"),
        ("7K2M-9QX5", "示例", "编码"),
        ("institution:7K2M9QX4", "示例", "institution"),
        (PERSON, " ", "理由"),
        (PERSON, "示例甲本人申请", "个人信息"),
    ],
)
def test_redact_refuses_in_one_line_and_changes_nothing(demo: Cli, subject: str, reason: str, said: str) -> None:
    line = demo.refused("redact", subject, "--reason", reason, "--by", "editor")
    assert said in line
    assert "示例甲" not in line
    assert demo.ok("proposals", "--json").json == []


# --- correct ---------------------------------------------------------------------------------------------------------


def correct(cli: Cli, code: str, *fields: str, day: str = "2025-06-30", reason: str = "核对原件") -> int:
    told = cli.ok("correct", code, *fields, "--from", day, "--reason", reason, "--by", "editor", "--json")
    return int(told.json["proposal"])


def test_a_correction_of_the_past_changes_what_is_answered_about_that_day(demo: Cli) -> None:
    approved(demo, correct(demo, hospital(demo), 'approvals.IVF={"stage":"suspended"}', day="2025-09-01"))
    line = ("verify", HOSPITAL, "--technique", "IVF", "--on")
    assert demo.ok(*line, "2025-09-02", "--json").json["verdict"] == "suspended"
    approved(demo, correct(demo, hospital(demo), 'approvals.IVF={"stage":"formal"}', day="2025-08-01"))
    assert demo.ok(*line, "2025-08-02", "--json").json["verdict"] == "licensed"
    assert demo.ok(*line, "2025-09-02", "--json").json["verdict"] == "suspended"
    approved(demo, correct(demo, hospital(demo), 'approvals.IVF={"stage":"formal"}', day="2025-09-01"))
    assert demo.ok(*line, "2025-09-02", "--json").json["verdict"] == "licensed"


def test_a_hit_of_the_search_says_its_standing_and_which_of_its_techniques_are_not_in_force(demo: Cli) -> None:
    approved(demo, correct(demo, hospital(demo), 'approvals.AIH={"stage":"suspended"}', day="2025-09-01"))
    listed = demo.ok("search", HOSPITAL).out
    assert "[部分获批 / Partly approved]" in listed
    assert "夫精人工授精 [停业整改 / suspended]" in listed
    assert "三代试管  (name)" in listed  # in force: nothing to say


def test_a_value_is_json_where_the_field_takes_it_and_text_elsewhere(demo: Cli) -> None:
    fields = (
        "uscc=121000004100000000",
        'aliases=["示例别名"]',
        "extra.床位=100",
        "level=三级甲等",
        "domains=",
        "campus=null",
    )
    told = demo.ok(
        "correct", hospital(demo), *fields, "--from", "2025-06-30", "--reason", "核对", "--by", "editor", "--json"
    ).json
    assert {change["field"]: change["to"] for change in told["changes"]} == {
        "uscc": "121000004100000000",
        "aliases": ["示例别名"],
        "extra.床位": "100",
        "level": "三级甲等",
        "domains": None,
        "campus": None,
    }
    was = {change["field"]: change["from"] for change in told["changes"]}
    assert (was["aliases"], was["domains"], was["level"]) == (["示例市示例妇幼保健院"], ["hospital-one.example"], None)
    approved(demo, told["proposal"])


def test_a_correction_shows_before_and_after_and_withholds_what_is_personal(demo: Cli) -> None:
    line = ("--from", "2025-06-30", "--reason", "核对", "--by", "editor")
    shown = demo.ok("correct", hospital(demo), "level=三级", "aliases=", *line).out
    assert "level: - -> 三级" in shown
    assert 'aliases: ["示例市示例妇幼保健院"] -> -' in shown
    told = demo.ok("correct", f"practitioner:{PERSON}", "name=示例丁", "role=护士", *line, "--json")
    assert told.json["changes"] == [
        {"field": "name", "from": None, "to": None},
        {"field": "role", "from": "临床医师", "to": "护士"},
    ]
    assert all("示例丁" not in one["title"] for one in demo.ok("proposals", "--json").json)


def test_a_correction_may_rest_on_a_source_that_is_known(demo: Cli) -> None:
    line = ("level=三级", "--from", "2025-06-30", "--reason", "核对", "--by", "editor")
    demo.ok("correct", hospital(demo), *line, "--source", "national-2025-06")
    assert "示例来源" in demo.refused("correct", hospital(demo), *line, "--source", "示例来源")


@pytest.mark.parametrize(
    ("code", "field", "reason", "day", "said"),
    [
        ("7K2M-9QX5", "level=三级", "核对", "2025-06-30", "编码"),
        ("source:nothing", "title=示例", "核对", "2025-06-30", "source:nothing"),
        (HOSPITAL, "colour=red", "核对", "2025-06-30", "colour"),
        (HOSPITAL, "status=closed", "核对", "2025-06-30", "status"),
        (HOSPITAL, "approvals.IVF=formal", "核对", "2025-06-30", "approvals.IVF"),
        (HOSPITAL, "approvals.CLONING=", "核对", "2025-06-30", "CLONING"),
        (HOSPITAL, "level=三级", " ", "2025-06-30", "--reason"),
        (HOSPITAL, "level=三级", "核对", "1800-01-01", "1800"),
    ],
)
def test_correct_refuses_in_one_line(demo: Cli, code: str, field: str, reason: str, day: str, said: str) -> None:
    code = hospital(demo) if code == HOSPITAL else code
    line = demo.refused("correct", code, field, "--from", day, "--reason", reason, "--by", "editor")
    assert said in line
    assert demo.ok("proposals", "--json").json == []


@pytest.mark.parametrize("fields", [["level"], ["=三级"], ["level=三级", "level=二级"]])
def test_a_field_is_given_with_its_value_and_once(demo: Cli, fields: list[str]) -> None:
    day = dt.date(2025, 6, 30)
    ran = demo("correct", hospital(demo), *fields, "--from", day, "--reason", "核对", "--by", "editor")
    assert ran.code == 2
    assert "FIELD=VALUE" in ran.err
