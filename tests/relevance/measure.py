"""Where the search puts the institution meant: hit@1 and hit@5 of judged queries, by kind, on every engine.

``python -m tests.relevance.measure [FILE...] [--engine NAME] [--json] [--failures]``: without a file, every .tsv of
this folder. Every query goes through ``Register.search_institutions``, as the public search sends it. A query that
names nobody is right when no institution is said to be the one meant. ``--unlisted FILE``: names of hospitals, one a
line or in the first column of a csv, and how many of them that are not on the list came back as found. Exit 1 below
the bars.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from registry.domain.model import Institution
from registry.domain.name_words import strip_optional
from registry.domain.normalise import fold_text
from registry.errors import InvalidInput
from registry.institutions.result import SearchRequest
from registry.register import Register
from registry.search.embedded_engine import EmbeddedEngine
from registry.search.memory_engine import MemoryIndex
from registry.search.outside_search import OutsideSearch
from registry.settings import Settings
from registry.texts import FixedText
from tests.factories import DAY, the_real_lists
from tests.searching import KEY, a_meilisearch

HERE = Path(__file__).parent
FILES = tuple(sorted(HERE.glob("*.tsv")))
ENGINES = ("memory", "embedded", "meilisearch")
#: The least share first and among the first five, over all queries; and first in every kind.
BAR_1, BAR_5, BAR_KIND = 0.97, 0.99, 0.90
#: Fewer queries of a kind say too little to be held to a bar.
LEAST_OF_KIND = 10
#: The expected answer when nobody on the list was named.
NOBODY = "NONE"
#: What the search page shows first; an institution after that is one nobody sees.
PAGE = 20
#: Names of a long list of right answers that a failure prints.
SHOWN = 3


class Query(NamedTuple):
    """What somebody types, and the names any of which is the right answer."""

    text: str
    expected: tuple[str, ...]
    kind: str


class Judged(NamedTuple):
    """A query with what came first and where the best right answer stood: 1 is first, None is not on the first page.

    Of a query that names nobody: 1 when nobody was found, None otherwise.
    """

    query: Query
    first: str | None
    position: int | None


class Score(NamedTuple):
    """How many queries were asked, and for how many a right answer was first, or among the first five."""

    queries: int
    hit_1: int
    hit_5: int


def read(path: Path) -> list[Query]:
    """The queries of a file; InvalidInput naming the line that has not three columns."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != 3 or not all(columns):
            raise InvalidInput(
                FixedText(
                    f"{path.name} 第{number}行须有三列：查询、应得机构、类别，以制表符分隔。",
                    f"{path.name}, line {number}: three columns are needed, by tabs: query, expected, category.",
                )
            )
        text, expected, kind = columns
        found.append(Query(text, tuple(expected.split("|")), kind))
    return found


@contextmanager
def an_embedded_register() -> Iterator[Register]:
    """A register with both national lists and the embedded search, in a folder that is gone after the run."""
    database = the_real_lists()
    database.close()
    file = Path(database.url.database or "")
    register = Register(Settings(data_dir=file.parent, database_url=f"sqlite:///{file}"))
    try:
        yield register
    finally:
        register.close()


@contextmanager
def a_register_with(engine: str) -> Iterator[Register]:
    """The same with candidates from that engine, as a server has them; for Meilisearch a real one is started."""
    with ExitStack() as stack:
        register = stack.enter_context(an_embedded_register())
        if engine == "memory":
            register.memory_index = MemoryIndex()
            with register.database.reading() as connection:
                register.memory_index.read_documents(EmbeddedEngine(connection), register.make_as_of_now().size)
        if engine == "meilisearch":
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="relevance-")))
            server = stack.enter_context(a_meilisearch(folder / "server"))
            register.outside = OutsideSearch(register.database, server.url, KEY)
            if not register.outside.update_index():
                raise SystemExit(
                    f"Meilisearch holds no index: {register.outside.describe_status(register.make_as_of_now().size)}"
                )
        yield register


def judge(register: Register, queries: Iterable[Query]) -> list[Judged]:
    """Every query asked of a register as it stands on the day of the 2025 list."""
    asof = register.make_as_of(DAY)
    judged = []
    for query in queries:
        result = register.search_institutions(SearchRequest(q=query.text), asof, limit=PAGE)
        names = [item.institution.name for item in result.items]
        position = next((place for place, name in enumerate(names, 1) if name in query.expected), None)
        if query.expected == (NOBODY,):
            position = None if result.items and result.state == "found" else 1
        judged.append(Judged(query, names[0] if names else None, position))
    return judged


def find_wrong_hits(register: Register, names: Iterable[str]) -> list[tuple[str, str]]:
    """Find the names that came back as found though no institution has them: (name, whose it was said to be)."""
    asof = register.make_as_of(DAY)
    wrong = []
    for name in names:
        result = register.search_institutions(SearchRequest(q=name), asof, limit=1)
        if result.state == "found" and result.items and not _has_name(result.items[0].institution, name):
            wrong.append((name, result.items[0].institution.name))
    return wrong


def _has_name(institution: Institution, name: str) -> bool:
    former = (one.name for one in institution.former_names)
    own = (institution.name, *institution.aliases, *institution.known_as, *former)
    wanted = strip_optional(fold_text(name))
    return any(wanted in strip_optional(fold_text(one)) for one in own)


def compute_interval(hits: int, queries: int) -> tuple[float, float]:
    """The 95% interval of a share (Wilson)."""
    if not queries:
        return 0.0, 1.0
    share, spread = hits / queries, 1.96**2 / queries
    middle = (share + spread / 2) / (1 + spread)
    half = 1.96 * math.sqrt(share * (1 - share) / queries + spread / (4 * queries)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def score(judged: Iterable[Judged]) -> Score:
    """The hits among judged queries."""
    positions = [one.position for one in judged]
    seen = [position for position in positions if position is not None]
    return Score(len(positions), seen.count(1), sum(position <= 5 for position in seen))


def by_kind(judged: Iterable[Judged]) -> dict[str, Score]:
    """The score of every kind, in the order in which the kinds first appear."""
    kinds: dict[str, list[Judged]] = {}
    for one in judged:
        kinds.setdefault(one.query.kind, []).append(one)
    return {kind: score(those) for kind, those in kinds.items()}


def missed(judged: Collection[Judged]) -> list[str]:
    """The bars that judged queries are below, in words."""
    told = []
    everything = score(judged)
    for words, hits, bar in (("hit@1", everything.hit_1, BAR_1), ("hit@5", everything.hit_5, BAR_5)):
        if hits < bar * everything.queries:
            told.append(f"{words} {hits / everything.queries:.1%} is below {bar:.0%}")
    for kind, found in by_kind(judged).items():
        if found.queries >= LEAST_OF_KIND and found.hit_1 < BAR_KIND * found.queries:
            told.append(f"hit@1 of {kind} {found.hit_1 / found.queries:.1%} is below {BAR_KIND:.0%}")
    return told


def failures(judged: Iterable[Judged]) -> list[Judged]:
    """The queries whose first answer was not a right one."""
    return [one for one in judged if one.position != 1]


# --- printing --------------------------------------------------------------------------------------------------------


def _table(title: str, judged: list[Judged]) -> str:
    lines = [f"{title:<14}{'queries':>9}{'hit@1':>9}{'hit@5':>9}   95% of hit@1"]
    for kind, hits in {**by_kind(judged), "all": score(judged)}.items():
        of = hits.queries or 1  # a file of comments only
        low, high = compute_interval(hits.hit_1, hits.queries)
        figures = f"{hits.queries:>9}{hits.hit_1 / of:>9.1%}{hits.hit_5 / of:>9.1%}   {low:.0%} to {high:.0%}"
        lines.append(f"{kind:<14}{figures}")
    return "\n".join(lines)


def _failed(title: str, judged: list[Judged]) -> str:
    wrong = failures(judged)
    lines = [f"{title}: not first in {len(wrong)} of {len(judged)}"]
    for query, first, position in wrong:
        more = len(query.expected) - SHOWN
        expected = " | ".join(query.expected[:SHOWN]) + (f" | +{more}" if more > 0 else "")
        place = f"position {position}" if position else f"not in the first {PAGE}"
        lines.append(f"  {query.kind:<12} {query.text}\n      {place}; first: {first or '-'}; expected: {expected}")
    return "\n".join(lines)


def _document(judged: list[Judged]) -> dict[str, Any]:
    return {
        "all": score(judged)._asdict(),
        "kinds": {kind: hits._asdict() for kind, hits in by_kind(judged).items()},
        "failures": [{**one.query._asdict(), "first": one.first, "position": one.position} for one in failures(judged)],
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure the search and print the figures, per file and together; SystemExit 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.relevance.measure", description="Relevance of the search.")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="every .tsv of this folder without one")
    parser.add_argument("--engine", choices=ENGINES, help="one engine (all)")
    parser.add_argument("--unlisted", type=Path, metavar="FILE", help="names of hospitals of which few are on the list")
    parser.add_argument("--json", action="store_true", help="figures and failures for programs")
    parser.add_argument("--failures", action="store_true", help="also what did not come first, and what did")
    given = parser.parse_args(arguments)
    try:
        unlisted = _read_names(given.unlisted) if given.unlisted else []
        asked = {path.name if path in FILES else str(path): read(path) for path in given.files or FILES}
    except (OSError, UnicodeDecodeError) as error:
        parser.error(str(error))
    except InvalidInput as error:
        parser.error(error.get_text("en"))
    engines = [given.engine] if given.engine else list(ENGINES)
    documents: dict[str, Any] = {}
    below: list[str] = []
    for engine in engines:
        with a_register_with(engine) as register:
            judged = {name: judge(register, queries) for name, queries in asked.items()}
            wrong = find_wrong_hits(register, unlisted)
        together = [one for those in judged.values() for one in those]
        below += [f"{engine}: {line}" for line in missed(together)]
        files = {name: _document(those) for name, those in judged.items()}
        documents[engine] = {"files": files, "together": _document(together)}
        if not given.json:
            print(_told(engine, judged, together, given.failures))
            if unlisted:
                print(f"unlisted names found: {len(wrong)} of {len(unlisted)} ({len(wrong) / len(unlisted):.2%})")
                for name, said in wrong:
                    print(f"  {name} -> {said}")
    if given.json:
        print(json.dumps(documents, ensure_ascii=False, indent=1))
    if below:
        raise SystemExit("\n".join(below))


def _read_names(path: Path) -> list[str]:
    rows = csv.reader(path.read_text("utf-8-sig").splitlines())
    return [name for row in rows if (name := (row or [""])[0].strip()) and name != "name"]


def _told(engine: str, judged: dict[str, list[Judged]], together: list[Judged], with_failures: bool) -> str:
    parts = [f"engine: {engine}"]
    parts += [_table(name, those) for name, those in judged.items()]
    parts += [_table("together", together)] if len(judged) > 1 else []
    parts += [_failed(name, those) for name, those in judged.items()] if with_failures else []
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main()
