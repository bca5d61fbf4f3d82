"""An edition as JSON: what it is, the log it rests on, and every institution in the API's shape."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from registry.editions.content import ListContent
from registry.editions.edition import Edition

_json = msgspec.json.Encoder(order="sorted")


def make_head(edition: Edition) -> dict[str, Any]:
    """What stands before the institutions: of the edition all that never changes."""
    told = msgspec.to_builtins(edition)
    return {name: value for name, value in told.items() if name not in ("log", "withdrawn", "proposal")}


def write(path: Path, edition: Edition, content: ListContent, progress: Callable[[int], None] | None = None) -> None:
    """``{"edition":…,"log":{size,root},"items":[Institution…]}``, a line an institution; UTF-8, keys sorted."""
    with path.open("wb") as file:
        file.write(b'{"edition":' + _json.encode(make_head(edition)) + b',"log":' + _json.encode(edition.log))
        file.write(b',"items":[')
        for number, institution in enumerate(content.read_institutions()):
            file.write((b",\n" if number else b"\n") + _json.encode(institution))
            if progress and number % 1000 == 999:
                progress(number + 1)
        file.write(b"\n]}\n")
