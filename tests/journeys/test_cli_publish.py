"""From the shell: an edition is proposed, approved, written out and checked; what was altered is noticed."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jwcrypto import jwk, jws

from registry import accounts
from registry.accounts import audit_log
from registry.importers.reading.lists import read_list
from registry.receipts import jws as receipt_jws
from registry.storage.database import Database
from tests.factories import LIST_2025
from tests.running import PASSWORD, Cli

TITLE = "经批准开展人类辅助生殖技术的医疗机构名单"
LISTS = ["list.json", "list.csv", "list.xlsx", "list.docx", "list.pdf", "list.html"]


@pytest.fixture(scope="module")
def published(staffed_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The seeded register with its first edition, as of the day of the list."""
    data_dir = tmp_path_factory.mktemp("published") / "var"
    shutil.copytree(staffed_dir, data_dir)
    cli = Cli(data_dir, inside=True)
    cli.ok("user", "add", "publisher", "--role", "publisher", input=PASSWORD)
    publish(cli)
    return cli


@pytest.fixture(scope="module")
def folder(published: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files."""
    out = tmp_path_factory.mktemp("exported")
    published.ok("export", "--out", out)
    return out


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def publish(cli: Cli, *more: object, title: str = TITLE) -> None:
    made = cli.ok("publish", "--title", title, "--by", "publisher", "--json", *more).json["proposal"]
    cli.ok("approve", made, "--by", "approver")


def approvals(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    found = read_list(path)
    assert not found.errors
    return {(one.name, one.address): {a.technique: a.stage for a in one.approvals} for one in found.institutions}


def test_an_editor_proposes_no_edition_and_a_publisher_no_facts(published: Cli, tmp_path: Path) -> None:
    assert "没有发布角色" in published.refused("publish", "--title", TITLE, "--by", "editor")
    assert "没有编辑角色" in published.refused("import", LIST_2025, "--as-of", "2025-07-31", "--by", "publisher")
    assert "没有审批角色" in published.refused("approve", "1", "--by", "publisher")


def test_what_is_published_can_be_imported_as_the_same_list(folder: Path) -> None:
    real = approvals(LIST_2025)
    for name in ("list.csv", "list.xlsx", "list.docx"):
        assert approvals(folder / name) == real, name


@pytest.mark.parametrize("name", ["list.csv", "list.xlsx", "list.docx"])
def test_a_published_list_makes_the_same_register_out_of_an_empty_one(folder: Path, cli: Cli, name: str) -> None:
    cli.ok("init")
    cli.staff()
    made = cli.ok("import", folder / name, "--as-of", "2025-06-30", "--by", "editor", "--json").json
    assert (made["institutions"], len(made["difference"]["new"])) == (635, 635)
    cli.ok("approve", made["proposal"], "--by", "approver")
    cli.ok("user", "add", "publisher", "--role", "publisher", input=PASSWORD)
    publish(cli, "--as-of", "2025-06-30")
    again = cli.data_dir.parent / "again"
    cli.ok("export", "--out", again)
    assert approvals(again / "list.csv") == approvals(folder / "list.csv")


def test_the_files_are_whole_and_signed_by_the_registers_key(published: Cli, folder: Path) -> None:
    sums = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    assert sums.keys() == {*LISTS, "difference.json", "manifest.json"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == told for name, told in sums.items())
    key = jwk.JWK.from_json(json.dumps(key_set(published)["keys"][0]))
    token = jws.JWS()
    token.deserialize((folder / "manifest.jws").read_text(), key)
    assert token.payload == (folder / "manifest.json").read_bytes()
    manifest = json.loads(token.payload)
    assert {one["name"]: one["sha256"] for one in manifest["files"]} == {
        name: told for name, told in sums.items() if name != "manifest.json"
    }
    assert manifest["edition"]["institutions"] == 635
    assert sum(one["institutions"] for one in manifest["provinces"]) == 635


def key_set(cli: Cli) -> dict[str, list[dict[str, str]]]:
    from registry.log import signing_keys

    return receipt_jws.make_key_set(
        receipt_jws.to_public_key(key) for key in signing_keys.load_keys(cli.data_dir / "signing.key")
    )


def test_what_was_published_and_taken_is_in_the_trail(published: Cli, folder: Path) -> None:
    database = Database(f"sqlite:///{published.data_dir / 'register.sqlite'}")
    with database.reading() as connection:
        deeds = {
            (deed.account, deed.action, deed.about)
            for deed in audit_log.list_events(connection, audit_log.AuditFilter(), descending=False, limit=10_000)
        }
    database.close()
    made = next(about for account, action, about in deeds if (account, action) == ("publisher", "propose"))
    assert ("approver", "approved", made) in deeds
    assert (accounts.SHELL, "edition_exported", "edition:1") in deeds


def test_the_check_says_that_what_was_written_is_genuine(published: Cli, folder: Path) -> None:
    told = published.ok("export", "--check", folder, "--json").json
    assert told["edition"]["institutions"] == 635
    assert {one["name"] for one in told["files"]} == {*LISTS, "difference.json", "manifest.json"}
    assert "真实" in published.ok("export", "--check", folder).out


@pytest.mark.parametrize("name", [*LISTS, "difference.json", "manifest.json", "manifest.jws", "SHA256SUMS"])
def test_one_altered_byte_is_noticed(published: Cli, copy: Path, name: str) -> None:
    path = copy / name
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    published.refused("export", "--check", copy)


@pytest.mark.parametrize("name", [*LISTS, "manifest.json", "manifest.jws", "SHA256SUMS"])
def test_a_missing_file_is_named(published: Cli, copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert name in published.refused("export", "--check", copy)


def test_a_list_whose_checksums_were_made_to_fit_is_noticed(published: Cli, copy: Path) -> None:
    body = (copy / "list.csv").read_bytes().replace("试运行".encode(), "正式运行".encode(), 1)
    before = hashlib.sha256((copy / "list.csv").read_bytes()).hexdigest()
    (copy / "list.csv").write_bytes(body)
    for name in ("manifest.json", "SHA256SUMS"):
        text = (copy / name).read_text().replace(before, hashlib.sha256(body).hexdigest())
        (copy / name).write_text(text)
    assert "签" in published.refused("export", "--check", copy)


def test_files_that_were_lost_come_back_as_the_same_bytes(published: Cli, folder: Path, tmp_path: Path) -> None:
    time.sleep(1.1)  # clocks of zip files count in seconds
    shutil.rmtree(published.data_dir / "editions")
    published.ok("export", "--out", tmp_path / "again")
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_next_edition_says_what_changed_and_the_first_stays_as_it_was(
    published: Cli, folder: Path, tmp_path: Path
) -> None:
    cli = Cli(Path(shutil.copytree(published.data_dir, tmp_path / "var")), inside=True)
    code = json.loads((folder / "list.json").read_bytes())["items"][0]["code"]
    change = ("correct", code, "name=北京市示例医院", "approvals.IVF=", "--from", "2026-01-01")
    made = cli.ok(*change, "--reason", "示例", "--by", "editor", "--json").json["proposal"]
    cli.ok("approve", made, "--by", "approver")
    publish(cli, title="第二期")
    cli.ok("export", "2", "--out", tmp_path / "two")
    told = json.loads((tmp_path / "two" / "difference.json").read_bytes())
    assert (told["since"], told["before"], told["institutions"]) == ("1", 635, 635)
    assert [one["after"] for one in told["renamed"]] == ["北京市示例医院"]
    assert [one["techniques"] for one in told["lost"]] == [["IVF"]]
    assert not told["new"] + told["gone"] + told["moved"] + told["gained"] + told["stage"]
    cli.ok("export", "1", "--out", tmp_path / "one")
    assert (tmp_path / "one" / "SHA256SUMS").read_bytes() == (folder / "SHA256SUMS").read_bytes()
    assert "2" in cli.ok("export", "--check", tmp_path / "two").out


def test_a_withdrawn_edition_says_so_and_the_one_before_is_the_latest_again(
    published: Cli, folder: Path, tmp_path: Path
) -> None:
    cli = Cli(Path(shutil.copytree(published.data_dir, tmp_path / "var")), inside=True)
    publish(cli, title="第二期")
    made = cli.ok("publish", "--withdraw", "2", "--reason", "地址有误", "--by", "publisher", "--json").json["proposal"]
    cli.ok("approve", made, "--by", "approver")
    assert cli.ok("export", "--out", tmp_path / "latest", "--json").json["edition"]["id"] == "1"
    assert "已经撤回" in cli.refused("publish", "--withdraw", "2", "--reason", "再次", "--by", "publisher")
    cli.log_size()  # the log, and every view of it, is in order
    publish(cli, title="第三期")
    assert cli.ok("export", "--out", tmp_path / "three", "--json").json["edition"]["number"] == 3  # never 2 again
    assert json.loads((tmp_path / "three" / "difference.json").read_bytes())["since"] == "1"


def test_an_edition_is_for_a_region_by_whoever_has_that_region(published: Cli, tmp_path: Path) -> None:
    cli = Cli(Path(shutil.copytree(published.data_dir, tmp_path / "var")), inside=True)
    cli.ok("user", "add", "liaoning", "--role", "publisher", "--region", "210000", input=PASSWORD)
    said = ("publish", "--title", "辽宁省名单", "--by", "liaoning", "--json")
    assert "liaoning" in cli.refused(*said)
    assert "liaoning" in cli.refused(*said, "--scope", "220000")
    assert "liaoning" in cli.refused("publish", "--withdraw", "1", "--reason", "示例", "--by", "liaoning")
    cli.ok("approve", cli.ok(*said, "--scope", "210000").json["proposal"], "--by", "approver")
    region = cli.ok("export", "latest-210000", "--out", tmp_path / "region", "--json").json["edition"]
    assert (region["institutions"], region["scope"]) == (22, "210000")
    assert cli.ok("export", "--out", tmp_path / "all", "--json").json["edition"]["scope"] == "national"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--as-of", "2999-01-01"), "没有到"),
        (("--as-of", "2010-01-01"), "没有任何机构"),
        (("--scope", "999999"), "行政区划"),
        (("--release", "2001-01-01"), "公布时间"),
        (("--title", "甲\t名录"), "看不见的字符"),
        (("--title", "甲\u202e名录"), "看不见的字符"),
    ],
)
def test_what_cannot_be_published_is_refused_with_its_reason(
    published: Cli, options: tuple[str, ...], says: str
) -> None:
    assert says in published.refused("publish", "--title", TITLE, "--by", "publisher", *options)


def test_wrong_usage_is_told_apart_from_a_refusal(published: Cli, tmp_path: Path) -> None:
    run: Callable[..., int] = lambda *said: published(*said).code  # noqa: E731
    assert run("publish", "--title", TITLE) == 2
    assert run("publish", "--by", "publisher") == 2
    assert run("publish", "--withdraw", "1", "--by", "publisher") == 2
    assert run("export") == 2
    assert run("publish", "--title", TITLE, "--by", "publisher", "--release", "soon") == 2
    assert "没有" in published.refused("export", "99", "--out", tmp_path)


def test_two_editions_proposed_at_once_do_not_become_one(published: Cli, tmp_path: Path) -> None:
    cli = Cli(Path(shutil.copytree(published.data_dir, tmp_path / "var")), inside=True)
    said = ("publish", "--by", "publisher", "--json", "--title")
    first, second = (cli.ok(*said, title).json["proposal"] for title in ("甲期名单", "乙期名单"))
    cli.ok("approve", second, "--by", "approver")
    assert "重新提出" in cli.refused("approve", first, "--by", "approver")
