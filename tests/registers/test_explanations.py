"""Every answer is explained in one exact sentence, zh-CN and English, that says what its verdict says and no more."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.domain.answers import Answer, CertificateWord, PersonWord, VerdictWord
from registry.domain.techniques import TECHNIQUES
from registry.texts import Message
from registry.verification import certificates, explain, people
from registry.verification.view import VerificationView
from tests import explained
from tests.factories import a_change, a_database, a_source, an_institution, ask, enter
from tests.registers.test_answer_histories import FIRST, STAGES, changes, days
from tests.thoroughness import count_examples
from tests.times import the_clock_at

TABLE: dict[str, list[dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parents[1] / "data" / "explanations.toml").read_text("utf-8")
)
LANGUAGES = ("zh-CN", "en")
TODAY = dt.date.fromisoformat(explained.NOW[:10])
VIEWS: dict[str, Callable[[], VerificationView]] = {
    "": explained.view,
    "partial": explained.partial,
    "empty": explained.empty,
}
TEMPLATES = {
    "answer": (explain, "SENTENCES"),
    "person": (people, "_SENTENCES"),
    "certificate": (certificates, "_SENTENCES"),
}
WORDS = {"answer": VerdictWord, "person": PersonWord, "certificate": CertificateWord}
ROWS = [
    pytest.param(kind, row, id=f"{kind}-{row['reason']}-{n}") for kind in TABLE for n, row in enumerate(TABLE[kind])
]
#: How a sentence says that something is approved, that it is not, and that this cannot be told.
APPROVED = {
    "zh-CN": re.compile("(?<!未)(?<!是否)获准开展|获批的"),
    "en": re.compile(
        r"\b(?:is|was|are|were) (?:each )?approved\b|on the list of approved|institution (?:is|was) approved"
    ),
}
DENIED = {
    "zh-CN": re.compile("不得|未获准|没有这家|不是所查|没有现行|没有当时|未在名录|没有登记"),
    "en": re.compile(r"\bmay not\b|not allowed|not approved|No such|no such|no approval|not the one|none of them"),
}


class Recording(dict[str, Message]):
    """Templates, and which of them were used."""

    def __init__(self, templates: dict[str, Message]) -> None:
        super().__init__(templates)
        self.used: list[str] = []

    def __getitem__(self, key: str) -> Message:
        self.used.append(key)
        return super().__getitem__(key)


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    """A sentence tells how old its list is on the day asked about: no test may hang on the day it runs."""
    with the_clock_at(explained.NOW):
        yield


def answered(view: VerificationView, asked: dict[str, Any], lang: str) -> Answer:
    told = dict(asked)
    return ask(view, told.pop("name", None), *told.pop("techniques", ()), lang=lang, **told)


def part(kind: str, answer: Answer) -> Any:
    return {"answer": answer, "person": answer.practitioner, "certificate": answer.ad_certificate}[kind]


def explanations(answer: Answer) -> Iterator[str]:
    for one in (answer, answer.practitioner, answer.ad_certificate):
        if one is not None:
            yield one.explanation


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "row"), ROWS)
def test_the_sentence_is_exactly_this(kind: str, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    module, name = TEMPLATES[kind]
    recording = Recording(getattr(module, name))
    monkeypatch.setattr(module, name, recording)
    view = VIEWS[row.get("register", "")]()
    view.forget_answers()  # a sentence remembered from before would use no template
    explain._format_usual_sentence.cache_clear()
    chinese, english = (part(kind, answered(view, row["asked"], lang)) for lang in LANGUAGES)
    assert (chinese.explanation, english.explanation) == (row["zh"], row["en"])
    assert chinese.verdict == english.verdict == row["verdict"]
    assert set(recording.used) == {row["reason"]}


@pytest.mark.parametrize("kind", TEMPLATES)
def test_the_table_has_every_template_and_every_verdict(kind: str) -> None:
    module, name = TEMPLATES[kind]
    assert {row["reason"] for row in TABLE[kind]} == set(getattr(module, name))
    assert {row["verdict"] for row in TABLE[kind]} == set(get_args(WORDS[kind]))


def test_the_table_asks_of_days_gone_by_of_today_and_of_days_to_come() -> None:
    for reason in ("licensed", "partly_licensed", "preparing", "stopped", "gone_undated", "not_found"):
        asked = [row["asked"].get("on", TODAY) for row in TABLE["answer"] if row["reason"] == reason]
        assert any(on == TODAY for on in asked), reason
        assert any(on != TODAY for on in asked), reason


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_template_ends_in_the_only_full_stop_and_holds_nothing_of_the_other_language(kind: str) -> None:
    module, name = TEMPLATES[kind]
    for reason, found in getattr(module, name).items():
        chinese, english = (re.sub(r"\{\w+\}|\(辽\)医广\[2023\]第07-15-001号", "", text) for text in found.get_both())
        assert (chinese.count("。"), chinese[-1], english.count("."), english[-1]) == (1, "。", 1, "."), reason
        assert english.isascii() and not re.search("[A-Za-z]", chinese), reason


# --- whatever is recorded and asked ----------------------------------------------------------------------------------


def is_one_sentence(text: str, lang: str) -> bool:
    """One full stop, at the end; nothing doubled, nothing left empty."""
    stop = "." if lang == "en" else "。"
    if text.count(stop) != 1 or not text.endswith(stop) or set(text) & set("!?！？\n{}"):
        return False
    return not re.search(
        "  |，，|、、|；；|：：|,,|;;|（）|\\(\\)|\\[\\]|自起|截至的| ,| \\.| ;|， |。，|，。|None", text
    )


def check(answer: Answer, lang: str, names: str) -> None:
    said = answer.explanation
    for text in explanations(answer):
        assert is_one_sentence(text, lang), text
        foreign = re.sub("|".join([names, "临床医师"]), "", text)
        assert foreign.isascii() if lang == "en" else not re.search("[A-Za-z]", foreign), text
    approved, denied = bool(APPROVED[lang].search(said)), bool(DENIED[lang].search(said))
    if answer.verdict == "partly_licensed":
        assert approved or "部分获批" in said or "partly approved" in said, said
    elif answer.verdict == "licensed":
        assert approved and not denied, said
        assert all(one.verdict == "licensed" for one in answer.techniques)
    elif answer.verdict in ("unknown", "ambiguous"):
        assert not approved and not denied, said
    else:
        assert denied, said
        assert not approved or answer.verdict == "site_mismatch", said
    if answer.practitioner is not None and answer.practitioner.verdict == "unknown":
        assert ("不代表此人未获授权" if lang != "en" else "does not mean") in answer.practitioner.explanation


NAMES = ("鞍山市示例甲医院", "鞍山市示例乙医院")
ADDRESSES = ("辽宁省鞍山市铁西区示例路1号", "辽宁省鞍山市铁西区示例路2号", "辽宁省大连市中山区别的路9号")
asked = st.fixed_dictionaries(
    {
        "name": st.sampled_from([*NAMES, "示例无名中心"]),
        "techniques": st.lists(st.sampled_from([t.code for t in TECHNIQUES]), max_size=3),
    },
    optional={
        "on": days | st.sampled_from([dt.date(2015, 1, 1), dt.date(2099, 1, 1)]),
        "address": st.sampled_from(ADDRESSES),
        "person": st.sampled_from(["示例员甲", "示例员乙"]),
        "ad_certificate": st.sampled_from(["(示)医广[2025]第01-15-001号", "12345"]),
    },
)


@settings(max_examples=count_examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    scope=st.sampled_from(["national", "210000", "partial"]),
    listed_on=days,
    recorded=st.lists(
        st.tuples(st.sampled_from(NAMES), days, st.sampled_from(STAGES), changes), min_size=1, max_size=2
    ),
    questions=st.lists(asked, min_size=5, max_size=12),
)
def test_whatever_is_recorded_and_asked_the_sentence_says_what_the_verdict_says(
    scope: str,
    listed_on: dt.date,
    recorded: list[tuple[str, dt.date, str, list[tuple[dt.date, dict[str, Any]]]]],
    questions: list[dict[str, Any]],
) -> None:
    drafts = [a_source(as_of=listed_on, scope=scope)]
    for number, (name, begins, stage, later) in enumerate(recorded):
        site = an_institution(name, ADDRESSES[number], on=begins, IVF=stage)
        drafts += [site, *(a_change(site, on, values, "list-1", reason="示例更正") for on, values in later)]
    with tempfile.TemporaryDirectory() as folder:
        database = a_database(Path(folder))
        for draft in drafts:
            enter(database, draft)
        view = VerificationView()
        view.follow_log(database)
        database.close()
    for question in [
        *questions,
        *({"name": name, "techniques": ["IVF"], "on": FIRST + dt.timedelta(days=30)} for name in NAMES),
    ]:
        chinese, english = (answered(view, question, lang) for lang in LANGUAGES)
        assert chinese.verdict == english.verdict
        for answer, lang in ((chinese, "zh-CN"), (english, "en")):
            check(answer, lang, "|".join([*NAMES, *ADDRESSES, r"\(辽\)医广\[2023\]第07-15-001号"]))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_sentences_of_the_table_say_what_their_verdicts_say(lang: str) -> None:
    for row in (row for rows in TABLE.values() for row in rows):
        answer = answered(VIEWS[row.get("register", "")](), row["asked"], lang)
        check(answer, lang, r"示例[^，（ ;)]*?医院|辽宁省[^，,]*?号|\(辽\)医广\[2023\]第07-15-001号")
