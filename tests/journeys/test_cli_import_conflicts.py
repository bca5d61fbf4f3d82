"""`registry import` over a decision: the shell keeps it, says so, and takes the list only with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories import a_list
from tests.running import Cli

ROW = {"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁西区示例路1号", "techniques": "IVF", "stages": "formal"}
REVOKED = 'approvals.IVF={"stage":"revoked","document_no":"示卫医〔2026〕3号","authority":"示例卫生健康委"}'


@pytest.fixture
def revocation(staffed: Cli, tmp_path: Path) -> tuple[Cli, str, Path]:
    """A register in which the only hospital's approval was revoked after its list; its code and that list."""
    path = a_list(tmp_path / "list.csv", [ROW])
    told = ("--as-of", "2025-06-30", "--scope", "national", "--by", "editor", "--json")
    staffed.ok("approve", staffed.ok("import", path, *told).json["proposal"], "--by", "approver")
    code = str(staffed.ok("search", ROW["name"], "--json").json["items"][0]["institution"]["code"])
    correction = ("--from", "2025-09-01", "--reason", "示例撤销决定", "--by", "editor", "--json")
    number = staffed.ok("correct", code, REVOKED, *correction).json["proposal"]
    staffed.ok("approve", number, "--by", "approver")
    return staffed, code, path


def verdict(cli: Cli) -> str:
    return str(cli.ok("verify", ROW["name"], "--technique", "IVF", "--on", "2026-07-01", "--json").json["verdict"])


def test_the_decision_stays_and_both_documents_are_printed(revocation: tuple[Cli, str, Path]) -> None:
    cli, code, path = revocation
    assert verdict(cli) == "revoked"
    told = ("--as-of", "2026-06-30", "--scope", "national", "--source", "示例名单", "--by", "editor")
    shown = cli.ok("import", path, *told).out
    for word in (f"{code}:approvals.IVF", "示卫医〔2026〕3号", "示例卫生健康委", "示例名单", "2026-06-30", "保留决定"):
        assert word in shown
    cli.ok("approve", cli.ok("proposals", "--json").json[0]["id"], "--by", "approver")
    assert verdict(cli) == "revoked"


def test_taking_the_list_needs_a_reason_that_the_history_shows(revocation: tuple[Cli, str, Path]) -> None:
    cli, code, path = revocation
    told = ("--as-of", "2026-06-30", "--scope", "national", "--by", "editor", "--json")
    assert "理由" in cli.refused("import", path, *told, "--take-list", code)
    assert "没有不一致" in cli.refused("import", path, *told, "--take-list", f"{code}:name", "--reason", "示例")
    assert cli.ok("proposals", "--json").json == []
    why = ("--take-list", f"{code.lower()}:approvals.IVF", "--reason", "见示卫医〔2026〕9号恢复执业")
    outcome = cli.ok("import", path, *told, *why).json
    (line,) = outcome["difference"]["conflicts"]
    assert (line["choice"], line["reason"]) == ("list", why[3])
    cli.ok("approve", outcome["proposal"], "--by", "approver")
    assert verdict(cli) == "licensed"
