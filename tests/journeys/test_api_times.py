"""Two times on every read of the API: what was believed yesterday and what is known today, over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import Server, serving
from tests.times import (
    BEFORE_ALL,
    CORRECTED,
    DATE,
    LATE,
    LEARNT,
    LISTED,
    LISTED_AGAIN,
    NEW,
    PERSON,
    REASON_DATE,
    REVOKED,
    STOP,
    STOPPED,
    a_corrected_register,
    name_of,
    printed,
)

LATE_CODE, DATE_CODE, STOP_CODE, NEW_CODE = map(printed, (LATE, DATE, STOP, NEW))
#: Log size at each instant at which something was recorded.
SIZES = {BEFORE_ALL: 0, LISTED: 4, REVOKED: 5, LISTED_AGAIN: 9, STOPPED: 10, CORRECTED: 11, LEARNT: 12}
#: Every GET read, as it is asked about the institution that was learnt of late.
READS = {
    "listInstitutions": "/institutions",
    "getInstitution": f"/institutions/{LATE_CODE}",
    "getHistory": f"/institutions/{LATE_CODE}/history",
    "listPractitioners": f"/institutions/{LATE_CODE}/practitioners",
    "suggest": "/suggest",
    "getStats": "/stats",
    "verifyByQuery": "/verify",
}
QUERY: dict[str, dict[str, str]] = {"suggest": {"q": "示例市示例"}, "verifyByQuery": {"name": name_of(LATE)}}


@pytest.fixture(scope="module")
def times(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data_dir = tmp_path_factory.mktemp("times") / "var"
    a_corrected_register(data_dir).close()
    with serving(data_dir) as running:
        yield running


def read(times: Server, operation: str, status: int = 200, **query: str) -> Any:
    return times.api(READS[operation], status=status, **QUERY.get(operation, {}), **query)


# --- yesterday's belief, today's knowledge ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("institution", "technique", "on", "then", "believed", "since", "known"),
    [
        (STOP, "IVF", "2024-11-01", LISTED_AGAIN, "licensed", STOPPED, "suspended"),
        (STOP, "IVF", "2024-09-30", LISTED_AGAIN, "licensed", STOPPED, "licensed"),
        (DATE, "IVF", "2024-10-01", STOPPED, "licensed", CORRECTED, "revoked"),
        (DATE, "IVF", "2024-12-15", STOPPED, "revoked", CORRECTED, "revoked"),
        (DATE, "IVF", "2024-08-31", STOPPED, "licensed", CORRECTED, "licensed"),
        (LATE, "PGT", "2024-08-15", CORRECTED, "technique_not_licensed", LEARNT, "licensed"),
        (NEW, "IVF", "2025-01-01", REVOKED, "not_found", LISTED_AGAIN, "licensed"),
    ],
    ids=["late suspension", "day before", "wrong date", "after both", "before both", "learnt late", "listed late"],
)
def test_verify_answers_as_believed_then_and_as_known_since(
    times: Server, institution: Any, technique: str, on: str, then: str, believed: str, since: str, known: str
) -> None:
    name = name_of(institution)
    for known_at, verdict in ((then, believed), (since, known), (None, known)):
        asked = {"on": on} | ({"known_at": known_at} if known_at else {})
        by_body = times.verify(provider={"name": name}, techniques=[technique], **asked)
        by_address = times.api("/verify", name=name, technique=technique, **asked)
        assert by_body["verdict"] == by_address["verdict"] == verdict, known_at
        assert by_body["techniques"][0]["verdict"] == verdict
        assert by_body["on"] == by_address["on"] == on
        if known_at:
            assert by_body["known_at"] == by_address["known_at"] == known_at


def test_what_has_stopped_is_never_licensed_from_the_instant_that_was_recorded(times: Server) -> None:
    asked = {"name": name_of(STOP), "technique": "IVF", "on": "2024-11-01"}
    millisecond_before = STOPPED.replace("02:00:00Z", "01:59:59.999Z")
    assert times.api("/verify", known_at=millisecond_before, **asked)["verdict"] == "licensed"
    for known_at in (STOPPED, STOPPED.replace("Z", ".001Z"), CORRECTED, LEARNT, "2999-01-01T00:00:00Z"):
        assert times.api("/verify", known_at=known_at, **asked)["verdict"] == "suspended"


def test_an_instant_may_be_given_in_any_zone(times: Server) -> None:
    asked = {"name": name_of(STOP), "technique": "IVF", "on": "2024-11-01"}
    for known_at in ("2025-02-10T10:00:00+08:00", "2025-02-09T21:00:00-05:00"):
        answer = times.api("/verify", known_at=known_at, **asked)
        assert (answer["verdict"], answer["known_at"]) == ("suspended", STOPPED)


def test_an_institution_is_shown_as_believed_then_and_as_known_since(times: Server) -> None:
    def stages(code: str, **asked: str) -> dict[str, str]:
        found = times.api(f"/institutions/{code}", **asked)
        return {approval["technique"]: approval["stage"] for approval in found["approvals"]}

    assert stages(DATE_CODE, on="2024-10-01", known_at=STOPPED) == {"IVF": "formal"}
    assert stages(DATE_CODE, on="2024-10-01") == {"IVF": "revoked"}
    assert stages(STOP_CODE, on="2024-11-01", known_at=LISTED) == {"IVF": "formal"}
    assert stages(STOP_CODE, on="2024-11-01") == {"IVF": "suspended"}
    assert stages(LATE_CODE, on="2024-08-15", known_at=CORRECTED) == {"IVF": "formal"}
    assert stages(LATE_CODE, on="2024-08-15") == {"IVF": "formal", "PGT": "trial"}
    assert times.api(f"/institutions/{STOP_CODE}", on="2024-11-01")["status"] == "suspended"
    assert times.api(f"/institutions/{STOP_CODE}", on="2024-11-01", known_at=LISTED)["status"] == "listed"


# --- every read ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known_at", "size"), SIZES.items())
def test_every_answer_rests_on_what_was_recorded_by_the_time_of_knowing(
    times: Server, known_at: str, size: int
) -> None:
    assert read(times, "listInstitutions", known_at=known_at)["log_size"] == size
    assert read(times, "getStats", known_at=known_at)["log_size"] == size
    there = 200 if size else 404
    for operation in ("getInstitution", "getHistory"):
        assert read(times, operation, status=there, known_at=known_at).get("log_size", 0) == size
    people = read(times, "listPractitioners", status=there, known_at=known_at).get("items", [])
    assert [(one["name"], one["log_size"]) for one in people] == (
        [(PERSON.change.set["name"], size)] if size >= SIZES[LISTED_AGAIN] else []
    )


def test_lists_counts_and_suggestions_hold_who_was_known_then(times: Server) -> None:
    first = {LATE_CODE, DATE_CODE, STOP_CODE}
    for asked, found, listed in (
        ({"known_at": BEFORE_ALL}, set(), set()),
        ({"on": "2024-06-29"}, set(), set()),
        ({"known_at": LISTED}, first, first),
        ({"on": "2024-10-01", "known_at": STOPPED}, first, first - {STOP_CODE}),
        ({"on": "2024-10-01"}, first, first - {DATE_CODE, STOP_CODE}),
        ({}, first | {NEW_CODE}, {LATE_CODE, NEW_CODE}),
        ({"on": "2999-12-31"}, first | {NEW_CODE}, set()),  # what is known today is no evidence of that day
    ):
        assert {item["code"] for item in read(times, "suggest", **asked)["items"]} == found, asked
        assert {item["code"] for item in read(times, "listInstitutions", **asked)["items"]} == listed, asked
        assert read(times, "getStats", **asked)["total"] == len(listed), asked


def test_a_page_of_a_list_stays_on_its_time_of_knowing(times: Server) -> None:
    page = read(times, "listInstitutions", known_at=LISTED, limit="2")
    assert (page["total"], page["log_size"]) == (3, SIZES[LISTED])
    rest = read(times, "listInstitutions", known_at=LISTED, limit="2", cursor=page["next"])
    assert (rest["total"], rest["log_size"], rest["next"]) == (3, SIZES[LISTED], None)
    assert len({item["code"] for item in page["items"] + rest["items"]}) == 3


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_before_the_first_entry_nothing_is_known_and_nothing_is_denied(times: Server, lang: str) -> None:
    for known_at in (BEFORE_ALL, "1000-01-01T00:00:00Z"):
        for operation in ("getInstitution", "getHistory", "listPractitioners"):
            problem = read(times, operation, status=404, known_at=known_at, lang=lang)
            assert problem["code"] == "not_found"
            assert ("does not mean" if lang == "en" else "不代表未获批准") in problem["detail"]
        answer = read(times, "verifyByQuery", known_at=known_at, lang=lang)
        assert (answer["verdict"], answer["candidates"], answer["match"]) == ("unknown", [], None)
        assert answer["explanation"].startswith("At the time asked about" if lang == "en" else "所问时刻")
        by_body = times.verify(provider={"name": name_of(LATE)}, techniques=["IVF"], known_at=known_at)
        assert (by_body["verdict"], by_body["techniques"][0]["verdict"]) == ("unknown", "unknown")
        assert read(times, "getStats", known_at=known_at)["total"] == 0
        assert read(times, "suggest", known_at=known_at) == {"items": []}


#: What reads say of a day that lies further ahead than any evidence reaches.
UNKNOWN_THEN: dict[str, dict[str, Any]] = {
    "listInstitutions": {"items": [], "total": 0},
    "getInstitution": {"standing": "unknown"},
    "getStats": {"total": 0},
    "verifyByQuery": {"verdict": "unknown"},
}


@pytest.mark.parametrize("operation", READS)
def test_a_day_to_come_and_a_time_to_come_may_be_asked_about(times: Server, operation: str) -> None:
    today = read(times, operation)
    later = read(times, operation, on="2999-12-31", known_at="2999-12-31T00:00:00Z")
    if operation in UNKNOWN_THEN:  # what is known today is no evidence of that day
        assert UNKNOWN_THEN[operation].items() <= later.items()
        return
    moving = {"on", "known_at", "explanation"}
    assert {k: v for k, v in later.items() if k not in moving} == {k: v for k, v in today.items() if k not in moving}


@pytest.mark.parametrize("operation", READS)
@pytest.mark.parametrize(
    ("name", "value", "example"),
    [
        ("on", "2025-02-30", "2025-07-01"),
        ("on", "30.06.2025", "2025-07-01"),
        ("on", "20250630", "2025-07-01"),
        ("on", "", "2025-07-01"),
        ("known_at", "2025", "2025-07-01T00:00:00Z"),  # and not 2025 seconds after 1970
        ("known_at", "2025-07-01", "2025-07-01T00:00:00Z"),
        ("known_at", "2025-07-01T00:00:00", "2025-07-01T00:00:00Z"),
        ("known_at", "yesterday", "2025-07-01T00:00:00Z"),
        ("known_at", "9999-12-31T23:59:59Z", "2025-07-01T00:00:00Z"),
    ],
)
def test_a_time_that_cannot_be_read_is_refused_with_what_to_write(
    times: Server, operation: str, name: str, value: str, example: str
) -> None:
    for lang in ("zh-CN", "en"):
        problem = read(times, operation, status=400, lang=lang, **{name: value})
        assert problem["code"] == "invalid_input"
        assert name in problem["detail"]
        assert example in problem["detail"]


@pytest.mark.parametrize(
    ("name", "value", "example"),
    [
        ("on", "2025-02-30", "2025-07-01"),
        ("on", "", "2025-07-01"),
        ("known_at", "2025-07-01", "2025-07-01T00:00:00Z"),
        ("known_at", "2025-07-01T00:00:00", "2025-07-01T00:00:00Z"),
        ("known_at", "yesterday", "2025-07-01T00:00:00Z"),
        ("known_at", "9999-12-31T23:59:59Z", "2025-07-01T00:00:00Z"),
        ("known_at", 1751299200, "2025-07-01T00:00:00Z"),  # and not seconds after 1970
    ],
)
def test_a_time_that_cannot_be_read_in_a_claim_is_refused_with_what_to_write(
    times: Server, name: str, value: str | int, example: str
) -> None:
    for lang in ("zh-CN", "en"):
        claim = {"provider": {"name": name_of(LATE)}, name: value}
        answer = times.client.post("/api/v1/verify", json=claim, params={"lang": lang})
        assert answer.status_code == 400
        problem = answer.json()
        assert problem["code"] == "invalid_input"
        assert name in problem["detail"]
        assert example in problem["detail"]


def test_a_plus_that_an_address_turned_into_a_space_is_explained(times: Server) -> None:
    answer = times.get(f"/api/v1/institutions/{LATE_CODE}?known_at=2025-07-01T00:00:00+08:00")
    assert answer.status_code == 400
    assert "%2B" in answer.json()["detail"]
    assert times.get(f"/api/v1/institutions/{LATE_CODE}?known_at=2025-07-01T00:00:00%2B08:00").status_code == 200


def test_the_document_says_both_times_of_every_read_in_both_languages(times: Server) -> None:
    operations = {
        operation["operationId"]: operation
        for methods in times.api("/openapi.json")["paths"].values()
        for operation in methods.values()
    }
    for identifier in READS:
        said = {one["name"]: one for one in operations[identifier]["parameters"]}
        for name, form in (("on", "date"), ("known_at", "date-time")):
            assert said[name]["schema"]["format"] == form
            chinese, english = said[name]["description"].split(" / ")
            assert chinese
            assert english.isascii()


# --- history ---------------------------------------------------------------------------------------------------------


def test_a_history_marks_corrections_and_keeps_what_was_believed(times: Server) -> None:
    told = times.api(f"/institutions/{DATE_CODE}/history")["versions"]
    assert [(one["valid_from"], one["corrects"], one["reason"]) for one in told] == [
        ("2024-06-30", False, None),
        ("2024-12-01", False, None),
        ("2024-09-01", True, REASON_DATE),
    ]
    change = {"field": "approvals.IVF", "from": {"stage": "formal"}, "to": {"stage": "revoked"}}
    assert told[1]["changes"] == told[2]["changes"] == [change]
    late = times.api(f"/institutions/{STOP_CODE}/history")["versions"]
    assert [(one["recorded_at"], one["corrects"]) for one in late] == [
        (LISTED, False),
        (STOPPED, False),
    ]
    assert [one["corrects"] for one in times.api(f"/institutions/{LATE_CODE}/history")["versions"]] == [
        False,
        False,
        True,
    ]


def test_a_history_with_a_day_holds_the_statements_about_days_up_to_it(times: Server) -> None:
    def days(**asked: str) -> list[str]:
        return [one["valid_from"] for one in times.api(f"/institutions/{DATE_CODE}/history", **asked)["versions"]]

    assert days() == ["2024-06-30", "2024-12-01", "2024-09-01"]
    assert days(on="2024-11-30") == ["2024-06-30", "2024-09-01"]
    assert days(on="2024-11-30", known_at=STOPPED) == ["2024-06-30"]
    assert days(on="2024-12-01", known_at=STOPPED) == ["2024-06-30", "2024-12-01"]
    assert times.api(f"/institutions/{DATE_CODE}/history", status=404, on="2024-06-29")["code"] == "not_found"
