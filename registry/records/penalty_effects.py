"""What a penalty does to approvals: it states the change of each, which then holds like any other change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.domain.techniques import Stage

_STAGES: tuple[tuple[str, Stage], ...] = (("suspends", "suspended"), ("revokes", "revoked"))


def list_effects(
    penalty: Mapping[str, Any], before: Mapping[str, Any], institution: Mapping[str, Any]
) -> dict[str, Any]:
    """List the approvals that a penalty newly takes away, by path, as they are to be recorded.

    ``before``: the penalty as recorded until now; ``institution``: what is recorded of the institution on its day. An
    approval that is not recorded, or is at that stage already, is left alone.
    """
    effects: dict[str, Any] = {}
    for path, stage in _STAGES:
        for technique in penalty.get(path) or ():
            approval = institution.get(f"approvals.{technique}")
            if technique in (before.get(path) or ()) or approval is None or approval["stage"] in ("revoked", stage):
                continue
            paper = {name: penalty[name] for name in ("document_no", "authority") if penalty.get(name)}
            effects[f"approvals.{technique}"] = {**approval, "stage": stage, **paper}
    return effects
