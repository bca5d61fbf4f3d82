"""Old Office files and files with a password are told apart by the names in them, whatever else is in the file."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import UnreadableFile
from registry.storage.uploads import file_kind
from registry.storage.uploads.file_kind import detect_kind
from registry.storage.uploads.limits import PAGE
from tests.compound import FREE, compound, directory, entry

#: Where in a header the numbers are that lead on.
SHIFT, FIRST, MORE, TABLE = 30, 48, 68, 76


def refusal(raw: bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as refused:
        detect_kind(io.BytesIO(raw), PAGE)
    return refused.value


def patched(raw: bytes, at: int, number: int) -> bytes:
    return raw[:at] + struct.pack("<I", number) + raw[at + 4 :]


@pytest.mark.parametrize("size", [512, 4096])
@pytest.mark.parametrize("before", [0, 300])
@pytest.mark.parametrize(
    ("streams", "inside", "words"),
    [
        (["1Table", "WordDocument"], [], "old doc format; please save it as docx"),
        (["Workbook", "\x05SummaryInformation"], [], "old xls format; please save it as xlsx"),
        (["Book"], [], "old xls format; please save it as xlsx"),
        (["EncryptionInfo", "EncryptedPackage"], ["Version"], "remove the password"),
        (["PowerPoint Document"], ["WordDocument"], "This old Office format cannot be read"),
        ([], [], "This old Office format cannot be read"),
        ([f"stream {n}" for n in range(200)] + ["WordDocument"], [], "old doc format"),
    ],
)
def test_the_sentence_is_that_of_the_kind(
    streams: list[str], inside: list[str], words: str, size: int, before: int
) -> None:
    assert words in refusal(compound(directory(streams, inside), size, before)).en


def test_a_directory_behind_the_first_109_sectors_of_the_table_is_found() -> None:
    assert file_kind.list_streams(io.BytesIO(compound(directory(["Book"]), 512, 30_000))) == {"Book"}


@pytest.mark.parametrize("length", [8, 100, 511, 512, 1000, 1024, 1100])
def test_a_file_that_ends_early_is_damaged(length: int) -> None:
    assert "damaged" in refusal(compound(directory(["WordDocument"]))[:length]).en


@pytest.mark.parametrize("number", [0, 10, 0xFFFF, 0xFFFFFFF9])
@pytest.mark.parametrize("at", [SHIFT - 2, FIRST, TABLE])
def test_a_number_that_leads_out_of_the_file_or_nowhere_is_damage(at: int, number: int) -> None:
    raw = compound(directory(["WordDocument"], ["x"]), before=3)
    with suppress(ValueError):
        assert file_kind.list_streams(io.BytesIO(patched(raw, at, number))) in (set(), {"WordDocument"})
    assert "damaged" in refusal(patched(raw, FIRST, 0xFFFFFFF9)).en


def test_a_circle_of_sectors_or_entries_ends() -> None:
    raw = compound(directory([f"stream {n}" for n in range(8)]))
    circle = patched(raw, 512 + 4, 1)  # the directory's first sector, the second of the file, follows itself
    with pytest.raises(ValueError, match="without end"):
        file_kind.list_streams(io.BytesIO(circle))
    of_tables = patched(patched(compound(directory(["Book"]), 512, 30_000), MORE, 1), TABLE, 0)
    with suppress(ValueError):
        file_kind.list_streams(io.BytesIO(of_tables))
    rows = entry("Root Entry", 5, below=1) + entry("Book", 2, left=2, right=1) + entry("x", 2, left=1, right=2)
    assert file_kind.list_streams(io.BytesIO(compound(rows))) == {"Book", "x"}


def test_an_entry_that_is_not_there_is_damage() -> None:
    rows = entry("Root Entry", 5, below=1) + entry("Book", 2, right=4)
    assert "damaged" in refusal(compound(rows)).en


def test_a_name_is_never_longer_than_its_place() -> None:
    row = bytearray(entry("Book", 2))
    row[64:66] = struct.pack("<H", 0xFFFF)
    names = file_kind.list_streams(io.BytesIO(compound(entry("Root Entry", 5, below=1) + bytes(row))))
    assert [name.rstrip("\0") for name in names] == ["Book"]


@given(data=st.data())
def test_whatever_is_changed_a_file_is_judged_or_damaged(data: st.DataObject) -> None:
    raw = compound(directory(["WordDocument", "x"], ["y", "z"]), data.draw(st.sampled_from([512, 4096])), 2)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(8, len(raw) - 4))
        raw = patched(raw, at, data.draw(st.sampled_from([0, 1, 2, 3, 512, 2**31, FREE, FREE - 1, FREE - 5, FREE - 6])))
    raw = raw[: data.draw(st.integers(8, len(raw)))]
    assert refusal(raw).code == "unreadable_file"
