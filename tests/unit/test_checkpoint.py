from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import InvalidInput
from registry.log import note
from registry.log.note import Checkpoint

ROOT = bytes(range(32))
TEXT = "register.example/log\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
SIZE = "20852163"
HASH = TEXT.split("\n")[2]


def test_a_checkpoint_is_three_lines() -> None:
    assert Checkpoint(origin="register.example/log", size=20852163, root=ROOT).text == TEXT


def test_an_empty_log_has_size_0() -> None:
    empty = Checkpoint(origin="a", size=0, root=ROOT)
    assert empty.text.split("\n")[1] == "0"
    assert note.parse_checkpoint(empty.text) == empty


lines = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(lines, st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32), st.lists(lines, max_size=3))
def test_a_checkpoint_is_parsed_as_it_was_written_whatever_extensions_follow(
    origin: str, size: int, root: bytes, extensions: list[str]
) -> None:
    made = Checkpoint(origin=origin, size=size, root=root)
    assert note.parse_checkpoint(made.text) == made
    assert note.parse_checkpoint(made.text + "".join(f"{line}\n" for line in extensions)) == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT + "\nan extension after an empty line\n",
        TEXT + "an extension without its line end",
        "\n" + TEXT,
        TEXT.replace("register.example/log", ""),
        TEXT.replace(f"{SIZE}\n", ""),
        TEXT.replace(f"{HASH}\n", ""),
        TEXT.replace(SIZE, ""),
        TEXT.replace(HASH, ""),
    ],
)
def test_what_does_not_have_the_three_lines_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        note.parse_checkpoint(text)


@pytest.mark.parametrize(
    "size", ["00", "01", "-1", "+1", " 1", "1 ", "1.0", "1_000", "0x1", "1e3", "١", "１", str(2**63), "9" * 500]
)
def test_a_size_has_one_spelling_and_fits_64_bits(size: str) -> None:
    with pytest.raises(InvalidInput):
        note.parse_checkpoint(TEXT.replace(SIZE, size))


@pytest.mark.parametrize(
    "root",
    [
        HASH[:-1],
        HASH + "=",
        HASH + "====",
        HASH.replace("8=", "9="),  # the same bytes: bits that encode nothing are not zero
        HASH.replace("A", "-", 1),
        " " + HASH,
        ROOT.hex(),
        base64.b64encode(ROOT[:31]).decode(),
        base64.b64encode(ROOT + b"\x00").decode(),
        base64.b64encode(ROOT * 2).decode(),
        "根",
    ],
)
def test_a_root_is_32_bytes_with_one_spelling(root: str) -> None:
    with pytest.raises(InvalidInput):
        note.parse_checkpoint(TEXT.replace(HASH, root))
