"""Questions of an import in the shell: printed with what may be answered, and answered there."""

from __future__ import annotations

from pathlib import Path

from registry.log import store
from registry.settings import Settings
from registry.storage.database import Database
from tests.running import Cli
from tests.unit.test_row_review import ROWS, hide_fourth
from tests.unit.test_row_review import an_xlsx as write_xlsx

TOLD = ("--as-of", "2025-06-30", "--scope", "partial")


def test_the_shell_prints_what_may_be_answered_and_takes_the_answers(cli: Cli, tmp_path: Path) -> None:
    cli.ok("init")
    cli.staff()
    rows = [row.copy() for row in ROWS]
    rows[1][4], rows[2][0] = "夫精人工受精", "浙江省（9家）"
    file = write_xlsx(tmp_path / "a.xlsx", hide_fourth, rows)
    refused = cli("import", file, *TOLD, "--by", "editor")
    assert refused.code == 1
    assert all(
        word in refused.out for word in ("[1.2.4=夫精人工授精, 1.2=leave]", "[1.4=take|leave]", "[1.3.count=accept]")
    )
    answers = ("--answer", "1.2.4=夫精人工授精", "--answer", "1.4=leave", "--answer", "1.3.count=accept")
    assert "理由" in cli("import", file, *TOLD, *answers, "--by", "editor").err
    number = cli.ok("import", file, *TOLD, *answers, "--reason", "示例印错", "--by", "editor", "--json").json[
        "proposal"
    ]
    cli.ok("approve", number, "--by", "approver")
    database = Database(Settings(data_dir=cli.data_dir).get_database_url())
    with database.reading() as connection:
        entries = [entry for batch in store.read_entries(connection) for entry in batch]
    database.close()
    source = next(entry for entry in entries if entry.subject.startswith("source:"))
    assert [change["what"] for change in source.change.set["changes"]] == ["corrected", "left_out", "accepted"]
    assert "不是答复" in cli("import", file, *TOLD, "--answer", "1.4=maybe", "--dry-run").err
