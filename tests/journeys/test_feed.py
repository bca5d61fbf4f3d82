"""The change feed and the snapshot over HTTP: whole, joined, refused in words, and never half an answer."""

from __future__ import annotations

import datetime as dt
import json
import tomllib
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from registry.api.changes import ChangeList, SnapshotList, encode_snapshot_json, encode_snapshot_lines
from registry.records.asof import AsOf
from registry.records.snapshot import PAGE, Snapshot
from tests.factories import DAY as EDITION
from tests.factories import ROOT, a_register, a_source, an_institution
from tests.following import Follower, canonical, leaf_of, root_of, told_by
from tests.running import Cli, Server

LINES = {"accept": "application/x-ndjson"}
DAY = "2025-07-15"


def lines_of(server: Server, **query: Any) -> list[str]:
    answer = server.client.get("/api/v1/snapshot", params=query, headers=LINES)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    assert answer.text.endswith("\n")
    return answer.text.splitlines()


def changes(server: Server) -> Callable[..., Any]:
    return lambda **query: server.api("/changes", **query)


# --- the feed --------------------------------------------------------------------------------------------------------


def test_the_feed_is_the_whole_log_and_gives_its_root(server: Server) -> None:
    follower = Follower()
    size = follower.follow(changes(server), limit=100)
    log = server.api("/verify", name="盛京医院")["log"]
    assert log == {"size": size, "root": root_of(follower.leaves)}
    head = server.api("/snapshot")
    assert (head["log_size"], head["root"]) == (log["size"], log["root"])
    assert follower.snapshot(DAY) == told_by(lines_of(server, on=DAY))


def test_an_entry_in_the_feed_is_the_logs_own_bytes(server: Server) -> None:
    answer = server.get("/api/v1/changes", since=420, limit=2)
    page = answer.json()
    assert [entry["number"] for entry in page["entries"]] == [421, 422]
    assert b",".join(map(canonical, page["entries"])) in answer.content
    assert page["leaves"] == [leaf_of(entry) for entry in page["entries"]]
    assert (page["next"], page["log_size"]) == (422, server.api("/stats")["log_size"])
    page = server.api("/changes")
    assert len(page["entries"]) == min(1000, page["log_size"])


def test_the_position_of_a_follower_stays_where_it_is_at_the_end(server: Server) -> None:
    size = server.api("/stats")["log_size"]
    for _ in range(2):
        assert server.api("/changes", since=size) == {"entries": [], "leaves": [], "next": size, "log_size": size}


@pytest.mark.parametrize(
    "query", ["since=-1", "since=x", "limit=0", "limit=5001", "subject=source:a", "known_at=2025-07-01", "since=1.5"]
)
def test_a_question_the_feed_does_not_understand_is_refused(server: Server, query: str) -> None:
    answer = server.get(f"/api/v1/changes?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("beyond", [1, 10**30])
def test_a_follower_ahead_of_the_log_is_told_what_to_do(server: Server, beyond: int) -> None:
    size = server.api("/stats")["log_size"]
    told = server.api("/changes", status=409, since=size + beyond, lang="en")
    assert told["code"] == "conflict"
    for words in (f"since={size + beyond}", f"{size} entries", "checkpoints", "/api/v1/snapshot"):
        assert words in told["detail"]
    assert "检查点" in server.api("/changes", status=409, since=size + beyond)["detail"]


def test_the_feed_and_the_snapshot_know_what_was_known_then(server: Server) -> None:
    first = server.api("/changes", limit=1)["entries"][0]["recorded_at"]
    known = server.api("/changes", known_at=first, limit=5000)
    assert known["next"] == known["log_size"] == len(known["entries"])
    assert {entry["recorded_at"] for entry in known["entries"]} == {first}
    assert server.api("/changes", known_at=first, since=known["log_size"] + 1, status=409)["code"] == "conflict"
    head = json.loads(lines_of(server, known_at=first, on=DAY)[0])
    assert (head["log_size"], head["root"]) == (known["log_size"], root_of(known["leaves"]))
    assert dt.datetime.fromisoformat(head["known_at"]) == dt.datetime.fromisoformat(first)
    assert server.api("/changes", known_at="2000-01-01T00:00:00Z")["log_size"] == 0

    follower = Follower()  # from what was known then, with what was learnt since
    follower.start(lines_of(server, known_at=first, on=DAY))
    follower.follow(changes(server))
    assert follower.snapshot(DAY) == told_by(lines_of(server, on=DAY))


# --- the snapshot ----------------------------------------------------------------------------------------------------


def test_the_snapshot_holds_the_institutions_the_list_of_every_status_holds(server: Server) -> None:
    def page_of(**more: Any) -> Any:
        return server.get("/api/v1/institutions", status="all", on=DAY, limit=500, **more).json()

    page = page_of()
    listed = page["items"]
    while page["next"]:
        page = page_of(cursor=page["next"])
        listed += page["items"]
    taken = server.api("/snapshot", on=DAY)
    assert taken["on"] == DAY
    assert taken["total"] == page["total"] == len(listed)
    assert taken["items"] == sorted(listed, key=lambda one: one["code"])
    assert {one["status"] for one in taken["items"]} > {"delisted"}
    assert [one["id"] for one in taken["sources"]] == ["aliases", "name-en", "national-2018-02", "national-2025-06"]


def test_both_answers_are_shaped_as_the_document_says(server: Server) -> None:
    for path, shape in (("/changes", ChangeList), ("/snapshot", SnapshotList)):
        found = server.api(path)
        read = msgspec.to_builtins(msgspec.convert(found, shape))
        assert read.keys() == found.keys()
        for name, value in found.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                assert [one.keys() for one in read[name]] == [one.keys() for one in value]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/html", "application/json"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json;q=0.5, application/x-ndjson", "application/x-ndjson"),
    ],
)
def test_the_form_of_a_snapshot_is_the_one_asked_for(server: Server, accept: str, form: str) -> None:
    answer = server.client.get("/api/v1/snapshot", headers={"accept": accept})
    assert answer.headers["content-type"] == form
    assert server.client.head("/api/v1/snapshot", headers={"accept": accept}).headers["content-type"] == form


@pytest.mark.parametrize("path", ["/changes", "/changes?since=5&limit=5", "/snapshot", "/snapshot?on=2020-01-01"])
def test_what_has_not_changed_is_not_sent_again(server: Server, path: str) -> None:
    tag = server.get(f"/api/v1{path}").headers["etag"]
    again = server.client.get(f"/api/v1{path}", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_nobody_is_named_in_the_feed_or_the_snapshot(seeded: Cli, start: Callable[..., Server]) -> None:
    seeded.ok("seed", "--demo")
    server = start(seeded.data_dir)
    size = server.api("/stats")["log_size"]
    feed = b"".join(server.get("/api/v1/changes", since=since, limit=500).content for since in range(0, size, 500))
    whole = server.get("/api/v1/snapshot").content
    lines = server.client.get("/api/v1/snapshot", headers=LINES).content
    demo = tomllib.loads((ROOT / "seed_data" / "demo" / "demo.toml").read_text("utf-8"))
    people = [one[field] for one in demo["practitioner"] for field in ("name", "certificate_masked")]
    assert len(people) == 6
    people += [one["person"] for one in demo["sanction"] if "person" in one] + ["示例公众号"]
    for answer in (feed, whole, lines):
        assert not any(person.encode() in answer for person in people)
    entries = server.api("/changes", since=size - 50)["entries"]
    sealed = [entry["change"]["set"]["name"] for entry in entries if entry["change"]["kind"] == "practitioner"]
    assert [list(value) for value in sealed] == [["sha256"]] * 3
    for answer in (whole, lines):
        assert b"practitioner" not in answer
    taken = json.loads(whole)
    assert [one["number"] for one in taken["ad_certificates"]] == ["(示)医广[2025]第07-15-001号"]
    numbers = {"示市监处罚〔2025〕88号", "示卫决〔2025〕12号", "示卫列〔2025〕3号"}  # 4号 is about a person
    assert {one["document_no"] for one in taken["sanctions"]} == numbers
    assert [one["kind"] for one in taken["supervisions"]].count("inspection") == 1
    follower = Follower()
    follower.follow(changes(server))
    assert follower.snapshot(DAY) == told_by(lines_of(server, on=DAY))


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["application/json", "application/x-ndjson"])
def test_a_snapshot_that_fails_on_the_way_never_looks_whole(
    seeded: Cli, start: Callable[..., Server], accept: str
) -> None:
    server = start(seeded.data_dir)
    engine = sa.create_engine(f"sqlite:///{seeded.data_dir / 'register.sqlite'}")
    with engine.begin() as connection:
        last = connection.exec_driver_sql("SELECT max(subject) FROM versions WHERE kind = 'institution'").scalar_one()
        connection.exec_driver_sql("UPDATE versions SET state = x'7b' WHERE subject = ?", (last,))
    engine.dispose()
    received = b""
    with (
        server.fresh() as client,
        pytest.raises(httpx.RemoteProtocolError),
        client.stream("GET", "/api/v1/snapshot", headers={"accept": accept, "accept-encoding": "identity"}) as answer,
    ):
        assert answer.status_code == 200
        for piece in answer.iter_raw():
            received += piece
    assert received.count(b'"former_names"') == PAGE
    assert b'"end"' not in received
    assert b'"total"' not in received
    assert server.get("/healthz").status_code == 200
    assert server.get("/api/v1/changes").status_code == 200


def test_without_its_database_the_register_says_so(seeded: Cli, start: Callable[..., Server]) -> None:
    server = start(seeded.data_dir)
    seeded.data_dir.joinpath("register.sqlite").rename(seeded.data_dir / "away.sqlite")
    for path in ("/changes", "/snapshot"):
        assert server.api(path, status=503)["code"] == "cannot_answer"


# --- size ------------------------------------------------------------------------------------------------------------


def test_a_snapshot_of_many_institutions_is_never_held_whole(tmp_path: Path) -> None:
    number = 8_000
    drafts = (an_institution(f"示例{n}医院", f"示例路{n}号", AIH="formal", IVF="trial") for n in range(number))
    database = a_register(tmp_path, a_source(), *drafts)
    for form in (encode_snapshot_json, encode_snapshot_lines):
        sent = 0
        tracemalloc.start()
        for piece in form(Snapshot(database, AsOf(valid_on=EDITION, size=number + 1))):
            sent += len(piece)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sent > number * 500
        assert peak < sent * 3 / 4  # whoever holds it whole holds at least what is sent
    database.close()


LINES = {"accept": "application/x-ndjson"}


def test_the_form_of_a_snapshot_is_part_of_what_is_cached(server: Server) -> None:
    whole = server.get("/api/v1/snapshot").headers
    assert "Accept" in whole["vary"].replace(" ", "").split(",")
    answer = server.client.get("/api/v1/snapshot", headers={**LINES, "if-none-match": whole["etag"]})
    assert answer.status_code == 200
    assert answer.headers["etag"] != whole["etag"]
    again = server.client.get("/api/v1/snapshot", headers={**LINES, "if-none-match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["etag"] == answer.headers["etag"]
