"""When the load is over: is everything that was approved in the log, does it check, is live what a rebuild gives?"""

from __future__ import annotations

from typing import Any

import httpx

from bench.running import PATIENCE
from bench.soak.staff_work import Staff
from bench.soak.world import World


def check_result(world: World, judged: dict[str, Any], staff: Staff) -> dict[str, Any]:
    """What was found, by name; an empty list is good."""
    found: dict[str, Any] = {"server_runs": world.is_running()}
    found["lost"], found["torn"] = _compare_entries(world, judged, staff)
    receipts = judged["receipts"]
    found["receipts"] = len(receipts)
    found["receipts_wrong"] = [data for one in receipts if (data := _check_receipt(world, one))]
    found["tracebacks"] = world.errors.read_text("utf-8", "replace").count("Traceback (most recent call last)")
    before = _compare_snapshot(world)
    found["stopped_with"] = world.stop_server()
    checked = world.run_command("log", "check", "--json")
    found["log_check"] = "" if checked.code == 0 else checked.err.strip() or checked.out[:500]
    found["entries"] = checked.parse_json["size"] if checked.code == 0 else None
    if found["entries"] is not None and found["entries"] != judged["log"]:
        found["log_check"] = f"{found['entries']} entries, and the judge read {judged['log']}"
    rebuilt = world.run_command("rebuild")
    found["rebuild"] = "" if rebuilt.code == 0 else rebuilt.err.strip()
    world.start_server()
    found["live_is_rebuilt"] = before == _compare_snapshot(world)
    found["stopped_with"] = found["stopped_with"] or world.stop_server()
    return found


def _compare_entries(world: World, judged: dict[str, Any], staff: Staff) -> tuple[list[str], list[str]]:
    """(approvals that were answered with success and are not in the log whole, others that are there in part)."""
    items = {one["id"]: one["items"] for one in world.make_command("proposals", "--all", "--json").parse_json}
    there = {int(proposal): last - first + 1 for proposal, (first, last) in judged["proposals"].items()}
    lost = [
        f"proposal {number} ({kind}): {there.get(number, 0)} of {items.get(number)} entries"
        for number, kind in staff.approved.items()
        if kind != "confirmation" and there.get(number, 0) != items.get(number)
    ]
    torn = [
        f"proposal {number} ({kind}): {there[number]} of {items.get(number)} entries"
        for number, kind in staff.unclear.items()
        if number in there and there[number] != items.get(number)
    ]
    return lost, torn


def _check_receipt(world: World, one: dict[str, Any]) -> str:
    """What is wrong with a receipt that was given during the run; empty when it holds."""
    if not one["receipt"]:
        return f"none was given: {one['question']}"
    answer = httpx.post(f"{world.address}/api/v1/receipts/check", json={"receipt": one["receipt"]}, timeout=PATIENCE)
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:200]}"
    return "" if answer.json()["valid"] is True else f"{answer.json()['reason']}: {one['receipt'][:80]}"


def _compare_snapshot(world: World) -> list[str]:
    """Every record and what is known of it, a line each, in no particular order."""
    headers = {"Accept": "application/x-ndjson"}
    answer = httpx.get(f"{world.address}/api/v1/snapshot", headers=headers, timeout=PATIENCE).raise_for_status()
    return sorted(answer.text.splitlines())
