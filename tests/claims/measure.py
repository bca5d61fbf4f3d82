"""How well claims are judged: `python -m tests.claims.measure [--failures]`."""

from __future__ import annotations

import csv
import datetime as dt
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from registry.verification.view import VerificationView
from tests.claims.generate import NOW, Made, claims
from tests.claims.lists import plain
from tests.factories import a_view, ask, the_real_lists

GIVEN = Path(__file__).parents[1] / "data" / "claims-dev.tsv"
_TRAPS = {"trap", "impostor", "vague", "site"}


class Measured(NamedTuple):
    """Figures over a set of claims; ``failures`` are those judged wrong, ``false_licensed`` the worst of them."""

    tried: Counter[str]
    failures: list[tuple[Made, str, str | None]]
    false_licensed: list[tuple[Made, str, str | None]]

    @property
    def honest_right(self) -> float:
        """The share of claims about listed institutions, however written, that got their own answer."""
        wrong = sum(made.honest for made, *_ in self.failures)
        return 1 - wrong / sum(self.tried.values()) if self.tried else 0.0


def given() -> list[Made]:
    """The claims that came with the task."""
    with GIVEN.open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row and not row[0].startswith("#")]
    return [
        Made(
            "near" if category in _TRAPS else category,
            name,
            technique,
            address or None,
            NOW,
            frozenset(verdicts.split("|")),
            None if matched == "-" else matched,
        )
        for name, technique, address, verdicts, matched, category in rows
    ]


def measure(view: VerificationView, made: list[Made]) -> Measured:
    """Ask every claim."""
    failures, false = [], []
    for one in made:
        answer = ask(view, one.name, one.technique, on=one.on, address=one.address)
        matched = answer.match.name if answer.match else None
        right = answer.verdict in one.verdicts and (one.matched is None or plain(one.matched) == plain(matched or ""))
        if not right:
            failures.append((one, answer.verdict, matched))
        if answer.verdict == "licensed" and not right:
            false.append((one, answer.verdict, matched))
    honest = Counter(one.category for one in made if one.honest)
    return Measured(honest, failures, false)


def main() -> None:
    """Print the figures, and with --failures every claim judged wrong."""
    database = the_real_lists()
    view = a_view(database)
    database.close()
    for title, made in (("given", given()), ("made by rule", list(claims()))):
        view.follow_log(the_real_lists())
        begun = dt.datetime.now(dt.UTC)
        found = measure(view, made)
        seconds = (dt.datetime.now(dt.UTC) - begun).total_seconds()
        print(f"{title}: {len(made)} claims in {seconds:.1f} s; honest right {found.honest_right:.2%}", end="; ")
        print(f"judged wrong {len(found.failures)}; false licensed {len(found.false_licensed)}")
        if "--failures" in sys.argv:
            for one, verdict, matched in found.failures:
                print("  ", one.category, one.name, one.technique, one.address or "", "->", verdict, matched or "")


if __name__ == "__main__":
    main()
