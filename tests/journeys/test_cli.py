"""The command-line door, as a person at a shell meets it: the real console script, real files, exit statuses."""

from __future__ import annotations

import csv
import re
import socket
from pathlib import Path

import docx
import msoffcrypto.format.ooxml
import pytest

from tests.running import PASSWORD, Cli

ROOT = Path(__file__).parents[2]
REAL_DOCX = ROOT / "tests" / "data" / "national-list-2025-06.docx"
REAL_CSV = ROOT / "seed_data" / "national-2025-06" / "national-list-2025-06.csv"
OLD_CSV = ROOT / "seed_data" / "national-2018-02" / "national-list-2018-02-partial.csv"
COMMANDS = (
    "init",
    "doctor",
    "migrate-db",
    "clock",
    "clock show",
    "clock confirm",
    "key",
    "seed",
    "serve",
    "import",
    "proposals",
    "approve",
    "reject",
    "suspend",
    "publish",
    "export",
    "redact",
    "correct",
    "known-as",
    "verify",
    "check",
    "search",
    "settings",
    "log",
    "log check",
    "log checkpoint",
    "log keys",
    "log proof",
    "log retire",
    "log rotate",
    "log witness",
    "mirror",
    "backup",
    "restore",
    "rebuild",
    "receipt",
    "lag",
    "user",
    "user add",
    "export-site",
    "leads",
    "leads erase",
    "leads figures",
    "letter",
    "report",
    "sanctions",
    "sanctions export",
    "sanctions find",
    "qr",
    "qr issue",
    "qr verify",
    "qr placards",
)
HEADINGS = "province,name,address,techniques,stages"
NEW_ROW = "辽宁省,沈阳新示例妇产医院,辽宁省沈阳市和平区新示例街1号,AIH IVF,formal"
OUTCOME = {"proposal", "rows", "institutions", "audit", "difference"}
#: The six parts of the contract, and two that came later.
DIFFERENCE = {"new", "gone", "renamed", "moved", "changed", "undecided", "conflicts", "relisted"}


def a_list(path: Path, *rows: str, headings: str = HEADINGS) -> Path:
    path.write_text("\n".join((headings, *rows, "")), encoding="utf-8")
    return path


def lines_of(rows: list[dict[str, str]]) -> list[str]:
    return [",".join(f'"{row[column]}"' for column in HEADINGS.split(",")) for row in rows]


def real_rows() -> list[dict[str, str]]:
    with REAL_CSV.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def proposed(cli: Cli, path: Path, *more: str) -> int:
    """The id of the proposal that importing a file makes."""
    outcome = cli.ok("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json", *more).json
    assert isinstance(outcome["proposal"], int)
    return int(outcome["proposal"])


# --- usage -----------------------------------------------------------------------------------------------------------


def test_the_script_exits_0_1_and_2(script: Cli) -> None:
    assert script("--version").code == 0
    assert script("nonsense").code == 2
    assert "registry init" in script.refused("lag")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_in_both_languages(cli: Cli, command: str) -> None:
    shown = cli.ok(*command.split(), "--help").out
    assert "Usage: registry" in shown
    assert " / " in shown
    assert not (cli.data_dir / "register.sqlite").exists()


def test_the_help_lists_every_command_there_is(cli: Cli) -> None:
    shown = cli.ok("--help").out
    listed = {line.split()[0] for line in shown.split("Commands:", 1)[1].splitlines() if line[2:3].strip()}
    assert listed == {command.split()[0] for command in COMMANDS}


@pytest.mark.parametrize(
    "args",
    [
        ("nonsense",),
        ("verify",),
        ("search",),
        ("import", "x.csv"),
        ("import", "x.csv", "--as-of", "30.06.2025", "--dry-run"),
        ("import", "x.csv", "--as-of", "2025-06-30"),
        ("approve", "one", "--by", "approver"),
        ("approve", "1"),
        ("reject", "1", "--by", "approver"),
        ("redact", "7K2M-9QX4", "--by", "editor"),
        ("redact", "7K2M-9QX4", "--reason", "本人申请"),
        ("correct", "7K2M-9QX4", "--from", "2025-01-01", "--reason", "核对", "--by", "editor"),
        ("correct", "7K2M-9QX4", "level=三级", "--from", "2025-01-01", "--by", "editor"),
        ("correct", "7K2M-9QX4", "level=三级", "--from", "2025-01-01", "--reason", "核对"),
        ("correct", "7K2M-9QX4", "level=三级", "--reason", "核对", "--by", "editor"),
        ("user", "add", "someone"),
        ("user", "add", "someone", "--role", "king"),
        ("serve", "--port", "70000"),
        ("verify", "某医院", "--on", "2025-02-30"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_2_and_says_what_is_wrong(cli: Cli, args: tuple[str, ...]) -> None:
    ran = cli(*args)
    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert "Error:" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    "args",
    [
        ("search", "盛京"),
        ("verify", "盛京"),
        ("seed",),
        ("proposals",),
        ("lag",),
        ("log", "check"),
        ("rebuild",),
        ("serve", "--port", "0"),
        ("approve", "1", "--by", "approver"),
        ("publish", "--title", "示例名单", "--by", "publisher"),
        ("export", "--out", "out"),
        ("redact", "7K2M-9QX4", "--reason", "本人申请", "--by", "editor"),
        ("correct", "7K2M-9QX4", "level=三级", "--from", "2025-01-01", "--reason", "核对", "--by", "editor"),
        ("user", "add", "editor", "--role", "editor"),
    ],
    ids=" ".join,
)
def test_without_a_database_every_command_says_to_run_init(cli: Cli, args: tuple[str, ...]) -> None:
    assert "registry init" in cli.refused(*args, input=PASSWORD)


def test_refusals_are_english_for_an_english_locale(cli: Cli) -> None:
    assert "run: registry init" in cli.refused("lag", LC_ALL="en_US.UTF-8")


# --- starting and keeping --------------------------------------------------------------------------------------------


def test_init_twice_changes_nothing(script: Cli) -> None:
    script.ok("init")
    key = script.data_dir / "signing.key"
    before = key.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    again = Cli(script.data_dir, inside=True)
    again.ok("init")
    assert key.read_bytes() == before
    assert again.ok("init", "--quiet").out == ""


def test_seed_twice_loads_once(seeded: Cli) -> None:
    size = seeded.log_size()
    again = seeded.ok("seed", "--json").json
    sources = ("national-2018-02", "national-2025-06", "aliases", "name-en")
    assert [(one["source"], one["first"]) for one in again] == [(source, None) for source in sources]
    seeded.ok("seed", "--if-empty")
    assert seeded.log_size() == size


def test_the_demonstration_is_clearly_fictional_and_is_added_once(seeded: Cli) -> None:
    assert seeded.ok("search", "示例市", "--json").json["total"] == 0
    loaded = seeded.ok("seed", "--demo", "--json").json
    assert loaded[-1]["first"] is not None
    found = seeded.ok("search", "示例", "--limit", "50", "--json").json["items"]
    assert len(found) == loaded[-1]["institutions"]
    assert all("示例" in one["institution"]["name"] for one in found)
    assert seeded.ok("seed", "--demo", "--json").json[-1]["first"] is None


def test_settings_lists_every_setting_with_default_and_meaning(cli: Cli) -> None:
    listed = cli.ok("settings", "--json").json
    assert {one["variable"] for one in listed} >= {
        "REGISTRY_DATA_DIR",
        "REGISTRY_DATABASE_URL",
        "REGISTRY_PUBLIC_URL",
        "REGISTRY_SIGNING_KEY",
    }
    assert all(one["meaning"] for one in listed)
    shown = cli.ok("settings").out
    assert all(one["variable"] in shown for one in listed)


def test_a_setting_that_cannot_be_used_is_named(cli: Cli) -> None:
    assert "REGISTRY_PUBLIC_URL" in cli.refused("init", REGISTRY_PUBLIC_URL="register.example")


def test_rebuild_gives_the_same_register_and_lag_is_none(seeded: Cli) -> None:
    before = seeded.ok("search", "妇幼保健院", "--limit", "500", "--json").json
    root = seeded.ok("log", "check", "--json").json["root"]
    seeded.ok("rebuild", "search")
    seeded.ok("rebuild")
    assert seeded.ok("lag", "--json").json == {"records": 0, "standings": 0, "search": 0, "deadlines": 0}
    assert seeded.ok("search", "妇幼保健院", "--limit", "500", "--json").json == before
    assert seeded.ok("log", "check", "--json").json["root"] == root
    assert "search" in seeded.refused("rebuild", "nonsense")


def test_serve_on_a_busy_port_says_so(reading: Cli) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert f"127.0.0.1:{port}" in Cli(reading.data_dir).refused("serve", "--port", port)


# --- accounts --------------------------------------------------------------------------------------------------------


def test_user_add_reads_the_password_from_standard_input(cli: Cli) -> None:
    cli.ok("init")
    shown = cli.ok("user", "add", "wang.min", "--role", "editor", "--role", "approver", input=PASSWORD)
    assert shown.out.strip() == "wang.min: approver editor"
    assert "wang.min" in cli.refused("user", "add", "wang.min", "--role", "editor", input=PASSWORD)


@pytest.mark.parametrize(
    ("name", "password"), [("li", "short\n"), ("li", ""), ("Li Ming", PASSWORD), ("system.x", PASSWORD)]
)
def test_user_add_refuses_short_passwords_and_unusable_names(cli: Cli, name: str, password: str) -> None:
    cli.ok("init")
    cli.refused("user", "add", name, "--role", "editor", input=password)


# --- questions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("盛京", ["中国医科大学附属盛京医院"]),
        ("鞍山", ["鞍山市妇儿医院（鞍山市妇幼保健院）"]),
        ("鞍山市妇幼保健院", ["鞍山市妇儿医院（鞍山市妇幼保健院）"]),
        ("大连市妇女儿童医疗中心", ["大连市妇女儿童医疗中心（集团）"] * 2),
        ("原沈阳军区第202医院", ["北部战区总医院和平院区"]),
        ("沈阳市妇婴医院", ["沈阳市妇婴医院"]),
    ],
)
def test_search_finds_the_named_examples(reading: Cli, asked: str, names: list[str]) -> None:
    found = reading.ok("search", asked, "--json").json
    assert [one["institution"]["name"] for one in found["items"]][: len(names)] == names
    assert found["total"] >= len(names)


@pytest.mark.parametrize(
    ("args", "verdict"),
    [
        (("沈阳市妇婴医院", "--technique", "IVF"), "licensed"),
        (("沈阳市妇婴医院", "--technique", "三代试管"), "licensed"),
        (("沈阳市妇幼保健院", "--technique", "AIH"), "licensed"),
        (("沈阳市妇幼保健院", "--technique", "IVF"), "technique_not_licensed"),
        (("沈阳市妇幼保健院", "--technique", "AIH", "--technique", "IVF"), "technique_not_licensed"),
        (("辽宁省妇幼保健院", "--technique", "试管婴儿"), "technique_not_licensed"),
        (("大连医科大学附属第一医院", "--technique", "IVF"), "technique_not_licensed"),
        (("中国医科大学附属第一医院", "--technique", "IVF"), "not_found"),
        (("大连医科大学附属第二医院",), "not_found"),
        (("大连市妇女儿童医疗中心（集团）", "--technique", "AID"), "ambiguous"),
        (("大连市妇女儿童医疗中心（集团）", "--technique", "IVF"), "licensed"),
        (
            ("大连市妇女儿童医疗中心（集团）", "--technique", "AID", "--address", "大连市沙河口区白山路20号"),
            "technique_not_licensed",
        ),
        (("沈阳市妇婴医院", "--technique", "IVF", "--address", "沈阳市沈河区沈州路41号"), "site_mismatch"),
        (("原沈阳军区第202医院", "--technique", "IVF"), "licensed"),
        (("沈阳市妇嬰醫院 ", "--technique", "IVF"), "licensed"),
        (("鞍山市妇儿医院", "--on", "2010-01-01"), "unknown"),
        (("沈阳妇婴医院", "--technique", "IVF"), "not_found"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_verify_answers_the_named_examples(reading: Cli, args: tuple[str, ...], verdict: str) -> None:
    answer = reading.ok("verify", *args, "--json").json
    assert answer["verdict"] == verdict, answer["explanation"]


def test_without_json_the_same_is_said_in_words(reading: Cli) -> None:
    question = ("verify", "大连市妇女儿童医疗中心（集团）", "--technique", "AID")
    answer, shown = reading.ok(*question, "--json").json, reading.ok(*question).out
    assert shown.startswith(f"ambiguous: {answer['explanation']}")
    assert all(one["code"] in shown and one["address"] in shown for one in answer["candidates"])
    assert "中国医科大学附属盛京医院" in reading.ok("search", "盛京").out


def test_verify_takes_a_code_or_a_web_address_for_what_it_is(reading: Cli) -> None:
    answer = reading.ok("verify", "鞍山市妇儿医院", "--json").json
    code = answer["match"]["code"]
    assert reading.ok("verify", code.lower(), "--json").json["match"]["on"] == "code"
    assert "校验位" in reading.refused("verify", f"{code[:-1]}{'0' if code[-1] != '0' else '1'}")
    assert reading.ok("verify", "https://hospital.example/ivf", "--json").json["verdict"] == "unknown"


def test_verify_refuses_what_is_no_technique(reading: Cli) -> None:
    reason = reading.refused("verify", "沈阳市妇婴医院", "--technique", "冻卵")
    assert "冻卵" in reason
    assert "IVF" in reason


def test_verify_answers_for_person_certificate_and_a_text_from_a_file(reading: Cli, tmp_path: Path) -> None:
    text = tmp_path / "广告.txt"
    text.write_text("三代试管，包成功", encoding="utf-8")
    beside = ("--practitioner", "示例员", "--ad-certificate", "(京)中医广2007第01-30-10号", "--text", str(text))
    answer = reading.ok("verify", "沈阳市妇婴医院", *beside, "--json").json
    assert [one["technique"] for one in answer["techniques"]] == ["PGT"]
    assert (answer["practitioner"]["verdict"], answer["ad_certificate"]["verdict"]) == ("unknown", "expired")
    assert [flag["kind"] for flag in answer["content_flags"]] == ["technique", "guarantee"]
    printed = reading.ok("verify", "沈阳市妇婴医院", *beside).out
    assert "包成功  [5:8]" in printed
    assert "2008年1月29日" in printed
    text.write_text("字" * 20_001, encoding="utf-8")
    assert "20000" in reading.refused("verify", "沈阳市妇婴医院", "--text", str(text))
    text.write_bytes(b"\xff\xfe\xff")
    assert "UTF-8" in reading.refused("verify", "沈阳市妇婴医院", "--text", str(text))


def test_verify_answers_for_whom_a_text_names(reading: Cli, tmp_path: Path) -> None:
    text = tmp_path / "广告.txt"
    text.write_text("就在沈阳市妇幼保健院、沈阳市妇婴医院，试管婴儿", encoding="utf-8")
    answer = reading.ok("verify", "--text", str(text), "--json").json
    assert answer["verdict"] == "technique_not_licensed"
    assert [one["verdict"] for one in answer["mentions"]] == ["technique_not_licensed", "licensed"]
    assert "licensed: 沈阳市妇婴医院" in reading.ok("verify", "--text", str(text)).out
    assert reading("verify").code == 2


# --- import and four eyes --------------------------------------------------------------------------------------------


def test_a_dry_run_needs_no_account_and_leaves_no_trace(reading: Cli, tmp_path: Path) -> None:
    size = reading.log_size()
    outcome = reading.ok(
        "import", a_list(tmp_path / "new.csv", NEW_ROW), "--as-of", "2025-09-30", "--dry-run", "--json"
    ).json
    assert outcome["proposal"] is None
    assert [one["name"] for one in outcome["difference"]["new"]] == ["沈阳新示例妇产医院"]
    assert reading.ok("proposals", "--all", "--json").json == reading.ok("proposals", "--all", "--json").json
    assert reading.ok("proposals", "--json").json == []
    assert reading.log_size() == size


def test_the_json_of_an_import_has_the_contracts_keys(reading: Cli, tmp_path: Path) -> None:
    rows = [NEW_ROW, "辽宁省,沈阳市妇婴医院,辽宁省沈阳市皇姑区新址街1号,AIH,formal", "辽宁省,甲医院,新址1号,AIH,formal"]
    outcome = reading.ok(
        "import", a_list(tmp_path / "a.csv", *rows), "--as-of", "2025-09-30", "--dry-run", "--json"
    ).json
    assert outcome.keys() >= OUTCOME
    assert outcome["difference"].keys() == DIFFERENCE
    assert (outcome["rows"], outcome["institutions"]) == (3, 3)
    assert outcome["audit"]
    for line in outcome["audit"]:
        assert line.keys() >= {"level", "row", "cell", "message"}
        assert line["level"] in ("error", "warning", "info")
    moved, changed = outcome["difference"]["moved"][0], outcome["difference"]["changed"][0]
    assert moved.keys() >= {"from", "to"}
    assert changed.keys() >= {"code", "name", "changes"}
    assert {"field", "from", "to"} == changed["changes"][0].keys()


def test_an_import_becomes_public_when_another_person_approves_it(staffed: Cli, tmp_path: Path) -> None:
    staffed.inside = False  # each step in a process of its own, as people do it
    staffed.ok("user", "add", "both", "--role", "editor", "--role", "approver", input=PASSWORD)
    size = staffed.log_size()
    path = a_list(tmp_path / "new.csv", NEW_ROW)
    outcome = staffed.ok("import", path, "--as-of", "2025-09-30", "--by", "both", "--source", "沈阳增补", "--json").json
    waiting = staffed.ok("proposals", "--json").json
    assert [(one["id"], one["state"], one["proposer"]) for one in waiting] == [(outcome["proposal"], "pending", "both")]
    assert staffed.log_size() == size
    assert "both" in staffed.refused("approve", outcome["proposal"], "--by", "both")
    assert "editor" in staffed.refused("approve", outcome["proposal"], "--by", "editor")
    assert "nobody" in staffed.refused("approve", outcome["proposal"], "--by", "nobody")
    assert staffed.ok("search", "沈阳新示例妇产医院", "--json").json["total"] == 0
    approved = staffed.ok("approve", outcome["proposal"], "--by", "approver", "--json").json
    assert approved["first_entry"] == size + 1
    assert staffed.log_size() == approved["last_entry"] == size + 2
    found = staffed.ok("search", "沈阳新示例妇产医院", "--json").json["items"][0]["institution"]
    assert found["source"]["title"] == "沈阳增补"
    assert found["code"] == outcome["difference"]["new"][0]["code"]
    assert staffed.ok("verify", "沈阳新示例妇产医院", "--technique", "IVF", "--json").json["verdict"] == "licensed"
    assert staffed.ok("proposals", "--json").json == []
    staffed.refused("approve", outcome["proposal"], "--by", "approver")


def test_an_import_by_nobody_known_is_refused(seeded: Cli, tmp_path: Path) -> None:
    path = a_list(tmp_path / "new.csv", NEW_ROW)
    ran = seeded("import", path, "--as-of", "2025-09-30", "--by", "nobody", "--json")
    assert (ran.code, "nobody" in ran.err) == (1, True)
    assert seeded.ok("proposals", "--json").json == []


def test_a_rejected_proposal_keeps_its_reason_and_changes_nothing(staffed: Cli, tmp_path: Path) -> None:
    size = staffed.log_size()
    identifier = proposed(staffed, a_list(tmp_path / "new.csv", NEW_ROW))
    staffed.refused("reject", identifier, "--by", "approver", "--reason", " ")
    staffed.refused("reject", identifier, "--by", "editor", "--reason", "无")
    staffed.ok("reject", identifier, "--by", "approver", "--reason", "缺少批准文号")
    staffed.refused("approve", identifier, "--by", "approver")
    assert staffed.ok("proposals", "--json").json == []
    decided = next(one for one in staffed.ok("proposals", "--all", "--json").json if one["id"] == identifier)
    assert (decided["state"], decided["reason"], decided["decided_by"]) == ("rejected", "缺少批准文号", "approver")
    assert staffed.log_size() == size


def test_an_emergency_suspension_holds_at_once_and_ends_where_a_second_person_rejects_it(staffed: Cli) -> None:
    found = staffed.ok("search", "鞍山市妇儿医院", "--json").json["items"][0]["institution"]
    asked = ("verify", found["name"], "--technique", "IVF", "--json")
    assert staffed.ok(*asked).json["verdict"] == "licensed"
    for wrong in (("--technique", "PGT"), ("--reason", " ")):
        staffed.refused("suspend", found["code"], "--reason", "检查发现问题", "--by", "editor", *wrong)
    done = staffed.ok("suspend", found["code"], "--reason", "检查发现问题", "--by", "editor", "--json").json
    assert staffed.ok(*asked).json["verdict"] == "suspended"
    staffed.refused("reject", done["waiting"], "--by", "editor", "--reason", "算了")
    staffed.ok("reject", done["waiting"], "--by", "approver", "--reason", "查无此事")
    assert staffed.ok(*asked).json["verdict"] == "licensed"
    shown = staffed.ok("suspend", found["code"], "--reason", "复查", "--by", "approver").out
    staffed.ok("user", "add", "approver2", "--role", "approver", input=PASSWORD)
    staffed.ok("approve", re.findall(r"registry approve (\d+)", shown)[0], "--by", "approver2")
    assert staffed.ok(*asked).json["verdict"] == "suspended"
    staffed.ok("log", "check")


def test_a_proposal_worked_out_before_another_change_must_be_made_anew(staffed: Cli, tmp_path: Path) -> None:
    row = "辽宁省,沈阳市妇婴医院,辽宁省沈阳市沈河区大南街87号,{},formal"
    first = proposed(staffed, a_list(tmp_path / "a.csv", row.format("AIH IVF")))
    second = proposed(staffed, a_list(tmp_path / "b.csv", row.format("AIH")))
    staffed.ok("approve", first, "--by", "approver")
    size = staffed.log_size()
    staffed.refused("approve", second, "--by", "approver")
    assert staffed.log_size() == size


def a_protected_docx(path: Path) -> Path:
    plain = path.with_suffix(".plain")
    docx.Document().save(str(plain))
    with plain.open("rb") as source, path.open("wb") as target:
        msoffcrypto.format.ooxml.OOXMLFile(source).encrypt("secret", target)
    return path


def a_docx(path: Path, *rows: tuple[str, ...]) -> Path:
    document = docx.Document()
    table = document.add_table(rows=len(rows), cols=len(rows[0]))
    for at, row in enumerate(rows):
        for column, text in enumerate(row):
            table.cell(at, column).text = text
    document.save(str(path))
    return path


SIX = ("省份", "序号", "医疗机构名称", "地址", "批准开展的技术", "运行情况")
LINE = ("辽宁省（2家）", "1", "甲医院", "辽宁省沈阳市和平区一街1号", "夫精人工授精技术", "正式运行")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p.write_bytes(b"PK\x03\x04 this is not a document"), ["list.docx"]),
        (lambda p: p.write_bytes(REAL_DOCX.read_bytes()[:40_000]), ["损坏"]),
        (a_protected_docx, ["密码"]),
        (lambda p: p.write_bytes(b""), ["list.docx"]),
        (lambda p: a_docx(p, SIX), ["没有任何一行"]),
        (lambda p: a_docx(p, SIX, (*LINE[:4], "克隆技术", "正式运行")), ["第2行", "克隆技术"]),
        (lambda p: a_docx(p, SIX, (*LINE[:5], "不知道")), ["第2行", "不知道"]),
        (lambda p: a_docx(p, SIX, LINE), ["2", "1", "辽宁省"]),
        (lambda p: a_docx(p, SIX, (LINE[0], "1", "", *LINE[3:])), ["第2行"]),
        (lambda p: p.mkdir(), ["文件夹"]),
    ],
    ids=[
        "not a docx",
        "cut short",
        "password",
        "empty",
        "no row",
        "unknown technique",
        "unknown stage",
        "wrong province count",
        "no name",
        "a folder",
    ],
)
def test_a_broken_file_is_refused_whole_with_its_reason(
    staffed: Cli, tmp_path: Path, make: object, words: list[str]
) -> None:
    size = staffed.log_size()
    path = tmp_path / "list.docx"
    make(path)  # type: ignore[operator]
    ran = staffed("import", path, "--as-of", "2025-09-30", "--by", "editor", "--json")
    assert ran.code == 1, ran.out + ran.err
    reason = ran.err.strip()
    assert len(reason.splitlines()) == 1
    assert "list.docx" in reason
    assert all(word in reason for word in words), reason
    assert staffed.log_size() == size
    assert staffed.ok("proposals", "--json").json == []


def test_an_audit_names_row_and_cell_of_every_error(reading: Cli, tmp_path: Path) -> None:
    rows = [
        "辽宁省,甲医院,辽宁省沈阳市和平区一街1号,CLONING,formal",
        "辽宁省,乙医院,辽宁省沈阳市和平区一街2号,AIH,someday",
        "辽宁省,丙医院,辽宁省沈阳市和平区一街3号,AIH,formal",
        "辽宁省,丁医院,辽宁省沈阳市和平区一街4号,AIH,formal",
        "辽宁省,丙医院,辽宁省沈阳市和平区一街3号,AIH,formal",
    ]
    ran = reading("import", a_list(tmp_path / "a.csv", *rows), "--as-of", "2025-09-30", "--dry-run", "--json")
    assert ran.code == 1
    errors = {line["row"]: line for line in ran.json["audit"] if line["level"] == "error"}
    assert errors.keys() == {2, 3, 6}
    assert "丙医院" in errors[6]["message"]
    assert "techniques" in errors[2]["cell"]
    assert "stages" in errors[3]["cell"]
    assert "CLONING" in errors[2]["message"]
    assert ran.json["proposal"] is None


# --- scope -----------------------------------------------------------------------------------------------------------


def scope_of(cli: Cli, path: Path, *more: str) -> tuple[str, int]:
    outcome = cli.ok("import", path, "--as-of", "2025-09-30", "--dry-run", "--json", *more).json
    return outcome["scope"], len(outcome["difference"]["gone"])


def test_absence_means_what_the_scope_says(reading: Cli, tmp_path: Path) -> None:
    lines = lines_of(real_rows())
    anshan = [line for line in lines if "鞍山市妇儿医院" in line]
    one_less = a_list(tmp_path / "national.csv", *(line for line in lines if line not in anshan))
    one_only = a_list(tmp_path / "one.csv", *anshan)
    assert scope_of(reading, one_less) == ("national", 1)
    assert scope_of(reading, one_less, "--scope", "partial") == ("partial", 0)
    assert scope_of(reading, one_less, "--scope", "210000") == ("210000", 1)
    assert scope_of(reading, one_less, "--scope", "220000") == ("220000", 0)
    assert scope_of(reading, one_only) == ("partial", 0)
    assert scope_of(reading, one_only, "--scope", "210300") == ("210300", 0)
    assert scope_of(reading, one_only, "--scope", "210000") == ("210000", 21)
    assert "999999" in reading.refused("import", one_only, "--as-of", "2025-09-30", "--dry-run", "--scope", "999999")


def test_an_institution_that_left_the_list_is_no_longer_licensed(staffed: Cli, tmp_path: Path) -> None:
    rows = [row for row in real_rows() if row["province"] == "辽宁省" and row["name"] != "沈阳市妇婴医院"]
    path = a_list(tmp_path / "liaoning.csv", *lines_of(rows))
    staffed.ok("approve", proposed(staffed, path, "--scope", "210000"), "--by", "approver")
    for day, verdict in (("2025-09-29", "licensed"), ("2025-09-30", "not_found")):
        answer = staffed.ok("verify", "沈阳市妇婴医院", "--technique", "IVF", "--on", day, "--json").json
        assert answer["verdict"] == verdict
    found = staffed.ok("search", "沈阳市妇婴医院", "--json").json["items"][0]["institution"]
    assert (found["name"], found["status"]) == ("沈阳市妇婴医院", "delisted")


# --- the real lists --------------------------------------------------------------------------------------------------


def test_the_typeset_list_says_nothing_new_to_the_reading_register(reading: Cli) -> None:
    outcome = reading.ok("import", REAL_DOCX, "--as-of", "2025-06-30", "--dry-run", "--json").json
    assert (outcome["rows"], outcome["institutions"], outcome["scope"]) == (1839, 635, "national")
    changed = outcome["difference"].pop("changed")
    assert outcome["difference"] == {name: [] for name in DIFFERENCE - {"changed"}}
    blank = [line["message"] for line in outcome["audit"] if line["cell"] == "运行情况"]
    assert len(blank) == 55
    for one in changed:
        assert any(one["name"] in message for message in blank)
        assert {change["field"].split(".")[0] for change in one["changes"]} == {"approvals"}


def test_the_typeset_list_over_the_old_one_finds_renames_and_moves(cli: Cli) -> None:
    cli.ok("init")
    cli.staff()
    old = cli.ok("import", OLD_CSV, "--as-of", "2018-02-21", "--scope", "partial", "--by", "editor", "--json").json
    assert (old["institutions"], len(old["difference"]["new"])) == (325, 325)
    cli.ok("approve", old["proposal"], "--by", "approver")
    difference = cli.ok("import", REAL_DOCX, "--as-of", "2025-06-30", "--dry-run", "--json").json["difference"]
    renamed = {one["from"]: one["to"] for one in difference["renamed"]}
    assert renamed["原沈阳军区第202医院"] == "北部战区总医院和平院区"
    assert renamed["辽宁省计划生育科学研究院附属医院"] == "辽宁省优生优育研究院（中国医科大学附属生殖医院）"
    assert renamed["鞍山市妇儿医院"] == "鞍山市妇儿医院（鞍山市妇幼保健院）"
    assert any("锦州" in one["to"] for one in difference["moved"])
    assert len(difference["new"]) + 325 - len(difference["gone"]) == 635
    # The list is national: who stood on the old one and is not recognised on this one would leave, and is shown.
    assert all(one.keys() >= {"name", "address", "code"} for one in difference["gone"])
    assert {"沈阳市妇婴医院", "沈阳市妇幼保健院"}.isdisjoint(renamed)
    assert not any(
        {one["from"], one["to"]} == {"沈阳市妇婴医院", "沈阳市妇幼保健院"} for one in difference["undecided"]
    )
