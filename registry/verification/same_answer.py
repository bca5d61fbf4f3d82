"""When two answers say the same."""

from __future__ import annotations

from typing import Any


def make_comparison_key(said: dict[str, Any]) -> Any:
    """What an answer (as JSON) comes to: verdicts, stages, and who is meant; not its words, its basis or its log."""
    techniques = [(one["technique"], one["verdict"], one.get("stage")) for one in said.get("techniques") or []]
    others = [(said.get(part) or {}).get("verdict") for part in ("practitioner", "ad_certificate")]
    return said["verdict"], techniques, (said.get("match") or {}).get("code"), others
