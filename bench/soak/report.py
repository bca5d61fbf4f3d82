"""The report: figures for people, and the bars that were broken."""

from __future__ import annotations

import json
from typing import Any


def list_broken_bars(found: dict[str, Any]) -> list[str]:
    """One sentence for each bar that did not hold."""
    judge, chaos, after = found["judge"], found["chaos"], found["after"]
    bars = [
        (judge["wrongs"] == 0, f"{judge['wrongs']} wrong answers against the log"),
        (judge["lates"] == 0, f"{judge['lates']} answers older than {found['lag']:g} s"),
        (judge["undeclareds"] == 0, f"{judge['undeclareds']} undeclared 5xx or lost connections"),
        (not chaos["undeclared"], f"{len(chaos['undeclared'])} undeclared answers to strangers"),
        (not after["lost"], f"lost: {'; '.join(after['lost'][:5])}"),
        (not after["torn"], f"in part: {'; '.join(after['torn'][:5])}"),
        (not after["receipts_wrong"], f"{len(after['receipts_wrong'])} receipts do not hold"),
        (not after["log_check"], f"registry log check: {after['log_check']}"),
        (not after["rebuild"], f"registry rebuild: {after['rebuild']}"),
        (after["live_is_rebuilt"], "the live records are not those that a rebuild gives"),
        (after["tracebacks"] == 0, f"{after['tracebacks']} tracebacks in the server's log"),
        (after["server_runs"], "the server ended by itself"),
        (not chaos["never_back"], f"workers did not come back: {chaos['never_back'][:3]}"),
        (chaos["died"] == 0, f"{chaos['died']} workers died by themselves"),
        (not chaos["kept_out"], f"the owner was kept out {len(chaos['kept_out'])} times: {chaos['kept_out'][:1]}"),
        (not chaos["errors"], f"the harness itself: {chaos['errors'][:3]}"),
        (judge["counted"] > 0, "nothing was checked"),
    ]
    return [sentence for held, sentence in bars if not held]


def print_all(found: dict[str, Any]) -> None:
    """Figures, then what was wrong in full, then the bars."""
    judge, chaos, after, load = (found[name] for name in ("judge", "chaos", "after", "load"))
    print(
        f"\n{found['database']}, seed {found['seed']}: {found['minutes']:g} minutes at {found['rate']:,.0f} requests/s"
    )
    print(f"capacity {found['capacity']:,.0f} requests/s; {load['done']:,} requests, {load['retried']} sent twice")
    print(f"{'door':42} {'answers':>9} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'max ms':>8} {'checked':>8}")
    for door, data in load["doors"].items():
        times = " ".join(f"{data[part] * 1000:8.1f}" for part in ("p50", "p95", "p99", "max"))
        print(f"{door:42} {data['answers']:9,} {times} {judge['checked'].get(door, 0):8,}")
    print(f"answers checked {judge['counted']:,}, wrong {judge['wrongs']}, late {judge['lates']}; ", end="")
    print(f"the oldest was {judge['stalest']:.2f} s behind")
    _print_counts("not 200", judge["problems"])
    _print_counts("not answered", judge["failures"])
    _print_counts("the staff", found["staff"]["counts"])
    _print_counts("strangers", chaos["strangers"])
    _print_counts("processes", chaos["counts"])
    for what, seconds in chaos["back"].items():
        if seconds:
            print(f"back after a {what}: {', '.join(f'{one:.1f}' for one in seconds)} s")
    for data in chaos["never_back"]:
        print(f"not back after a {data}")
    if chaos["sign_ins"]:
        print(f"the owner signed in {len(chaos['sign_ins'])} times, in {max(chaos['sign_ins']):.1f} s at most")
    memory = chaos["memory"]
    print(f"a worker holds {memory['start']:.0f} MiB at the start, {memory['end']:.0f} at the end, ", end="")
    print(f"{memory['peak']:.0f} at most; {chaos['died']} died by themselves")
    print(f"log {judge['log']:,} entries; receipts {after['receipts']}, of which wrong {len(after['receipts_wrong'])}")
    for name, data in (("wrong", judge["wrong"]), ("late", judge["late"]), ("undeclared", judge["undeclared"])):
        for one in data[:5]:
            print(f"\n{name}: {json.dumps(one, ensure_ascii=False, indent=1)[:3000]}")
    for one in [*chaos["undeclared"][:10], *found["staff"]["refusals"][:10], *chaos["errors"][:5]]:
        print(f"  {one}")
    print()
    for sentence in found["broken"]:
        print(f"BROKEN: {sentence}")
    print("every bar held" if not found["broken"] else f"{len(found['broken'])} bars broken", flush=True)


def _print_counts(title: str, counts: dict[str, int]) -> None:
    if counts:
        print(f"{title}: {', '.join(f'{what} {number}' for what, number in sorted(counts.items()))}")
