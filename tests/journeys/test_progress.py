"""Anything long shows progress on a terminal, and nothing but data elsewhere."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

from tests.copies import REGISTRY
from tests.running import PATIENCE, Cli, environment

HEADINGS = "province,name,address,techniques,stages"


def a_long_list(path: Path, rows: int) -> Path:
    lines = (f"辽宁省,示例市第{n}示例医院,辽宁省沈阳市和平区示例路{n}号,AIH,formal" for n in range(1, rows + 1))
    path.write_text("\n".join((HEADINGS, *lines, "")), encoding="utf-8")
    return path


def test_a_large_import_shows_its_progress_on_a_terminal(script: Cli, tmp_path: Path) -> None:
    script.ok("init")
    path = a_long_list(tmp_path / "long.csv", 10_000)
    ours, theirs = pty.openpty()
    command = [REGISTRY, "import", path, "--as-of", "2025-06-30", "--dry-run"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=environment(script.data_dir, TERM="xterm", COLUMNS="100"),
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # how a terminal says that the other side is gone
        pass
    os.close(ours)
    assert process.wait(timeout=PATIENCE) == 0
    shown = seen.decode("utf-8", "replace")
    assert "读取 / reading" in shown
    assert re.search(r"\b[1-9][0-9]?,000\b", shown)  # which of them are painted depends on the machine's speed


def test_the_same_import_writes_no_progress_into_a_pipe(script: Cli, tmp_path: Path) -> None:
    script.ok("init")
    ran = script.ok("import", a_long_list(tmp_path / "long.csv", 50), "--as-of", "2025-06-30", "--dry-run")
    assert ran.err == ""
