"""What a person decided of the pairs of an import: kept, taken back, and what is still open."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from registry.importers.matching.identity import Rulings
from registry.importers.matching.register_side import RegisterSide

Decisions = dict[str, dict[str, Any]]
#: (key, key of the listed institution, subject) of every pair, as the summary of an import keeps them.
Pairs = list[list[Any]]


def add_decision(decisions: Decisions, line: dict[str, Any], same: bool, by: str, at: int) -> Decisions:
    """The decisions with one more; one institution is never the same as two, so that an earlier "same" gives way."""
    kept = {
        key: one
        for key, one in decisions.items()
        if key != line["key"]
        and not (same and one["same"] and (one["listed_key"] == line["listed_key"] or one["known"] == line["known"]))
    }
    kept[line["key"]] = {
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
    return kept


def list_open_pairs(pairs: Pairs, decisions: Decisions) -> list[str]:
    """The keys nobody decided. Where one of two is known to be the same as a third, nothing is left to decide."""
    same = [one for one in decisions.values() if one["same"]]
    listed, known = {one["listed_key"] for one in same}, {one["known"] for one in same}
    return [
        key
        for key, listed_key, subject, *_ in pairs
        if key not in decisions and listed_key not in listed and subject not in known
    ]


def make_rulings(decisions: Decisions, listed_keys: dict[str, int], register: RegisterSide) -> Rulings:
    """The decisions that still apply, as rules go by: a row or an institution may be gone by now."""
    subjects = {one.subject for one in (*register.listed, *register.others)}
    same: set[tuple[int | str, int | str]] = set()
    apart: set[tuple[int | str, int | str]] = set()
    for one in decisions.values():
        position = listed_keys.get(one["listed_key"])
        if position is not None and one["known"] in subjects:
            (same if one["same"] else apart).add((one["known"], position))
    return Rulings(same=frozenset(same), apart=frozenset(apart))


def hash_decisions(decisions: Decisions) -> str:
    """The same for the same decisions, whoever made them and when."""
    told = sorted((key, one["same"]) for key, one in decisions.items())
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def report_decisions(decisions: Decisions) -> list[dict[str, Any]]:
    """The decisions as the report of a proposal keeps them."""
    return [
        {
            "listed": one["listed"],
            "address": one["address"],
            "known": one["known"].removeprefix("institution:"),
            "known_name": one["known_name"],
            "same": one["same"],
            "by": one["by"],
            "rule": one["rule"],
        }
        for one in decisions.values()
    ]
