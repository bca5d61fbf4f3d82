"""Old Office files are read through LibreOffice where it is installed; else the sentence says what to do."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from registry.errors import UnreadableFile
from registry.importers.reading.lists import read_list
from registry.storage.uploads import office_conversion
from tests.compound import compound, directory
from tests.unit.test_row_review import ROWS, a_docx, an_xlsx

#: Stands in for LibreOffice: takes its options, and writes what it is to make of the file.
PROGRAM = """#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in
    --convert-to) to="$2" ;;
    --outdir) folder="$2" ;;
  esac
  last="$1"; shift
done
[ -s "$last" ] && {act}
"""


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, act: str) -> None:
    folder.mkdir()
    program = folder / "soffice"
    program.write_text(PROGRAM.replace("{act}", act), encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def an_old_file(path: Path, stream: str) -> Path:
    path.write_bytes(compound(directory([stream])))
    return path


@pytest.mark.parametrize(("kind", "stream"), [("xls", "Workbook"), ("doc", "WordDocument")])
def test_an_old_file_is_read_as_the_new_one_that_libreoffice_makes_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, stream: str
) -> None:
    made = tmp_path / f"made.{kind}x"
    (an_xlsx if kind == "xls" else a_docx)(made, lambda _: None, ROWS)
    install(monkeypatch, tmp_path / "bin", f'cp {made} "$folder/list.$to"')
    path = an_old_file(tmp_path / f"list.{kind}", stream)
    found = read_list(path)
    assert (found.errors, len(found.institutions)) == ((), 3)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()  # of the file as received


FILES = Path(__file__).parents[1] / "data" / "imports"


@pytest.mark.parametrize("name", ["list.doc", "list.xls"])
def test_a_real_old_file_is_read_with_all_its_rows(name: str) -> None:
    found = read_list(FILES / name)
    assert (found.errors, found.rows, len(found.institutions)) == ((), 3, 3)
    assert found.institutions == read_list(FILES / "list.xlsx").institutions


def test_a_table_that_libreoffice_loses_is_not_taken_for_an_empty_file() -> None:
    """It loses one that no paragraph follows, which Word never writes."""
    with pytest.raises(UnreadableFile, match="另存为 docx"):
        read_list(FILES / "table_last.doc")


@pytest.mark.parametrize("act", [None, "true", "sleep 60"])
def test_without_libreoffice_or_when_it_fails_the_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, act: str | None
) -> None:
    monkeypatch.setattr(office_conversion, "SECONDS", 1)
    if act is None:
        monkeypatch.setattr(shutil, "which", lambda _name: None)
    else:
        install(monkeypatch, tmp_path / "bin", act)
    with pytest.raises(UnreadableFile, match="另存为 xlsx"):
        read_list(an_old_file(tmp_path / "list.xls", "Workbook"))
