"""An edition as JSON: what it is, the log it rests on, and every institution in the API's shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from registry.editions.content import ListContent, Progress
from registry.editions.edition import Edition

_json = msgspec.json.Encoder(order="sorted")


def make_head(edition: Edition) -> dict[str, Any]:
    """Make what stands before the institutions: all of the edition that never changes."""
    fields = msgspec.to_builtins(edition)
    return {name: value for name, value in fields.items() if name not in ("log", "withdrawn", "proposal")}


def write(path: Path, edition: Edition, content: ListContent, progress: Progress | None = None) -> None:
    """Write ``{"edition":…,"log":{size,root},"items":[Institution…]}``, a line an institution; UTF-8, keys sorted."""
    with path.open("wb") as file:
        file.write(b'{"edition":' + _json.encode(make_head(edition)) + b',"log":' + _json.encode(edition.log))
        file.write(b',"items":[')
        for number, institution in enumerate(content.read_institutions()):
            file.write((b",\n" if number else b"\n") + _json.encode(institution))
            if progress and number % 1000 == 999:
                progress(number + 1)
        file.write(b"\n]}\n")
