"""A register of the version before the modules got their present names: everything it left behind is read as it was.

``tests/data/version-before`` was made by that version (commit 6e3761d): its database, published log, backup, an
edition's files, and what it answered and signed. Its signing key signs nothing but these files.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from registry.api.changes import encode_changes
from registry.domain.answers import Claim
from registry.register import Register
from registry.settings import Settings
from tests.receipts import holds

BEFORE = Path(__file__).parents[1] / "data" / "version-before"
EXPECTED: dict[str, Any] = json.loads((BEFORE / "expected.json").read_text("utf-8"))
#: What hangs on the moment of the question.
MOMENT = ("known_at", "state_age", "receipt")
#: Said in other words since: an address is named only where one was compared, and an old list says how old it is.
REWORDED = ("explanation",)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(BEFORE / "data", tmp_path / "data"))
    done = run(folder, "init")  # as an upgrade asks for
    assert done.returncode == 0, done.stderr
    return folder


def run(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("registry")
    environment = {**os.environ, "REGISTRY_DATA_DIR": str(data), "REGISTRY_PUBLIC_URL": "https://registry.example"}
    return subprocess.run([command, *arguments], env=environment, capture_output=True, text=True, check=False)


def open_register(data: Path) -> Register:
    register = Register(Settings(data_dir=data, public_url="https://registry.example"))
    register.follow_log()
    return register


def test_its_log_is_intact_and_goes_on(data: Path) -> None:
    done = run(data, "log", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    root, size = EXPECTED["answers"][0]["log"]["root"], EXPECTED["answers"][0]["log"]["size"]
    assert root in done.stdout and str(size) in done.stdout
    assert (data / "log" / "checkpoint").read_text("utf-8") == EXPECTED["checkpoint"]


def test_it_answers_as_it_did(data: Path) -> None:
    register = open_register(data)
    try:
        for claim, expected in zip(EXPECTED["claims"], EXPECTED["answers"], strict=True):
            answer = msgspec.to_builtins(register.answer_claim(msgspec.convert(claim, Claim)))
            left_out = {*MOMENT, *REWORDED, *([] if claim.get("techniques") else ["techniques"])}
            assert holds({k: v for k, v in expected.items() if k not in left_out}, answer)
        page = register.read_changes(0, 100, register.make_as_of())
        assert json.loads(encode_changes(page)) == EXPECTED["changes"]
    finally:
        register.close()


@pytest.mark.parametrize("kind", ["receipts", "batch_receipts"])
def test_its_receipts_hold(data: Path, tmp_path: Path, kind: str) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(EXPECTED["keys"]), "utf-8")
    register = open_register(data)
    try:
        assert all(
            (status := register.check_receipt(receipt)).valid and status.still_true for receipt in EXPECTED[kind]
        )
    finally:
        register.close()
    receipt, file = EXPECTED[kind][0], tmp_path / "receipt.txt"
    file.write_text(receipt, "utf-8")
    done = run(data, "receipt", str(file), "--keys", str(keys))
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(receipt[:-9] + ("A" if receipt[-9] != "A" else "B") + receipt[-8:], "utf-8")
    assert run(data, "receipt", str(file), "--keys", str(keys)).returncode == 1


def test_its_edition_is_complete_and_genuine(data: Path, tmp_path: Path) -> None:
    done = run(data, "export", "--check", str(BEFORE / "edition"))
    assert done.returncode == 0, done.stdout + done.stderr
    copy = Path(shutil.copytree(BEFORE / "edition", tmp_path / "edition"))
    with (copy / "list.csv").open("ab") as file:
        file.write(b"x")
    assert run(data, "export", "--check", str(copy)).returncode != 0
    again = tmp_path / "again"
    assert run(data, "export", "--out", str(again)).returncode == 0
    for name in ("list.csv", "list.json", "manifest.json", "manifest.jws", "SHA256SUMS"):
        assert (again / name).read_bytes() == (BEFORE / "edition" / name).read_bytes(), name


def test_its_backup_is_restored(tmp_path: Path) -> None:
    data = tmp_path / "empty"
    data.mkdir(mode=0o700)
    for name in ("signing.key", "secrets.key"):
        shutil.copy(BEFORE / "data" / name, data / name)
    done = run(data, "restore", str(BEFORE / "backup.tar"))
    assert done.returncode == 0, done.stdout + done.stderr
    check = run(data, "log", "check")
    assert check.returncode == 0 and EXPECTED["answers"][0]["log"]["root"] in check.stdout
