"""Zip files that are the same bytes each time: members in order, one fixed time, one way to compress."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

#: The first instant a zip file can say.
_TIME = (1980, 1, 1, 0, 0, 0)


def write_zip(path: Path, members: Iterable[tuple[str, Iterable[str]]]) -> None:
    """A zip file of (name, text in pieces), in that order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, pieces in members:
            info = zipfile.ZipInfo(name, _TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            with archive.open(info, "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece.encode())
