"""A person's decisions on the pairs of an import, and the pairs still open."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from registry.importers.matching.organisations import Rulings
from registry.importers.matching.register_side import RegisterSide

Decisions = dict[str, dict[str, Any]]
#: (key, key of the listed institution, subject, ...) of every pair, as in ``Import.found``.
Pairs = list[list[Any]]


def add_decision(decisions: Decisions, line: dict[str, Any], same: bool, by: str, at: int) -> Decisions:
    """The decisions with one more. One institution is never the same as two: an earlier "same" gives way."""
    remaining = {
        key: decision
        for key, decision in decisions.items()
        if key != line["key"]
        and not (
            same
            and decision["same"]
            and (decision["listed_key"] == line["listed_key"] or decision["known"] == line["known"])
        )
    }
    remaining[line["key"]] = {
        "same": same,
        "by": by,
        "at": at,
        "listed": line["after"]["name"],
        "address": line["after"]["address"],
        "listed_key": line["listed_key"],
        "known": line["known"],
        "known_name": line["before"]["name"],
        "rule": line["rule"],
        "suggested": line["suggested"],
    }
    return remaining


def list_open_pairs(pairs: Pairs, decisions: Decisions) -> list[str]:
    """The keys of pairs without a decision. Where one of two is the same as a third, nothing is left to decide."""
    same = [decision for decision in decisions.values() if decision["same"]]
    listed, known = {decision["listed_key"] for decision in same}, {decision["known"] for decision in same}
    return [
        key
        for key, listed_key, subject, *_ in pairs
        if key not in decisions and listed_key not in listed and subject not in known
    ]


def make_rulings(decisions: Decisions, listed_keys: dict[str, int], register: RegisterSide) -> Rulings:
    """The decisions that still apply, by the positions of rows: a row or an institution may be gone by now."""
    subjects = {institution.subject for institution in (*register.listed, *register.others)}
    same: set[tuple[int | str, int | str]] = set()
    apart: set[tuple[int | str, int | str]] = set()
    for decision in decisions.values():
        position = listed_keys.get(decision["listed_key"])
        if position is not None and decision["known"] in subjects:
            (same if decision["same"] else apart).add((decision["known"], position))
    return Rulings(same=frozenset(same), apart=frozenset(apart))


def hash_decisions(decisions: Decisions) -> str:
    """A hash of the decisions, whoever made them and when."""
    pairs = sorted((key, decision["same"]) for key, decision in decisions.items())
    return hashlib.sha256(msgspec.json.encode(pairs)).hexdigest()


def report_decisions(decisions: Decisions) -> list[dict[str, Any]]:
    """The decisions as the report of a proposal lists them."""
    return [
        {
            "listed": decision["listed"],
            "address": decision["address"],
            "known": decision["known"].removeprefix("institution:"),
            "known_name": decision["known_name"],
            "same": decision["same"],
            "by": decision["by"],
            "rule": decision["rule"],
        }
        for decision in decisions.values()
    ]
