"""What is left of a question and of an answer when all that says nothing is taken away."""

from __future__ import annotations

from typing import Any

import msgspec

from registry.model import Claim


def question(claim: Claim) -> dict[str, Any]:
    """A claim (as JSON) without what it left open, and without its wish for a receipt."""
    asked = {k: v for k, v in msgspec.to_builtins(claim).items() if k != "receipt" and v not in (None, [], "")}
    asked["provider"] = {k: v for k, v in asked["provider"].items() if v is not None}
    return asked


def essence(said: dict[str, Any]) -> Any:
    """What an answer (as JSON) comes to: verdicts, stages, and who is meant; not its words, its basis or its log."""
    techniques = [(one["technique"], one["verdict"], one.get("stage")) for one in said.get("techniques") or []]
    others = [(said.get(part) or {}).get("verdict") for part in ("practitioner", "ad_certificate")]
    return said["verdict"], techniques, (said.get("match") or {}).get("code"), others
