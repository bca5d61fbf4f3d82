"""The audit of the lock files, on lock files that pin versions known to be weak, with and without anybody to ask."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.advisories import audit, snapshot

ROOT = Path(__file__).parents[2]
WEAK = "jinja2==2.10 \\\n    --hash=sha256:00\npsycopg[binary]==3.2.3\nlxml==4.6.2 ; sys_platform == 'linux' \\\n"


@pytest.fixture
def weak(tmp_path: Path) -> Path:
    lock = tmp_path / "weak.lock"
    lock.write_text(WEAK)
    return lock


def a_program(folder: Path, answer: str) -> str:
    """A `pip-audit` that gives one answer."""
    program = folder / "pip-audit"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    program.chmod(0o755)
    return str(program)


def said_of(files: list[Path], program: str | None = None) -> tuple[int, list[str]]:
    lines: list[str] = []
    return audit.audit(files, lines.append, program), lines


def test_a_pinned_version_with_a_known_weakness_fails_and_is_named(weak: Path) -> None:
    status, lines = said_of([weak])
    assert status == 1
    named = [line for line in lines if "CVE-2019-10906" in line]
    assert len(named) == 1
    assert "weak.lock: jinja2 2.10" in named[0]
    assert "fixed in 2.10.1" in named[0]
    assert any("lxml 4.6.2" in line for line in lines)


def test_the_command_exits_1_then_and_needs_nobody_to_ask(weak: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.advisories", weak], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "nobody could be asked (pip-audit is not installed)" in done.stdout


def test_the_lock_files_of_this_product_pin_nothing_that_the_list_knows() -> None:
    assert {path.name for path in audit.find_locks()} == {
        "requirements.lock",
        "requirements-dev.lock",
        "client.lock",
    }
    assert len(audit.find_locks()) == 5  # two of them are called requirements.lock
    status, lines = said_of(audit.find_locks())
    assert status == 0, lines
    counted = re.search(r"([0-9,]+) pinned versions against a list of ([0-9,]+)", lines[0])
    assert counted
    assert int(counted[1].replace(",", "")) > 150
    assert int(counted[2].replace(",", "")) > 2_500


def test_the_list_says_how_old_it_is_where_it_is_from_and_its_licence() -> None:
    held = json.loads(snapshot.FILE.read_text("utf-8"))
    assert (held["source"], held["licence"]) == ("pypa/advisory-database", "CC-BY-4.0")
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", held["as_of"])
    _, lines = said_of([])
    assert any(f"as of {held['as_of']}" in line for line in lines)


@pytest.mark.parametrize(
    ("version", "affected"),
    [("0.9", True), ("2.10", True), ("2.10.1", False), ("2.11", False), ("2.10.0", True), ("3.1.6", False)],
)
def test_a_version_is_compared_as_versions_are(version: str, affected: bool) -> None:
    found = {alias for one in snapshot.load().about("Jinja2", version) for alias in one.aliases}
    assert ("CVE-2019-10906" in found) is affected


def test_spans_end_where_they_say() -> None:
    last = snapshot.Advisory("X", (), (("1.0", "1.4", True), ("2.0", None, True)), ("0.5",))
    assert [last.affects(one) for one in ("0.5", "0.9", "1.0", "1.4", "1.4.1", "2.0", "9.9")] == [
        True,
        False,
        True,
        True,
        False,
        True,
        True,
    ]


def test_what_a_service_knows_beside_the_list_fails_too(tmp_path: Path) -> None:
    lock = tmp_path / "new.lock"
    lock.write_text("jinja2==3.1.6\n")
    vulns = [{"id": "PYSEC-2099-1", "fix_versions": ["99.0"], "aliases": []}]
    answer = json.dumps({"dependencies": [{"name": "jinja2", "version": "3.1.6", "vulns": vulns}]})
    status, lines = said_of([lock], a_program(tmp_path, answer))
    assert status == 1
    assert "new.lock: jinja2 3.1.6: PYSEC-2099-1 (fixed in 99.0)" in lines[-1]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "not json",
        "{}",
        '{"dependencies": []}',
        '{"dependencies": [{"name": "jinja2", "skip_reason": "Dependency not found and could not be audited"}]}',
    ],
)
def test_a_service_that_did_not_answer_about_everything_was_not_asked(tmp_path: Path, answer: str) -> None:
    """pip-audit exits 0 where an index knows nothing of advisories: that is no clean bill."""
    lock = tmp_path / "new.lock"
    lock.write_text("jinja2==3.1.6\n")
    status, lines = said_of([lock], a_program(tmp_path, answer))
    assert status == 0
    assert "nobody could be asked" in lines[-1]
    assert "is not in this answer" in lines[-1]


def test_lint_runs_it() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    recipe = makefile.split("\nlint:")[1].split("\n\n")[0]
    assert "lint-advisories" in recipe
    assert "-m tests.advisories" in makefile.split("\nlint-advisories:")[1].split("\n\n")[0]
