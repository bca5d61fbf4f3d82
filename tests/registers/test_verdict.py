from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from registry.domain.model import Source
from registry.domain.techniques import STAGES
from registry.records.site import Site, SiteApproval
from registry.verification import verdict
from registry.verification.verdict import SEVERITY, find_complete_source, select_worst
from tests.factories import DAY, VERDICT_OF_STAGE, situate


def judge_technique(site: Site, technique: Any, sources: dict[str, Source], day: Any) -> Any:
    return verdict.judge_technique(situate(site, sources, day), technique)


def judge_institution(site: Site, day: Any) -> str:
    return verdict.judge_institution(situate(site, {}, day))[0]


SOURCES = {
    "national": Source(id="national", title="示例", as_of=DAY, scope="national", covers=["IVF", "AIH"]),
    "partial": Source(id="partial", title="示例", as_of=DAY, scope="partial", covers=["IVF", "AIH"]),
    "city": Source(id="city", title="示例", as_of=DAY, scope="210300", covers=["IVF"]),
}


def a_site(status: Any = "listed", source: str | None = "national", **stages: Any) -> Site:
    return Site(
        code="7K2M9QX4",
        name="鞍山市示例医院",
        address="辽宁省鞍山市铁西区示例路1号",
        region="210303",
        status=status,
        approvals={t: SiteApproval(stage=s, entry=2, source=source) for t, s in stages.items()},  # type: ignore[misc]
        entry=2,
        source=source,
    )


@pytest.mark.parametrize(("stage", "word"), VERDICT_OF_STAGE.items())
def test_every_stage_has_its_verdict(stage: Any, word: str) -> None:
    answer = judge_technique(a_site(IVF=stage), "IVF", SOURCES, DAY)
    assert (answer.verdict, answer.stage) == (word, stage)
    assert answer.basis is not None
    assert answer.basis.entry == 2


def test_no_stage_was_forgotten() -> None:
    assert all(judge_institution(a_site(IVF=stage), DAY) in SEVERITY for stage in STAGES)


@pytest.mark.parametrize(
    ("source", "technique", "word"),
    [
        ("national", "AIH", "technique_not_licensed"),
        ("national", "SPERM_BANK", "unknown"),
        ("city", "AIH", "unknown"),
        ("partial", "AIH", "unknown"),
        ("never heard of", "AIH", "unknown"),
        (None, "AIH", "unknown"),
    ],
)
def test_an_absence_is_denied_only_by_who_would_have_stated_it(source: Any, technique: Any, word: str) -> None:
    known = {source: SOURCES[source]} if source in SOURCES else {}
    assert judge_technique(a_site(source=source, IVF="formal"), technique, known, DAY).verdict == word


def test_a_later_partial_list_or_a_staff_edit_does_not_undo_what_a_complete_list_denies() -> None:
    for latest in ("partial", None):
        assert (
            judge_technique(a_site(source=latest, IVF="formal"), "AIH", SOURCES, DAY).verdict
            == "technique_not_licensed"
        )


def test_only_a_complete_source_about_the_technique_and_the_place_proves_absence() -> None:
    only = {name: {name: source} for name, source in SOURCES.items()}
    assert find_complete_source("IVF", "210303", only["national"])
    assert find_complete_source("IVF", "210303", only["city"])
    assert find_complete_source("IVF", "210200", only["city"]) is None
    assert find_complete_source("AIH", "210303", only["city"]) is None
    assert find_complete_source("IVF", None, only["city"]) is None
    assert find_complete_source("IVF", "210303", only["partial"]) is None
    assert find_complete_source("SPERM_BANK", "210303", SOURCES) is None
    assert find_complete_source(None, "210303", SOURCES) == SOURCES["national"]


@pytest.mark.parametrize("stage", ["formal", "trial", "operating", "rectification"])
def test_a_suspended_institution_may_not_treat_whatever_its_approvals_say(stage: Any) -> None:
    site = a_site("suspended", IVF=stage)
    assert judge_technique(site, "IVF", SOURCES, DAY).verdict == judge_institution(site, DAY) == "suspended"


def test_a_suspension_does_not_hide_a_revocation() -> None:
    assert judge_technique(a_site("suspended", IVF="revoked"), "IVF", SOURCES, DAY).verdict == "revoked"


@pytest.mark.parametrize(
    ("stages", "word"),
    [
        ({"IVF": "formal", "AIH": "trial"}, "licensed"),
        ({"IVF": "revoked", "AIH": "trial"}, "partly_licensed"),
        ({"IVF": "revoked", "AIH": "suspended"}, "revoked"),
        ({"IVF": "preparing", "AIH": "suspended"}, "suspended"),
        ({"IVF": "preparing"}, "preparing"),
        ({}, "technique_not_licensed"),
    ],
)
def test_without_a_technique_all_approvals_together_speak(stages: dict[str, Any], word: str) -> None:
    assert judge_institution(a_site(**stages), DAY) == word


def test_the_worst_of_several_does_not_depend_on_their_order() -> None:
    for words in permutations(("licensed", "suspended", "not_found")):
        assert select_worst(words) == "not_found"
    assert select_worst(["licensed", "unknown"]) == "unknown"
    assert select_worst(["licensed"]) == "licensed"
    assert all(select_worst(["licensed", word]) == word for word in SEVERITY)
