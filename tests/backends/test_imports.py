"""Imports step by step on both databases: what is kept, decided, cancelled, interrupted, and never half-done."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from registry import proposals
from registry.errors import Conflict, NotFound
from registry.importers.matching.difference import SECTIONS
from registry.importers.wizard import import_store, job, steps
from registry.importers.wizard.import_store import Import
from registry.settings import Settings, get_variable_name
from registry.storage import attachments
from registry.storage.database import Database
from registry.storage.tables import import_pages, imports
from registry.storage.tables import proposals as proposals_table
from registry.storage.tables import trail as trail_table
from tests.copies import CopyProcess
from tests.factories import DAY, a_change, a_list, a_source, an_institution, approve, enter
from tests.running import eventually
from tests.wizard import Wizard, names

ROWS = [
    {"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁西区示例路1号"},
    {"name": "大连市示例妇产医院", "address": "辽宁省大连市中山区示例路8号"},
    {"name": "沈阳市示例医院", "address": "辽宁省沈阳市沈河区示例路1号"},
]
RENAMED = {**ROWS[0], "name": "鞍山示例生殖专科医院"}
MOVED = {**ROWS[1], "address": "辽宁省大连市西岗区示例街70号"}


@pytest.fixture
def wizard(database: Database, tmp_path: Path) -> Wizard:
    return Wizard(database, tmp_path / "var")


def enter_hospitals(database: Database) -> None:
    enter(
        database,
        a_source("list-0", DAY.replace(year=2024)),
        *(
            an_institution(row["name"], row["address"], region=region, on=DAY.replace(year=2024), source="list-0")
            for row, region in zip(ROWS, ("210303", "210202", "210103"), strict=True)
        ),
    )


def pending(database: Database) -> list[int]:
    with database.reading() as connection:
        return [one.id for one in proposals.list_proposals(connection)]


def pages(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(import_pages)).scalar_one())


def deeds(database: Database) -> list[tuple[str, str]]:
    with database.reading() as connection:
        query = sa.select(trail_table.c.action, trail_table.c.about).where(trail_table.c.action.like("import_%"))
        return [(row.action, row.about) for row in connection.execute(query.order_by(trail_table.c.id))]


def test_a_list_goes_from_its_file_to_a_proposal_that_holds_everything_decided(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    enter_hospitals(database)
    path = a_list(tmp_path / "a.csv", [RENAMED, MOVED, ROWS[2]])
    one = wizard.upload_and_compare(path, name="名单 2025.csv")
    assert one.state == "deciding"
    assert {line["rule"]: names(line) for line in wizard.lines(one, "pairs")} == {
        "same_address": (ROWS[0]["name"], RENAMED["name"]),
        "moved": (MOVED["name"], MOVED["name"]),
    }
    assert len(wizard.open(one)) == 2
    one = wizard.decide(one, lambda _: True)
    done = wizard.proposed(one)
    assert (done.state, done.run) == ("proposed", "")
    with database.reading() as connection:
        proposal = proposals.get_proposal(connection, done.proposal or 0)
        kept_file = b"".join(attachments.read_parts(connection, done.file))
    assert kept_file == path.read_bytes()
    report = proposal.report
    assert report["file"] == {"name": "名单 2025.csv", "sha256": done.file}
    assert [(d["listed"], d["known_name"], d["same"], d["by"]) for d in report["decisions"]] == [
        (RENAMED["name"], ROWS[0]["name"], True, "editor.a"),
        (MOVED["name"], MOVED["name"], True, "editor.a"),
    ]
    assert set(report["difference"]) == set(SECTIONS)
    assert report["difference"]["renamed"][0]["why"] == "decided"
    assert [line["from"] for line in report["difference"]["moved"]] == [ROWS[1]["address"]]
    approve(database, proposal.id)
    assert deeds(database) == [
        ("import_uploaded", f"import:{done.id} {done.file[:12]}"),
        ("import_proposed", f"import:{done.id} proposal:{proposal.id}"),
    ]


def test_two_that_a_rule_paired_stay_two_when_a_person_says_so(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    enter_hospitals(database)
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", [RENAMED, *ROWS[1:]]))
    assert one.found["counts"] == {**dict.fromkeys(one.found["counts"], 0), "renamed": 1, "gained": 3}
    one = wizard.work(wizard.decide(one, lambda _: False), "comparing")
    assert (one.found["counts"]["new"], one.found["counts"]["gone"], one.found["counts"]["renamed"]) == (1, 1, 0)
    assert wizard.open(one) == []
    assert [line["key"] for line in wizard.lines(one, "pairs")] == list(one.decisions)  # still there, to be taken back
    assert wizard.proposed(one).state == "proposed"


def test_a_decision_can_be_taken_back_and_is_there_for_whoever_comes_next(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    enter_hospitals(database)
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", [RENAMED, MOVED, ROWS[2]]))
    wizard.decide(one, lambda _: False)
    again = Wizard(Database(database.url.render_as_string(hide_password=False)), tmp_path / "var")
    one = again.of(one)
    assert [decision["same"] for decision in one.decisions.values()] == [False, False]
    with again.database.writing() as connection:
        import_store.save_import(connection, one, decisions={})
    assert len(wizard.open(wizard.of(one))) == 2
    again.database.close()


def test_one_institution_is_never_decided_to_be_two_others(wizard: Wizard, database: Database, tmp_path: Path) -> None:
    enter(
        database,
        a_source(),
        an_institution("鞍山市示例医院", "辽宁省鞍山市铁西区示例路1号"),
        an_institution("鞍山市示例医院", "辽宁省鞍山市铁西区示例街5号"),
    )
    one = wizard.upload_and_compare(
        a_list(tmp_path / "a.csv", [{"name": "鞍山市示例医院", "address": "辽宁省鞍山市铁东区示例道9号"}])
    )
    assert len(wizard.open(one)) == 2
    first = iter([True])
    one = wizard.decide(one, lambda _: next(first, None))
    assert wizard.open(one) == []  # the other pair is answered by it
    one = wizard.work(one, "comparing")
    assert (one.found["counts"]["moved"], one.found["counts"]["gone"], one.found["counts"]["new"]) == (1, 1, 0)


def test_columns_nobody_knows_are_named_by_hand(wizard: Wizard, tmp_path: Path) -> None:
    body = "甲,乙,丙,丁,戊\n鞍山市示例医院,辽宁省鞍山市铁西区示例路1号,IVF ICSI,formal,内部备注\n"
    one = wizard.work(wizard.upload(body.encode(), scope="partial"))
    layout = one.found["layouts"][0]
    assert (layout["known"], layout["head"], layout["uses"]) == (False, 1, ["keep"] * 5)
    one = wizard.map_columns(one, 甲="name", 乙="address", 丙="techniques", 丁="stages", 戊="ignore")
    assert one.state == "deciding", one.found
    new = wizard.lines(one, "new")
    assert [line["after"]["techniques"] for line in new] == [{"IVF": "formal", "ICSI": "formal"}]
    done = wizard.work(one, "proposing")
    with wizard.database.reading() as connection:
        stated = list(proposals.read_drafts(connection, done.proposal or 0))[1].change.set
    assert not any(path.startswith("extra.") for path in stated)


def test_an_audit_with_errors_stops_before_anything_else(wizard: Wizard, database: Database, tmp_path: Path) -> None:
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", [ROWS[0], {**ROWS[1], "techniques": "IVF 克隆"}]))
    assert one.state == "audit"
    errors = [line for line in wizard.lines(one, "audit") if line["level"] == "error"]
    assert [(line["row"], line["cell"]) for line in errors] == [(3, "techniques D3")]
    assert pending(database) == []
    with database.writing() as connection:
        import_store.cancel_import(connection, one)
    assert pages(database) == 0


def test_the_audit_keeps_thousands_of_findings_for_a_person(wizard: Wizard, tmp_path: Path) -> None:
    rows = [{"name": f"鞍山市示例{n}医院", "address": "地址不详", "techniques": "克隆"} for n in range(1500)]
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", rows))
    assert one.found["audit"]["error"] == 1500
    assert len([line for line in wizard.lines(one, "audit") if line["level"] == "error"]) == 1500


def test_the_register_moving_meanwhile_is_noticed_and_what_still_applies_is_kept(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    enter_hospitals(database)
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", [RENAMED, MOVED, ROWS[2]]))
    one = wizard.work(wizard.decide(one, lambda _: True), "comparing")
    enter(
        database,
        an_institution(
            "锦州市示例医院",
            "辽宁省锦州市古塔区示例路3号",
            region="210702",
            on=DAY.replace(year=2024),
            source="list-0",
        ),
    )
    one = wizard.work(one, "proposing")
    assert (one.state, one.found["said"], one.proposal) == ("deciding", "moved", None)
    assert len(one.decisions) == 2
    assert one.found["counts"]["gone"] == 1
    assert pending(database) == []
    assert wizard.work(one, "proposing").state == "proposed"


REVOCATION = {"stage": "revoked", "document_no": "示卫医〔2025〕3号", "authority": "示例卫生健康委"}


def revoke(database: Database, on: dt.date = DAY - dt.timedelta(days=100)) -> None:
    """A document of its own that revokes the first hospital's approval."""
    hospital = an_institution(ROWS[0]["name"], ROWS[0]["address"])
    change = a_change(hospital, on, {"approvals.IVF": REVOCATION}, f"doc-{on}")
    enter(database, a_source(f"doc-{on}", on, "partial", title="示例撤销决定", covers=["IVF"]), change)


def test_a_conflict_with_a_decision_keeps_it_unless_a_person_gives_a_reason(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    enter_hospitals(database)
    revoke(database)
    path = a_list(tmp_path / "a.csv", [{**row, "techniques": "IVF"} for row in ROWS])
    one = wizard.upload_and_compare(path)
    (line,) = wizard.lines(one, "conflicts")
    assert (one.found["counts"]["conflicts"], one.found["counts"]["stage"], line["choice"]) == (1, 0, "decision")
    kept = wizard.work(one, "proposing")  # nobody has to choose: the decision stays
    with database.reading() as connection:
        report = proposals.get_proposal(connection, kept.proposal or 0).report
        drafts = list(proposals.read_drafts(connection, kept.proposal or 0))
    assert [(told["field"], told["reason"]) for told in report["difference"]["conflicts"]] == [("approvals.IVF", None)]
    assert not any(
        "approvals.IVF" in draft.change.set
        for draft in drafts
        if draft.subject == f"institution:{line['code'].replace('-', '')}"
    )
    one = wizard.take(wizard.upload_and_compare(path), "见示卫医〔2025〕9号恢复执业")
    assert (
        steps.hash_decisions(one.decisions, steps.get_reasons(one), {}) != one.found["decided"]
    )  # to be compared again
    one = wizard.work(one, "comparing")
    assert (wizard.lines(one, "conflicts")[0]["choice"], one.found["counts"]["stage"]) == ("list", 1)
    taken = wizard.work(one, "proposing")
    with database.reading() as connection:
        drafts = list(proposals.read_drafts(connection, taken.proposal or 0))
    assert [draft.change.set for draft in drafts if draft.change.reason] == [{"approvals.IVF": {"stage": "formal"}}]
    approve(database, taken.proposal or 0)


def test_a_decision_made_meanwhile_is_put_before_the_person_again(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    enter_hospitals(database)
    revoke(database)
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", [{**row, "techniques": "IVF"} for row in ROWS]))
    one = wizard.work(wizard.take(one, "示例理由"), "comparing")
    revoke(database, DAY - dt.timedelta(days=50))  # another decision: the reason was not about it
    one = wizard.work(one, "proposing")
    assert (one.state, one.found["said"], one.found["dropped"]) == ("deciding", "moved", 1)
    assert [line["choice"] for line in wizard.lines(one, "conflicts")] == ["decision"]
    assert pending(database) == []


def test_decisions_about_what_is_gone_are_dropped_and_counted(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    enter_hospitals(database)
    one = wizard.decide(
        wizard.upload_and_compare(a_list(tmp_path / "a.csv", [RENAMED, MOVED, ROWS[2]])), lambda _: True
    )
    lost = {key: {**value, "known": "institution:00000000"} for key, value in list(one.decisions.items())[:1]}
    strange = {"nobody": {**next(iter(lost.values())), "listed_key": "x"}}
    with database.writing() as connection:
        import_store.save_import(connection, one, decisions={**one.decisions, **strange})
    one = wizard.work(wizard.of(one), "comparing")
    assert (one.found["dropped"], len(one.decisions)) == (1, 2)


# --- cancelled, interrupted ------------------------------------------------------------------------------------------

STEPS: tuple[tuple[import_store.State, str], ...] = (
    ("looking", "look"),
    ("comparing", "read"),
    ("comparing", "compare"),
    ("comparing", "check"),
    ("comparing", "keep"),
    ("proposing", "read"),
    ("proposing", "check"),
    ("proposing", "propose"),
)
#: A process of its own, as the job ends its process when a cancelled step goes on for seconds.
CANCELLED_JOB = """
import sys
from registry.importers.wizard import import_store, job

report, pending = job.ProgressReporter.report_progress, [sys.argv[1]]

def cancel(self, phase, done, total):
    if phase in pending:
        pending.clear()
        with self._database.writing() as connection:
            import_store.cancel_import(connection, import_store.get_import(connection, self._identifier))
        print("cancelled", flush=True)
    report(self, phase, done, total)

job.ProgressReporter.report_progress = cancel
sys.exit(job.main(sys.argv[2:]))
"""


def environment(settings: Settings) -> dict[str, str]:
    told = {get_variable_name(name): str(getattr(settings, name)) for name in ("data_dir", "database_url")}
    return {"LC_ALL": "C.UTF-8", **told}


def ready_for(wizard: Wizard, state: import_store.State, path: Path) -> Import:
    if state == "looking":
        return wizard.upload(path)
    one = wizard.work(wizard.upload(path))
    if state == "comparing":
        with wizard.database.writing() as connection:
            import_store.save_import(
                connection, one, said={**one.said, "layouts": one.found["layouts"], "rows": one.found["rows"]}
            )
        return wizard.of(one)
    return wizard.map_columns(one)


@pytest.mark.parametrize(("state", "phase"), STEPS)
def test_cancelling_at_any_phase_leaves_no_proposal_and_nothing_of_the_file(
    wizard: Wizard,
    database: Database,
    tmp_path: Path,
    state: import_store.State,
    phase: str,
) -> None:
    more = [{"name": f"鞍山市示例{n}号医院", "address": f"辽宁省鞍山市铁西区示例路{n + 100}号"} for n in range(2100)]
    one = ready_for(wizard, state, a_list(tmp_path / "a.csv", ROWS + more))
    command = [sys.executable, "-c", CANCELLED_JOB, phase, str(one.id), wizard.begin(one, state), "-"]
    with CopyProcess(command, env=environment(wizard.settings), stdout=subprocess.PIPE, text=True) as process:
        assert (process.communicate()[0], process.returncode) == ("cancelled\n", 0)
    done = wizard.of(one)
    assert (done.state, done.proposal) == ("cancelled", None)
    assert pending(database) == []
    assert pages(database) == 0
    assert not any((wizard.settings.data_dir / "imports").iterdir())
    with pytest.raises(Conflict), database.writing() as connection:
        import_store.cancel_import(connection, done)


def test_cancelling_right_before_the_commit_waits_for_it_and_comes_too_late(
    wizard: Wizard, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ready_for(wizard, "proposing", a_list(tmp_path / "a.csv", ROWS))
    outcome: list[str] = []

    def cancel() -> None:
        try:
            with database.writing() as connection:
                import_store.cancel_import(connection, import_store.get_import(connection, one.id))
            outcome.append("cancelled")
        except Conflict:
            outcome.append("too late")

    finished = steps.finish_proposed_import
    threads: list[threading.Thread] = []

    def meanwhile(*told: Any) -> None:
        threads.append(threading.Thread(target=cancel))
        threads[0].start()
        time.sleep(0.3)
        finished(*told)

    monkeypatch.setattr(steps, "finish_proposed_import", meanwhile)
    done = wizard.work(one, "proposing")
    threads[0].join()
    assert (done.state, outcome) == ("proposed", ["too late"])
    assert pending(database) == [done.proposal]


def killed_at(wizard: Wizard, one: Import, state: import_store.State, is_there: Callable[[Import], bool]) -> Import:
    """A real process, killed as soon as the import looks as wanted."""
    run = wizard.begin(one, state)
    command = [sys.executable, "-m", "registry.importers.wizard.job", str(one.id), run, "-"]
    process = CopyProcess(command, env=environment(wizard.settings), stderr=subprocess.DEVNULL)
    try:
        assert eventually(lambda: is_there(wizard.of(one)))
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    with wizard.database.writing() as connection:
        import_store.mark_interrupted(connection, one.id, run)
    return wizard.of(one)


@pytest.mark.parametrize("state", ["comparing", "proposing"])
def test_a_killed_process_leaves_nothing_half_done_and_the_step_begins_anew(
    wizard: Wizard, database: Database, tmp_path: Path, state: import_store.State
) -> None:
    rows = [{"name": f"鞍山市示例{n}号医院", "address": f"辽宁省鞍山市铁西区示例路{n}号"} for n in range(1, 12_000)]
    one = ready_for(wizard, state, a_list(tmp_path / "a.csv", rows))
    one = killed_at(wizard, one, state, lambda now: now.phase in ("read", "compare", "propose"))
    assert one.is_interrupted
    assert pending(database) == []
    job.delete_leftovers(wizard.settings, one.id)
    done = wizard.work(one, state)
    assert done.state == ("deciding" if state == "comparing" else "proposed")
    assert len(pending(database)) == (state == "proposing")


def test_a_process_that_was_taken_for_dead_writes_nothing_once_another_has_the_import(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    one = ready_for(wizard, "proposing", a_list(tmp_path / "a.csv", ROWS))
    first = wizard.begin(one, "proposing")
    with database.writing() as connection:
        connection.execute(sa.update(imports).values(beat_at=0))
    one = wizard.of(one)
    assert one.is_interrupted
    done = wizard.work(one, "proposing")
    job.run_import(wizard.settings, database, one.id, first)
    assert done.state == "proposed"
    assert wizard.of(one) == done
    assert pending(database) == [done.proposal]


def test_a_silent_process_counts_as_interrupted_after_a_minute(wizard: Wizard, tmp_path: Path) -> None:
    one = wizard.upload(a_list(tmp_path / "a.csv", ROWS))
    wizard.begin(one)
    assert not wizard.of(one).is_interrupted
    with wizard.database.writing() as connection:
        connection.execute(
            sa.update(imports).values(beat_at=import_store.get_time_ms() - import_store.SILENCE * 1000 - 1)
        )
    assert wizard.of(one).is_interrupted


def test_only_so_many_are_worked_on_at_once(wizard: Wizard, tmp_path: Path) -> None:
    there = [wizard.upload(a_list(tmp_path / "a.csv", ROWS)) for _ in range(import_store.MOST_AT_ONCE + 1)]
    for one in there[:-1]:
        wizard.begin(one)
    with pytest.raises(Conflict):
        wizard.begin(there[-1])


def test_an_import_is_nobody_elses(wizard: Wizard, tmp_path: Path) -> None:
    one = wizard.upload(a_list(tmp_path / "a.csv", ROWS))
    with wizard.database.reading() as connection:
        assert import_store.list_imports(connection, "editor.b") == []
        with pytest.raises(NotFound):
            import_store.get_import(connection, one.id, "editor.b")


# --- regions ---------------------------------------------------------------------------------------------------------


def test_rows_outside_the_region_of_the_account_are_errors_of_the_audit(
    wizard: Wizard, database: Database, tmp_path: Path
) -> None:
    from registry import accounts

    with database.writing() as connection:
        accounts.change_rights(connection, "editor.a", ["editor"], "210300")
    one = wizard.upload_and_compare(a_list(tmp_path / "a.csv", ROWS), scope="210300")
    assert one.state == "audit"
    errors = [line for line in wizard.lines(one, "audit") if line["level"] == "error"]
    assert [line["row"] for line in errors] == [3, 4]
    assert all("210300" in line["message"] for line in errors)
    assert wizard.upload_and_compare(a_list(tmp_path / "b.csv", ROWS[:1]), scope="210300").state == "deciding"
    national = wizard.upload_and_compare(a_list(tmp_path / "b.csv", ROWS[:1]), scope="national")
    assert national.state == "failed"
    assert "辽宁省鞍山市" in national.found["error"][0]


def test_an_unreadable_file_says_what_to_do(wizard: Wizard, database: Database) -> None:
    one = wizard.work(wizard.upload(b"%PDF-1.7 not a list"))
    assert one.state == "failed"
    assert "PDF" in one.found["error"][0]
    with database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(proposals_table)).scalar_one() == 0
