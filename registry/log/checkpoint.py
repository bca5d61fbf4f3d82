"""C2SP tlog-checkpoint: the three lines that name a log, its size and its root hash.

Source: c2sp.org/tlog-checkpoint. The root is that of RFC 6962 over the canonical bytes of entries 1 to size.
"""

from __future__ import annotations

import base64
import binascii
import re

from registry.domain.model import Struct
from registry.errors import InvalidInput
from registry.log import note
from registry.texts import Message

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(Struct, frozen=True):
    """The content of a signed checkpoint. ``root`` is 32 bytes."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The note text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class SignedCheckpoint(Struct, frozen=True):
    """A checkpoint and the signed note it was read from, byte for byte."""

    checkpoint: Checkpoint
    note: bytes


def parse(text: str) -> Checkpoint:
    """Parse the checkpoint of a note's text, without extension lines; InvalidInput when it is none."""
    lines = text.split("\n")
    if len(lines) >= 4 and lines[-1] == "" and all(lines[:-1]) and _SIZE.fullmatch(lines[1]):
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError):
            root = b""
        checkpoint = Checkpoint(origin=lines[0], size=int(lines[1]), root=root)
        # Nothing has two spellings, and a size that no database holds is none.
        if len(root) == 32 and checkpoint.size < 2**63 and text.startswith(checkpoint.text):
            return checkpoint
    raise InvalidInput(Message("不是日志检查点。"))


def parse_signed_checkpoint(raw: bytes) -> SignedCheckpoint:
    """Parse the checkpoint of a signed note without verifying its signatures; InvalidInput when it is none."""
    return SignedCheckpoint(checkpoint=parse(note.parse(raw).text), note=raw)
