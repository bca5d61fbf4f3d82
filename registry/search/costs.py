"""What every way in which a question fits an institution costs: the table in ``costs.toml``, by section and name."""

from __future__ import annotations

import tomllib
from pathlib import Path

#: By ``section.name``. Read where a cost is computed, so that whoever fits them can change them.
COSTS: dict[str, float] = {
    f"{section}.{name}": cost
    for section, costs in tomllib.loads(Path(__file__).with_name("costs.toml").read_text("utf-8")).items()
    for name, cost in costs.items()
}
#: Characters of a name beyond what was typed that are counted.
_EXCESS_COUNTED = 20


def compute_excess(section: str, characters: int) -> float:
    """Compute what so many characters of a name cost beyond those typed."""
    return COSTS[f"{section}.excess"] * min(characters, _EXCESS_COUNTED)
