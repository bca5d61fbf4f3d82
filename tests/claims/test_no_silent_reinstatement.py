"""Whatever was decided and whichever lists are brought: none turns "not licensed" into "licensed" by itself.

What was stopped, by whatever it was, and what a decision ended, stays so until another decision, or until a person
takes a list in a conflict that the report shows with the reason. What nobody ever refused, a list may state.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from registry.domain.answers import Claim, Provider
from registry.domain.identifiers import format_code
from registry.domain.model import Date, Draft
from registry.domain.techniques import LAWFUL_STAGES
from registry.importers.matching import register_side
from registry.importers.matching.organisations import Rulings
from registry.importers.matching.register_side import RegisterSide
from registry.importers.reading.list_file import FileAnswer, ListFile
from registry.importers.wizard import list_import
from registry.importers.wizard.list_import import ImportRequest
from registry.log import store
from registry.storage.database import Database
from registry.verification.answer import answer_claim
from registry.verification.view import VerificationView
from tests.factories import a_change, a_database, a_list, a_source, an_institution, approve, code_of, enter
from tests.thoroughness import count_examples

FIRST = Date(2023, 1, 1)
TECHNIQUES = ("AIH", "IVF")
STAGES = ("preparing", "trial", "formal", "rectification", "suspended", "revoked", "lapsed")
NAMES = ("鞍山市示例医院", "鞍山示例生殖专科中心", "海城市示例妇产医院")
ADDRESSES = ("鞍山市铁西区示例路1号", "鞍山市铁东区示例街8号", "鞍山市海城市示范街7号")
#: Verdicts that say: not any more.
STOPPED = ("revoked", "suspended", "lapsed")
WORKING = ("licensed", "partly_licensed")
ASKED = [FIRST + dt.timedelta(days=61 * n) for n in range(18)]  # every two months, for three years

days = st.integers(0, 1000).map(lambda n: FIRST + dt.timedelta(days=n))
approvals = st.none() | st.fixed_dictionaries(
    {"stage": st.sampled_from(STAGES)}, optional={"verification_due": days.map(str)}
)
decisions = st.tuples(
    st.just("decision"),
    days,
    days,  # the day of the document
    st.integers(0, 1),
    st.fixed_dictionaries(
        {},
        optional={
            **{f"approvals.{technique}": approvals for technique in TECHNIQUES},
            "status": st.sampled_from(("listed", "suspended", "delisted")),
            "name": st.sampled_from(NAMES),
            "address": st.sampled_from(ADDRESSES),
        },
    ).filter(bool),
    st.booleans(),  # whether it rests on a document
)
rows = st.tuples(
    st.sampled_from((*NAMES, "鞍山市 示例医院")),  # one only spelt otherwise
    st.sampled_from(ADDRESSES),
    st.sampled_from(("AIH", "IVF", "AIH IVF")),
    st.sampled_from(("trial", "formal", "suspended")),
)
lists = st.tuples(
    st.just("list"),
    days,
    st.sampled_from(("national", "partial", "210300")),
    st.lists(rows, min_size=1, max_size=3, unique_by=(lambda row: row[0], lambda row: row[1])),
    st.booleans(),  # whether a person takes the list wherever it contradicts a decision
    # what the person says of rows and institutions, and whether spelling alone changes nothing
    st.dictionaries(st.tuples(st.integers(0, 1), st.integers(0, 2)), st.sampled_from(("same", "spelling", "two"))),
    st.booleans(),
    st.booleans(),  # whether the file had the techniques misspelt, and a person corrected the cells
)
histories = st.lists(decisions | lists, min_size=1, max_size=6).filter(lambda steps: any(s[0] == "list" for s in steps))
#: By who is asked about, technique and day: the verdict, and the institution that answers.
Verdicts = dict[tuple[str, str, Date], tuple[str, str | None]]


class Decided(NamedTuple):
    """A decision as the oracle keeps it: in the order of days, then of recording."""

    day: Date
    number: int
    values: dict[str, Any]


def institutions() -> list[Draft]:
    return [
        an_institution(NAMES[n], ADDRESSES[n], on=FIRST, region="210303", IVF="formal", AIH="trial" if n else None)
        for n in range(2)
    ]


def decide(database: Database, step: tuple[Any, ...], number: int) -> Decided:
    _, day, as_of, which, values, has_document = step
    document = a_source(f"doc-{number}", as_of, "partial", title="示例决定", covers=["IVF"])
    about = institutions()[which]
    change = a_change(about, day, values, f"doc-{number}" if has_document else None, "示例更正")
    enter(database, *([document] if has_document else []), change)
    return Decided(day, number, {f"{code_of(about)}.{path}": value for path, value in values.items()})


def bring(database: Database, step: tuple[Any, ...], folder: Path, number: int) -> list[dict[str, Any]]:
    """Import a list as the wizard does, and have it approved; its conflicts."""
    _, day, scope, printed, is_taken, said, keeps_spelling, is_corrected = step
    path = a_list(
        folder / f"{number}.csv",
        (
            {"name": n, "address": f"辽宁省{a}", "techniques": "夫精人工受精" if is_corrected else t, "stages": s}
            for n, a, t, s in printed
        ),
    )
    request = ImportRequest(path=path, as_of=day, scope=scope, title="示例名单")
    if is_taken:
        request = msgspec.structs.replace(request, find_reason=lambda _conflict: "示例理由")
    if is_corrected:
        cells = {f"1.{row}.3": FileAnswer(choice="text", text=t) for row, (_, _, t, _) in enumerate(printed, start=2)}
        request = msgspec.structs.replace(request, answers=cells)

    def rule(_parsed: ListFile, register: RegisterSide) -> Rulings:
        subjects = {one.subject for one in (*register.listed, *register.others)}
        pairs: dict[str, set[tuple[int | str, int | str]]] = {"same": set(), "spelling": set(), "two": set()}
        for (which, position), word in said.items():
            subject, others = institutions()[which].subject, pairs["same"] | pairs["spelling"]
            is_free = word == "two" or not any(subject == a or position == b for a, b in others)  # nobody is two
            if position < len(printed) and subject in subjects and is_free:
                pairs[word].add((subject, position))
        return Rulings(
            same=frozenset(pairs["same"] | pairs["spelling"]),
            apart=frozenset(pairs["two"]),
            spelling=frozenset(pairs["spelling"]),
            keeps_spelling=keeps_spelling,
        )

    def progress(_phase: str, _done: int) -> None:
        pass

    comparison = list_import.compare_file(database, request, progress, make_rulings=rule)
    approve(database, list_import.propose_difference(database, comparison, by="editor.a", progress=progress))
    return comparison.outcome.difference["conflicts"]


def ask_everything(view: VerificationView, codes: Iterable[str]) -> Verdicts:
    """The verdicts about every code and every name, by technique (empty: about the institution) and day."""
    providers = [Provider(code=format_code(code)) for code in codes] + [Provider(name=name) for name in NAMES]
    found: Verdicts = {}
    for provider in providers:
        who = provider.code or provider.name or ""
        for technique in (*TECHNIQUES, ""):
            for day in ASKED:
                claim = Claim(provider=provider, techniques=[technique] if technique else [], on=day)
                answer = answer_claim(view, claim)
                found[who, technique, day] = answer.verdict, answer.match.code if answer.match else None
    return found


def list_bearers(database: Database) -> set[tuple[str, str]]:
    """(name, code) of whoever had a name on any day: no import makes it somebody else's by stating it again."""
    with database.reading() as connection:
        side = register_side.read_register_side(connection, Date.max, store.read_head(connection).size)
    return {(name, format_code(one.subject[12:])) for one in (*side.listed, *side.others) for name in one.names}


def is_refused(decided: list[Decided], code: str, technique: str, day: Date) -> bool:
    """Whether the last decision up to a day, about the technique or the institution, says no.

    Of the institution (no technique) only where it stands: a list that came before the decision may outlive it.
    """
    path, status = f"{code}.approvals.{technique}", f"{code}.status"
    last: dict[str, Any] = {}
    for decision in sorted(decided):
        if decision.day <= day:
            last |= decision.values
    if not technique:
        return last.get(status, "listed") != "listed"
    approval = last.get(path, {"stage": "formal"})
    is_open = (
        bool(approval) and approval["stage"] in LAWFUL_STAGES and approval.get("verification_due", "9") >= str(day)
    )
    return not is_open


#: A person says that a hospital has another name than it has, and its own name goes to a new one; later it is revoked
#: but for what was only being prepared.
NAME_GIVEN_AWAY: list[tuple[Any, ...]] = [
    (
        "decision",
        Date(2024, 3, 25),
        FIRST,
        0,
        {"approvals.AIH": {"stage": "preparing"}, "name": NAMES[1], "approvals.IVF": {"stage": "revoked"}},
        True,
    ),
    (
        "list",
        Date(2023, 2, 15),
        "national",
        [
            (NAMES[1], ADDRESSES[0], "AIH", "trial"),
            (NAMES[0], ADDRESSES[1], "AIH", "trial"),
            (NAMES[2], ADDRESSES[2], "AIH IVF", "formal"),
        ],
        False,
        {(0, 2): "two", (0, 0): "spelling", (1, 2): "same"},
        False,
        False,
    ),
]


@settings(
    max_examples=count_examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(histories)
@example(NAME_GIVEN_AWAY)
def test_no_import_licenses_what_was_stopped_without_a_person_who_says_why(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        database = a_database(Path(name))
        enter(database, a_source("list-1", FIRST), *institutions())
        decided: list[Decided] = []
        for number, step in enumerate(steps):
            if step[0] == "decision":
                decided.append(decide(database, step, number))
                continue
            view = VerificationView()
            view.follow_log(database)
            before = ask_everything(view, map(code_of, institutions()))
            bearers = list_bearers(database)
            conflicts = bring(database, step, Path(name), number)
            view.follow_log(database)
            after = ask_everything(view, map(code_of, institutions()))
            explained = {line["code"] for line in conflicts if line["choice"] == "list" and line["reason"]}
            for key, (verdict, who) in after.items():
                word, before_who = before[key]
                code, is_working = key[0].replace("-", ""), before[key[0], "", key[2]][0] in WORKING
                refused = word in STOPPED or bool(key[1] and is_refused(decided, code, key[1], key[2]))
                refused |= not is_working and is_refused(decided, code, "", key[2])
                is_own = who == before_who or (key[0], who) not in bearers
                is_explained = key[0] in explained if key[0] not in NAMES else bool(explained)
                if verdict == "licensed" and word != "licensed" and is_own and not is_explained:
                    assert not refused, (key, word, before_who, who)
            for decision in decided:  # what a person took holds from now on: the oracle does not follow it
                for path in [path for path in decision.values if format_code(path[:8]) in explained]:
                    del decision.values[path]
        database.close()
